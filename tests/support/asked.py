"""Counts what a database is asked."""

from collections import Counter

from pymongo.monitoring import CommandListener, CommandStartedEvent


class Asked(CommandListener):
    """Counts what the database is asked, by the command's name."""

    def __init__(self) -> None:
        self.names: Counter[str] = Counter()

    def started(self, event: CommandStartedEvent) -> None:
        self.names[event.command_name] += 1

    def succeeded(self, event: object) -> None:
        """Not looked at."""

    def failed(self, event: object) -> None:
        """Not looked at."""
