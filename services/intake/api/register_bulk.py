"""Many units in one request, as NDJSON, CSV or a JSON array: a result per row.

A row is a unit. Where it names a programme, it is the unit's membership there too. Where it says the legal person's
name, it is the legal person too. All of a row is taken in, or nothing. The ids name each, so a file can be sent again,
whole or mended, and nothing is registered twice.
"""

from collections.abc import Mapping
from typing import Any

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError
from marshmallow import fields as ma

from services.intake import registering
from services.intake.api.register_row import COLUMNS, CellsOfUnit, RowOfUnit, cells_of
from services.intake.members import OF_UNITS
from services.intake.registering import NUMBERS, UnitRow
from shared.edge.ports import commands_of_this_app, operators_of_this_app
from shared.edge.row_files import CSV
from shared.edge.row_results import BYTES, MEDIA_TYPES, BulkArguments, Cells, Kind, RowProblem
from shared.edge.web import actor, guarded
from shared.language.decision import Work, subject_of
from shared.language.register_rows import COUNT, COUNTS
from shared.runtime.many import OneOfMany, Wanted

Said = tuple[UnitRow, str]

imports = Blueprint("imports", __name__, description="Many units and their memberships at once")


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


ROW, CELLS = RowOfUnit(), CellsOfUnit()


def _one_of_many(said: Said) -> OneOfMany:
    row, _ = said
    unit, membership = row.unit, row.membership
    who, operators = actor(), operators_of_this_app()

    def use_case(work: Work) -> dict[str, Any]:
        registering.register_row(work, who, said, operators=operators)
        return {}

    beside = [subject_of("unit", unit.parent)] if unit.parent else []
    beside += [subject_of("legal-person", unit.legal_person)] if unit.legal_person else []
    wanted = [Wanted(COUNTS, COUNT), Wanted(OF_UNITS, unit.id)]
    if row.legal_person is not None and row.legal_person.number is not None:
        wanted.append(Wanted(NUMBERS, row.legal_person.number))
    if membership is not None:
        beside.append(subject_of("membership", membership.id))
        beside += [subject_of("unit", one) for one in membership.shared_with]
        wanted.append(Wanted(OF_UNITS, f"{unit.id}@{membership.programme}"))
    return OneOfMany(use_case, subject_of("unit", unit.id), tuple(wanted), tuple(beside))


def _taken(said: Said, _: Mapping[str, Any] | None) -> dict[str, Any]:
    membership = said[0].membership
    return {"unit_id": said[0].unit.id, "membership_id": None if membership is None else membership.id}


def _refused(fields: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {"unit_id": str(ROW.fields["unit_id"].deserialize(fields.get("unit_id")))}
    except ValidationError:
        return {"unit_id": None}


FILE: Kind[Said] = Kind(
    columns=COLUMNS, load=ROW.load, taken=_taken, refused=_refused, cells=Cells(load=CELLS.load, of=cells_of)
)


@imports.route("/register/imports", methods=["POST"])
@guarded(None, keeper=True, media_types=MEDIA_TYPES, body_limit=BYTES, long=True, rows=True)
@imports.arguments(BulkArguments, location="query")
@imports.response(200, ImportAnswer)
@imports.alt_response(200, content_type=CSV, success=True, description=FILE.refused_table)
@imports.doc(
    requestBody=FILE.request_body(
        RowOfUnit,
        "Roles, municipalities and units of one cell stand with blanks between them. A row of CSV says one capacity "
        "and one certificate at the most; further ones come in NDJSON, or by the unit's own route.",
    )
)
def import_units(wanted: dict[str, Any]) -> Response:
    """Take many units, their memberships and legal persons into the register, each row for itself.

    Send the file again when some rows were mended: those that are in the register are answered as taken.
    """
    answer = FILE.answer(wanted, _one_of_many)
    commands_of_this_app().look_again()
    return answer
