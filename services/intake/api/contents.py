"""The routes of what a referral says: written by its referrer, read by those who are asked or took the person on.

It travels by HTTP alone. A command's answer repeats nothing of it, because answers of commands are stored.
"""

from collections.abc import Mapping
from typing import Any, get_args

import msgspec
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError, post_load, validate, validates_schema
from marshmallow import fields as ma

from services.intake import contents as use_cases
from services.intake.api.provided import provided
from services.intake.api.purposes import PURPOSE_HEADER, purpose_of_reading
from services.intake.domain.contents import Contents, Extent, Reach, Way
from services.intake.domain.journey import Referral
from shared.edge.corrections import why_field
from shared.edge.fields import CommandSchema, Form, StrictBoolean
from shared.edge.paths import subject_in_path
from shared.edge.texts import text_field
from shared.edge.use_cases import applied, run
from shared.edge.web import guarded, if_match, query
from shared.language.events import JourneyId

KNOWS = {"description": "Whether the person knows of the referral."}
NEEDS = {"description": "What the person needs of the place and of support."}
AIMS = {"description": "What the person aims at, in the person's own words."}
LANGUAGES = {"description": "Languages that the person speaks, by ISO 639."}
INTERPRETER = {"description": "The language in which an interpreter is needed; null: none."}
LONGEST_TEXT, LONGEST_REACH, MOST_LANGUAGES = 2000, 300, 10

referral_contents = Blueprint("contents of referrals", __name__, description="What a referral says")


def _language(**options: Any) -> ma.String:
    takes = "a language's code by ISO 639: two or three letters, sv for Swedish"
    return ma.String(validate=Form(r"^[a-z]{2,3}\Z", takes), **options)


class ExtentBody(CommandSchema):
    """How much the person can take part: hours a week, or percent of full time."""

    makes = Extent
    hours_a_week = ma.Integer(strict=True, load_default=None, allow_none=True, validate=validate.Range(1, 60))
    percent = ma.Integer(strict=True, load_default=None, allow_none=True, validate=validate.Range(1, 100))

    @validates_schema
    def _says_one(self, data: Mapping[str, Any], **_: Any) -> None:
        if (data.get("hours_a_week") is None) == (data.get("percent") is None):
            raise ValidationError("Takes hours a week or percent, one of the two.", "percent")


class ReachBody(CommandSchema):
    """How and when the person is best reached; number and address stand in the identity."""

    makes = Reach
    how = ma.String(load_default=None, allow_none=True, validate=validate.OneOf(get_args(Way)))
    when = text_field(1, LONGEST_REACH, load_default=None, allow_none=True)


class WriteContentsBody(CommandSchema):
    """What the referral says of the person. It names nobody by number."""

    makes = Contents
    person_knows = StrictBoolean(required=True, metadata=KNOWS)
    needs = text_field(1, LONGEST_TEXT, load_default=None, allow_none=True, metadata=NEEDS)
    aims = text_field(1, LONGEST_TEXT, load_default=None, allow_none=True, metadata=AIMS)
    languages = ma.List(
        _language(),
        load_default=(),
        validate=validate.Length(max=MOST_LANGUAGES),
        metadata=LANGUAGES,
    )
    interpreter = _language(load_default=None, allow_none=True, metadata=INTERPRETER)
    extent = ma.Nested(ExtentBody, load_default=None, allow_none=True)
    reach = ma.Nested(ReachBody, load_default=None, allow_none=True)
    why = why_field(
        load_default=None, allow_none=True, metadata={"description": "why it is said anew, for who corrects"}
    )

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> tuple[Contents, str | None]:
        languages = tuple(dict.fromkeys(data["languages"]))
        said = {name: one for name, one in data.items() if name != "why"}
        return Contents(**{**said, "languages": languages}), data["why"]


class WrittenAnswer(Schema):
    """That it is written, and which of its parts say something; never what."""

    journey_id = ma.String(required=True)
    parts = ma.List(
        ma.String(), required=True, metadata={"description": "names of the parts that say something"}
    )


class ContentsAnswer(Schema):
    """What the referral says."""

    journey_id = ma.String(required=True)
    person_knows = ma.Boolean(required=True, metadata=KNOWS)
    needs = ma.String(required=True, allow_none=True, metadata=NEEDS)
    aims = ma.String(required=True, allow_none=True, metadata=AIMS)
    languages = ma.List(ma.String(), required=True, metadata=LANGUAGES)
    interpreter = ma.String(required=True, allow_none=True, metadata=INTERPRETER)
    extent = ma.Nested(ExtentBody, required=True, allow_none=True)
    reach = ma.Nested(ReachBody, required=True, allow_none=True)


@referral_contents.route("/referrals/<string:journeyId>/contents", methods=["PUT"])
@guarded("withdraw_referral")
@referral_contents.arguments(WriteContentsBody())
@referral_contents.response(200, WrittenAnswer)
def write_contents(body: tuple[Contents, str | None], journey_id: JourneyId) -> dict[str, Any]:
    """Say what the referral says; to say it anew, name the referral's revision in If-Match."""
    asked = if_match()
    return run(use_cases.write_contents, show_written, journey_id, body, provided().vault, asked=asked)


@referral_contents.route("/referrals/<string:journeyId>/contents", methods=["GET"])
@guarded("read_journey")
@referral_contents.doc(parameters=[PURPOSE_HEADER])
@referral_contents.response(200, ContentsAnswer)
def read_contents(journey_id: JourneyId) -> dict[str, Any]:
    """Read what the referral says; who read it, and why, is kept."""
    purpose = purpose_of_reading()
    read = applied(use_cases.read_contents, show_contents, journey_id, provided().vault)
    return query(read, subject_in_path(), purpose=purpose)


def show_written(found: tuple[Referral, Contents]) -> dict[str, Any]:
    """The parts that say something."""
    held, contents = found
    said: dict[str, Any] = msgspec.to_builtins(contents)
    parts = [name for name, one in said.items() if one not in (None, [])]
    return {"journey_id": held.journey_id, "parts": parts}


def show_contents(found: tuple[Referral, Contents]) -> dict[str, Any]:
    """What the referral says, whole."""
    held, contents = found
    said: dict[str, Any] = msgspec.to_builtins(contents)
    return {"journey_id": held.journey_id, **said}
