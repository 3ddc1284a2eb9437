"""What ends a command early, as a sentence for whoever typed it, and the exit status it means."""

WELL = 0
HAND_NEEDED = 1
WRONGLY_TYPED = 2
REFUSED = 3
NO_ANSWER = 4


class Trouble(Exception):
    """The command cannot go on; the text says what happened and what to do. code: the service's own, if it gave one."""

    def __init__(self, text: str, status: int = NO_ANSWER, code: str | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
