"""The routes of handover, one function each: name the use case, show what came of it."""

from typing import Any

from flask_smorest import Blueprint

from services.handover import handlers
from services.handover.api import schemas as s
from services.handover.domain.offers import AcceptHandover, DeclineHandover, OfferHandover, RecallHandover
from shared.edge.use_cases import paged, run
from shared.edge.web import guarded
from shared.language.events import HandoverId, JourneyId

handovers = Blueprint("handovers", __name__, description="From one responsible organisation to the next")


@handovers.route("/journeys/<string:journeyId>/handovers", methods=["POST"])
@guarded("offer_handover")
@handovers.arguments(s.OfferHandoverBody())
@handovers.response(201, s.HandoverAnswer)
def offer_handover(body: OfferHandover, journey_id: JourneyId) -> dict[str, Any]:
    """Offer the journey to another organisation; one offer at a time, and only where consent covers it."""
    return run(handlers.offer_handover, s.show_offer, journey_id, body)


@handovers.route("/journeys/<string:journeyId>/handovers", methods=["GET"])
@guarded("read_journey")
@handovers.arguments(s.JourneyPageArguments(), location="query")
@handovers.response(200, s.HandoverPageAnswer)
def list_handovers(page: dict[str, Any], journey_id: JourneyId) -> dict[str, Any]:
    """The journey's offers, the first made first."""
    limit, after = page["limit"], page["after"]
    show = paged("handovers", s.show_offer, lambda offer: offer.number, limit)
    return run(handlers.list_handovers, show, journey_id, after=after, limit=limit)


@handovers.route("/handovers", methods=["GET"])
@guarded("answer_handover")
@handovers.arguments(s.ReceivedPageArguments(), location="query")
@handovers.response(200, s.HandoverPageAnswer)
def list_received(page: dict[str, Any]) -> dict[str, Any]:
    """The offers made to the caller's organisation, those that await its answer unless asked otherwise."""
    limit, after = page["limit"], page["after"]
    show = paged("handovers", s.show_offer, lambda offer: offer.handover_id, limit)
    return run(handlers.list_received, show, page["status"], after=after, limit=limit)


@handovers.route("/handovers/<string:handoverId>", methods=["GET"])
@guarded("read_journey")
@handovers.response(200, s.HandoverAnswer)
def read_handover(handover_id: HandoverId) -> dict[str, Any]:
    """One offer, for its two parties and for those who have a part in the journey."""
    return run(handlers.read_handover, s.show_offer, handover_id)


@handovers.route("/handovers/<string:handoverId>/acceptance", methods=["POST"])
@guarded("answer_handover")
@handovers.arguments(s.AcceptHandoverBody())
@handovers.response(200, s.HandoverAnswer)
def accept_handover(body: AcceptHandover, handover_id: HandoverId) -> dict[str, Any]:
    """Say yes: the receiver becomes responsible for the journey."""
    return run(handlers.accept_handover, s.show_offer, handover_id, body)


@handovers.route("/handovers/<string:handoverId>/decline", methods=["POST"])
@guarded("answer_handover")
@handovers.arguments(s.DeclineHandoverBody())
@handovers.response(200, s.HandoverAnswer)
def decline_handover(body: DeclineHandover, handover_id: HandoverId) -> dict[str, Any]:
    """Say no, with a reason."""
    return run(handlers.decline_handover, s.show_offer, handover_id, body)


@handovers.route("/handovers/<string:handoverId>/recall", methods=["POST"])
@guarded("recall_handover")
@handovers.arguments(s.RecallHandoverBody())
@handovers.response(200, s.HandoverAnswer)
def recall_handover(body: RecallHandover, handover_id: HandoverId) -> dict[str, Any]:
    """Take the offer back before it is answered, with a reason."""
    return run(handlers.recall_handover, s.show_offer, handover_id, body)
