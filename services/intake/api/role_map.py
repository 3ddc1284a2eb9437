"""The role map of a programme over HTTP: who holds which role, where, from when to when."""

from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema
from marshmallow import fields as ma

from services.intake import role_map
from services.intake.role_map import Held
from shared.edge.fields import PageArguments, cursor_field, exactly
from shared.edge.use_cases import paged, run
from shared.edge.web import guarded
from shared.language.events import Code
from shared.language.forms import SUBJECT_KEY

role_maps = Blueprint("role_map", __name__, description="Who takes part in a programme")


class RoleMapPageArguments(PageArguments):
    """Which page of the role map; the cursor is a membership's id."""

    cursor = cursor_field(exactly(SUBJECT_KEY))


class HeldAnswer(Schema):
    """A unit's roles in the programme, from a first day to a last one, both included."""

    membership_id = ma.String(required=True)
    unit = ma.String(required=True)
    unit_name = ma.String(required=True)
    unit_kind = ma.String(required=True, allow_none=True)
    roles = ma.List(ma.String(), required=True)
    municipalities = ma.List(ma.String(), required=True)
    shared_with = ma.List(ma.String(), required=True)
    first_day = ma.String(required=True, metadata={"format": "date"})
    last_day = ma.String(required=True, allow_none=True, metadata={"format": "date"})


class RoleMapAnswer(Schema):
    """A page of the role map, by membership; `next_cursor` null: there are no more."""

    memberships = ma.List(ma.Nested(HeldAnswer), required=True)
    next_cursor = ma.String(required=True, allow_none=True)


@role_maps.route("/programmes/<string:programmeId>/role-map", methods=["GET"])
@guarded(None)
@role_maps.arguments(RoleMapPageArguments(), location="query")
@role_maps.response(200, RoleMapAnswer)
def read_role_map(asked: dict[str, Any], programme_id: Code) -> dict[str, Any]:
    """Who holds which role in the programme, where and since when; those that have ended too."""
    limit, after = asked["limit"], asked["after"]
    show = paged("memberships", _shown, lambda one: one.membership.id, limit)
    return run(role_map.list_role_map, show, programme_id, after=after, limit=limit)


def _shown(held: Held) -> dict[str, Any]:
    membership, unit = held.membership, held.unit
    return {
        "membership_id": membership.id,
        "unit": membership.unit,
        "unit_name": unit.name,
        "unit_kind": unit.kind,
        "roles": list(membership.roles),
        "municipalities": list(membership.municipalities),
        "shared_with": list(membership.shared_with),
        "first_day": membership.first_day.isoformat(),
        "last_day": membership.last_day and membership.last_day.isoformat(),
    }
