"""Whatever becomes of a person's journeys, and in whichever order it is recorded and heard of: one person is counted.

Two agencies refer one person to one programme, one after the other and at once, through the routes of all services. The
figures are held against a count with pen and paper.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.outcome.figures.projection import project
from services.outcome.figures.relations import figures_of
from services.outcome.figures.report import build
from shared.language import events as e
from shared.language.decision import Received, Subject
from tests.support.fakes import noon
from tests.support.figure_cells import contributions
from tests.support.house import INTAKE, OUTCOMES, House, house
from tests.support.page_server import read_programme
from tests.support.told import AGENCY, SHOP

CLINIC = "psykiatrin-skelleftea"
TODAY = date(2016, 12, 1)
WHY = "Typed on the wrong line."
BACK: dict[str, Any] = {"why": WHY, "void": True}
DAYS = ("2016-03-01", "2016-04-15", "2016-05-20", "2016-07-01")


@dataclass
class Person:
    """One person, and the journeys that two organisations open for them."""

    house: House
    participant: str = ""
    journeys: list[str] = field(default_factory=list)

    def passage(self, journey: str) -> Any:
        state: Any = self.house.rooms[INTAKE].memory.states[Subject(f"journey/{journey}")]
        return state.passage

    def say(self, service: str, path: str, who: str, method: str = "POST", **body: Any) -> Any:
        answer = self.house.ask(service, method, path, who, body)
        assert answer.status_code < 500, answer.text
        return answer.json if answer.status_code < 300 else None

    def refer(self, by: str, to: str, place: str, on: str) -> None:
        previous = next((one for one in reversed(self.journeys) if self.passage(one).left), None)
        body: dict[str, Any] = {
            "reference": f"R-{len(self.house.heard)}-{on}",
            "participant_id": self.participant,
            "programme": "coactive",
            "municipality": place,
            "provider": to,
            "occurred_on": on,
            **({"previous_journey": previous} if previous else {}),
        }
        if found := self.say(INTAKE, "/referrals", by, **body):
            self.journeys.append(found["journey_id"])

    def do(self, deed: str, number: int, on: str) -> None:
        """One thing that somebody records; what is refused changes nothing."""
        if deed in ("refer", "refer beside"):
            by = AGENCY if deed == "refer" else CLINIC
            self.refer(by, SHOP, ("2482", "2417")[number % 2], on)
            return
        if number >= len(self.journeys):
            return
        journey = self.journeys[number]
        passage = self.passage(journey)
        provider = passage.provider or passage.named_provider
        match deed:
            case "start":
                self.say(INTAKE, f"/referrals/{journey}/acceptance", provider, occurred_on=on)
                consent: dict[str, Any] = {"purpose": "sharing", "given": False, "occurred_on": on}
                self.say(INTAKE, f"/journeys/{journey}/consents", provider, **consent)
                self.say(INTAKE, f"/journeys/{journey}/start", provider, occurred_on=on)
            case "start anew":
                self.say(INTAKE, f"/journeys/{journey}/start/correction", provider, why=WHY, occurred_on=on)
            case "no start":
                self.say(INTAKE, f"/journeys/{journey}/start/correction", provider, **BACK)
            case "decline":
                self.say(INTAKE, f"/referrals/{journey}/decline", provider, reason="no_place")
            case "entry" | "other entry":
                gender = "woman" if deed == "entry" else "man"
                body: dict[str, Any] = {
                    "gender": gender,
                    "born_on": "1980-01-01",
                    "employment": "unemployed",
                    "isced": 3,
                }
                revision = self.house.rooms[OUTCOMES].memory.revision(Subject(f"journey/{journey}"))
                self.house.ask(
                    OUTCOMES,
                    "PUT",
                    f"/journeys/{journey}/entry",
                    provider,
                    {**body, "occurred_on": on},
                    **{"If-Match": f'"{revision}"'},
                )
            case "exit" | "died":
                way: dict[str, Any] = {"way": "by_plan", "situation": "employed"}
                way = way if deed == "exit" else {"way": "deceased"}
                self.say(OUTCOMES, f"/journeys/{journey}/exit", provider, **way, occurred_on=on)
            case "exit anew":
                body = {"way": "interrupted", "situation": "unemployed", "why": WHY, "occurred_on": on}
                self.say(OUTCOMES, f"/journeys/{journey}/exit/correction", provider, **body)
            case "no exit":
                self.say(OUTCOMES, f"/journeys/{journey}/exit/correction", provider, **BACK)
            case "mistake":
                self.say(INTAKE, f"/journeys/{journey}/mistake", passage.referrer, reason="wrong_person")
            case "no mistake":
                self.say(INTAKE, f"/journeys/{journey}/mistake/correction", passage.referrer, **BACK)
            case "elsewhere":
                other = "2417" if passage.municipality == "2482" else "2482"
                body = {"municipality": other, "provider": passage.named_provider, "why": WHY}
                self.say(INTAKE, f"/referrals/{journey}/correction", passage.referrer, **body)

    def cells(self, chance: Random) -> Counter[str]:
        """What all journeys count in, their events read in some order of the journeys."""
        rows = self.house.rooms[OUTCOMES].memory.table
        said = list(zip(self.house.of, self.house.heard, strict=True))
        found: Counter[str] = Counter()
        subjects = [Subject(f"journey/{one}") for one in self.journeys]
        chance.shuffle(subjects)
        for subject in subjects:
            state: Any = None
            for seq, fact in enumerate(fact for of, fact in said if of == subject):
                kind = e.BY_BODY[type(fact)]
                extra = rows.get(("entries", subject.removeprefix("journey/")))
                received = Received(subject, kind.source, seq, kind.name, fact, {}, extra)
                state = project(state, received, self.house.programmes).state
            found.update(contributions(state))
        return found


def person() -> Person:
    """Whom the clinic took on once, and may refer again; that journey is over."""
    one = Person(house(read_programme(), today=TODAY))
    body = {"name": "Kim Exempel", "personnummer": None}
    one.participant = one.house.done(INTAKE, "POST", "/participants", AGENCY, body)["participant_id"]
    one.refer(AGENCY, CLINIC, "2482", "2016-02-01")
    one.do("start", 0, "2016-02-20")
    one.do("exit", 0, "2016-02-25")
    assert one.passage(one.journeys[0]).left
    return one


# --- with pen and paper ---------------------------------------------------------------------------------------------


def counted(one: Person) -> dict[str, int]:
    """What the person counts in. Source: docs/field.md, "Who is counted"."""
    passages = {journey: one.passage(journey) for journey in one.journeys}
    real = [journey for journey in one.journeys if not passages[journey].mistake]
    if not real:
        return {}
    begun = sorted(
        (journey for journey in real if passages[journey].started_on),
        key=lambda journey: (passages[journey].started_on, passages[journey].referred_on),
    )
    found = Counter({"received": 1})
    if not begun:
        return found
    first = begun[0]
    found["started"] += 1
    found[f"started@municipality={passages[first].municipality}"] += 1
    entry = one.house.rooms[OUTCOMES].memory.states[Subject(f"journey/{first}")].entry
    holds = entry is not None and not entry.contradicts(passages[first].started_on)
    gender = entry.gender if holds else "not_known"
    found["entries_complete"] += holds
    going_on = [journey for journey in begun if passages[journey].exited_on is None]
    place = f"municipality={passages[first].municipality}"
    state = "active" if going_on else "exited"
    for cell in (state, f"{state}@gender={gender}", f"{state}@{place}", f"started@gender={gender}"):
        found[cell] += 1
    found["exit/restated"] += len(begun) - len(going_on) - (not going_on)
    if not going_on:
        last = max(begun, key=lambda journey: (passages[journey].exited_on, begun.index(journey)))
        outcome = one.house.rooms[OUTCOMES].memory.states[Subject(f"journey/{last}")]
        found[f"exit/{passages[last].exit_way}"] += 1
        found["employed_at_exit_employed"] += outcome.exit_situation == "employed"
    return found


LOOKED_AT = (
    *("received", "started", "active", "exited", "entries_complete", "employed_at_exit_employed"),
    *("exit/by_plan", "exit/interrupted", "exit/deceased", "exit/restated"),
    *(f"{code}@gender={one}" for code in ("started", "active", "exited") for one in ("woman", "man")),
    *(f"{code}@municipality={one}" for code in ("started", "active", "exited") for one in ("2482", "2417")),
)


def hangs_together(one: Person, cells: Mapping[str, int]) -> None:
    (programme,) = one.house.programmes.all_latest().values()
    found = figures_of(build(cells, programme, noon(TODAY)))
    for relation in found.relations:
        if all(name in found.values for name in relation.members):
            whole, parts = found.values[relation.whole], sum(found.values[part] for part in relation.parts)
            assert whole == parts if relation.exact else whole >= parts, (relation, cells)


DEEDS = (
    *("refer", "refer beside", "refer", "refer beside", "start", "start", "start", "start anew", "no start"),
    *("decline", "entry", "entry", "other entry", "exit", "exit", "died", "exit anew", "no exit", "mistake"),
    *("no mistake", "elsewhere"),
)
STEPS = st.lists(
    st.tuples(st.sampled_from(DEEDS), st.integers(0, 3), st.sampled_from(DAYS), st.booleans()), max_size=18
)
AGAIN = [("refer", 0, DAYS[0], True), ("start", 1, DAYS[0], True)]
BOTH = [*AGAIN, ("refer beside", 1, DAYS[1], True), ("start", 2, DAYS[1], True)]


@given(STEPS, st.randoms(use_true_random=False))
@example(AGAIN, Random(1))
@example([*AGAIN, ("exit", 1, DAYS[1], True)], Random(1))
@example([*AGAIN, ("entry", 0, DAYS[1], True), ("exit", 1, DAYS[1], True)], Random(1))
@example([("entry", 0, DAYS[1], True), *AGAIN, ("mistake", 1, DAYS[1], True)], Random(1))
@example([*BOTH, ("exit", 2, DAYS[2], True)], Random(1))
@example([*BOTH, ("exit", 2, DAYS[2], True), ("exit", 1, DAYS[3], True)], Random(1))
@example([*BOTH, ("exit", 1, DAYS[2], False), ("start anew", 2, DAYS[0], False)], Random(1))
@settings(max_examples=40)
def test_a_person_counts_once_whatever_becomes_of_their_journeys(
    steps: Sequence[tuple[str, int, str, bool]], chance: Random
) -> None:
    """heard: whether the other services hear of it at once; what they have not heard, they learn at the end."""
    one = person()
    spread = one.house.spread
    for deed, number, on, heard in steps:
        one.house.spread = spread if heard else lambda: None  # type: ignore[method-assign]
        one.do(deed, number, on)
    one.house.spread = spread  # type: ignore[method-assign]
    spread()
    cells = one.cells(chance)
    expected = counted(one)
    assert {cell: cells[cell] for cell in LOOKED_AT} == {cell: expected.get(cell, 0) for cell in LOOKED_AT}
    assert min(cells.values(), default=0) >= 0
    hangs_together(one, cells)
