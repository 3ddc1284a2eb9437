"""Visits to registers: reads them, marks them as a shop does, and holds every line against the player's own count.

A visit says the exceptions by name and lets the rest be present, now and then from two devices.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from random import Random
from typing import Any

from clients.player import registers, sheets
from clients.player.acts import Act, noon
from clients.player.ledger import Ledger
from clients.player.owed import Session
from clients.player.programme import Programme
from clients.player.registers import Line, Said
from clients.player.requests import Handles
from clients.player.trouble import Trouble
from clients.player.wire import Wire

TWO_DEVICES = 0.12
Place = tuple[str, str, str]
"""Journey, plan and hour, as the platform names a line."""


class Ticking:
    """Marks registers. differences: what a register or a result said otherwise than the player counts."""

    def __init__(self, wire: Wire, handles: Handles, ledger: Ledger, programme: Programme, seed: int) -> None:
        self.wire, self.handles, self.ledger = wire, handles, ledger
        self.programme, self.seed = programme, seed
        self.differences: list[str] = []
        self.done: Counter[str] = Counter()
        self._sent: Counter[str] = Counter()
        self._marked: dict[tuple[str, date], dict[Line, None]] = {}
        self._counting = threading.Lock()

    def visits(self, acts: Iterable[Act]) -> None:
        """Pay one provider's visits of a step, one after the other; what is filled in later goes by file, at once.

        Blocks. Raises Trouble.
        """
        later: list[tuple[Act, Sequence[Said]]] = []
        corrections: list[tuple[Act, Random]] = []
        for act in acts:
            random = Random(f"{self.seed}-{act.by}-{act.occurred_on}-{act.recorded_on}")
            devices = 2 if random.random() < TWO_DEVICES else 1
            if act.says["why"] == "corrects":
                corrections.append((act, random))
            elif act.recorded_on == act.occurred_on or devices == 2:
                self._mark(act, random, devices)
            else:
                later.append((act, registers.whole(self._lines(act), self.programme, random)))
        self._send_file([(act, one) for act, said in later for one in said])
        with self._counting:
            self.done["registers marked by file"] += sum(bool(said) for _, said in later)
        for act, random in corrections:
            self._correct(act, random)

    def _send_file(self, marks: Sequence[tuple[Act, Said]]) -> None:
        """Send marks of several days, everybody by name, as one file."""
        if not marks:
            return
        first, _ = marks[0]
        rows = [{"day": act.occurred_on.isoformat(), **self._body(one)} for act, one in marks]
        key = f"{self.seed}-{first.plan_key}-{first.recorded_on}-file"
        results, _ = sheets.send(self.wire, "/attendance/marks", rows, actor=(first.by, first.duty), key=key)
        for (act, one), row in zip(marks, results, strict=True):
            session = one.session(act.occurred_on, self.ledger.courses[one.line.plan_key])
            found = {self._place(one.line): (row["status"], row["attendance"], row["minutes"])}
            self._hold(act, "marked by file", found, {self._place(one.line): (200, *_result(session))})
            self._keep(act, one.line, session)

    def _lines(self, act: Act) -> list[Line]:
        closed = self.ledger.closed[act.by]
        return registers.expected(self.ledger.courses, self.ledger.groups, act.by, act.occurred_on, closed)

    def _mark(self, act: Act, random: Random, devices: int) -> None:
        on = act.occurred_on
        lines = self._lines(act)
        if act.recorded_on == on:
            self._read(act, lines)
        if not lines:
            return
        said = registers.exceptions(lines, self.programme, random)
        if devices == 2:
            # The other device has said of one that nobody came; the later word stands.
            line = random.choice(lines)
            reason = random.choice(self.programme.absence_reasons)
            self._say(act, [Said(line=line, presence="absent", reason=reason)], device="one")
            said = [one for one in said if one.line != line]
            self._say(act, [*said, Said(line=line, presence="present")], rest=lines, device="two")
            self._count("two devices")
        else:
            self._say(act, said, rest=lines, device="one")
        self._count("registers marked" if act.recorded_on == on else "registers marked later")

    def _correct(self, act: Act, random: Random) -> None:
        marked = self._marked.get((act.by, act.occurred_on), {})
        lines = [line for line in marked if not self.ledger.courses[line.plan_key].mistake]
        if not lines:
            return
        line = random.choice(lines)
        stands = self.ledger.courses[line.plan_key].sessions.get(line.key)
        self._say(act, [registers.otherwise(line, stands, self.programme, random)], device="one")
        self._count("marks corrected")

    def _say(
        self, act: Act, said: Sequence[Said], *, device: str, rest: Sequence[Line] | None = None
    ) -> None:
        """Send marks; rest: everybody on the register, of whom those not named become present."""
        on = act.occurred_on
        named = {one.line for one in said}
        others = [Said(line=line, presence="present") for line in rest or () if line not in named]
        with self._counting:
            number = self._sent[act.by] = self._sent[act.by] + 1
        body = {
            "day": on,
            "marks": [self._body(one) for one in said],
            "rest": "present" if rest is not None else None,
            "marked_at": datetime.combine(act.recorded_on, time(11, 58), UTC).isoformat(),
        }
        answer = self.wire.ask(
            "activity-tracking",
            "POST",
            "/attendance",
            actor=(act.by, act.duty),
            body=body,
            key=f"{self.seed}-{act.plan_key}-{number}-device-{device}",
        )
        if answer.status != 200:
            raise Trouble(f"{act.by}'s register of {on} was not taken: {answer.status} {answer.body!r}.")
        sessions = {
            one.line: one.session(on, self.ledger.courses[one.line.plan_key]) for one in (*said, *others)
        }
        expected = {self._place(line): (200, *_result(session)) for line, session in sessions.items()}
        found = {
            _place_of(row): (row["status"], row["attendance"], row["minutes"])
            for row in answer.body["results"]
        }
        self._hold(act, "marked", found, expected)
        for line, session in sessions.items():
            self._keep(act, line, session)

    def _keep(self, act: Act, line: Line, session: Session | None) -> None:
        with self._counting:
            course = self.ledger.courses[line.plan_key]
            course.mark(line.key, session, act.by, noon(act.recorded_on))
            self._marked.setdefault((act.by, act.occurred_on), {})[line] = None
            self.done["marks"] += 1

    def _read(self, act: Act, lines: Sequence[Line]) -> None:
        path = f"/attendance?day={act.occurred_on}"
        answer = self.wire.ask("activity-tracking", "GET", path, actor=(act.by, act.duty))
        if answer.status != 200:
            raise Trouble(f"{act.by} reads no register of {act.occurred_on}: {answer.status}.")
        found = {
            _place_of(row): (row["activity"], row["minutes"], row["room"], row["mark"])
            for row in answer.body["expected"]
        }
        expected = {self._place(line): (line.activity, line.minutes, line.room, None) for line in lines}
        self._hold(act, "read", found, expected)
        self._count("registers read")

    def _hold(self, act: Act, how: str, found: Mapping[Place, Any], expected: Mapping[Place, Any]) -> None:
        for place in sorted(found.keys() | expected.keys()):
            if found.get(place) != expected.get(place):
                self.differences.append(
                    f"{act.by}'s register of {act.occurred_on}, {how} on {act.recorded_on}, {place}: "
                    f"{found.get(place)}, the player expected {expected.get(place)}"
                )

    def _count(self, what: str) -> None:
        with self._counting:
            self.done[what] += 1

    def _place(self, line: Line) -> Place:
        plan = self.handles.plans[line.plan_key, line.plan]
        return self.handles.journeys[line.plan_key], plan, line.starts_at

    def _body(self, one: Said) -> dict[str, Any]:
        journey, plan, hour = self._place(one.line)
        text = one.reason and self.programme.text_of(one.reason)
        said = {"came_at": one.came_at, "left_at": one.left_at, "reason": one.reason}
        if text:
            said["text"] = text
        return {"journey_id": journey, "plan": plan, "hour": hour, "presence": one.presence, **said}


def _place_of(row: Mapping[str, Any]) -> Place:
    return row["journey_id"], row["plan"], row["hour"]


def _result(session: Session | None) -> tuple[str | None, int | None]:
    return (None, None) if session is None else (session.attendance, session.minutes)
