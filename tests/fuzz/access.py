"""The table of rights over HTTP: organisation × duty × point of a journey × route, each cell as it is written by hand.

The whole table is held in memory by `tests/unit/access`; here a sample goes through tokens, sockets and the database.
A command that is let through is given what is decided on and changes nothing, such as a day that lies ahead.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from services.intake.domain.referral import UNKNOWN_PARTICIPANT
from tests.fuzz.files import NDJSON
from tests.fuzz.findings import Outcome
from tests.fuzz.fuzzer import Fuzzer
from tests.fuzz.judging import judge
from tests.fuzz.wire import NoAnswer, Reply
from tests.fuzz.world import READY, START, STEPS, Journey, Step, Who, World, day
from tests.support.access.expected import JOURNEYS, OPERATORS
from tests.support.access.tables import grid
from tests.support.access.worlds import BODIES, CONTENTS, GROUP, MARK, ORGANISATIONS, OTHERS, SESSION
from tests.support.bad_input import FAR_DAY, UNKNOWN_ID

LOGS = "activity-tracking"
POINTS = {"received": "named", "accepted": "acc", "started": "strt", "offered": "offr", "handed_over": "empl"}
"""The journeys of this stack that stand at a point of the table."""
DUTIES = ("caseworker", "supervisor", "analyst", "owner", "registrar", "operator")
MERGING = re.compile("(merge|separation)$")
UNDATED = re.compile("erasure$")
"""A command that cannot be kept from being carried out."""
FORMER = Who(ORGANISATIONS["shop"])
HELD = day(25)
"""A day on which the shop held every journey that has started, also the one that it has since handed over."""
GOAL = "Svenska"
UNCHANGED: Mapping[str, Mapping[str, Any]] = {
    "PUT /referrals/<string:journeyId>/contents": CONTENTS,
    "POST /journeys/<string:journeyId>/goals/<string:goal>/correction": {"why": "A slip.", "text": GOAL},
}
"""What is said already, and changes nothing when it is said again: these commands take no day."""
LETTERS = {"wrong-duty": "d", "not-allowed": "r", "not-your-journey": "p"}
UNKNOWN_PERSON = {"participant_id": [UNKNOWN_PARTICIPANT]}


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the table. expected: its letter, or `d` where the duty is another."""

    service: str
    route: str
    who: Who
    stage: str
    expected: str

    @property
    def formerly(self) -> bool:
        """Whether the right is that of who held the journey, for the days on which it did."""
        former = (self.who.organisation, self.stage) == (FORMER.organisation, "handed_over")
        return former and self.service == "activity_tracking"

    def simpler(self) -> Iterator[Cell]:
        """None: a cell is a cell."""
        yield from ()

    def __str__(self) -> str:
        by = f"{self.who.organisation}:{self.who.duty}"
        return f"{self.service} {self.route} as {by} on a journey that is {self.stage}: expected {self.expected!r}"


class Access(Fuzzer[Cell]):
    """Every cell that is asked comes to its letter; what one may not know of is told as what is not there."""

    name: ClassVar[str] = "access"

    def __init__(self, world: World, chance: random.Random) -> None:
        super().__init__(world, chance)
        cells = list(all_cells())
        self._open = [one for one in cells if one.expected == "+"]
        self._shut = [one for one in cells if one.expected != "+"]
        self._journeys: dict[str, Journey] = {}

    def prepare(self) -> None:
        """A journey of its own at each point, with contents, a goal and a session; and a group of who held them."""
        self._sessions: dict[str, str] = {}
        self._handles: dict[tuple[str, str], str] = {}
        self._journeys = {stage: self.world.make(stage, self._steps(stage)) for stage in POINTS}
        reply = self.world.ask(f"{LOGS}-web", "POST", "/groups", FORMER, GROUP)
        self._group = json.loads(reply.body)["group_id"]

    def _steps(self, stage: str) -> Sequence[Step]:
        # As in the table: a former holder may take back its own judgement, and nobody judges here.
        refer, *others = (one for one in STEPS[stage] if one is not READY)
        if START in others:
            others.insert(others.index(START) + 1, self._work)
        return [refer, _write, *others]

    def _work(self, world: World, journey: Journey) -> None:
        of, by = f"/journeys/{journey.journey}", journey.responsible
        world.done(f"{LOGS}-web", f"{of}/goals", by, {"text": GOAL, "occurred_on": HELD}, journey)
        session = world.done(f"{LOGS}-web", f"{of}/sessions", by, {**SESSION, "occurred_on": HELD}, journey)
        self._sessions[journey.journey] = session["session_id"]

    def _handle(self, who: Who, journey: Journey) -> str:
        """The organisation's own handle of the person, as the referral shows it; the referrer's where it shows none."""
        at = (who.organisation, journey.journey)
        if at not in self._handles:
            reader = replace(who, duty="caseworker")
            reply = self.world.ask("intake-web", "GET", f"/referrals/{journey.journey}", reader)
            shown = json.loads(reply.body).get("participant_id") if reply.status == 200 else None
            self._handles[at] = shown or journey.participant
        return self._handles[at]

    def known(self) -> Sequence[Cell]:
        """Who referred a handle by hearsay read the person; any organisation's operator ran the platform.

        Also what hides easily: the days of who handed a journey over, and what a referral says.
        """
        fk = Who(ORGANISATIONS["fk"])
        hidden = [
            one
            for one in all_cells()
            if one.who.duty == "caseworker"
            and (one.route.endswith("/contents") or (one.who == FORMER and one.formerly))
        ]
        return [
            *hidden,
            Cell("intake", "GET /participants/<string:participantId>", fk, "received", "."),
            Cell("intake", "POST /referrals", fk, "received", "u"),
            Cell("intake", "POST /participants/<string:participantId>/erasure", fk, "received", "."),
            *(
                Cell(service, route, replace(fk, duty="operator"), "received", "r")
                for route, services in OPERATORS.items()
                for service in services.split()
                if route != "POST /clock"
            ),
        ]

    def generated(self) -> Cell:
        """A cell that is let through, or one that is not, evenly."""
        return self.chance.choice(self._open if self.chance.random() < 0.5 else self._shut)

    def attempt(self, trials: Sequence[Cell]) -> Outcome:
        """Ask each, and where it is told that nothing is there, ask for what is not there too."""
        outcome = Outcome()
        for cell in trials:
            self._attempt(cell, outcome)
        return outcome

    def _attempt(self, cell: Cell, outcome: Outcome) -> None:
        journey = self._journeys[cell.stage]
        try:
            reply = self._ask(cell, journey)
            judged = Outcome()
            judge(reply, cell.route, judged)
            found = self._letter(cell, reply)
        except NoAnswer as silent:
            outcome.failed += 1
            outcome.problem(f"no answer of {cell.route}", str(silent))
            return
        outcome.problems += judged.problems
        outcome.failed += judged.failed
        if not judged.failed:
            outcome.accepted += found == "+"
            outcome.refused += found != "+"
        if found != cell.expected:
            outcome.problem(f"another right: {cell.route}", f"{found!r}: {reply.status} {reply.body[:300]!r}")
        if reply.status >= 400 and {"etag", "journey-vector"} & set(reply.headers):
            outcome.problem(f"a refusal that tells: {cell.route}", f"{dict(reply.headers)}")

    def _letter(self, cell: Cell, reply: Reply) -> str:
        status, code, errors = _told(reply)
        if status == 404:
            nobody = Journey(f"h-{UNKNOWN_ID}", cell.who, f"j-{UNKNOWN_ID}", handover=f"j-{UNKNOWN_ID}.h1")
            return "." if _words(reply) == _words(self._ask(cell, nobody)) else "x"
        if status == 422 and errors == UNKNOWN_PERSON:
            return "u"
        return LETTERS.get(code, "+")

    def _ask(self, cell: Cell, journey: Journey) -> Reply:
        method, _, rule = cell.route.partition(" ")
        named = {
            "journeyId": journey.journey,
            "participantId": self._handle(cell.who, journey),
            "handoverId": journey.handover or f"{journey.journey}.h1",
            "followUpId": f"{journey.journey}.28d",
            # No journey has so many: whether it has a first one is a matter of the month.
            "reportId": f"{journey.journey}.r900000",
            "groupId": self._group,
            "sessionId": self._sessions.get(journey.journey, f"s-{UNKNOWN_ID}"),
            "goal": "g1",
            "plan": "a1",
            "pause": "u1",
            "extent": "e1",
            "competence": "woodwork",
            "level": "1",
            "round": "1",
            "purpose": "sharing",
        }
        path = re.sub(r"<string:(\w+)>", lambda found: named.get(found[1], "0"), rule)
        body = self._body(cell, journey)
        headers = {"Purpose": "to plan a meeting"}
        if cell.route in ("POST /sessions", "POST /attendance/marks"):
            headers["Content_Type"] = NDJSON
        process = f"{cell.service.replace('_', '-')}-web"
        return self.world.ask(process, method, path, cell.who, None if method == "GET" else body, **headers)

    def _body(self, cell: Cell, journey: Journey) -> Mapping[str, Any] | bytes:
        """What is asked: carried out, if it were let through wrongly.

        If rightly, it says what is said already, or is for a day that lies ahead. Of who handed the journey over the
        right is for a day on which it held it, and what is said of that day is unknown to the programme.
        """
        route = cell.route
        if cell.expected == "+" and route in UNCHANGED:
            return UNCHANGED[route]
        ahead = {"occurred_on": FAR_DAY} if cell.expected == "+" else {}
        if cell.expected == "+" and cell.formerly:
            ahead = {"occurred_on": HELD, "activity": "no_such_activity"}
        said = BODIES.get(route, {})
        body: dict[str, Any] = dict(said) if isinstance(said, dict) else {}
        if route.startswith("POST /operations"):
            return {"reason": "tried on purpose"}
        if MERGING.search(route):
            body = {"participant_id": f"h-{UNKNOWN_ID}", "why": "Tried on purpose."}
        if UNDATED.search(route):
            return {}
        if route == "POST /referrals":
            body = {"programme": "coactive", "municipality": "2482", "reference": self.world.name()}
            body["participant_id"] = self._handle(cell.who, journey)
        if route == "POST /journeys/<string:journeyId>/groups":
            body = {"group": self._group, "first_on": FAR_DAY}
        if route == "POST /sessions":
            row = {**SESSION, "journey_id": journey.journey, "reference": self.world.name()}
            return json.dumps({**row, **ahead}).encode()
        if route == "POST /attendance/marks":
            return json.dumps({**MARK, "journey_id": journey.journey}).encode()
        return {**body, **ahead}


def _write(world: World, journey: Journey) -> None:
    path = f"/referrals/{journey.journey}/contents"
    reply = world.ask("intake-web", "PUT", path, journey.referrer, CONTENTS)
    assert reply.status == 200, f"{path}: {reply.status} {reply.body.decode()[:400]}"


def all_cells() -> Iterator[Cell]:
    """Every cell of the routes about a journey at these points that changes nothing when it is let through."""
    for (service, route), (table, duties) in JOURNEYS.items():
        for row, by_point in grid(table).items():
            for name in OTHERS if row == "others" else (row,):
                for duty in DUTIES:
                    for stage, point in POINTS.items():
                        expected = by_point[point] if duty in duties.split() else "d"
                        if expected == "+" and (UNDATED.search(route) or "reportId" in route):
                            continue
                        yield Cell(service, route, Who(ORGANISATIONS[name], duty), stage, expected)


def _told(reply: Reply) -> tuple[int, str, Any]:
    """Status, code and field errors; of the one row, where it is a file's."""
    said = reply.json if isinstance(reply.json, dict) else {}
    if "results" in said:
        row = said["results"][0]
        problem = row.get("problem") or {}
        return row["status"], problem.get("code", ""), problem.get("errors")
    return reply.status, str(said.get("code", "")), said.get("errors")


def _words(reply: Reply) -> tuple[int, Any]:
    """All that an answer tells, but for the trace and what the row itself has named."""
    said = dict(reply.json) if isinstance(reply.json, dict) else {}
    for of_this_request in ("trace_id", "instance"):
        said.pop(of_this_request, None)
    rows = [{**row, "reference": None, "journey_id": None} for row in said.pop("results", ())]
    return reply.status, (said, rows)
