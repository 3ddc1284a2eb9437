"""The role map of a programme over HTTP: who may do what on a day, where, since when; as JSON and as a table."""

import csv
import io
from typing import Any

from flask import Response, request
from flask_smorest import Blueprint
from marshmallow import Schema, validate
from marshmallow import fields as ma

from services.intake import role_map
from services.intake.role_map import Held, RoleMapPage
from shared.edge.columns import guarded as as_cell
from shared.edge.fields import Day, PageArguments, cursor_field, exactly
from shared.edge.headers import JSON, acceptable
from shared.edge.row_files import CSV
from shared.edge.use_cases import next_cursor, run
from shared.edge.web import guarded
from shared.language.events import Code
from shared.language.forms import SUBJECT_KEY

role_maps = Blueprint("role_map", __name__, description="Who takes part in a programme")
TABLE_ROWS = 10_000
"""Rows of a table, at the most; a cursor leads beyond."""
FORMS = {JSON: "json", CSV: "csv"}
COLUMNS = (
    *("membership_id", "unit", "unit_name", "unit_kind", "roles", "may", "municipalities", "shared_with"),
    *("first_day", "last_day"),
)


class RoleMapPageArguments(PageArguments):
    """Of which day, which page of it, and how it is written; the cursor is a membership's id."""

    cursor = cursor_field(exactly(SUBJECT_KEY))
    on = Day(
        load_default=None,
        metadata={"description": "the day that is asked about; today where it is not given"},
    )
    format = ma.String(
        load_default=None,
        validate=validate.OneOf(["json", "csv", "csv-sv"]),
        metadata={
            "description": "csv: by RFC 4180; csv-sv: for an Excel with Swedish settings, with semicolons and a byte"
            " order mark; where it is not given Accept decides, and JSON comes first"
        },
    )


class HeldAnswer(Schema):
    """A unit's roles in the programme, from a first day to a last one, both included."""

    membership_id = ma.String(required=True)
    unit = ma.String(required=True)
    unit_name = ma.String(required=True)
    unit_kind = ma.String(required=True, allow_none=True)
    roles = ma.List(ma.String(), required=True)
    may = ma.List(ma.String(), required=True)
    municipalities = ma.List(ma.String(), required=True)
    shared_with = ma.List(ma.String(), required=True)
    first_day = ma.String(required=True, metadata={"format": "date"})
    last_day = ma.String(required=True, allow_none=True, metadata={"format": "date"})


class RoleMapAnswer(Schema):
    """A page of the role map on a day, by membership; `next_cursor` null: there are no more."""

    on = ma.String(
        required=True, metadata={"format": "date", "description": "The day that it is the role map of."}
    )
    memberships = ma.List(ma.Nested(HeldAnswer), required=True)
    next_cursor = ma.String(required=True, allow_none=True)


@role_maps.route("/programmes/<string:programmeId>/role-map", methods=["GET"])
@guarded(None)
@role_maps.arguments(RoleMapPageArguments(), location="query")
@role_maps.response(200, RoleMapAnswer)
@role_maps.alt_response(200, content_type=CSV, success=True, description="One row per membership.")
def read_role_map(asked: dict[str, Any], programme_id: Code) -> dict[str, Any] | Response:
    """Who may do what in the programme on a day, where and since when, by the register as it is known now.

    As a table it has all memberships at once, up to 10,000, whatever the limit.
    """
    form = asked["format"] or FORMS[acceptable(request.headers.get("Accept"), tuple(FORMS))]
    limit, after = asked["limit"] if form == "json" else TABLE_ROWS, asked["after"]

    def show(page: RoleMapPage) -> dict[str, Any]:
        cursor = next_cursor(page.held, lambda one: one.membership.id, limit)
        return {
            "on": page.on.isoformat(),
            "memberships": [_shown(one) for one in page.held],
            "next_cursor": cursor,
        }

    found = run(role_map.list_role_map, show, programme_id, on=asked["on"], after=after, limit=limit)
    if form == "json":
        return found
    headers = {"Content-Disposition": f'attachment; filename="{programme_id}-{found["on"]}.csv"'}
    text = _table(found, swedish=form == "csv-sv")
    return Response(text, content_type=f"{CSV}; charset=utf-8", headers=headers)


def _table(found: dict[str, Any], *, swedish: bool) -> str:
    """The same as a table; codes of one cell have blanks between them."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";" if swedish else ",")
    writer.writerow(("on", *COLUMNS))
    for one in found["memberships"]:
        writer.writerow([as_cell(_cell(value)) for value in (found["on"], *(one[name] for name in COLUMNS))])
    return f"\ufeff{out.getvalue()}" if swedish else out.getvalue()


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(value)
    return "" if value is None else str(value)


def _shown(held: Held) -> dict[str, Any]:
    membership, unit = held.membership, held.unit
    return {
        "membership_id": membership.id,
        "unit": membership.unit,
        "unit_name": unit.name,
        "unit_kind": unit.kind,
        "roles": list(membership.roles),
        "may": list(held.may),
        "municipalities": list(membership.municipalities),
        "shared_with": list(membership.shared_with),
        "first_day": membership.first_day.isoformat(),
        "last_day": membership.last_day and membership.last_day.isoformat(),
    }
