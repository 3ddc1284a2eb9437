"""An agency that joins in the middle of the play, and whom it refers from then on. Pure.

The programme's owner registers it and gives it a role. An administrator opens its topics, and on the same day it refers
over its own.
"""

from dataclasses import replace
from datetime import date, timedelta
from random import Random

from clients.player.acts import Act, Channel, Deed, step_from
from clients.player.cohort import Fate, Person, person, weekday
from clients.player.programme import Programme
from clients.player.story import Story

UNIT, NAME, KIND = "lss-skelleftea", "LSS-omsorgen Skellefteå", "disability_care"
WHY = "Remitterar till programmet från och med nu."
FATES: tuple[Fate, ...] = ("handed over", "by plan", "declined")
"""How the journeys of those go whom it refers, one after another."""


def joins_on(programme: Programme) -> date:
    """The step on which it joins: in the second quarter of the programme, while there is time for what follows."""
    return step_from(programme.starts_on + (programme.ends_on - programme.starts_on) * 2 // 5)


def newcomers(programme: Programme, random: Random, *, number: int, journey: int) -> list[Act]:
    """Its joining, and the journeys of those whom it refers; number, journey: the first free ones of the plan."""
    on = joins_on(programme)
    acts = _joining(programme, f"w{journey:03}", on)
    for place, fate in enumerate(FATES):
        referred_on = on if place == 0 else weekday(on + timedelta(days=random.randint(10, 60)))
        story = Story(
            programme,
            random,
            _somebody(programme, random, number + place, fate, referred_on),
            plan_key=f"w{journey + place:03}",
            fate=fate,
            referred_on=referred_on,
            previous=None,
            inbound=(),
        )
        acts += [replace(act, channel="inbound") if act.deed == "refer" else act for act in story.told()]
    return acts


def _somebody(programme: Programme, random: Random, number: int, fate: Fate, referred_on: date) -> Person:
    place = random.choice(tuple(programme.municipalities))
    return person(random, number, fate, referred_on, random.choice(("woman", "man")), place, "inactive", UNIT)


def _joining(programme: Programme, plan_key: str, on: date) -> list[Act]:
    def act(deed: Deed, channel: Channel = "http", **says: object) -> Act:
        return Act(
            plan_key=plan_key,
            deed=deed,
            by=programme.owner,
            duty="registrar",
            occurred_on=on,
            recorded_on=on,
            says=says,
            channel=channel,
        )

    day = on.isoformat()
    return [
        act("register_unit", unit_id=UNIT, name=NAME, kind=KIND, first_day=day, why=WHY),
        act("begin_membership", unit=UNIT, roles=[programme.refers], first_day=day, why=WHY),
        act("open_topics", "command", unit=UNIT),
    ]
