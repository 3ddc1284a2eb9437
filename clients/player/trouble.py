"""What ends a play early, as a sentence for whoever watches it."""


class Trouble(Exception):
    """The play cannot go on; the text says what happened and, where it is known, what to do."""
