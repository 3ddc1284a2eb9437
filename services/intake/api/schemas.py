"""Intake's bodies on the wire: what commands may say and what answers look like.

The inbound topics read referrals with the same schema as POST /referrals, so that the two can never differ.
"""

from dataclasses import fields
from typing import Any, get_args

from marshmallow import Schema, ValidationError, post_load, validate
from marshmallow import fields as ma

from services.intake.domain import consent, referral
from services.intake.domain.asking import MOST_IN_ORDER
from services.intake.domain.contents import Contents
from services.intake.handlers import Part
from shared.edge.fields import (
    CommandSchema,
    Day,
    Form,
    PageArguments,
    StrictBoolean,
    code_field,
    cursor_field,
    id_field,
    municipality_field,
    organisation_field,
)
from shared.edge.texts import NORMAL_FORM, Reference
from shared.language.events import Purpose
from shared.language.passage import Stage

CONTENT_NAMES = frozenset({"contents", *(one.name for one in fields(Contents))})
BY_HTTP_ALONE = "Is said by HTTP alone, once the referral is made: PUT /v1/referrals/{journeyId}/contents."
REFERENCE = r"^[0-9A-Za-z][0-9A-Za-z._:/-]{0,63}\Z"


class DatedBody(CommandSchema):
    """A command about something that happened on a Swedish calendar day; today when it is not said."""

    occurred_on = Day(load_default=None, metadata={"description": "Swedish calendar day; default today"})


def providers_field() -> ma.List[Any]:
    """A field that holds the providers that a referral asks, in order."""
    return ma.List(
        organisation_field(),
        load_default=(),
        validate=validate.Length(max=MOST_IN_ORDER),
        metadata={"description": "Codes of the providers that are asked one after another, in order."},
    )


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
    participant_id = id_field("h", required=True)
    programme = code_field(required=True)
    municipality = municipality_field(required=True)
    provider = organisation_field(load_default=None, allow_none=True)
    providers = providers_field()
    previous_journey = id_field("j", load_default=None, allow_none=True)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> referral.Refer:
        return referral.Refer(**{**data, "providers": tuple(data["providers"])})

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


# --- answers --------------------------------------------------------------------------------------------------


def _day(said: str | None = None, **options: Any) -> ma.String:
    described = {} if said is None else {"description": said}
    return ma.String(metadata={"format": "date", **described}, allow_none=True, **options)


class RefusalAnswer(Schema):
    """A declined referral: who declined, why, who refused and what follows."""

    by = ma.String(required=True)
    on = _day(required=True)
    reason = ma.String(required=True)
    refused_by = ma.String(required=True)
    follows = ma.String(required=True)


class AskedAnswer(Schema):
    """A provider that was asked, since when and until when, and its answer; null while it is awaited."""

    provider = ma.String(required=True)
    asked_on = _day(required=True)
    answer_by = _day()
    answer = ma.String(allow_none=True, validate=validate.OneOf(("accepted", "declined", "silent", None)))
    answered_on = _day()
    reason = ma.String(allow_none=True)
    refused_by = ma.String(allow_none=True)
    follows = ma.String(allow_none=True)


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
    asked = ma.List(ma.Nested(AskedAnswer), required=True)
    answer_by = _day(
        required=True, said="the last day for the answer of who is asked now; null where there is none"
    )
    overdue = ma.Boolean(
        required=True, metadata={"description": "whether that day has passed without an answer"}
    )


class ReferralPageAnswer(Schema):
    """A page of referrals; `next_cursor` null: there are no more."""

    referrals = ma.List(ma.Nested(ReferralAnswer), required=True)
    next_cursor = ma.String(required=True, allow_none=True)
