"""Why the cluster cannot be made to agree with what is declared."""


class CannotApply(Exception):
    """What is declared and what is there contradict each other; an operator must decide."""
