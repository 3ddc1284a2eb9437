"""Intake's bodies on the wire: what commands may say and what answers look like.

The inbound topics read referrals with the same schema as POST /referrals, so that the two can never differ.
"""

from dataclasses import fields
from typing import Any, get_args

import msgspec
from marshmallow import Schema, ValidationError, validate
from marshmallow import fields as ma

from services.intake.domain import consent, referral
from services.intake.domain.contents import Contents
from services.intake.domain.journey import standing
from services.intake.handlers import Part
from services.intake.seeing import Seen
from shared.edge.fields import (
    CommandSchema,
    Day,
    Form,
    PageArguments,
    StrictBoolean,
    code_field,
    cursor_field,
    exactly,
    id_field,
    municipality_field,
    organisation_field,
)
from shared.edge.texts import NORMAL_FORM, Reference
from shared.language.events import Purpose
from shared.language.forms import CODE
from shared.language.passage import Stage
from shared.language.programmes import Programme

CONTENT_NAMES = frozenset({"contents", *(one.name for one in fields(Contents))})
BY_HTTP_ALONE = "Is said by HTTP alone, once the referral is made: PUT /v1/referrals/{journeyId}/contents."
REFERENCE = r"^[0-9A-Za-z][0-9A-Za-z._:/-]{0,63}\Z"


class DatedBody(CommandSchema):
    """A command about something that happened on a Swedish calendar day; today when it is not said."""

    occurred_on = Day(load_default=None, metadata={"description": "Swedish calendar day; default today"})


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
    name tells of health. It has its handle once it is responsible, to read whom it employs.
    """
    found, who = seen.referral, seen.reader
    passage = found.passage
    whole = {
        **msgspec.to_builtins(standing(found)),
        "participant_id": found.handles.get(who.organisation),
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
    ended = {"exit": whole["exit"], "participant_id": whole["participant_id"]} if own else {}
    asked = [{**one, "situation": None} for one in whole["follow_ups"]]
    return {**whole, **hidden, "consents": {}, "also_referred": [], "follow_ups": asked, **ended}


def show_programme(programme: Programme) -> dict[str, Any]:
    """A version of a programme, whole."""
    told: dict[str, Any] = msgspec.to_builtins(programme)
    return told
