"""The route of what waits for whom."""

from typing import Any

from flask_smorest import Blueprint

from services.outcome import waiting as waits
from shared.edge.use_cases import run
from shared.edge.waiting import WaitingArguments, WaitingPageAnswer, place_of, show_waiting
from shared.edge.web import guarded

waiting = Blueprint("waiting", __name__, description="What waits for whom")


@waiting.route("/waiting", methods=["GET"])
@guarded("answer_follow_up", somewhere=True)
@waiting.arguments(WaitingArguments(), location="query")
@waiting.response(200, WaitingPageAnswer)
def list_waiting(asked: dict[str, Any]) -> dict[str, Any]:
    """What waits for an act of the caller's unit here, by kind; with `journey`, of that journey."""
    limit, after = asked["limit"], place_of(asked["after"])
    show = show_waiting(limit)
    return run(waits.list_waiting, show, journey=asked.get("journey"), after=after, limit=limit)
