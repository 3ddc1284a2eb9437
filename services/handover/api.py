"""HTTP of handover: one function a route, which names the use case and shows what came of it."""

import re
from collections.abc import Sequence
from typing import Any, get_args

import msgspec
from flask_smorest import Blueprint
from marshmallow import Schema, validate
from marshmallow import fields as ma

from services.handover import handlers
from services.handover.domain.corrections import CorrectAnswer
from services.handover.domain.journey import Offer, Status, journey_of
from services.handover.domain.offers import AcceptHandover, DeclineHandover, OfferHandover, RecallHandover
from shared.edge.corrections import CorrectingBody, add_list
from shared.edge.fields import (
    CommandSchema,
    Day,
    Number,
    QuerySchema,
    code_field,
    cursor_field,
    limit_field,
    organisation_field,
)
from shared.edge.web import (
    actor,
    command,
    guarded,
    journey_subject,
    query,
)
from shared.language.access import WORKPLACES, Reader
from shared.language.corrections import Superseded
from shared.language.decision import Subject, Work
from shared.language.errors import Unknown
from shared.language.events import HandoverId, HandoverKind, JourneyId

handovers = Blueprint("handovers", __name__, description="From one responsible organisation to the next")
BLUEPRINTS = (handovers,)


class OfferHandoverBody(CommandSchema):
    """An offer of the journey to another organisation, up to and including a day."""

    makes = OfferHandover
    kind = ma.String(required=True, validate=validate.OneOf(get_args(HandoverKind)))
    to_organisation = organisation_field(required=True)
    deadline_on = Day(required=True)
    occurred_on = Day(allow_none=True)


class AcceptHandoverBody(CommandSchema):
    """The day of the yes."""

    makes = AcceptHandover
    occurred_on = Day(allow_none=True)


class DeclineHandoverBody(CommandSchema):
    """Why and when the receiver said no."""

    makes = DeclineHandover
    reason = code_field(required=True)
    occurred_on = Day(allow_none=True)


class RecallHandoverBody(CommandSchema):
    """Why and when the offer was taken back."""

    makes = RecallHandover
    reason = code_field(required=True)
    occurred_on = Day(allow_none=True)


class CorrectAcceptanceBody(CorrectingBody):
    """The day on which the yes was said."""

    makes = CorrectAnswer
    occurred_on = Day(allow_none=True)


class CorrectReasonBody(CorrectAcceptanceBody):
    """The reason of a no or a recall, and its day where that was wrong too."""

    reason = code_field(allow_none=True)


class JourneyPageArguments(QuerySchema):
    """Which page of a journey's offers: `cursor` is the `next_cursor` of the page before."""

    cursor = Number(validate=validate.Range(1, 1_000_000))
    limit = limit_field()


class ReceivedPageArguments(QuerySchema):
    """Which of the offers made to the caller's organisation."""

    status = ma.String(load_default="open", validate=validate.OneOf(get_args(Status)))
    cursor = cursor_field(r"^[0-9a-z.-]{1,60}\Z")
    limit = limit_field()


class HandoverAnswer(Schema):
    """One offer: `ended_on` and `reason` say how it ended, once it has."""

    handover_id = ma.String()
    journey_id = ma.String()
    number = ma.Integer()
    programme = ma.String()
    kind = ma.String()
    from_organisation = ma.String()
    to_organisation = ma.String()
    offered_on = ma.String(metadata={"format": "date"})
    deadline_on = ma.String(metadata={"format": "date"})
    status = ma.String(validate=validate.OneOf(get_args(Status)))
    ended_on = ma.String(metadata={"format": "date"}, allow_none=True)
    reason = ma.String(allow_none=True)


class HandoverPageAnswer(Schema):
    """A page of offers."""

    handovers = ma.List(ma.Nested(HandoverAnswer))
    next_cursor = ma.String(allow_none=True)


def show(offer: Offer) -> dict[str, Any]:
    """An offer as plain values. Why it was recalled is no employer's and no school's to know."""
    document: dict[str, Any] = msgspec.to_builtins(offer)
    received = actor().organisation == offer.to_organisation
    if offer.status == "recalled" and offer.kind in WORKPLACES and received:
        document["reason"] = None
    return document


def handover_subject(handover_id: str) -> Subject:
    """The journey of the handover in the path. Raises Unknown for what cannot be a handover's id."""
    if not re.search(r"\.h[1-9][0-9]{0,5}\Z", handover_id):
        raise Unknown("handover")
    return journey_subject(journey_of(handover_id))


@handovers.route("/journeys/<string:journey_id>/handovers", methods=["POST"])
@guarded("offer_handover")
@handovers.arguments(OfferHandoverBody())
@handovers.response(201, HandoverAnswer)
def offer_handover(body: OfferHandover, journey_id: str) -> dict[str, Any]:
    """Offer the journey to another organisation; one offer at a time, and only where consent covers it."""

    def use_case(work: Work) -> dict[str, Any]:
        return show(handlers.offer_handover(work, actor(), JourneyId(journey_id), body))

    return command(use_case, journey_subject(journey_id))


@handovers.route("/journeys/<string:journey_id>/handovers", methods=["GET"])
@guarded("read_journey")
@handovers.arguments(JourneyPageArguments(), location="query")
@handovers.response(200, HandoverPageAnswer)
def list_handovers(page: dict[str, Any], journey_id: str) -> dict[str, Any]:
    """The journey's offers, the first made first."""
    limit = page["limit"]

    def use_case(work: Work) -> dict[str, Any]:
        found = handlers.list_handovers(
            work, actor(), JourneyId(journey_id), after=page.get("cursor"), limit=limit
        )
        full = len(found) == limit
        return {
            "handovers": [show(offer) for offer in found],
            "next_cursor": str(found[-1].number) if full else None,
        }

    return query(use_case, journey_subject(journey_id))


@handovers.route("/handovers", methods=["GET"])
@guarded("answer_handover")
@handovers.arguments(ReceivedPageArguments(), location="query")
@handovers.response(200, HandoverPageAnswer)
def list_received(page: dict[str, Any]) -> dict[str, Any]:
    """The offers made to the caller's organisation, those that await its answer unless asked otherwise."""
    limit = page["limit"]

    def use_case(work: Work) -> dict[str, Any]:
        found = handlers.list_received(work, actor(), page["status"], after=page.get("cursor"), limit=limit)
        full = len(found) == limit
        return {
            "handovers": [show(offer) for offer in found],
            "next_cursor": found[-1].handover_id if full else None,
        }

    return query(use_case)


@handovers.route("/handovers/<string:handover_id>", methods=["GET"])
@guarded("read_journey")
@handovers.response(200, HandoverAnswer)
def read_handover(handover_id: str) -> dict[str, Any]:
    """One offer, for its two parties and for those who have a part in the journey."""

    def use_case(work: Work) -> dict[str, Any]:
        return show(handlers.read_handover(work, actor(), HandoverId(handover_id)))

    return query(use_case, handover_subject(handover_id))


@handovers.route("/handovers/<string:handover_id>/acceptance", methods=["POST"])
@guarded("answer_handover")
@handovers.arguments(AcceptHandoverBody())
@handovers.response(200, HandoverAnswer)
def accept_handover(body: AcceptHandover, handover_id: str) -> dict[str, Any]:
    """Say yes: the receiver becomes responsible for the journey."""

    def use_case(work: Work) -> dict[str, Any]:
        return show(handlers.accept_handover(work, actor(), HandoverId(handover_id), body))

    return command(use_case, handover_subject(handover_id))


@handovers.route("/handovers/<string:handover_id>/decline", methods=["POST"])
@guarded("answer_handover")
@handovers.arguments(DeclineHandoverBody())
@handovers.response(200, HandoverAnswer)
def decline_handover(body: DeclineHandover, handover_id: str) -> dict[str, Any]:
    """Say no, with a reason."""

    def use_case(work: Work) -> dict[str, Any]:
        return show(handlers.decline_handover(work, actor(), HandoverId(handover_id), body))

    return command(use_case, handover_subject(handover_id))


@handovers.route("/handovers/<string:handover_id>/recall", methods=["POST"])
@guarded("recall_handover")
@handovers.arguments(RecallHandoverBody())
@handovers.response(200, HandoverAnswer)
def recall_handover(body: RecallHandover, handover_id: str) -> dict[str, Any]:
    """Take the offer back before it is answered, with a reason."""

    def use_case(work: Work) -> dict[str, Any]:
        return show(handlers.recall_handover(work, actor(), HandoverId(handover_id), body))

    return command(use_case, handover_subject(handover_id))


def _correct(body: CorrectAnswer, handover_id: str, ended: Status) -> dict[str, Any]:
    def use_case(work: Work) -> dict[str, Any]:
        return show(handlers.correct_handover(work, actor(), HandoverId(handover_id), body, ended))

    return command(use_case, handover_subject(handover_id))


@handovers.route("/handovers/<string:handover_id>/acceptance/correction", methods=["POST"])
@guarded("answer_handover")
@handovers.arguments(CorrectAcceptanceBody())
@handovers.response(200, HandoverAnswer)
def correct_handover_acceptance(body: CorrectAnswer, handover_id: str) -> dict[str, Any]:
    """Say on which day the receiver said yes; that it did stands."""
    return _correct(body, handover_id, "accepted")


@handovers.route("/handovers/<string:handover_id>/decline/correction", methods=["POST"])
@guarded("answer_handover")
@handovers.arguments(CorrectReasonBody())
@handovers.response(200, HandoverAnswer)
def correct_handover_decline(body: CorrectAnswer, handover_id: str) -> dict[str, Any]:
    """Say anew why and on which day the receiver said no; that it did stands."""
    return _correct(body, handover_id, "declined")


@handovers.route("/handovers/<string:handover_id>/recall/correction", methods=["POST"])
@guarded("recall_handover")
@handovers.arguments(CorrectReasonBody())
@handovers.response(200, HandoverAnswer)
def correct_handover_recall(body: CorrectAnswer, handover_id: str) -> dict[str, Any]:
    """Say anew why and on which day the offer was taken back; that it was stands."""
    return _correct(body, handover_id, "recalled")


def _list_corrections(
    work: Work, journey_id: JourneyId, after: int | None, limit: int
) -> tuple[Reader, Sequence[Superseded]]:
    return handlers.list_corrections(work, actor(), journey_id, after=after, limit=limit)


add_list(handovers, _list_corrections)
