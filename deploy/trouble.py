"""Why Kafka or MongoDB cannot be made to agree with what is declared."""


class CannotApply(Exception):
    """What is declared and what is there contradict each other, or may not be changed; an operator must decide."""
