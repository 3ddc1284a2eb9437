"""An agency's desk: the reports that providers owe it, held against the player's own count, read and acknowledged.

Most are acknowledged at the next visit, some only after their last day, a few never.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from random import Random
from typing import Any
from urllib.parse import quote

from clients.player.inbound import Agency
from clients.player.ledger import Ledger
from clients.player.owed import Owed
from clients.player.requests import Handles
from clients.player.trouble import Trouble
from clients.player.wire import Wire

PAGE = 200
READ = 0.3
"""So many reports are read before they are acknowledged; the rest by their list alone."""
LATE, NEVER = 0.10, 0.04
KIND = "deviation"


class Desk:
    """The desks of all agencies. differences: reports that are not as the player counts them."""

    def __init__(self, wire: Wire, handles: Handles, ledger: Ledger, seed: int) -> None:
        self.wire, self.handles, self.ledger, self.seed = wire, handles, ledger, seed
        self.differences: list[str] = []
        self.done: Counter[str] = Counter()
        self._counting = threading.Lock()

    def visit(self, referrer: str, at: datetime) -> None:
        """Go through what waits at one agency. at: the clock's time. Blocks; raises Trouble."""
        listed = list(self._listed(referrer, "open"))
        for report in listed:
            if report["kind"] != KIND:
                self._acknowledge(referrer, report["report_id"], report["report_id"].partition(".")[0])
                self._count("of a month acknowledged")
        pairs = self._hold(referrer, "open", listed, at, lambda one: one.awaited(at))
        for report, plan_key, owed in pairs:
            random = Random(
                f"desk-{self.seed}-{plan_key}-{self.ledger.courses[plan_key].owing.reports.index(owed)}"
            )
            drawn = random.random()
            if drawn < NEVER or (drawn < NEVER + LATE and owed.due_on >= at.date()):
                continue
            if random.random() < READ:
                self._read(referrer, report, owed)
            self._acknowledge(referrer, report["report_id"], plan_key)
            owed.acknowledged = True
            self._count("acknowledged late" if owed.due_on < at.date() else "acknowledged")

    def _acknowledge(self, referrer: str, report: str, key: str) -> None:
        path = f"/reports/{report}/acknowledgement"
        answer = self._ask(
            referrer, "POST", path, f"{self.seed}-{key}-{report.rpartition('.')[2]}-acknowledged"
        )
        if answer["acknowledged_at"] is None:
            self.differences.append(f"{path} of {referrer} leaves it unacknowledged")

    def close(self, referrer: str, at: datetime) -> None:
        """Hold what is overdue, and all that was ever made, against the player's own count. Blocks."""
        overdue, made = (
            self._hold(referrer, status, self._listed(referrer, status), at, counts)
            for status, counts in (
                ("overdue", lambda one: one.awaited(at) and one.due_on < at.date()),
                ("all", lambda one: one.at <= at),
            )
        )
        with self._counting:
            self.done["overdue at the end"] += len(overdue)
            self.done["made"] += len(made)
            self.done["corrected"] += sum(one.superseded for _, _, one in made)

    def _hold(
        self, referrer: str, status: str, listed: Iterable[Mapping[str, Any]], at: datetime, counts: Any
    ) -> list[tuple[Mapping[str, Any], str, Owed]]:
        """Each report of that status with the player's own; those of one journey and day in their order."""
        found: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
        for report in listed:
            if report["kind"] != KIND:
                continue
            place = report["journey_id"], report["day"], report["void"], report["due_on"]
            found.setdefault(place, []).append(report)
        own: dict[tuple[Any, ...], list[tuple[str, Owed]]] = {}
        for plan_key, course in self.ledger.courses.items():
            for one in course.owing.reports if course.referrer == referrer else ():
                if counts(one):
                    journey = self.handles.journeys[plan_key]
                    place = journey, one.on.isoformat(), one.void, one.due_on.isoformat()
                    own.setdefault(place, []).append((plan_key, one))
        pairs = []
        for place in sorted(found.keys() | own.keys()):
            theirs, ours = found.get(place, []), own.get(place, [])
            if len(theirs) != len(ours):
                self.differences.append(
                    f"{status} reports at {referrer} on {at:%Y-%m-%d}, {place}: {len(theirs)}, "
                    f"the player counted {len(ours)}"
                )
            theirs.sort(key=lambda report: int(report["report_id"].rpartition(".r")[2]))
            pairs += [(report, *one) for report, one in zip(theirs, ours, strict=False)]
        return pairs

    def _listed(self, referrer: str, status: str) -> Iterator[Mapping[str, Any]]:
        path, cursor = f"/reports?part=referrer&status={status}&limit={PAGE}", ""
        while True:
            page = self._ask(referrer, "GET", path + cursor)
            yield from page["reports"]
            if page["next_cursor"] is None:
                return
            cursor = f"&cursor={quote(page['next_cursor'])}"

    def _read(self, referrer: str, report: Mapping[str, Any], owed: Owed) -> None:
        content = self._ask(referrer, "GET", f"/reports/{report['report_id']}")
        if not owed.void and content["attendance"] != owed.attendance:
            self.differences.append(
                f"report {report['report_id']} says {content['attendance']}, the player counted {owed.attendance}"
            )
        self._count("read")

    def _ask(self, referrer: str, method: str, path: str, key: str | None = None) -> Any:
        answer = self.wire.ask(
            "activity-tracking",
            method,
            path,
            actor=(referrer, "caseworker"),
            body={} if key else None,
            key=key,
        )
        if answer.status != 200:
            raise Trouble(f"{method} {path} as {referrer} was answered {answer.status} {answer.body!r}.")
        return answer.body

    def _count(self, what: str) -> None:
        with self._counting:
            self.done[what] += 1


def told(agencies: Mapping[str, Agency], ledger: Ledger, at: datetime) -> list[str]:
    """Differences between the reports that each agency was told of on its topic and the player's own count. Blocks."""
    found = []
    for agency in agencies.values():
        agency.read_all()
        courses = [one for one in ledger.courses.values() if one.referrer == agency.organisation]
        own = sum(one.at <= at for course in courses for one in course.owing.reports)
        said = sum(body["kind"] == KIND for body in agency.reports.values())
        if said != own:
            found.append(f"{agency.organisation} was told of {said} reports, the player counted {own}")
    return found
