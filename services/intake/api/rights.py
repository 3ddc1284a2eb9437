"""Who could have done something on a journey on a day, and who did, over HTTP."""

from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema
from marshmallow import fields as ma

from services.intake import rights
from services.intake.rights import Asked, Could, Rights
from shared.edge.fields import Day, PageArguments, cursor_field, exactly
from shared.edge.ports import operators_of_this_app
from shared.edge.readings import points_at_people
from shared.edge.use_cases import next_cursor, run
from shared.edge.web import guarded
from shared.language.access import RULES
from shared.language.errors import Unknown
from shared.language.events import JourneyId
from shared.language.forms import ORGANISATION
from shared.language.programmes import Action

rights_of_days = Blueprint("rights", __name__, description="Who could have done what on a day, and who did")


class RightsPageArguments(PageArguments):
    """Of which day, and which page of the units; the cursor is a unit's id."""

    cursor = cursor_field(exactly(ORGANISATION))
    on = Day(
        load_default=None,
        metadata={"description": "The day that is asked about; today where it is not given."},
    )


class CouldAnswer(Schema):
    """A unit whose roles had the right in the journey's municipality on that day."""

    unit = ma.String(required=True)
    unit_name = ma.String(required=True)
    roles = ma.List(ma.String(), required=True)
    was_responsible = ma.Boolean(required=True)
    recorded_at = ma.String(
        required=True,
        metadata={"format": "date-time", "description": "Since when the register says so, in UTC."},
    )
    said_later = ma.Boolean(required=True)


class ActAnswer(Schema):
    """That something of that day was done, and when it was recorded."""

    what = ma.String(required=True, metadata={"description": "The type of the event that tells it."})
    organisation = ma.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "Code of the organisation that did it; null where the log does not name one."
        },
    )
    recorded_at = ma.String(required=True, metadata={"format": "date-time"})
    correction = ma.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "replaces or voids, where an earlier fact was said anew or taken back; else null."
        },
    )


class RightsAnswer(Schema):
    """Who could, a page by unit, and who did; `next_cursor` null: there are no more units."""

    action = ma.String(required=True, metadata={"description": "What could be done, an action of the roles."})
    on = ma.String(required=True, metadata={"format": "date", "description": "The day that is asked about."})
    programme = ma.String(required=True)
    programme_version = ma.Integer(required=True)
    municipality = ma.String(required=True)
    responsible = ma.List(
        ma.String(),
        required=True,
        metadata={
            "description": "Who held the journey on that day, also without the right; two where it moved."
        },
    )
    could = ma.List(
        ma.Nested(CouldAnswer),
        required=True,
        metadata={"description": "Units that held a role with this right in the municipality on that day."},
    )
    did = ma.List(
        ma.Nested(ActAnswer),
        required=True,
        metadata={"description": "What was done of it and is of that day, as intake said it."},
    )
    more_did = ma.Boolean(required=True)
    told_by = ma.String(required=True, allow_none=True)
    next_cursor = ma.String(required=True, allow_none=True)


@rights_of_days.route("/journeys/<string:journeyId>/rights/<string:action>", methods=["GET"])
@guarded(None, keeper=True, long=True)
@rights_of_days.arguments(RightsPageArguments(), location="query")
@rights_of_days.response(200, RightsAnswer)
def read_rights(asked: dict[str, Any], journey_id: JourneyId, action: Action) -> dict[str, Any]:
    """Who could have done this on the journey on a day, by the register as it is known now, and who did.

    `did` rests on the events that intake itself says: referrals, answers, withdrawals, consents, starts and mistakes.
    Of every other action `did` is empty, and `told_by` names the service that tells what it led to. Each reading is
    noted in the audit.
    """
    if action not in RULES:
        raise Unknown("action")
    points_at_people(f"journey/{journey_id}")
    limit, after = asked["limit"], asked["after"]

    def show(found: Rights) -> dict[str, Any]:
        return {**_shown(found), "next_cursor": next_cursor(found.could, lambda one: one.unit.id, limit)}

    wanted, operators = Asked(action=action, on=asked["on"]), operators_of_this_app()
    return run(rights.read_rights, show, journey_id, wanted, operators=operators, after=after, limit=limit)


def _shown(found: Rights) -> dict[str, Any]:
    passage = found.passage
    return {
        "action": found.action,
        "on": found.on.isoformat(),
        "programme": passage.programme,
        "programme_version": passage.programme_version,
        "municipality": passage.municipality,
        "responsible": list(found.responsible),
        "could": [_unit(one) for one in found.could],
        "did": [
            {
                "what": one.what,
                "organisation": one.organisation,
                "recorded_at": one.recorded_at.isoformat(),
                "correction": one.correction,
            }
            for one in found.did
        ],
        "more_did": found.more,
        "told_by": found.told_by,
    }


def _unit(one: Could) -> dict[str, Any]:
    return {
        "unit": one.unit.id,
        "unit_name": one.unit.name,
        "roles": list(one.roles),
        "was_responsible": one.was_responsible,
        "recorded_at": one.said_at.isoformat(),
        "said_later": one.later,
    }
