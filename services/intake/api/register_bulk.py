"""Many units and their memberships in one request, as NDJSON, CSV or a JSON array: a result per row.

A row is a unit and, where it names a programme, the unit's membership there: both are taken in, or neither. The ids
name both, so a file can be sent again, whole or mended, and nothing is registered twice.
"""

import re
from collections.abc import Mapping
from typing import Any, get_args

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError, post_load, validate, validates_schema
from marshmallow import fields as ma

from services.intake import registering
from services.intake.api import register_schemas as s
from services.intake.members import OF_UNITS
from shared.edge.columns import Columns
from shared.edge.corrections import why_field
from shared.edge.fields import (
    CommandSchema,
    Day,
    code_field,
    email_field,
    municipality_field,
    organisation_field,
)
from shared.edge.ports import commands_of_this_app, operators_of_this_app
from shared.edge.row_files import CSV
from shared.edge.row_results import BYTES, MEDIA_TYPES, BulkArguments, Kind, RowProblem
from shared.edge.texts import line_field
from shared.edge.web import actor, guarded
from shared.language.decision import Work, subject_of
from shared.language.register import Membership, Site, Unit, UnitKind
from shared.language.register_rows import COUNT, COUNTS
from shared.runtime.many import OneOfMany, Wanted

Said = tuple[Unit, Membership | None, str]
LISTED = re.compile(r"[\s,|]+")
REQUIRED = ("unit_id", "name", "kind", "first_day", "why")
NAMES: Mapping[str, tuple[str, ...]] = {
    "unit_id": ("enhet", "enhets-id"),
    "name": ("namn",),
    "kind": ("slag", "typ"),
    "first_day": ("första dag", "från"),
    "last_day": ("sista dag", "till"),
    "legal_person": ("juridisk person",),
    "parent": ("överordnad enhet",),
    "municipality": ("kommun", "kommunkod"),
    "address": ("adress", "besöksadress"),
    "function_address": ("funktionsadress", "e-post"),
    "programme": ("program",),
    "roles": ("roller", "roll"),
    "municipalities": ("kommuner",),
    "shared_with": ("delas med",),
    "why": ("skäl", "varför"),
}


def _list(cell: str) -> list[str]:
    """The codes of a cell, with blanks, commas or bars between them."""
    return [one for one in LISTED.split(cell.lower()) if one]


COLUMNS = Columns(
    of="units",
    names=NAMES,
    optional=frozenset(NAMES) - frozenset(REQUIRED),
    own="unit_id",
    expected=f"Expected are {', '.join(REQUIRED)}; there may be "
    f"{', '.join(one for one in NAMES if one not in REQUIRED)}; or in Swedish "
    f"{', '.join(one[0] for one in NAMES.values())}; each once, in any order, in the first row.",
    says={
        "kind": str.lower,
        "programme": str.lower,
        "roles": _list,
        "municipalities": _list,
        "shared_with": _list,
    },
)

imports = Blueprint("imports", __name__, description="Many units and their memberships at once")


class RowOfUnit(CommandSchema):
    """One row: a unit and, where it names a programme, its roles there, from the unit's first day to its last."""

    unit_id = organisation_field(required=True)
    name = line_field(1, s.LONGEST_NAME, required=True)
    kind = ma.String(required=True, validate=validate.OneOf(get_args(UnitKind)))
    first_day = Day(required=True)
    last_day = Day(load_default=None, allow_none=True)
    legal_person = organisation_field(load_default=None, allow_none=True)
    parent = organisation_field(load_default=None, allow_none=True)
    municipality = municipality_field(load_default=None, allow_none=True)
    address = line_field(0, s.LONGEST_ADDRESS, load_default="")
    function_address = email_field(load_default=None, allow_none=True, metadata=s.FUNCTION)
    programme = code_field(load_default=None, allow_none=True)
    roles = ma.List(code_field(), load_default=(), validate=validate.Length(max=s.MOST_PARTS))
    municipalities = ma.List(
        municipality_field(), load_default=(), validate=validate.Length(max=s.MOST_PLACES), metadata=s.PLACES
    )
    shared_with = ma.List(
        organisation_field(), load_default=(), validate=validate.Length(max=s.MOST_PARTS), metadata=s.SHARED
    )
    why = why_field(required=True, metadata=s.WHY)

    @validates_schema
    def _says_whole_things(self, data: Mapping[str, Any], **_: Any) -> None:
        if data.get("address") and not data.get("municipality"):
            raise ValidationError("An address is in a municipality; name it.", "municipality")
        if bool(data.get("programme")) != bool(data.get("roles")):
            raise ValidationError("A programme is named with the roles in it, and roles with it.", "roles")

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Said:
        place = data["municipality"]
        unit = Unit(
            id=data["unit_id"],
            name=data["name"],
            kind=data["kind"],
            first_day=data["first_day"],
            last_day=data["last_day"],
            legal_person=data["legal_person"],
            parent=data["parent"],
            site=None if place is None else Site(municipality=place, address=data["address"]),
            function_address=data["function_address"],
        )
        return unit, _membership(unit, data), data["why"]


def _membership(unit: Unit, data: Mapping[str, Any]) -> Membership | None:
    programme = data["programme"]
    if programme is None:
        return None
    return Membership(
        id=s.id_of_membership(unit.id, programme, "programme"),
        programme=programme,
        unit=unit.id,
        roles=tuple(data["roles"]),
        first_day=unit.first_day,
        last_day=unit.last_day,
        municipalities=tuple(data["municipalities"]),
        shared_with=tuple(data["shared_with"]),
    )


class UnitResult(Schema):
    """What one row came to: 201 with its ids, or the status and the problem it would have met alone."""

    row = ma.Integer(metadata={"description": "1 for the first row of units"})
    line = ma.Integer(
        metadata={"description": "1 for the first line of the file, its header row and blank ones counted"}
    )
    status = ma.Integer()
    unit_id = ma.String(allow_none=True, metadata={"description": "null where it cannot be read"})
    membership_id = ma.String(
        allow_none=True,
        metadata={"description": "null where the row names no programme", "x-absent": "in a refused row"},
    )
    problem = ma.Nested(RowProblem, allow_none=True)


class ImportAnswer(Schema):
    """How many rows there are, how many were taken and refused, and a result per row, in their order."""

    dry_run = ma.Boolean(
        metadata={"description": "nothing was kept; each result is what would have come of the row"}
    )
    rows = ma.Integer()
    taken = ma.Integer(metadata={"description": "in the register by this request or an earlier one"})
    refused = ma.Integer()
    results = ma.List(ma.Nested(UnitResult))


ROW = RowOfUnit()


def _one_of_many(said: Said) -> OneOfMany:
    unit, membership, _ = said
    who, operators = actor(), operators_of_this_app()

    def use_case(work: Work) -> dict[str, Any]:
        registering.register_row(work, who, said, operators=operators)
        return {}

    beside = [subject_of("unit", unit.parent)] if unit.parent else []
    beside += [subject_of("legal-person", unit.legal_person)] if unit.legal_person else []
    wanted = [Wanted(COUNTS, COUNT), Wanted(OF_UNITS, unit.id)]
    if membership is not None:
        beside.append(subject_of("membership", membership.id))
        beside += [subject_of("unit", one) for one in membership.shared_with]
        wanted.append(Wanted(OF_UNITS, f"{unit.id}@{membership.programme}"))
    return OneOfMany(use_case, subject_of("unit", unit.id), tuple(wanted), tuple(beside))


def _taken(said: Said, _: Mapping[str, Any] | None) -> dict[str, Any]:
    unit, membership, _why = said
    return {"unit_id": unit.id, "membership_id": None if membership is None else membership.id}


def _refused(fields: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {"unit_id": str(ROW.fields["unit_id"].deserialize(fields.get("unit_id")))}
    except ValidationError:
        return {"unit_id": None}


FILE: Kind[Said] = Kind(columns=COLUMNS, load=ROW.load, taken=_taken, refused=_refused)


@imports.route("/register/imports", methods=["POST"])
@guarded(None, keeper=True, media_types=MEDIA_TYPES, body_limit=BYTES, long=True, rows=True)
@imports.arguments(BulkArguments, location="query")
@imports.response(200, ImportAnswer)
@imports.alt_response(200, content_type=CSV, success=True, description=FILE.refused_table)
@imports.doc(
    requestBody=FILE.request_body(
        RowOfUnit, "Roles, municipalities and units of one cell stand with blanks between them."
    )
)
def import_units(wanted: dict[str, Any]) -> Response:
    """Take many units and their memberships into the register, each row for itself.

    Send the file again when some rows were mended: those that are in the register are answered as taken.
    """
    answer = FILE.answer(wanted, _one_of_many)
    commands_of_this_app().look_again()
    return answer
