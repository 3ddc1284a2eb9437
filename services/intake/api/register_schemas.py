"""The register on the wire: what is said of legal persons, units and memberships, and how answers show them."""

from typing import Any, get_args

import msgspec
from marshmallow import Schema, ValidationError, post_load, validate
from marshmallow import fields as ma

from services.intake.domain.register import Stand, membership_id
from shared.edge.corrections import why_field
from shared.edge.fields import (
    CommandSchema,
    Day,
    Form,
    PageArguments,
    code_field,
    cursor_field,
    email_field,
    exactly,
    municipality_field,
    number_cursor_field,
    organisation_field,
)
from shared.edge.texts import line_field, nobody
from shared.language.forms import ORGANISATION, SUBJECT_KEY
from shared.language.register import (
    Capacity,
    Certificate,
    Entry,
    LegalPerson,
    Membership,
    Site,
    Unit,
    UnitKind,
)

LONGEST_NAME, LONGEST_ADDRESS, LONGEST_ID = 120, 200, 80
MOST_PARTS, MOST_PLACES, MOST_PEOPLE = 50, 300, 10_000
WHY = {
    "description": "Why it is said; it stays in the history of the entry, for those who keep the register."
}
NUMBER = {"description": "Its organisation number, ten digits; null where it is not known yet."}
FUNCTION = {"description": "An e-mail address that reaches a function and never a person."}
SHARED = {"description": "Units with which it has the roles together; none: they are its own."}
PLACES = {
    "description": "Codes of the municipalities where it has the roles; none: everywhere in the programme."
}


class SaidBody(CommandSchema):
    """What is said of an entry, and why. Loads as both: the fields, tuples instead of lists, and the reason."""

    why = why_field(required=True, metadata=WHY)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        fields = {name: tuple(one) if isinstance(one, list) else one for name, one in data.items()}
        return self.made({name: one for name, one in fields.items() if name != "why"}), data["why"]

    def made(self, fields: dict[str, Any]) -> Any:
        """What the fields become."""
        return fields


# --- legal persons --------------------------------------------------------------------------------------------


def number_field() -> ma.String:
    """A field that holds an organisation number, or null; its last digit is looked at by the rule."""
    return ma.String(
        load_default=None,
        allow_none=True,
        metadata=NUMBER,
        validate=Form(exactly("[0-9]{10}"), "ten digits, or null"),
    )


def people_field(**options: Any) -> ma.Integer:
    """A field that holds how many people a unit can have at a time."""
    return ma.Integer(strict=True, validate=validate.Range(0, MOST_PEOPLE), **options)


class ChangeLegalPersonBody(SaidBody):
    """The whole of what is said of a legal person."""

    name = line_field(1, LONGEST_NAME, required=True)
    number = number_field()


class RegisterLegalPersonBody(ChangeLegalPersonBody):
    """A legal person that comes into the register."""

    legal_person_id = organisation_field(required=True)

    def made(self, fields: dict[str, Any]) -> LegalPerson:
        """The legal person."""
        return LegalPerson(id=fields.pop("legal_person_id"), **fields)


# --- units ----------------------------------------------------------------------------------------------------


class SiteBody(CommandSchema):
    """Where a unit is."""

    makes = Site
    municipality = municipality_field(required=True)
    address = line_field(0, LONGEST_ADDRESS, load_default="")


class CapacityBody(CommandSchema):
    """How many people a unit can have in one activity at a time."""

    makes = Capacity
    activity = code_field(required=True)
    people = people_field(required=True)
    first_day = Day(required=True)
    last_day = Day(load_default=None, allow_none=True)


class CertificateBody(CommandSchema):
    """A certificate of a unit and the last day on which it is valid."""

    makes = Certificate
    code = code_field(required=True)
    last_day = Day(required=True)


class ChangeUnitBody(SaidBody):
    """The whole of what is said of a unit."""

    name = line_field(1, LONGEST_NAME, required=True)
    kind = ma.String(required=True, validate=validate.OneOf(get_args(UnitKind)))
    first_day = Day(required=True)
    last_day = Day(load_default=None, allow_none=True)
    legal_person = organisation_field(load_default=None, allow_none=True)
    parent = organisation_field(load_default=None, allow_none=True)
    site = ma.Nested(SiteBody, load_default=None, allow_none=True)
    function_address = email_field(load_default=None, allow_none=True, metadata=FUNCTION)
    capacities = ma.List(ma.Nested(CapacityBody), load_default=(), validate=validate.Length(max=MOST_PARTS))
    certificates = ma.List(
        ma.Nested(CertificateBody), load_default=(), validate=validate.Length(max=MOST_PARTS)
    )


class RegisterUnitBody(ChangeUnitBody):
    """A unit that comes into the register; tokens name it by its id."""

    unit_id = organisation_field(required=True)

    def made(self, fields: dict[str, Any]) -> Unit:
        """The unit."""
        return Unit(id=fields.pop("unit_id"), **fields)


class EndBody(CommandSchema):
    """The last day of a unit or a membership, and why."""

    last_day = Day(required=True)
    why = why_field(required=True, metadata=WHY)


# --- memberships ----------------------------------------------------------------------------------------------


def membership_field(**options: Any) -> ma.String:
    """A field that holds the id of a membership."""
    takes = "an id of a membership: 2 to 80 of a-z 0-9 _ @ -, the first a letter or a digit"
    return ma.String(validate=[Form(exactly(SUBJECT_KEY), takes), nobody], **options)


class ChangeMembershipBody(SaidBody):
    """The whole of what is said of a membership; its unit and programme stay as they are."""

    roles = ma.List(code_field(), required=True, validate=validate.Length(1, MOST_PARTS))
    first_day = Day(required=True)
    last_day = Day(load_default=None, allow_none=True)
    municipalities = ma.List(
        municipality_field(), load_default=(), validate=validate.Length(max=MOST_PLACES), metadata=PLACES
    )
    shared_with = ma.List(
        organisation_field(), load_default=(), validate=validate.Length(max=MOST_PARTS), metadata=SHARED
    )


class BeginMembershipBody(ChangeMembershipBody):
    """Roles that a unit gets in a programme."""

    membership_id = membership_field(
        load_default=None,
        allow_none=True,
        metadata={"description": "Its id; where none is said, it is <unit>@<programme>."},
    )
    programme = code_field(required=True)
    unit = organisation_field(required=True)

    def made(self, fields: dict[str, Any]) -> Membership:
        """The membership."""
        named = fields.pop("membership_id")
        unit, programme = fields["unit"], fields["programme"]
        return Membership(id=named or id_of_membership(unit, programme, "membership_id"), **fields)


def id_of_membership(unit: str, programme: str, field: str) -> str:
    """The id of a membership for which nobody names another. Raises ValidationError of that field for a long one."""
    found = membership_id(unit, programme)
    if len(found) > LONGEST_ID:
        raise ValidationError(f"{found} is longer than {LONGEST_ID}; name an id of the membership.", field)
    return found


# --- answers --------------------------------------------------------------------------------------------------


def _day(**options: Any) -> ma.String:
    return ma.String(metadata={"format": "date"}, **options)


class LegalPersonAnswer(Schema):
    """A legal person."""

    legal_person_id = ma.String()
    name = ma.String()
    number = ma.String(allow_none=True, metadata=NUMBER)


class SiteAnswer(Schema):
    """Where a unit is."""

    municipality = ma.String()
    address = ma.String()


class CapacityAnswer(Schema):
    """How many people a unit can have in one activity."""

    activity = ma.String()
    people = ma.Integer()
    first_day = _day()
    last_day = _day(allow_none=True)


class CertificateAnswer(Schema):
    """A certificate of a unit."""

    code = ma.String()
    last_day = _day()


class UnitAnswer(Schema):
    """A unit."""

    unit_id = ma.String()
    name = ma.String()
    kind = ma.String(allow_none=True, validate=validate.OneOf([*get_args(UnitKind), None]))
    first_day = _day()
    last_day = _day(allow_none=True)
    legal_person = ma.String(allow_none=True)
    parent = ma.String(allow_none=True)
    site = ma.Nested(SiteAnswer, allow_none=True)
    function_address = ma.String(allow_none=True, metadata=FUNCTION)
    capacities = ma.List(ma.Nested(CapacityAnswer))
    certificates = ma.List(ma.Nested(CertificateAnswer))


class MembershipAnswer(Schema):
    """The roles of a unit in a programme."""

    membership_id = ma.String()
    programme = ma.String()
    unit = ma.String()
    roles = ma.List(ma.String())
    first_day = _day()
    last_day = _day(allow_none=True)
    municipalities = ma.List(ma.String(), metadata=PLACES)
    shared_with = ma.List(ma.String(), metadata=SHARED)


class LegalPersonPageAnswer(Schema):
    """A page of legal persons by id."""

    legal_persons = ma.List(ma.Nested(LegalPersonAnswer))
    next_cursor = ma.String(allow_none=True)


class UnitPageAnswer(Schema):
    """A page of units by id."""

    units = ma.List(ma.Nested(UnitAnswer))
    next_cursor = ma.String(allow_none=True)


class MembershipPageAnswer(Schema):
    """A page of memberships by id."""

    memberships = ma.List(ma.Nested(MembershipAnswer))
    next_cursor = ma.String(allow_none=True)


class StandAnswer(Schema):
    """What was said of an entry once: the whole of it then, why, and who said it."""

    number = ma.Integer(metadata={"description": "It rises with every change of the register."})
    what = ma.String(validate=validate.OneOf(["registered", "changed", "ended"]))
    said = ma.Dict(keys=ma.String(), metadata={"description": "the whole entry, as it was then"})
    why = ma.String(metadata=WHY)
    organisation = ma.String(
        allow_none=True, metadata={"description": "who said it; null: a programme's file named it"}
    )
    person = ma.String(allow_none=True, metadata={"description": "to the person's own organisation alone"})
    recorded_at = ma.String(metadata={"format": "date-time"})


class HistoryAnswer(Schema):
    """A page of an entry's history, the earlier first."""

    history = ma.List(ma.Nested(StandAnswer))
    next_cursor = ma.String(allow_none=True)


class EntryPageArguments(PageArguments):
    """The page; the cursor is the id of an entry."""

    cursor = cursor_field(exactly(ORGANISATION))


class MembershipPageArguments(PageArguments):
    """The page, of one programme or one unit where it is said."""

    cursor = cursor_field(exactly(SUBJECT_KEY))
    programme = code_field(metadata={"description": "Memberships of this programme only."})
    unit = organisation_field(metadata={"description": "Memberships of this unit only."})


class HistoryPageArguments(PageArguments):
    """The page; the cursor is the number of an entry in the history."""

    cursor = number_cursor_field(1_000_000_000_000)


IDS: dict[type[Any], str] = {LegalPerson: "legal_person_id", Unit: "unit_id", Membership: "membership_id"}


def show_entry(entry: Entry) -> dict[str, Any]:
    """An entry under its own id."""
    said: dict[str, Any] = msgspec.to_builtins(entry)
    return {IDS[type(entry)]: said.pop("id"), **said}


def show_stand(stand: Stand) -> dict[str, Any]:
    """What was said once."""
    return {
        "number": stand.number,
        "what": stand.what,
        "said": show_entry(stand.entry),
        "why": stand.why,
        "organisation": stand.organisation,
        "person": stand.person,
        "recorded_at": stand.at.isoformat(),
    }
