"""The player's own count of persons: one for all journeys of a person in the programme. Pure.

Source: docs/field.md, "Who is counted". The first journey that started says what the person was at entry. The last exit
says what came of it; while a journey goes on, there is none. Registered by mistake counts nowhere. Two names are one
person while a human says so.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from clients.player.course import Course

Pair = tuple[str, str]
"""Two of the plan's names that a human has said are one person."""


@dataclass(frozen=True, slots=True)
class Counted:
    """One person who counts. entry, now: the journeys that say what the person was, and where the person is."""

    courses: tuple[Course, ...]
    entry: Course
    now: Course

    @property
    def gender(self) -> str:
        """What the first journey's entry says, for all of them."""
        return self.entry.gender

    @property
    def municipality(self) -> str:
        """Where the person counts: as referred when taking part began."""
        return self.entry.municipality

    @property
    def referred_on(self) -> date:
        """The day of the first referral."""
        return min(one.referred_on for one in self.courses)

    @property
    def again_on(self) -> date | None:
        """The day on which the person was first referred again; None where never."""
        return min((one.referred_on for one in self.courses if one.returns), default=None)

    @property
    def complete(self) -> bool:
        """Whether who began taking part had a complete entry record."""
        return self.entry.entry_complete and self.entry.started_on is not None


def persons(courses: Iterable[Course], merged: Collection[Pair] = ()) -> list[Counted]:
    """The persons behind these journeys, in the order of their first. merged: whose two names are one person's."""
    of: dict[str, list[Course]] = {}
    for one in courses:
        if not one.mistake:
            of.setdefault(_person(one.person, merged), []).append(one)
    return [_counted(sorted(one, key=lambda course: course.referred_on)) for one in of.values()]


def _person(name: str, merged: Collection[Pair]) -> str:
    """One name for all that are said to be this person's."""
    names = {name}
    while found := {other for pair in merged if names & {*pair} for other in pair} - names:
        names |= found
    return min(names)


def _counted(courses: list[Course]) -> Counted:
    begun = sorted(
        (one for one in courses if one.started_on), key=lambda one: one.started_on or one.referred_on
    )
    if not begun:
        waits = [one for one in courses if not one.declined_on and not one.withdrawn_on] or courses
        return Counted(tuple(courses), waits[-1], waits[-1])
    on_the_way = [one for one in begun if one.exited_on is None]
    # Of two that ended on one day the one that began later is the last; `max` takes the first of equals.
    last = max(reversed(begun), key=lambda one: one.exited_on or date.max)
    return Counted(tuple(courses), begun[0], on_the_way[-1] if on_the_way else last)
