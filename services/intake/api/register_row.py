"""A row of a file of units: as JSON, in the shape of the single routes' bodies, or as the cells of a sheet.

A row of JSON is the body of `POST /register/units`, and beside it what the row says of the unit's legal person and of
its membership. A sheet has one cell for each value. So its rows say one capacity and one certificate at the most, and
`municipality` and `address` in the place of `site`.
"""

import re
from collections.abc import Mapping
from typing import Any, get_args

from marshmallow import ValidationError, validate, validates_schema
from marshmallow import fields as ma

from services.intake.api import register_schemas as s
from services.intake.registering import UnitRow
from shared.edge.columns import Columns
from shared.edge.fields import Day, code_field, email_field, municipality_field, organisation_field
from shared.edge.texts import line_field
from shared.language.register import Capacity, Certificate, LegalPerson, Membership, Site, Unit, UnitKind

LISTED = re.compile(r"[\s,|]+")
WHOLE = re.compile(r"[0-9]{1,5}")
HYPHENED = re.compile(r"([0-9]{6})-([0-9]{4})")
REQUIRED = ("unit_id", "name", "kind", "first_day", "why")
NAMES: Mapping[str, tuple[str, ...]] = {
    "unit_id": ("enhet", "enhets-id"),
    "name": ("namn",),
    "kind": ("slag", "typ"),
    "first_day": ("första dag", "från"),
    "last_day": ("sista dag", "till"),
    "legal_person": ("juridisk person",),
    "legal_person_name": ("juridisk persons namn", "firma"),
    "legal_person_number": ("organisationsnummer", "orgnr"),
    "parent": ("överordnad enhet",),
    "municipality": ("kommun", "kommunkod"),
    "address": ("adress", "besöksadress"),
    "function_address": ("funktionsadress", "e-post"),
    "capacity_activity": ("aktivitet",),
    "capacity_people": ("platser", "antal platser"),
    "capacity_first_day": ("platser från",),
    "capacity_last_day": ("platser till",),
    "certificate": ("intyg",),
    "certificate_last_day": ("intyg till",),
    "programme": ("program",),
    "roles": ("roller", "roll"),
    "municipalities": ("kommuner",),
    "shared_with": ("delas med",),
    "why": ("skäl", "varför"),
}
"""The columns, and what each may be called besides."""
CAPACITY: Mapping[str, str] = {
    "activity": "capacity_activity",
    "people": "capacity_people",
    "first_day": "capacity_first_day",
    "last_day": "capacity_last_day",
}
CERTIFICATE: Mapping[str, str] = {"code": "certificate", "last_day": "certificate_last_day"}


def _list(cell: str) -> list[str]:
    """The codes of a cell, with blanks, commas or bars between them."""
    return [one for one in LISTED.split(cell.lower()) if one]


def _count(cell: str) -> str | int:
    return int(cell) if WHOLE.fullmatch(cell) else cell


def _number(cell: str) -> str:
    """An organisation number without the hyphen that it is often written with."""
    return HYPHENED.sub(r"\1\2", cell) if HYPHENED.fullmatch(cell) else cell


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
        "capacity_activity": str.lower,
        "capacity_people": _count,
        "certificate": str.lower,
        "legal_person_number": _number,
        "roles": _list,
        "municipalities": _list,
        "shared_with": _list,
    },
)


class BesideUnit(s.SaidBody):
    """What a row says beside the unit: its legal person, and its roles in a programme on the unit's days."""

    legal_person = organisation_field(load_default=None, allow_none=True)
    legal_person_name = line_field(
        1,
        s.LONGEST_NAME,
        load_default=None,
        allow_none=True,
        metadata={"description": "Takes the legal person into the register too; null: it is there already."},
    )
    legal_person_number = s.number_field()
    programme = code_field(load_default=None, allow_none=True)
    roles = ma.List(code_field(), load_default=(), validate=validate.Length(max=s.MOST_PARTS))
    municipalities = ma.List(
        municipality_field(), load_default=(), validate=validate.Length(max=s.MOST_PLACES), metadata=s.PLACES
    )
    shared_with = ma.List(
        organisation_field(), load_default=(), validate=validate.Length(max=s.MOST_PARTS), metadata=s.SHARED
    )

    @validates_schema
    def _says_whole_things(self, data: Mapping[str, Any], **_: Any) -> None:
        if bool(data.get("programme")) != bool(data.get("roles")):
            raise ValidationError("A programme is named with the roles in it, and roles with it.", "roles")
        if data.get("legal_person_number") and not data.get("legal_person_name"):
            raise ValidationError("A number comes with the name of its legal person.", "legal_person_name")
        if data.get("legal_person_name") and not data.get("legal_person"):
            raise ValidationError("A name comes with the id of its legal person.", "legal_person")

    def made(self, fields: dict[str, Any]) -> UnitRow:
        """The row."""
        beside = ("legal_person_name", "legal_person_number", *MEMBERSHIP)
        said = {name: fields.pop(name) for name in beside}
        unit = self.unit_of(fields)
        name = said["legal_person_name"]
        owner = None
        if name is not None and unit.legal_person is not None:
            owner = LegalPerson(id=unit.legal_person, name=name, number=said["legal_person_number"])
        return UnitRow(unit=unit, legal_person=owner, membership=_membership(unit, said))

    def unit_of(self, fields: dict[str, Any]) -> Unit:
        """The unit of which the fields speak."""
        raise NotImplementedError


MEMBERSHIP = ("programme", "roles", "municipalities", "shared_with")


class RowOfUnit(BesideUnit, s.ChangeUnitBody):
    """One row of JSON: a unit as its own route takes it, and beside it its legal person and its membership."""

    unit_id = organisation_field(required=True)

    def unit_of(self, fields: dict[str, Any]) -> Unit:
        """The unit of which the fields speak."""
        return Unit(id=fields.pop("unit_id"), **fields)


class CellsOfUnit(BesideUnit):
    """One row of a sheet: the same, each value in a cell of its own."""

    unit_id = organisation_field(required=True)
    name = line_field(1, s.LONGEST_NAME, required=True)
    kind = ma.String(required=True, validate=validate.OneOf(get_args(UnitKind)))
    first_day = Day(required=True)
    last_day = Day(load_default=None)
    parent = organisation_field(load_default=None)
    municipality = municipality_field(load_default=None)
    address = line_field(0, s.LONGEST_ADDRESS, load_default="")
    function_address = email_field(load_default=None)
    capacity_activity = code_field(load_default=None)
    capacity_people = s.people_field(load_default=None)
    capacity_first_day = Day(load_default=None)
    capacity_last_day = Day(load_default=None)
    certificate = code_field(load_default=None)
    certificate_last_day = Day(load_default=None)

    @validates_schema
    def _says_whole_cells(self, data: Mapping[str, Any], **_: Any) -> None:
        if data.get("address") and not data.get("municipality"):
            raise ValidationError("An address is in a municipality; name it.", "municipality")
        said = {name for name, one in data.items() if one is not None}
        for needed, others in (
            ("capacity_activity", said & {*CAPACITY.values()}),
            ("capacity_people", said & {*CAPACITY.values()}),
            ("certificate", said & {"certificate_last_day"}),
            ("certificate_last_day", said & {"certificate"}),
        ):
            if others and needed not in said:
                raise ValidationError(f"Comes with {', '.join(sorted(others))}.", needed)

    def unit_of(self, fields: dict[str, Any]) -> Unit:
        """The unit of which the cells speak. A capacity without a first day begins with the unit."""
        place, address = fields.pop("municipality"), fields.pop("address")
        capacity = {name: fields.pop(column) for name, column in CAPACITY.items()}
        certificate = {name: fields.pop(column) for name, column in CERTIFICATE.items()}
        capacity["first_day"] = capacity["first_day"] or fields["first_day"]
        return Unit(
            id=fields.pop("unit_id"),
            site=None if place is None else Site(municipality=place, address=address),
            capacities=() if capacity["activity"] is None else (Capacity(**capacity),),
            certificates=() if certificate["code"] is None else (Certificate(**certificate),),
            **fields,
        )


def cells_of(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a row of JSON says, by column. Of one that no row of a sheet can say, the unit's id alone."""
    found = {name: one for name, one in fields.items() if name in NAMES}
    if isinstance(site := fields.get("site"), dict):
        found |= {name: site.get(name) for name in ("municipality", "address")}
    for name, columns in (("capacities", CAPACITY), ("certificates", CERTIFICATE)):
        said = fields.get(name) or []
        if not isinstance(said, list) or len(said) > 1 or not all(isinstance(one, dict) for one in said):
            return {"unit_id": fields.get("unit_id")}
        found |= {column: said[0].get(part) for part, column in columns.items()} if said else {}
    return found


def _membership(unit: Unit, said: Mapping[str, Any]) -> Membership | None:
    if said["programme"] is None:
        return None
    return Membership(
        id=s.id_of_membership(unit.id, said["programme"], "programme"),
        unit=unit.id,
        first_day=unit.first_day,
        last_day=unit.last_day,
        **{name: said[name] for name in MEMBERSHIP},
    )
