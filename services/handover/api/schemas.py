"""What goes in and out over HTTP: commands refuse unknown fields; answers are dictionaries of plain values."""

from typing import Any, get_args

import msgspec
from marshmallow import Schema, validate
from marshmallow import fields as ma

from services.handover.domain.journey import Offer, Status
from services.handover.domain.offers import AcceptHandover, DeclineHandover, OfferHandover, RecallHandover
from shared.edge.fields import (
    CommandSchema,
    Day,
    PageArguments,
    code_field,
    cursor_field,
    number_cursor_field,
    organisation_field,
)
from shared.edge.web import actor
from shared.language.access import WORKPLACES
from shared.language.events import HandoverKind


class OfferHandoverBody(CommandSchema):
    """An offer of the journey to another organisation, up to and including a day."""

    makes = OfferHandover
    kind = ma.String(required=True, validate=validate.OneOf(get_args(HandoverKind)))
    to_organisation = organisation_field(required=True)
    deadline_on = Day(required=True)
    occurred_on = Day(allow_none=True)


class AcceptHandoverBody(CommandSchema):
    """The day of the yes."""

    makes = AcceptHandover
    occurred_on = Day(allow_none=True)


class DeclineHandoverBody(CommandSchema):
    """Why and when the receiver said no."""

    makes = DeclineHandover
    reason = code_field(required=True)
    occurred_on = Day(allow_none=True)


class RecallHandoverBody(CommandSchema):
    """Why and when the offer was taken back."""

    makes = RecallHandover
    reason = code_field(required=True)
    occurred_on = Day(allow_none=True)


class JourneyPageArguments(PageArguments):
    """Which page of a journey's offers."""

    cursor = number_cursor_field(1_000_000)


class ReceivedPageArguments(PageArguments):
    """Which of the offers made to the caller's organisation."""

    status = ma.String(load_default="open", validate=validate.OneOf(get_args(Status)))
    cursor = cursor_field(r"^[0-9a-z.-]{1,60}\Z")


class HandoverAnswer(Schema):
    """One offer: `ended_on` and `reason` say how it ended, once it has."""

    handover_id = ma.String()
    journey_id = ma.String()
    number = ma.Integer()
    programme = ma.String()
    kind = ma.String()
    from_organisation = ma.String()
    to_organisation = ma.String()
    offered_on = ma.String(metadata={"format": "date"})
    deadline_on = ma.String(metadata={"format": "date"})
    status = ma.String(validate=validate.OneOf(get_args(Status)))
    ended_on = ma.String(metadata={"format": "date"}, allow_none=True)
    reason = ma.String(allow_none=True)


class HandoverPageAnswer(Schema):
    """A page of offers."""

    handovers = ma.List(ma.Nested(HandoverAnswer))
    next_cursor = ma.String(allow_none=True)


def show_offer(offer: Offer) -> dict[str, Any]:
    """An offer as plain values. Why it was recalled is no employer's and no school's to know."""
    document: dict[str, Any] = msgspec.to_builtins(offer)
    received = actor().organisation == offer.to_organisation
    if offer.status == "recalled" and offer.kind in WORKPLACES and received:
        document["reason"] = None
    return document
