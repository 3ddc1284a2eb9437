"""Fields that this service's schemas share, and how an entry is said."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from marshmallow import Schema, validate
from marshmallow import fields as ma

from services.activity_tracking.domain.absence import TEXT_LENGTH
from shared.edge.fields import Day
from shared.edge.texts import text_field


def day_field(**options: Any) -> Day:
    """A field that holds a day."""
    return Day(allow_none=not options.get("required", False), **options)


def day_said() -> ma.String:
    """A field of an answer that holds a day."""
    return ma.String(metadata={"format": "date"}, allow_none=True)


def whole_field(least: int, most: int, **options: Any) -> ma.Integer:
    """A field that holds a whole number within bounds, both counted."""
    return ma.Integer(strict=True, validate=validate.Range(least, most), **options)


def own_words_field() -> ma.String:
    """A field for the words beside a reason of absence."""
    return text_field(1, TEXT_LENGTH, allow_none=True)


class SentenceAnswer(Schema):
    """A sentence of the programme in Swedish and in English."""

    sv = ma.String()
    en = ma.String()


def sentence_said(what: str) -> ma.Nested:
    """A field of an answer that holds a sentence. what: which."""
    return ma.Nested(SentenceAnswer, allow_none=True, metadata={"description": what})


GROUP = "Id of the group that meets then; null: of none."
TELL = "What to tell the person, by the programme's words for this reason; null where it has none."


def moment(at: datetime | None) -> str | None:
    """A moment as answers say it, in UTC."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def said(entry: Any) -> dict[str, Any]:
    """An entry as plain values, whole, as who recorded it may see it: days and moments as ISO strings."""
    document: dict[str, Any] = msgspec.to_builtins(entry)
    return document
