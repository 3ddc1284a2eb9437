"""Whom a referral asks: one provider, several in order, or any that may answer; and what each of them answered.

A provider's "no", or its silence past the programme's days, asks the next one. The last one's returns the referral to
its referrer. Of an open referral a "no" ends only the asking of the provider that said it. Pure: states and days in,
states and timers out. Source: docs/field.md, Referral.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from shared.language import events as e
from shared.language.days import day_of, days_after, start_of
from shared.language.decision import Timer
from shared.language.errors import Conflict

MOST_IN_ORDER = 10
"""Providers that a referral can name, one after another."""
MOST_REFUSALS = 50
"""So many say no to an open referral, and it goes back to its referrer."""
UNANSWERED = "referral_unanswered"
"""The command of the timer that ends a silence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTaken:
    """One provider that was asked and did not take the person on. ended_on: the day of its no, or of its silence.

    reason, refused_by, follows: of a no, with what the reason's code meant in the programme then.
    """

    provider: e.Organisation
    answer: e.NoAnswer
    asked_on: date
    ended_on: date
    reason: e.Code | None = None
    refused_by: Literal["provider", "participant", "referrer"] | None = None
    follows: Literal["refer_elsewhere", "refer_again", "nothing"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Whom the referral names, in order (none: any), who is asked now, and who did not take the person on.

    place: of the one asked now among `named`. days: within which an answer is expected; None: for ever. turn: counts
    whom a new time was given to. asked_on, answer_by: since when and until when the answer is awaited.
    """

    named: tuple[e.Organisation, ...] = ()
    place: int = 0
    days: int | None = None
    turn: int = 0
    asked_on: date | None = None
    answer_by: date | None = None
    ended: tuple[NotTaken, ...] = ()

    @property
    def following(self) -> e.Organisation | None:
        """Who is asked after the one asked now, where there is one."""
        after = self.place + 1
        return self.named[after] if after < len(self.named) else None

    def said_no(self, organisation: e.Organisation) -> NotTaken | None:
        """The organisation's no, where it said one that stands."""
        found = (one for one in self.ended if one.provider == organisation and one.answer == "declined")
        return next(found, None)

    def overdue(self, today: date) -> bool:
        """Whether the answer is awaited beyond its last day."""
        return self.answer_by is not None and today > self.answer_by


def named_in(
    provider: e.Organisation | None, providers: Sequence[e.Organisation]
) -> tuple[e.Organisation, ...]:
    """The providers that a command names, in order; none for any that may answer."""
    return tuple(providers) or (() if provider is None else (provider,))


def passed_on(asking: Asking, entry: NotTaken) -> Asking:
    """After an end that asks the next one, or, in an open referral, leaves the others asked."""
    ended = (*asking.ended, entry)
    if not asking.named:
        return replace(asking, ended=ended)
    return replace(asking, ended=ended, place=asking.place + 1, turn=asking.turn + 1)


def ended_with(asking: Asking, entry: NotTaken) -> Asking:
    """After an end that asks nobody else."""
    return replace(asking, ended=(*asking.ended, entry))


def goes_on(asking: Asking, entry: NotTaken, *, others_may: bool) -> bool:
    """Whether anybody is asked after this end.

    The person's own no, or the referrer's, asks nobody else. others_may: whether anybody else may answer an open
    referral; it does not go on beyond so many refusals that none more can be kept.
    """
    if entry.answer == "declined" and entry.refused_by != "provider":
        return False
    if asking.named:
        return asking.following is not None
    return entry.answer == "declined" and others_may and len(asking.ended) + 1 < MOST_REFUSALS


def taken_back(asking: Asking, organisation: e.Organisation) -> Asking:
    """Without the no of this organisation, which is asked again."""
    kept = tuple(one for one in asking.ended if one.provider != organisation)
    return replace(asking, ended=kept)


def said_anew(asking: Asking, anew: NotTaken) -> Asking:
    """With the no of this organisation said anew."""
    kept = tuple(anew if one.provider == anew.provider else one for one in asking.ended)
    return replace(asking, ended=kept)


def in_time(asking: Asking, at: datetime) -> None:
    """Refuse an answer after its last day, even if the timer has not fired yet. Raises Conflict `answer-overdue`."""
    if asking.answer_by is not None and asking.overdue(day_of(at)):
        raise Conflict("answer-overdue", f"The last day for the answer was {asking.answer_by.isoformat()}.")


def timed(
    asking: Asking, *, before: Asking | None, waits: bool, journey_id: e.JourneyId, at: datetime
) -> tuple[Asking, Sequence[Timer], Sequence[str]]:
    """The asking with its last day, the timer that ends it, and the keys of timers that no longer matter.

    before: as it was while it awaited an answer; None where it did not. waits: whether it awaits one now.
    """
    key = f"{journey_id}:answer"
    if not waits:
        over = () if before is None or before.answer_by is None else (key,)
        return replace(asking, answer_by=None), (), over
    if before is not None and before.turn == asking.turn:
        return asking, (), ()
    today = day_of(at)
    if asking.days is None:
        return replace(asking, asked_on=today), (), ()
    answer_by = days_after(today, asking.days)
    timer = Timer(key, start_of(days_after(answer_by, 1)), UNANSWERED, {"turn": asking.turn})
    return replace(asking, asked_on=today, answer_by=answer_by), (timer,), ()
