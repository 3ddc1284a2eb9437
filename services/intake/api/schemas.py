"""Intake's bodies on the wire: what commands may say and what answers look like.

The inbound topics read referrals with the same schema as POST /referrals, so that the two can never differ.
"""

from dataclasses import fields
from typing import Any, get_args

import msgspec
from marshmallow import Schema, ValidationError, post_load, validate
from marshmallow import fields as ma

from services.intake.domain import consent, participant, referral
from services.intake.domain.contents import Contents
from services.intake.domain.journey import standing
from services.intake.domain.participant import Identity, Participant
from services.intake.handlers import Part
from services.intake.identity import normal_form
from services.intake.seeing import Seen
from shared.edge.corrections import why_field
from shared.edge.fields import (
    CommandSchema,
    Day,
    Form,
    PageArguments,
    StrictBoolean,
    code_field,
    cursor_field,
    email_field,
    exactly,
    id_field,
    municipality_field,
    organisation_field,
)
from shared.edge.texts import NORMAL_FORM, Reference, name_field, telephone_field
from shared.language.events import Purpose
from shared.language.forms import CODE
from shared.language.passage import Stage
from shared.language.programmes import Programme

PERSONNUMMER = "a personnummer of 10 or 12 digits, whose last digit fits the others, or null"
CONTENT_NAMES = frozenset({"contents", *(one.name for one in fields(Contents))})
BY_HTTP_ALONE = "Is said by HTTP alone, once the referral is made: PUT /v1/referrals/{journeyId}/contents."
REFERENCE = r"^[0-9A-Za-z][0-9A-Za-z._:/-]{0,63}\Z"


class DatedBody(CommandSchema):
    """A command about something that happened on a Swedish calendar day; today when it is not said."""

    occurred_on = Day(load_default=None, metadata={"description": "Swedish calendar day; default today"})


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

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> participant.Identity:
        given = data["personnummer"]
        number = None if given is None else normal_form(given)
        if given is not None and number is None:
            raise ValidationError(f"Takes {PERSONNUMMER}.", field_name="personnummer")
        return participant.Identity(name=data["name"].strip(), personnummer=number, contact=data["contact"])


class CorrectParticipantBody(RegisterParticipantBody):
    """Who the person is, said anew, and why."""

    why = why_field(required=True)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        return super()._make({name: said for name, said in data.items() if name != "why"}), data["why"]


class EraseParticipantBody(CommandSchema):
    """Erasure needs no more words."""

    makes = None


class ReferBody(DatedBody):
    """A referral, by HTTP and on the inbound topics alike. Carries no person fields: the handle stands for them."""

    makes = referral.Refer
    reference = Reference(
        64,
        Form(REFERENCE, "1 to 64 of A-Z a-z 0-9 . _ : / -, the first a letter or a digit"),
        required=True,
        metadata={
            "description": f"the referrer's own reference; the same again is the same referral; {NORMAL_FORM}"
        },
    )
    participant_id = id_field("p", required=True)
    programme = code_field(required=True)
    municipality = municipality_field(required=True)
    provider = organisation_field(load_default=None, allow_none=True)
    previous_journey = id_field("j", load_default=None, allow_none=True)

    def handle_error(self, error: ValidationError, data: Any, **_: Any) -> None:
        """Say of the fields of the contents where they are said; they reach no topic and no record."""
        messages = error.messages
        if isinstance(messages, dict) and isinstance(data, dict):
            messages.update({name: [BY_HTTP_ALONE] for name in sorted(CONTENT_NAMES & data.keys())})


class AcceptReferralBody(DatedBody):
    """Take the person on."""

    makes = referral.Accept


class DeclineReferralBody(DatedBody):
    """Say no."""

    makes = referral.Decline
    reason = code_field(required=True)


class WithdrawReferralBody(DatedBody):
    """Take the referral back."""

    makes = referral.Withdraw
    reason = code_field(required=True)


class StartJourneyBody(DatedBody):
    """Begin participation."""

    makes = referral.Start


class RegisterMistakeBody(DatedBody):
    """Say that the journey should never have been registered."""

    makes = referral.RegisterMistake
    reason = code_field(required=True)


class RecordConsentBody(DatedBody):
    """The participant's answer: yes, for these organisations and until a day; or no."""

    makes = consent.RecordConsent
    purpose = ma.String(required=True, validate=validate.OneOf(get_args(Purpose)))
    given = StrictBoolean(required=True)
    organisations = ma.List(organisation_field(), load_default=(), validate=validate.Length(max=100))
    last_day = Day(load_default=None, allow_none=True)


class WithdrawConsentBody(DatedBody):
    """Take a consent back; the path names which."""

    makes = None


class ReferralPageArguments(PageArguments):
    """Which referrals to list, and which page of them."""

    part = ma.String(load_default="referrer", validate=validate.OneOf(get_args(Part)))
    stage = ma.String(load_default=None, validate=validate.OneOf(get_args(Stage)))
    cursor = cursor_field(r"^[0-9A-Za-z_-]{1,200}\Z")


class ProgrammePageArguments(PageArguments):
    """Which page of the programmes; the cursor is a programme's code."""

    cursor = cursor_field(exactly(CODE))


# --- answers --------------------------------------------------------------------------------------------------


def _day(**options: Any) -> ma.String:
    return ma.String(metadata={"format": "date"}, allow_none=True, **options)


class HandleAnswer(Schema):
    """A participant's handle."""

    participant_id = ma.String(required=True)


class ParticipantAnswer(HandleAnswer):
    """A person's identity."""

    name = ma.String(required=True)
    personnummer = ma.String(required=True, allow_none=True)
    contact = ma.Nested(ContactBody, allow_none=True)
    registered_by = ma.String(required=True)


class ErasedAnswer(HandleAnswer):
    """An erased participant."""

    erased_at = ma.String(required=True, metadata={"format": "date-time"})


class RefusalAnswer(Schema):
    """A declined referral: who declined, why, who refused and what follows."""

    by = ma.String(required=True)
    on = _day(required=True)
    reason = ma.String(required=True)
    refused_by = ma.String(required=True)
    follows = ma.String(required=True)


class WithdrawalAnswer(Schema):
    """A withdrawn referral."""

    on = _day(required=True)
    reason = ma.String(required=True)


class ExitAnswer(Schema):
    """How participation ended, and the situation then, where it is known."""

    on = _day(required=True)
    way = ma.String(required=True)
    situation = ma.String(allow_none=True)


class FollowUpAnswer(Schema):
    """A follow-up that has come due."""

    kind = ma.String(required=True)
    status = ma.String(required=True, validate=validate.OneOf(("due", "answered", "missed")))
    situation = ma.String(allow_none=True)


class ConsentAnswer(Schema):
    """An answer on consent as it stands."""

    given = ma.Boolean(required=True)
    organisations = ma.List(ma.String(), required=True)
    last_day = _day(required=True)
    said_on = _day()


class AlsoReferredAnswer(Schema):
    """Another open referral of the same person to the same programme, as who is responsible is told of it.

    since: the first day on which both stand. null: the reader has no part in the other one.
    """

    since = _day(required=True)
    journey_id = ma.String(required=True, allow_none=True)
    responsible = ma.String(required=True, allow_none=True)


class ReferralAnswer(Schema):
    """A referral and where it stands. null: there is none, or it is not the reader's to see."""

    journey_id = ma.String(required=True)
    reference = ma.String(required=True, allow_none=True)
    participant_id = ma.String(required=True, allow_none=True)
    programme = ma.String(required=True)
    programme_version = ma.Integer(required=True)
    municipality = ma.String(required=True)
    referrer = ma.String(required=True, allow_none=True)
    named_provider = ma.String(allow_none=True)
    previous_journey = ma.String(allow_none=True)
    stage = ma.String(required=True, validate=validate.OneOf(get_args(Stage)))
    responsible = ma.String(required=True)
    provider = ma.String(allow_none=True)
    referred_on = _day(required=True)
    accepted_on = _day()
    started_on = _day()
    ready_on = _day()
    refusal = ma.Nested(RefusalAnswer, allow_none=True)
    withdrawal = ma.Nested(WithdrawalAnswer, allow_none=True)
    exit = ma.Nested(ExitAnswer, allow_none=True)
    follow_ups = ma.List(ma.Nested(FollowUpAnswer), required=True)
    consents = ma.Dict(keys=ma.String(), values=ma.Nested(ConsentAnswer), required=True)
    also_referred = ma.List(ma.Nested(AlsoReferredAnswer), required=True)


class ReferralPageAnswer(Schema):
    """A page of referrals; `next_cursor` null: there are no more."""

    referrals = ma.List(ma.Nested(ReferralAnswer), required=True)
    next_cursor = ma.String(required=True, allow_none=True)


class ProgrammeAnswer(Schema):
    """A version of a programme, as published: the rules of `programmes/*.yaml`. Who takes part, the register says."""

    id = ma.String(required=True)
    version = ma.Integer(required=True)
    name = ma.Dict(required=True)
    owner = ma.String(required=True)
    starts_on = _day(required=True)
    ends_on = _day(required=True)
    municipalities = ma.List(ma.Dict(), required=True)
    roles = ma.List(ma.Dict(), required=True)
    activities = ma.List(ma.Dict(), required=True)
    competences = ma.List(ma.Dict(), required=True)
    competence_levels = ma.Integer(required=True)
    progress = ma.Dict(required=True)
    handover_kinds = ma.List(ma.String(), required=True)
    handover_max_days = ma.Integer(required=True)
    follow_ups = ma.List(ma.Dict(), required=True)
    outputs = ma.List(ma.Dict(), required=True)
    targets = ma.List(ma.Dict(), required=True)
    reasons = ma.Dict(required=True)
    parts_end_after_months = ma.Integer(required=True)
    reads_after_months = ma.Integer(required=True)
    late_days = ma.Integer(required=True)


class ProgrammePageAnswer(Schema):
    """A page of the newest versions of the programmes, by their codes."""

    programmes = ma.List(ma.Nested(ProgrammeAnswer), required=True)
    next_cursor = ma.String(required=True, allow_none=True)


# --- what is shown --------------------------------------------------------------------------------------------

HIDDEN_FROM_WORKPLACES = (
    "reference",
    "participant_id",
    "referrer",
    "named_provider",
    "provider",
    "previous_journey",
    "refusal",
    "withdrawal",
    "exit",
)


def show_referral(seen: Seen) -> dict[str, Any]:
    """A referral as its reader sees it.

    An employer or a school is not told who referred and took the person on, why, and on whose earlier word: a clinic's
    name tells of health. It has the handle once it is responsible, to read whom it employs.
    """
    found, who = seen.referral, seen.reader
    passage = found.passage
    whole = {
        **msgspec.to_builtins(standing(found)),
        "participant_id": passage.participant_id,
        "municipality": passage.municipality,
        "referrer": passage.referrer,
        "named_provider": passage.named_provider,
        "previous_journey": passage.previous_journey,
        "consents": msgspec.to_builtins(passage.consents),
        "also_referred": msgspec.to_builtins(seen.also),
    }
    if not who.works_there:
        return whole
    hidden = dict.fromkeys(HIDDEN_FROM_WORKPLACES)
    own = passage.responsible == who.organisation
    ended = {"exit": whole["exit"], "participant_id": passage.participant_id} if own else {}
    asked = [{**one, "situation": None} for one in whole["follow_ups"]]
    return {**whole, **hidden, "consents": {}, "also_referred": [], "follow_ups": asked, **ended}


def show_handle(held: Participant) -> dict[str, Any]:
    """The participant's handle."""
    return {"participant_id": held.participant_id}


def show_participant(found: tuple[Participant, Identity]) -> dict[str, Any]:
    """Who the person is."""
    held, identity = found
    told: dict[str, Any] = msgspec.to_builtins(identity)
    return {**show_handle(held), "registered_by": held.registered_by, **told}


def show_erased(held: Participant) -> dict[str, Any]:
    """When the person was erased."""
    assert held.erased_at is not None, "the use case has erased it"
    return {**show_handle(held), "erased_at": held.erased_at.isoformat()}


def show_programme(programme: Programme) -> dict[str, Any]:
    """A version of a programme, whole."""
    told: dict[str, Any] = msgspec.to_builtins(programme)
    return told
