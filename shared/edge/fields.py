"""The fields and schemas of input over HTTP and from inbound topics; each error says what the field takes.

The type and the validators of a field make that text (`takes`), so it cannot differ from the rule. A schema refuses
unknown names, and lists the known ones.
"""

import re
from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, post_load, validate, validates_schema
from marshmallow import fields as ma

from shared.edge.texts import Words, nobody
from shared.language import forms
from shared.language.decision import Skip

FIRST_DAY = date(1900, 1, 1)
"""Nobody who lives was born before, and nothing that is recorded happened before."""
FIRST_MOMENT, LAST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""The range of a driven clock. Near the calendar's end, days counted from it would not exist."""
LONGEST_PAGE = 200
"""Entries of a page, at the most."""
PAGED_ROWS = 10_000
"""Entries that can be reached by a page's number: the database passes over those before it one by one."""
PAGE = (
    f"Which page, 1 for the first; page times limit is at most {PAGED_ROWS}. For lists that people leaf through. An"
    " entry that leaves the list meanwhile moves those behind it."
)
CURSOR = (
    "The next_cursor of the page before, as it was given; instead of page. For lists of any length: no entry that stays"
    " in the list is passed over or comes twice."
)

_WITHIN = "Takes a whole number from {min} to {max}."
_DIGITS = re.compile(r"[0-9]{1,19}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})"
)


def exactly(form: str) -> str:
    """The form of a whole text, as Python reads it: `$` would let a line's end follow."""
    return rf"^{form}\Z"


class Form(validate.Regexp):
    """A pattern with its description: `takes` completes a sentence that begins with "Takes"."""

    def __init__(self, pattern: str, takes: str) -> None:
        super().__init__(pattern, error=f"Takes {takes}.")
        self.takes = takes


class Day(ma.Date):
    """A calendar day as yyyy-mm-dd and in no other of the ways in which ISO 8601 writes days."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> date:
        if not isinstance(value, str) or not _DAY.fullmatch(value):
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        day: date = super()._deserialize(value, attr, data, **options)
        if day < FIRST_DAY:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        return day


class Moment(ma.AwareDateTime):
    """A moment as RFC 3339 writes it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> datetime:
        if not isinstance(value, str) or not _MOMENT.fullmatch(value):
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        moment = super()._deserialize(value, attr, data, **options)
        if not FIRST_MOMENT <= moment <= LAST_MOMENT:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        return moment


class Number(ma.Integer):
    """A whole number of a query, in plain digits."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> int:
        if not isinstance(value, str) or not _DIGITS.fullmatch(value):
            raise self.make_error("invalid", input=value)
        number: int = super()._deserialize(value, attr, data, **options)
        return number


class StrictBoolean(ma.Boolean):
    """true or false, and nothing that merely resembles them."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


def organisation_field(**options: Any) -> ma.String:
    """A field that holds an organisation's code."""
    takes = "an organisation's code: 2 to 63 of a-z 0-9 -, the first no hyphen"
    return ma.String(validate=[Form(exactly(forms.ORGANISATION), takes), nobody], **options)


def code_field(**options: Any) -> ma.String:
    """A field that holds a code which the programme defines."""
    takes = "a code of the programme: 1 to 40 of a-z 0-9 _ -, the first a letter or a digit"
    return ma.String(validate=[Form(exactly(forms.CODE), takes), nobody], **options)


def clock_field(**options: Any) -> ma.String:
    """A field that holds a time of day."""
    return ma.String(
        validate=Form(exactly(forms.WALL_CLOCK), "a time of day as hh:mm, 00:00 to 23:59"), **options
    )


def municipality_field(**options: Any) -> ma.String:
    """A field that holds a Swedish municipality code."""
    return ma.String(
        validate=Form(exactly(forms.MUNICIPALITY), "a municipality's code of four digits"), **options
    )


def id_field(prefix: str, **options: Any) -> ma.String:
    """A field that holds one of the platform's own ids, `j-…`, `p-…`."""
    takes = f"an id that the platform gave: {prefix}- and 26 letters and digits"
    return ma.String(validate=Form(exactly(f"{prefix}-{forms.ID}"), takes), **options)


def cursor_field(pattern: str, **options: Any) -> ma.String:
    """A field that holds the `next_cursor` of the page before."""
    takes = "the next_cursor of the page before, as it was given"
    return ma.String(validate=Form(pattern, takes), metadata={"description": CURSOR}, **options)


def number_cursor_field(most: int) -> Number:
    """A field that holds the `next_cursor` of the page before, where that is a number."""
    return Number(validate=validate.Range(1, most), metadata={"description": CURSOR})


def email_field(**options: Any) -> ma.Email:
    """A field that holds an e-mail address."""
    wrong: dict[str, Any] = {"invalid": f"Takes {EMAIL}."}
    return ma.Email(error_messages=wrong, validate=Words(None, 254, names=None), **options)


EMAIL = "an e-mail address, as name@example.se"


class Incoming(Schema):
    """The base schema of input: unknown names are refused, and the known ones listed."""

    class Meta:
        unknown = RAISE

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        unknown = no_such("field", self.load_fields)
        self.error_messages = {**self.error_messages, "unknown": unknown, "type": "Takes an object."}

    def on_bind_field(self, field_name: str, field_obj: ma.Field[Any]) -> None:
        """Make the field's errors say what it takes."""
        for field in _whole(field_obj):
            taken = takes(field)
            field.error_messages = {
                **dict.fromkeys(field.error_messages, f"Takes {taken}."),
                "required": f"Is missing; takes {taken}.",
                "null": f"Takes {taken}, and not null.",
            }


class CommandSchema(Incoming):
    """A command's body; `makes` is the domain's command that it becomes."""

    makes: type | None = None

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        return data if self.makes is None else self.makes(**data)


class QuerySchema(Incoming):
    """The parameters of a query."""


class PageArguments(QuerySchema):
    """The page of a list. A list adds its `cursor` and its filters.

    The loaded values are `limit`, the largest number of entries, and `after`, the beginning: a cursor, a `Skip`, or
    None for the first page.
    """

    limit = Number(
        load_default=20,
        validate=validate.Range(1, LONGEST_PAGE, error=_WITHIN),
        metadata={"description": f"How many entries the page has at the most: 1 to {LONGEST_PAGE}."},
    )
    page = Number(validate=validate.Range(1, PAGED_ROWS, error=_WITHIN), metadata={"description": PAGE})

    @validates_schema
    def _lies_within(self, data: dict[str, Any], **_: Any) -> None:
        if "page" not in data:
            return
        if data.get("cursor") is not None:
            raise ValidationError("Takes a page or a cursor, not both.", "page")
        if data["page"] * data["limit"] > PAGED_ROWS:
            most = PAGED_ROWS // data["limit"]
            reach = f"pages reach the first {PAGED_ROWS} entries; use cursor beyond them"
            raise ValidationError(f"Takes 1 to {most} with this limit: {reach}.", "page")

    @post_load
    def _begin(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        page, cursor = data.pop("page", 1), data.pop("cursor", None)
        skip = (page - 1) * data["limit"]
        return {**data, "after": Skip(skip) if skip else cursor}


def no_such(what: str, known: Collection[str]) -> str:
    """Why a name is refused: which there are."""
    if not known:
        return f"There is no such {what}; none is taken here."
    return f"There is no such {what}; there {'is' if len(known) == 1 else 'are'} {', '.join(known)}."


def takes(field: ma.Field[Any]) -> str:
    """What the field takes, in words that complete a sentence with "Takes"."""
    if "takes" in field.metadata:
        return str(field.metadata["takes"])
    for rule in field.validators:
        if isinstance(rule, Form):
            return rule.takes
        if isinstance(rule, validate.OneOf):
            return f"one of {', '.join(map(str, rule.choices))}"
    match field:
        case Day():
            return f"a day as yyyy-mm-dd, from {FIRST_DAY.isoformat()} on"
        case Moment():
            return (
                "a moment as yyyy-mm-ddThh:mm:ss with Z or its distance from UTC, of the years 1970 to 2199"
            )
        case ma.Boolean():
            return "true or false"
        case ma.Integer():
            return f"a whole number{_range(field)}"
        case ma.List():
            return f"a list, each {takes(field.inner)}"
        case ma.Dict() if field.value_field is not None:
            return f"an object, each value {takes(field.value_field)}"
        case ma.Nested() | ma.Dict():
            return "an object"
        case ma.Email():
            return EMAIL
        case _:
            return f"text{_length(field)}"


def _range(field: ma.Field[Any]) -> str:
    found = [rule for rule in field.validators if isinstance(rule, validate.Range)]
    return "".join(f" from {rule.min} to {rule.max}" for rule in found)


def _length(field: ma.Field[Any]) -> str:
    found = [rule for rule in field.validators if isinstance(rule, validate.Length | Words)]
    return "".join(f" of {rule.min or 0} to {rule.max} characters" for rule in found)


def _whole(field: ma.Field[Any]) -> Iterator[ma.Field[Any]]:
    """The field and the fields within it; a nested schema sees to its own."""
    yield field
    for name in ("inner", "key_field", "value_field"):
        within = getattr(field, name, None)
        if isinstance(within, ma.Field):
            yield from _whole(within)
