"""Corrections beside what others say at the same moment: everybody ends with the same, and the figures hang together.

The four services hear of each other late, each event after what its service knew as it was said. In between they go on
by what they know.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.outcome.figures.cells import DAYS
from services.outcome.figures.contributions import OF_SESSIONS
from services.outcome.figures.projection import project
from services.outcome.figures.relations import figures_of
from services.outcome.figures.report import build
from services.outcome.figures.state import where
from shared.language import events as e
from shared.language.decision import Received, Subject
from tests.support.fakes import noon
from tests.support.figure_cells import contributions
from tests.support.house import ACTIVITY_TRACKING, HANDOVERS, INTAKE, OUTCOMES, House
from tests.support.told import AGENCY, CAFE, SHOP, Told, started

WHY = "Typed on the wrong line."
PLACE = "/journeys/{journey}"
SERVICES = (INTAKE, ACTIVITY_TRACKING, HANDOVERS, OUTCOMES)


@dataclass(frozen=True)
class Said:
    """An event and how many of each other service's its own had heard."""

    subject: Subject
    fact: e.Fact
    after: Mapping[str, int]


@dataclass
class Apart:
    """The house of one journey that has started, whose services hear of each other when they are told to."""

    told: Told = field(default_factory=started)
    said: dict[str, list[Said]] = field(default_factory=dict)
    heard: dict[str, dict[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rooms = self.told.house.rooms
        self.heard = {
            name: {other: len(room.memory.said) for other, room in rooms.items() if other != name}
            for name in rooms
        }
        self.said = {
            name: [Said(subject, fact, {}) for subject, fact in rooms[name].memory.said] for name in rooms
        }
        self.told.house.spread = self.note  # type: ignore[method-assign]

    @property
    def house(self) -> House:
        return self.told.house

    def note(self) -> None:
        """Put down what each service knew as it said what is new."""
        for name, room in self.house.rooms.items():
            said = self.said[name]
            said += [Said(*one, after={**self.heard[name]}) for one in room.memory.said[len(said) :]]

    def passage(self, service: str) -> Any:
        (found,) = [
            state.passage
            for key, state in self.house.rooms[service].memory.states.items()
            if key.startswith("journey")
        ]
        return found

    def say(self, service: str, path: str, by: str | None = None, /, **body: Any) -> None:
        who = by or self.passage(service).responsible
        answer = self.house.ask(service, "POST", path.format(journey=self.told.journey), who, body)
        assert answer.status_code < 500, answer.text

    def may_hear(self, reader: str, source: str) -> bool:
        """Whether the next of the source is there, and all that it came after has been heard."""
        number = self.heard[reader][source]
        if number >= len(self.said[source]):
            return False
        after = self.said[source][number].after
        return all(
            self.heard[reader].get(other, number) >= count
            for other, count in after.items()
            if other != reader
        )

    def hear(self, reader: str, source: str) -> None:
        """The reader hears the next of the source, where it may."""
        if reader == source or not self.may_hear(reader, source):
            return
        one = self.said[source][self.heard[reader][source]]
        self.heard[reader][source] += 1
        room, kind = self.house.rooms[reader], e.BY_BODY[type(one.fact)]
        fold = room.folds.get(type(one.fact))
        if fold is not None:
            extra = room.memory.beside(room.memory, one.subject)
            received = Received(one.subject, kind.source, 1, kind.name, one.fact, {}, extra)
            room.memory.save(
                one.subject, fold(room.memory.states.get(one.subject), received, self.house.programmes)
            )
        self.note()

    def hear_all(self, chance: Random) -> None:
        """Everybody hears everything."""
        while True:
            free = [(r, s) for r in SERVICES for s in SERVICES if r != s and self.may_hear(r, s)]
            if not free:
                return
            self.hear(*chance.choice(free))

    def figures(self, chance: Random) -> Any:
        """What the figures hold of the journey, its events read in some order that their causes allow.

        What they count on which day is in `days` then.
        """
        seen = dict.fromkeys(SERVICES, 0)
        rows = self.house.rooms[OUTCOMES].memory.table
        state: Any = None
        self.days: Counter[tuple[str, str, str]] = Counter()
        while free := [one for one in SERVICES if self._free(one, seen)]:
            source = chance.choice(free)
            one = self.said[source][seen[source]]
            seen[source] += 1
            kind = e.BY_BODY[type(one.fact)]
            after = {NAMES[other]: count for other, count in one.after.items()}
            if str(one.subject).startswith("journey"):
                extra = (
                    rows.get(("entries", self.told.journey))
                    if isinstance(one.fact, e.EntryRecorded)
                    else None
                )
                received = Received(one.subject, kind.source, seen[source], kind.name, one.fact, after, extra)
                change = project(state, received, self.house.programmes)
                state = change.state
                for add in change.adds:
                    if add.collection == DAYS:
                        where = f"{add.also['provider']}|{add.also['municipality']}"
                        for code, amount in add.cells.items():
                            self.days[add.also["day"], where, code.removeprefix("n.")] += amount
        assert seen == {name: len(said) for name, said in self.said.items()}
        return state

    def _free(self, source: str, seen: Mapping[str, int]) -> bool:
        if seen[source] >= len(self.said[source]):
            return False
        return all(seen[other] >= count for other, count in self.said[source][seen[source]].after.items())


NAMES = {INTAKE: "intake", ACTIVITY_TRACKING: "activity-tracking", HANDOVERS: "handover", OUTCOMES: "outcome"}

ON = {"near": "2016-03-01", "far": "2016-04-15"}


def deed(apart: Apart, what: str, on: str) -> None:
    """One thing that somebody says, by what their service knows; what is refused is not said."""
    day: dict[str, Any] = {"occurred_on": ON[on]}
    anew: dict[str, Any] = {"why": WHY, **day}
    taken_back: dict[str, Any] = {"why": WHY, "void": True}
    by_plan: dict[str, Any] = {"way": "by_plan", "situation": "employed"}
    match what:
        case "session":
            body: dict[str, Any] = {"activity": "work_training", "attendance": "yes", "minutes": 60, **day}
            apart.say(ACTIVITY_TRACKING, f"{PLACE}/sessions", **body)
        case "ready":
            apart.say(ACTIVITY_TRACKING, f"{PLACE}/readiness", **day)
        case "exit":
            apart.say(OUTCOMES, f"{PLACE}/exit", **by_plan, **day)
        case "exit anew":
            apart.say(OUTCOMES, f"{PLACE}/exit/correction", **by_plan, **anew)
        case "died":
            apart.say(OUTCOMES, f"{PLACE}/exit", way="deceased", **day)
        case "no exit":
            apart.say(OUTCOMES, f"{PLACE}/exit/correction", **taken_back)
        case "offer":
            offer: dict[str, Any] = {"kind": "provider_to_provider", "deadline_on": "2016-06-20"}
            to = CAFE if apart.passage(HANDOVERS).responsible == SHOP else SHOP
            apart.say(HANDOVERS, f"{PLACE}/handovers", **offer, to_organisation=to, **day)
        case "yes":
            held = apart.passage(HANDOVERS).offer
            if held is not None:
                apart.say(HANDOVERS, f"/handovers/{held.handover}/acceptance", held.to_organisation)
        case "start anew":
            apart.say(INTAKE, f"{PLACE}/start/correction", **anew)
        case "no start":
            apart.say(INTAKE, f"{PLACE}/start/correction", **taken_back)
        case "start":
            apart.say(INTAKE, f"{PLACE}/start", **day)
        case "no acceptance":
            apart.say(INTAKE, "/referrals/{journey}/acceptance/correction", SHOP, **taken_back)
        case "acceptance":
            apart.say(INTAKE, "/referrals/{journey}/acceptance", SHOP, occurred_on="2016-02-10")
        case "withdrawn":
            apart.say(INTAKE, "/referrals/{journey}/withdrawal", AGENCY, reason="other_effort", **day)
        case "elsewhere":
            other = "2417" if apart.passage(INTAKE).municipality == "2482" else "2482"
            body = {"municipality": other, "provider": SHOP, "why": WHY}
            apart.say(INTAKE, "/referrals/{journey}/correction", AGENCY, **body)
        case "mistake":
            apart.say(INTAKE, f"{PLACE}/mistake", AGENCY, reason="wrong_person")
        case "no mistake":
            apart.say(INTAKE, f"{PLACE}/mistake/correction", AGENCY, **taken_back)
        case "days pass":
            room = apart.house.rooms[OUTCOMES]
            room.memory.fire_due(room.timers)
            apart.note()


WHAT = [
    "session", "ready", "exit", "exit anew", "died", "no exit", "offer", "yes", "start anew", "no start", "start",
    "elsewhere", "no acceptance", "acceptance", "withdrawn", "mistake", "no mistake", "days pass",
]  # fmt: skip
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(WHAT), st.sampled_from(sorted(ON))),
        st.tuples(st.sampled_from(SERVICES), st.sampled_from(SERVICES)),
        st.just(("all", "hear")),
    ),
    max_size=16,
)
OFFERED = [("offer", "near"), ("all", "hear")]
CROSSED_EXITS = [*OFFERED, ("exit", "far"), ("no exit", "far"), ("yes", "far")]


@given(STEPS, st.randoms(use_true_random=False))
@example(CROSSED_EXITS, Random(1))
@example(CROSSED_EXITS, Random(2))
@example([("exit", "far"), ("no start", "far")], Random(1))
@example([("exit", "near"), ("start anew", "far")], Random(1))
@example([("session", "near"), ("elsewhere", "near"), ("session", "far"), ("mistake", "near")], Random(1))
@example([("session", "near"), ("elsewhere", "near"), ("session", "far"), ("exit", "near")], Random(1))
@example([("exit", "near"), ("days pass", "far"), ("died", "near"), ("no exit", "far")], Random(1))
@settings(max_examples=25)
def test_whoever_reads_what_crossed_agrees_and_the_figures_hang_together(
    steps: Sequence[tuple[str, str]], chance: Random
) -> None:
    apart = Apart()
    for what, on in steps:
        if what == "all":
            apart.hear_all(chance)
        elif what in SERVICES:
            apart.hear(what, on)
        else:
            deed(apart, what, on)
    apart.hear_all(chance)
    known = [_known(apart.passage(service)) for service in SERVICES]
    assert known == known[:1] * 4
    one, days = apart.figures(chance), apart.days
    other = apart.figures(chance)
    assert contributions(one) == contributions(other)
    assert +days == +apart.days
    assert min(days.values(), default=0) >= 0
    assert not (one.passage.mistake and +days)
    counted = apart.house.rooms[ACTIVITY_TRACKING].memory.states[f"journey/{apart.told.journey}"].sessions  # type: ignore[index]
    assert [rule.amount(counted) for _, rule in OF_SESSIONS] == [
        rule.amount(one.sessions) for _, rule in OF_SESSIONS
    ]
    assert _sessions_where(days) == {
        (f"{where(one).provider}|{where(one).municipality}", figure.code): rule.amount(counted)
        for figure, rule in OF_SESSIONS
        if figure.dated and rule.amount(counted)
    }
    _hangs_together(apart, contributions(one))


def _sessions_where(days: Mapping[tuple[str, str, str], int]) -> dict[tuple[str, str], int]:
    """The sessions of all days, by where they are counted."""
    found: Counter[tuple[str, str]] = Counter()
    for (_, at, code), amount in days.items():
        if code.startswith("session/"):
            found[at, code] += amount
    return {one: n for one, n in found.items() if n}


def _known(passage: Any) -> tuple[Any, ...]:
    """What every service knows of a journey."""
    return (
        passage.mistake,
        passage.started_on,
        passage.exited_on,
        passage.exit_way,
        passage.responsible,
        passage.provider,
        passage.taken_over,
    )


def _hangs_together(apart: Apart, cells: Mapping[str, int]) -> None:
    assert min(cells.values(), default=0) >= 0
    (programme,) = apart.house.programmes.all_latest().values()
    found = figures_of(build(cells, programme, noon(date(2016, 6, 1))))
    for relation in found.relations:
        if all(name in found.values for name in relation.members):
            whole, parts = found.values[relation.whole], sum(found.values[one] for one in relation.parts)
            assert whole == parts if relation.exact else whole >= parts, (relation, cells)
