"""That two handles are one person: said by a human of the organisation that holds both, and taken back. Pure.

What was said, by whom and why is kept act by act, and shown to that organisation alone. Source: docs/field.md, Privacy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from services.intake.domain.journey import Referral
from services.intake.domain.participant import Handle
from services.intake.domain.participation import is_open
from shared.language import events as e
from shared.language.access import Actor
from shared.language.decision import Row
from shared.language.errors import Conflict, Invalid

MERGES = "merges"
"""Rows, one per act: two handles of one organisation were merged, or parted again."""
UNKNOWN_OTHER = "Takes the handle of another participant whom your organisation registered, or took on."

Did = Literal["merged", "parted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Command: the other handle of the same person, and why; or, to part them, why they are two."""

    participant_id: e.HandleId
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act: the two handles, what was done, by whom, why and when (UTC).

    number: of the acts on these two, from 1 on.
    """

    handles: tuple[e.HandleId, e.HandleId]
    number: int
    did: Did
    organisation: e.Organisation
    person: str
    why: str
    recorded_at: datetime

    @property
    def place(self) -> str:
        """Orders acts by the moment, then by the pair."""
        moment = self.recorded_at.astimezone(UTC).replace(tzinfo=None)
        return f"{moment.isoformat(timespec='milliseconds')}|{':'.join(self.handles)}:{self.number}"

    def other_than(self, handle: e.HandleId) -> e.HandleId:
        """The other of the two handles."""
        return self.handles[1] if self.handles[0] == handle else self.handles[0]


def act_of(one: e.HandleId, command: Merge, did: Did, *, number: int, by: Actor, at: datetime) -> Act:
    """The act, as it is kept."""
    first, second = sorted((one, command.participant_id))
    return Act(
        handles=(first, second),
        number=number,
        did=did,
        organisation=by.organisation,
        person=by.person,
        why=command.why,
        recorded_at=at,
    )


def act_row(act: Act) -> Row:
    """The row that keeps the act."""
    body = {
        "handles": list(act.handles),
        "number": act.number,
        "did": act.did,
        "organisation": act.organisation,
        "person": act.person,
        "why": act.why,
        "recorded_at": act.recorded_at,
        "place": act.place,
    }
    return Row(MERGES, f"{':'.join(act.handles)}:{act.number:06d}", body)


def act_in(row: Mapping[str, Any]) -> Act:
    """The act that the row keeps."""
    kept = {name: row[name] for name in ("number", "did", "organisation", "person", "why", "recorded_at")}
    one, other = row["handles"]
    return Act(handles=(e.HandleId(one), e.HandleId(other)), **kept)


def not_itself(handle: e.HandleId, command: Merge) -> None:
    """Refuse a merge of a handle with itself. Raises Invalid."""
    if command.participant_id == handle:
        raise Invalid({"participant_id": ["Takes another handle than the one in the path."]})


def may_merge(link: Mapping[str, Any] | None, one: Handle, other: Handle) -> None:
    """Refuse two that are merged already. link: the row of what was said of the two before. Raises Conflict."""
    if (link is not None and link["standing"]) or one.home == other.home:
        raise Conflict("already-merged", "The two handles are merged already.")


def may_part(link: Mapping[str, Any] | None) -> None:
    """Refuse two that are not merged. link: the row of what was said of the two before. Raises Conflict."""
    if link is None or not link["standing"]:
        raise Conflict("not-merged", "The two handles are not merged.")


def refuse_both_open(one: Sequence[Referral], other: Sequence[Referral]) -> None:
    """Refuse to merge two persons who both stand open in a programme.

    one, other: the journeys of each in one programme, as far as the caller may read them. Raises Conflict.
    """
    open_ones = [next((held for held in journeys if is_open(held)), None) for journeys in (one, other)]
    first, second = open_ones
    if first is not None and second is not None:
        raise Conflict(
            "both-open",
            f"{first.journey_id} and {second.journey_id} are both open in {first.passage.programme}; end one first.",
            {"journey_id": [first.journey_id, second.journey_id]},
        )


def same_number_row(one: e.ParticipantId, other: e.ParticipantId, *, at: datetime) -> Row:
    """The row that keeps that the platform found two persons to be one, by the same number. `other` remains."""
    body = {
        "handles": [],
        "participants": [one, other],
        "did": "same_number",
        "organisation": None,
        "recorded_at": at,
    }
    return Row(MERGES, f"{one}:{other}", body)
