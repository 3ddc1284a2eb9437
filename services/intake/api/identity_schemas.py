"""Who a person is, on the wire: what registering and correcting may say, and what is answered."""

from typing import Any

import msgspec
from marshmallow import Schema, ValidationError, post_load
from marshmallow import fields as ma

from services.intake.domain import participant
from services.intake.domain.participant import Brought, Identity
from services.intake.identity import normal_form
from shared.edge.corrections import why_field
from shared.edge.fields import CommandSchema, StrictBoolean, email_field
from shared.edge.texts import name_field, telephone_field
from shared.language.events import HandleId, Organisation

PERSONNUMMER = "a personnummer of 10 or 12 digits, whose last digit fits the others, or null"


class ContactBody(CommandSchema):
    """How to reach the person."""

    makes = participant.Contact
    phone = telephone_field(40, load_default=None, allow_none=True)
    email = email_field(load_default=None, allow_none=True)


class RegisterParticipantBody(CommandSchema):
    """Who the person is. The only body of the platform that may say so."""

    makes = participant.Identity
    name = name_field(200, required=True)
    personnummer = ma.String(
        required=True,
        allow_none=True,
        metadata={"description": "10 or 12 digits, or null", "takes": PERSONNUMMER},
    )
    contact = ma.Nested(ContactBody, load_default=None, allow_none=True)
    protected_identity = StrictBoolean(load_default=None, allow_none=True)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> participant.Identity:
        given = data["personnummer"]
        number = None if given is None else normal_form(given)
        if given is not None and number is None:
            raise ValidationError(f"Takes {PERSONNUMMER}.", field_name="personnummer")
        return participant.Identity(
            name=data["name"].strip(),
            personnummer=number,
            contact=data["contact"],
            protected_identity=data["protected_identity"],
        )


class CorrectParticipantBody(RegisterParticipantBody):
    """Who the person is, said anew, and why."""

    why = why_field(required=True)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        return super()._make({name: said for name, said in data.items() if name != "why"}), data["why"]


class EraseParticipantBody(CommandSchema):
    """Erasure needs no more words."""

    makes = None


# --- answers ---


class HandleAnswer(Schema):
    """Your organisation's own handle of a participant."""

    participant_id = ma.String(required=True)


class ParticipantAnswer(HandleAnswer):
    """A person's identity, as your organisation brought it, or as the one that referred the person to you.

    protected_identity: null: another organisation brought it.
    """

    name = ma.String(required=True)
    personnummer = ma.String(required=True, allow_none=True)
    contact = ma.Nested(ContactBody, allow_none=True)
    protected_identity = ma.Boolean(required=True, allow_none=True)
    registered_by = ma.String(required=True)


class ErasedAnswer(HandleAnswer):
    """An erased participant."""

    erased_at = ma.String(required=True, metadata={"format": "date-time"})


def show_handle(handle: HandleId) -> dict[str, Any]:
    """The organisation's own handle of the participant."""
    return {"participant_id": handle}


def show_participant(found: tuple[HandleId, Organisation, Identity]) -> dict[str, Any]:
    """Who the person is, and who brought it."""
    handle, organisation, identity = found
    told: dict[str, Any] = msgspec.to_builtins(identity)
    return {**show_handle(handle), "registered_by": organisation, **told}


def show_erased(brought: Brought) -> dict[str, Any]:
    """When it was erased."""
    assert brought.erased_at is not None, "the use case has erased it"
    return {**show_handle(brought.handle), "erased_at": brought.erased_at.isoformat()}
