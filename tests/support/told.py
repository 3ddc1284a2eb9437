"""One journey told through the routes of all four services in memory, and what it counts in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from services.outcome.figures.projection import project
from services.outcome.figures.state import JourneyFigures
from shared.language import events as e
from shared.language.decision import Received
from shared.language.programmes import Programme
from tests.support.figure_cells import contributions
from tests.support.house import INTAKE, OUTCOMES, House, house
from tests.support.page_server import read_programme

AGENCY, SHOP, CAFE = "arbetsformedlingen-skelleftea", "second-hand-skelleftea", "kafe-solrosen"
TODAY = date(2016, 6, 1)
ACCEPTED_ON, STARTED_ON = date(2016, 2, 8), date(2016, 2, 15)


@dataclass
class Told:
    """One journey, and what was recorded of it."""

    house: House
    journey: str = ""
    done: list[str] = field(default_factory=list)

    @property
    def responsible(self) -> str:
        (state,) = [
            one for key, one in self.house.rooms[INTAKE].memory.states.items() if key.startswith("journey/")
        ]
        passage: Any = state.passage
        return str(passage.responsible)

    def say(self, service: str, method: str, path: str, **body: Any) -> bool:
        """Whether it was taken. The one who is responsible then says it."""
        place = path.format(journey=self.journey)
        answer = self.house.ask(service, method, place, self.responsible, body)
        assert answer.status_code in (200, 201, 404, 409, 412, 422, 428), answer.text
        if answer.status_code < 300:
            self.done.append(f"{method} {path}")
        return bool(answer.status_code < 300)

    def cells(self) -> Mapping[str, int]:
        """What the journey counts in, as its events tell it in the order in which they were said."""
        seq: dict[str, int] = dict.fromkeys(e.SOURCES, 0)
        state: Any = None
        rows = self.house.rooms[OUTCOMES].memory.table
        for fact, of in zip(self.house.heard, self.house.of, strict=True):
            if of != subject_of(self.journey):
                continue
            kind = e.BY_BODY[type(fact)]
            after = {source: count for source, count in seq.items() if count and source != kind.source}
            seq[kind.source] += 1
            extra = rows.get(("entries", self.journey)) if isinstance(fact, e.EntryRecorded) else None
            received = Received(
                subject_of(self.journey), kind.source, seq[kind.source], kind.name, fact, after, extra
            )
            state = project(state, received, self.house.programmes).state
        assert isinstance(state, JourneyFigures)
        return contributions(state)


def subject_of(journey: str) -> Any:
    """The journey's subject."""
    return f"journey/{journey}"


def referred(programme: Programme | None = None) -> Told:
    """Referred to the shop, and not answered yet. programme: CoActive with other rules."""
    told = Told(house(programme or read_programme(), today=TODAY))
    ask = told.house.done
    person = ask(INTAKE, "POST", "/participants", AGENCY, {"name": "Kim Exempel", "personnummer": None})
    referral = {
        "reference": "AF-1",
        "participant_id": person["participant_id"],
        "programme": "coactive",
        "municipality": "2482",
        "provider": SHOP,
        "occurred_on": "2016-02-01",
    }
    told.journey = ask(INTAKE, "POST", "/referrals", AGENCY, referral)["journey_id"]
    return told


def started(programme: Programme | None = None) -> Told:
    """Referred, accepted, asked about sharing and started at the shop."""
    told = referred(programme)
    ask = told.house.done
    place = f"/journeys/{told.journey}"
    ask(INTAKE, "POST", f"/referrals/{told.journey}/acceptance", SHOP, {"occurred_on": f"{ACCEPTED_ON}"})
    consent = {"purpose": "sharing", "given": True, "organisations": [CAFE], "last_day": "2018-01-01"}
    ask(INTAKE, "POST", f"{place}/consents", SHOP, {**consent, "occurred_on": f"{ACCEPTED_ON}"})
    ask(INTAKE, "POST", f"{place}/start", SHOP, {"occurred_on": f"{STARTED_ON}"})
    return told
