"""People whom an agency registered twice without a number, and people who only look as if it had. Pure.

Both have two handles at the agency, and a journey under each; the first ended before the second began. A human merges
them. Where they were two people after all, the merge is taken back. Source: docs/field.md, Privacy.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from clients.player.acts import Act, Deed, step_after
from clients.player.cohort import FIRST_NAMES, Fate, Person, weekday


@dataclass(frozen=True, slots=True)
class Double:
    """Whom a second registration stands for: same person or another one, and how the second journey goes.

    late: whether it is noticed after the second journey only.
    """

    fate: Fate
    same: bool
    late: bool = False


DOUBLES = (
    Double("by plan", same=True),
    Double("handed over", same=False),
    Double("broken off", same=True, late=True),
    Double("broken off", same=False),
    Double("handed over", same=True),
    Double("by plan", same=False, late=True),
    Double("moved", same=True),
)
ONE = "Säger själv att det är så, och har samma telefon."
TWO = "Två släktingar som delar telefon."


def second(random: Random, person: Person, double: Double, exited_on: date, places: Sequence[str]) -> Person:
    """Who is registered after the person has left, with the same telephone.

    exited_on: the day of the exit. places: the programme's municipalities.
    """
    on = weekday(exited_on + timedelta(days=random.randint(25, 60)))
    later = replace(person, key=f"{person.key}-again", fate=double.fate, referred_on=on)
    first, _, family = person.name.partition(" ")
    if double.same:
        return replace(later, name=f"{family} {first}")
    gender = "man" if person.gender == "woman" else "woman"
    place = random.choice([one for one in places if one != person.municipality])
    return replace(
        later, name=f"{random.choice(FIRST_NAMES[gender])} {family}", gender=gender, municipality=place
    )


def said(one: Person, other: Person, journey: Sequence[Act], double: Double) -> list[Act]:
    """What a human says: that the two are one, and, where they are not, a month later that they are two.

    journey: the acts of the second, in their order.
    """
    after = "record_exit" if double.late else "start"
    merged_on = step_after(next(act.recorded_on for act in journey if act.deed == after))
    acts = [_say("merge", one, other, merged_on, ONE)]
    if not double.same:
        acts.append(_say("part", one, other, step_after(step_after(merged_on)), TWO))
    return acts


def _say(deed: Deed, one: Person, other: Person, on: date, why: str) -> Act:
    return Act(
        plan_key=f"double-{one.key}",
        deed=deed,
        by=one.referrer,
        duty="caseworker",
        occurred_on=on,
        recorded_on=on,
        says={"person": one.key, "other": other.key, "why": why},
    )
