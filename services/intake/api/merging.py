"""The routes by which two handles become one person, and two again, and those that may be one are found."""

from collections.abc import Sequence
from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema
from marshmallow import fields as ma

from services.intake import candidates, merging
from services.intake.api.provided import provided
from services.intake.api.purposes import PURPOSE_HEADER, purpose_of_reading
from services.intake.candidates import Candidate
from services.intake.domain.merge import Act, Merge
from shared.edge.corrections import why_field
from shared.edge.fields import CommandSchema, PageArguments, cursor_field, id_field
from shared.edge.paths import subject_in_path
from shared.edge.use_cases import applied, paged, run
from shared.edge.web import guarded, query
from shared.language.events import HandleId

merges = Blueprint("merges", __name__, description="Two handles that are one person")
PLACE = r"^[0-9T:.-]{23}\|h-[0-9a-z]{26}:h-[0-9a-z]{26}:[0-9]{1,6}\Z"


class MergeBody(CommandSchema):
    """The other handle of your organisation, and why the two are one person, or why they are two."""

    makes = Merge
    participant_id = id_field("h", required=True)
    why = why_field(required=True)


class MergePageArguments(PageArguments):
    """Which page of the merges."""

    cursor = cursor_field(PLACE)


class MergeAnswer(Schema):
    """What was said of two handles: that they are one person (`merged`), or two again (`parted`)."""

    participant_id = ma.String(required=True)
    other_participant_id = ma.String(required=True)
    did = ma.String(required=True, metadata={"description": "What was said: merged, or parted again."})
    person = ma.String(required=True)
    why = ma.String(required=True, metadata={"description": "Why, in a sentence without personal data."})
    recorded_at = ma.String(required=True, metadata={"format": "date-time"})


class MergePageAnswer(Schema):
    """A page of what your organisation has said; `next_cursor` null: there are no more."""

    merges = ma.List(ma.Nested(MergeAnswer), required=True)
    next_cursor = ma.String(required=True, allow_none=True)


class ReasonAnswer(Schema):
    """A reason in words, in both languages."""

    code = ma.String(required=True, metadata={"description": "The reason's stable code."})
    sv = ma.String(required=True)
    en = ma.String(required=True)


class CandidateAnswer(Schema):
    """Another participant of your organisation who may be the same person, and why. A human decides."""

    participant_id = ma.String(required=True)
    reasons = ma.List(
        ma.Nested(ReasonAnswer), required=True, metadata={"description": "Why the two may be one, in words."}
    )


class CandidatesAnswer(Schema):
    """Those who may be the same person, the likeliest first, at most 20. complete: whether all were compared."""

    candidates = ma.List(ma.Nested(CandidateAnswer), required=True)
    complete = ma.Boolean(required=True, metadata={"description": "Whether all were compared."})


@merges.route("/participants/<string:participantId>/merge", methods=["POST"])
@guarded("register_participant")
@merges.arguments(MergeBody())
@merges.response(200, MergeAnswer)
def merge_participants(body: Merge, participant_id: HandleId) -> dict[str, Any]:
    """Let two of your organisation's handles stand for one person; both stay valid."""
    return run(merging.merge_participants, _shown_for(participant_id), participant_id, body)


@merges.route("/participants/<string:participantId>/separation", methods=["POST"])
@guarded("register_participant")
@merges.arguments(MergeBody())
@merges.response(200, MergeAnswer)
def part_participants(body: Merge, participant_id: HandleId) -> dict[str, Any]:
    """Take back that two of your organisation's handles are one person."""
    return run(merging.part_participants, _shown_for(participant_id), participant_id, body)


@merges.route("/participants/<string:participantId>/merges", methods=["GET"])
@guarded("read_participant")
@merges.arguments(MergePageArguments(), location="query")
@merges.response(200, MergePageAnswer)
def list_merges(asked: dict[str, Any], participant_id: HandleId) -> dict[str, Any]:
    """Which handles your organisation has merged with this one, or parted from it, who did so and why."""
    limit, after = asked["limit"], asked["after"]
    show = paged("merges", _shown_for(participant_id), lambda one: one.place, limit)
    return run(merging.list_merges, show, participant_id, after=after, limit=limit)


@merges.route("/participants/<string:participantId>/candidates", methods=["GET"])
@guarded("register_participant", long=True)
@merges.doc(parameters=[PURPOSE_HEADER])
@merges.response(200, CandidatesAnswer)
def list_candidates(participant_id: HandleId) -> dict[str, Any]:
    """Who among those that your organisation registered may be the same person; only for one without a number."""
    purpose = purpose_of_reading()
    keys = provided().vault, provided().referrals
    read = applied(candidates.find_candidates, _show_candidates, participant_id, *keys)
    return query(read, subject_in_path(), purpose=purpose)


def _shown_for(handle: HandleId) -> Any:
    def show(act: Act) -> dict[str, Any]:
        return {
            "participant_id": handle,
            "other_participant_id": act.other_than(handle),
            "did": act.did,
            "person": act.person,
            "why": act.why,
            "recorded_at": act.recorded_at.isoformat(),
        }

    return show


def _show_candidates(found: tuple[Sequence[Candidate], bool]) -> dict[str, Any]:
    several, complete = found
    shown = [
        {
            "participant_id": one.handle,
            "reasons": [{"code": why.code, "sv": why.sv, "en": why.en} for why in one.reasons],
        }
        for one in several
    ]
    return {"candidates": shown, "complete": complete}
