"""The operators' route that verifies the seals over the audit of reads; it shows nobody."""

from dataclasses import asdict
from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, validate
from marshmallow import fields as ma
from pymongo.client_session import ClientSession

from shared.edge.fields import CommandSchema
from shared.edge.web import guarded
from shared.operations.routes import here, ordered, reading
from shared.operations.shapes import reason_field


class VerifyBody(CommandSchema):
    """Why, and behind which seal to begin: 0 for the first, `through` of the answer before where there was more."""

    reason = reason_field()
    after = ma.Integer(strict=True, load_default=0, validate=validate.Range(0, 2_000_000_000))


class VerifiedAnswer(Schema):
    """The result of a walk over the seals. fault: what is wrong with the seal after `through`, null while all holds.

    hash: of the seal `through`; the consume process logged it too. since, until: the moments between which the faulty
    rows lie.
    """

    seals = ma.Integer()
    rows = ma.Integer()
    through = ma.Integer()
    hash = ma.String()
    fault = ma.String(allow_none=True)
    since = ma.String(metadata={"format": "date-time"}, allow_none=True)
    until = ma.String(metadata={"format": "date-time"}, allow_none=True)
    more = ma.Boolean()


def audit_blueprint() -> Blueprint:
    """The route. It finds its `Operations` in the application's extensions."""
    routes = Blueprint("audit", __name__, description="Whether what was read of people is as it was written")

    @routes.route("/operations/audit/verification", methods=["POST"])
    @guarded(None, operator=True)
    @routes.arguments(VerifyBody)
    @routes.response(200, VerifiedAnswer)
    def verify_reads(body: dict[str, Any]) -> dict[str, Any]:
        """Verify the seals over the audit of reads, up to 200, and name the first that does not hold; shows nobody."""
        order = ordered(body)
        with reading():
            found = here().seals.verify(body["after"])
        told = asdict(found) | {
            "since": found.since and found.since.isoformat(),
            "until": found.until and found.until.isoformat(),
        }

        def work(session: ClientSession) -> dict[str, Any]:
            here().mending.audit(order, session, "verify", "audit/reads", told)
            return told

        return here().mending.once(order, work)

    return routes
