"""The routes by which the answer to an offer is said anew."""

from typing import Any

from flask_smorest import Blueprint

from services.handover import correcting
from services.handover.api.schemas import HandoverAnswer, show_offer
from services.handover.domain.corrections import CorrectAnswer
from shared.edge.corrections import CorrectingBody, add_list
from shared.edge.fields import Day, code_field
from shared.edge.use_cases import run
from shared.edge.web import guarded
from shared.language.events import HandoverId

corrections = Blueprint("corrections", __name__, description="What was said wrongly, said anew")


class CorrectAcceptanceBody(CorrectingBody):
    """The day on which the yes was said."""

    makes = CorrectAnswer
    occurred_on = Day(allow_none=True)


class CorrectReasonBody(CorrectAcceptanceBody):
    """The reason of a no or a recall, and its day where that was wrong too."""

    reason = code_field(allow_none=True)


@corrections.route("/handovers/<string:handoverId>/acceptance/correction", methods=["POST"])
@guarded("answer_handover")
@corrections.arguments(CorrectAcceptanceBody())
@corrections.response(200, HandoverAnswer)
def correct_handover_acceptance(body: CorrectAnswer, handover_id: HandoverId) -> dict[str, Any]:
    """Say on which day the receiver said yes; that it did stands."""
    return run(correcting.correct_handover, show_offer, handover_id, body, "accepted")


@corrections.route("/handovers/<string:handoverId>/decline/correction", methods=["POST"])
@guarded("answer_handover")
@corrections.arguments(CorrectReasonBody())
@corrections.response(200, HandoverAnswer)
def correct_handover_decline(body: CorrectAnswer, handover_id: HandoverId) -> dict[str, Any]:
    """Say anew why and on which day the receiver said no; that it did stands."""
    return run(correcting.correct_handover, show_offer, handover_id, body, "declined")


@corrections.route("/handovers/<string:handoverId>/recall/correction", methods=["POST"])
@guarded("recall_handover")
@corrections.arguments(CorrectReasonBody())
@corrections.response(200, HandoverAnswer)
def correct_handover_recall(body: CorrectAnswer, handover_id: HandoverId) -> dict[str, Any]:
    """Say anew why and on which day the offer was taken back; that it was stands."""
    return run(correcting.correct_handover, show_offer, handover_id, body, "recalled")


add_list(corrections, correcting.list_corrections)
