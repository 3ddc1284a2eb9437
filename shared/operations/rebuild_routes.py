"""The operators' routes for rebuilding a projection; only a service that has one has them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask_smorest import Blueprint
from pymongo.client_session import ClientSession

from shared.edge.web import guarded
from shared.language.errors import Unknown
from shared.operations.audit_routes import audit_blueprint
from shared.operations.mending import Order
from shared.operations.rebuild import Rebuilds
from shared.operations.routes import blueprint, here, ordered, reading
from shared.operations.shapes import ReasonBody, RebuildAnswer, SwapBody
from shared.runtime.parts import Service

Asked = Callable[[Rebuilds, ClientSession, Order], dict[str, Any]]


def rebuild_blueprint() -> Blueprint:
    """The routes. They find their `Operations` in the application's extensions."""
    routes = Blueprint("rebuilds", __name__, description="Projections made anew beside the live ones")

    @routes.route("/operations/rebuilds/<string:group>", methods=["GET"])
    @guarded(None, operator=True)
    @routes.response(200, RebuildAnswer)
    def read_rebuild(group: str) -> dict[str, Any]:
        """The latest rebuild of this projection: its progress, and the result of the last comparison."""
        with reading():
            found = here().rebuilds.find(group)
        if found is None:
            raise Unknown("rebuild")
        return shown(found)

    @routes.route("/operations/rebuilds/<string:group>", methods=["POST"])
    @guarded(None, operator=True)
    @routes.arguments(ReasonBody)
    @routes.response(201, RebuildAnswer)
    def start_rebuild(body: dict[str, Any], group: str) -> dict[str, Any]:
        """Fold the whole log again, beside the live projection; nothing live changes."""
        return _change(
            body,
            group,
            "start rebuild",
            lambda to, session, order: to.start(session, group, order.reason, order.at),
        )

    @routes.route("/operations/rebuilds/<string:group>/comparison", methods=["POST"])
    @guarded(None, operator=True)
    @routes.arguments(ReasonBody)
    @routes.response(200, RebuildAnswer)
    def compare_rebuild(body: dict[str, Any], group: str) -> dict[str, Any]:
        """Request a comparison with the live projection; `compared` holds the result, once there is one."""
        return _change(
            body,
            group,
            "compare rebuild",
            lambda to, session, order: to.ask_to_compare(session, group, order.at),
        )

    @routes.route("/operations/rebuilds/<string:group>/swap", methods=["POST"])
    @guarded(None, operator=True)
    @routes.arguments(SwapBody)
    @routes.response(200, RebuildAnswer)
    def swap_rebuild(body: dict[str, Any], group: str) -> dict[str, Any]:
        """Put the rebuilt projection in the live one's place.

        Until `state` is `swapped`, the projection stands still.
        """
        accept: bool = body["accept_differences"]
        return _change(
            body,
            group,
            "swap rebuild",
            lambda to, session, order: to.swap(session, group, order.at, accept=accept),
        )

    @routes.route("/operations/rebuilds/<string:group>/abandonment", methods=["POST"])
    @guarded(None, operator=True)
    @routes.arguments(ReasonBody)
    @routes.response(200, RebuildAnswer)
    def abandon_rebuild(body: dict[str, Any], group: str) -> dict[str, Any]:
        """Abandon the rebuild and remove its collections; nothing live changes."""
        return _change(
            body, group, "abandon rebuild", lambda to, session, order: to.abandon(session, group, order.at)
        )

    return routes


def blueprints_of(service: Service) -> tuple[Blueprint, ...]:
    """The operators' routes that this service has."""
    always = (blueprint(), audit_blueprint())
    return (*always, rebuild_blueprint()) if service.projections else always


def shown(found: Mapping[str, Any]) -> dict[str, Any]:
    """A rebuild's document as the routes answer it."""
    compared = found["compared"]
    return {
        "group": found["_id"],
        **{name: found[name] for name in ("run", "state", "reason", "progress", "halted")},
        **{name: _text(found[name]) for name in ("began_at", "ended_at", "compare_asked_at")},
        "compared": None
        if compared is None
        else {**compared, "at": _text(compared["at"]), "asked_at": _text(compared["asked_at"])},
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _change(body: dict[str, Any], group: str, did: str, asked: Asked) -> dict[str, Any]:
    """One order about a rebuild: in one transaction with its audit row, once per key."""
    order = ordered(body)

    def work(session: ClientSession) -> dict[str, Any]:
        found = shown(asked(here().rebuilds, session, order))
        came_to = {"run": found["run"], "state": found["state"]}
        here().mending.audit(order, session, did, f"projection/{group}", came_to)
        return found

    return here().mending.once(order, work)
