"""Fields that this service's schemas share, and how an entry is said."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from marshmallow import fields as ma
from marshmallow import validate

from shared.edge.fields import Day


def day_field(**options: Any) -> Day:
    """A field that holds a day."""
    return Day(allow_none=not options.get("required", False), **options)


def day_said() -> ma.String:
    """A field of an answer that holds a day."""
    return ma.String(metadata={"format": "date"}, allow_none=True)


def whole_field(least: int, most: int, **options: Any) -> ma.Integer:
    """A field that holds a whole number within bounds, both counted."""
    return ma.Integer(strict=True, validate=validate.Range(least, most), **options)


def moment(at: datetime | None) -> str | None:
    """A moment as answers say it, in UTC."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def said(entry: Any) -> dict[str, Any]:
    """An entry as plain values, whole, as who recorded it may see it: days and moments as ISO strings."""
    document: dict[str, Any] = msgspec.to_builtins(entry)
    return document
