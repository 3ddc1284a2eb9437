"""Whom a referral asks, and what each of them answered, by the player's own count. Pure.

A "no" or a silence beyond the programme's days asks the next one; the last one's returns the referral to its referrer.
Silence ends by the calendar: on the day after the last, and the next one's days begin on the step that sees it.
Source: docs/field.md, Referral.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta

from clients.player.acts import stop_after

Answer = tuple[str, str, date, str | None]
"""Provider, `declined`, `silent` or `accepted`, the day, and the reason's code of a no."""


@dataclass(slots=True)
class Asking:
    """named: the providers in order; none: any. days: within which each answers; None: for ever.

    answer_by: the last day of the answer that is awaited; None where none is, or for ever.
    """

    named: tuple[str, ...]
    days: int | None
    answer_by: date | None = None
    place: int = 0
    answers: list[Answer] = field(default_factory=list)

    @property
    def now(self) -> str | None:
        """Who is asked now; None: any, or nobody any more."""
        return self.named[self.place] if self.place < len(self.named) else None

    def ask(self, on: date) -> None:
        """Begin the days of the one who is asked now. on: the clock's day."""
        self.answer_by = None if self.days is None else on + timedelta(days=self.days)

    def answered(self, by: str, answer: str, on: date, reason: str | None = None) -> None:
        """Take in an answer that ends the asking."""
        self.answers.append((by, answer, on, reason))
        self.answer_by = None

    def refused(self, by: str, on: date, reason: str, *, known_on: date) -> None:
        """Take in a "no" after which the next one is asked."""
        self.answered(by, "declined", on, reason)
        self.place += 1
        self.ask(known_on)

    def overdue(self, today: date) -> bool:
        """Whether an answer is awaited beyond its last day."""
        return self.answer_by is not None and self.answer_by < today

    def expire(self, today: date) -> date | None:
        """Let silences end whose last day lies before today. Returns the day on which nobody was left to ask."""
        while self.answer_by is not None and self.answer_by < today:
            on, seen_on = self.answer_by + timedelta(days=1), stop_after(self.answer_by)
            self.answer_by = None
            if self.now is not None:
                self.answers.append((self.now, "silent", on, None))
            self.place += 1
            if self.now is None:
                return on
            self.ask(seen_on)
        return None
