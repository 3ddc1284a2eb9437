"""Parked events as an operator may see them: their position, their reason, and only content that is not personal.

Events carry no names, but they carry a participant's handle, and codes that may tell of health (a reason, a
situation). An operator needs neither to mend anything. SHOWN is the closed list of fields whose values are shown.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from pymongo import ASCENDING
from pymongo.database import Database

from shared.language import codec
from shared.language.codec import Undecodable
from shared.language.decision import Skip
from shared.language.errors import Invalid, Unknown
from shared.language.forms import HANDLE as HANDLE_FORM
from shared.language.forms import PARTICIPANT_ID
from shared.language.personal_numbers import without_personnummer
from shared.operations.missing import Waiting, missing
from shared.runtime.groups import Group

REASONS = ("waiting", "poison", "blocked", "unreadable")
WITHHELD = "withheld"
SHOWN = frozenset(
    {
        *("occurred_on", "recorded_at", "first_on", "last_on", "last_day", "deadline_on", "offered_on"),
        *("answer_by", "programme", "programme_version", "municipality", "organisation", "organisations"),
        *("referrer", "provider", "validated_by", "from_organisation", "to_organisation"),
        *("session", "corrects", "handover", "follow_up", "output", "kind", "round", "answered", "quantity"),
        *("replaced_quantity", "void", "complete", "purpose", "level", "competence"),
    }
)
SCRUBBED = 2000
"""Characters of an error that are searched for personal data; the shown part is their beginning."""
NAMES_SOMEBODY = re.compile(f"{PARTICIPANT_ID}|{HANDLE_FORM}")


def shown_subject(subject: str) -> str:
    """The subject as an operator sees it: a participant's handle is withheld, all others stand in the logs too."""
    kind = subject.partition("/")[0]
    return f"{kind}/{WITHHELD}" if kind in ("participant", "handle") else subject


def scrubbed(text: str) -> str:
    """An error's words without participants' handles and what reads as a personnummer; at most 300 letters."""
    return without_personnummer(NAMES_SOMEBODY.sub("p-…", text[:SCRUBBED]), "…")[:300]


def summary(row: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """One parked event in a list. at: now, UTC."""
    return {
        "parked_id": row["_id"],
        "group": row["group"],
        "subject": shown_subject(row["subject"]),
        "source": row.get("source"),
        "seq": row.get("seq"),
        "type": row.get("type"),
        "reason": row["reason"],
        "needs": row.get("needs"),
        "error": scrubbed(row["error"]),
        "at": row["at"].isoformat(),
        "seconds": max(0, int((at - row["at"]).total_seconds())),
    }


def facts(kind: str, value: bytes) -> dict[str, Any]:
    """The content of the event, as far as it may be shown: {shown, withheld, unreadable}."""
    try:
        body = msgspec.to_builtins(codec.read_body(kind, value))
    except Undecodable as error:
        return {"shown": {}, "withheld": [], "unreadable": str(error)}
    return {
        "shown": {name: said for name, said in body.items() if name in SHOWN and said is not None},
        "withheld": sorted(name for name, said in body.items() if name not in SHOWN and said is not None),
        "unreadable": None,
    }


class ParkedEvents:
    """Reads the parked events of one service's groups. Blocks; a retry is safe."""

    def __init__(self, database: Database[Any], groups: Mapping[str, Group]) -> None:
        self._database = database
        self._groups = groups

    def page(
        self,
        *,
        groups: Sequence[str],
        reasons: Sequence[str],
        after: str | Skip | None,
        limit: int,
        at: datetime,
    ) -> dict[str, Any]:
        """A page, the longest parked first. after: the cursor of the page before. Raises Invalid for another's."""
        condition: dict[str, Any] = {"group": {"$in": list(groups)}, "reason": {"$in": list(reasons)}}
        skip = after.rows if isinstance(after, Skip) else 0
        if after is not None and not isinstance(after, Skip):
            moment, identity = read_cursor(after)
            condition["$or"] = [{"at": {"$gt": moment}}, {"at": moment, "_id": {"$gt": identity}}]
        fields = {"headers": 0, "value": 0}
        order = [("at", ASCENDING), ("_id", ASCENDING)]
        rows = list(self._database["parked"].find(condition, fields, sort=order, skip=skip, limit=limit))
        full = len(rows) == limit
        return {
            "parked": [summary(row, at) for row in rows],
            "next_cursor": write_cursor(rows[-1]) if full else None,
        }

    def row(self, parked_id: str) -> dict[str, Any]:
        """The stored document. Raises Unknown."""
        row: dict[str, Any] | None = self._database["parked"].find_one(
            {"_id": parked_id, "group": {"$in": list(self._groups)}}
        )
        if row is None:
            raise Unknown("parked event")
        return row

    def detail(self, parked_id: str, at: datetime) -> dict[str, Any]:
        """One parked event, its content, the state of its subject, and the events that it waits for. Raises Unknown."""
        row = self.row(parked_id)
        found = summary(row, at)
        if "headers" not in row:
            return {**found, "time": None, "trace_id": None, "after": {}, "facts": None, "stands": None}
        group = self._groups[row["group"]]
        headers = row["headers"]
        state = self._database[group.repository.collection].find_one(
            {"_id": row["subject"]}, {"in": 1, "blocked": 1, "waits": 1}
        )
        state = {"in": {}, "blocked": False, "waits": 0, **(state or {})}
        return {
            **found,
            "time": headers.get("ce_time"),
            "trace_id": headers.get("traceparent", "")[3:35] or None,
            "after": codec.parse_past(headers.get("ce_after", "")),
            "facts": facts(row["type"], row["value"]),
            "stands": {
                "applied": state["in"],
                "blocked": state["blocked"],
                "parked": state["waits"],
                "missing": self._missing(row["subject"], group, state["in"]),
            },
        }

    def _missing(self, subject: str, group: Group, applied: Mapping[str, int]) -> list[dict[str, Any]]:
        rows = list(self._database["parked"].find({"group": group.name, "subject": subject}, limit=1000))
        found = missing(
            subject,
            map(as_waiting, rows),
            applied,
            own_source=group.own_source,
            programmes=known_programmes(self._database, rows),
        )
        return [
            {
                "source": one.source,
                "subject": shown_subject(one.subject),
                "seq": one.seq,
                "last": one.last,
            }
            for one in sorted(found)
        ]


def as_waiting(row: Mapping[str, Any]) -> Waiting:
    """A parked document as input of `missing`."""
    after = codec.parse_past(row["headers"].get("ce_after", ""))
    return Waiting(source=row["source"], seq=row["seq"], after=after, needs=row.get("needs"))


def known_programmes(database: Database[Any], rows: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """The programme versions that these rows wait for and that have arrived."""
    needs = {row["needs"] for row in rows if row.get("needs")}
    if not needs:
        return frozenset()
    return frozenset(
        one["_id"] for one in database["programmes"].find({"_id": {"$in": list(needs)}}, {"_id": 1})
    )


def write_cursor(row: Mapping[str, Any]) -> str:
    """The cursor of the next page: `<milliseconds>.<id>`."""
    return f"{int(row['at'].timestamp() * 1000)}.{row['_id']}"


def read_cursor(text: str) -> tuple[datetime, str]:
    """The moment and the id in a cursor. Raises Invalid for any other text."""
    milliseconds, _, identity = text.partition(".")
    try:
        return datetime.fromtimestamp(int(milliseconds) / 1000, UTC), identity
    except (ValueError, OverflowError, OSError):
        reasons = ["Takes the cursor of the page before, as it was given."]
        raise Invalid({"cursor": reasons}) from None
