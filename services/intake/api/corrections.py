"""The routes by which what was said of a referral is said anew or taken back."""

from typing import Any, cast, get_args

from flask_smorest import Blueprint
from marshmallow import fields as ma
from marshmallow import post_load, validate

from services.intake import correcting, people
from services.intake.api import identity_schemas as i
from services.intake.api import schemas as s
from services.intake.api.provided import provided
from services.intake.api.shown import show_referral
from services.intake.domain.corrections import CorrectConsent, CorrectDay, CorrectReason, CorrectReferral
from services.intake.domain.participant import Identity
from services.intake.seeing import seen
from shared.edge.corrections import (
    CorrectingBody,
    SupersededPageAnswer,
    SupersededPageArguments,
    add_list,
    show_superseded,
)
from shared.edge.fields import Day, StrictBoolean, code_field, municipality_field, organisation_field
from shared.edge.use_cases import run
from shared.edge.web import actor, guarded
from shared.language.access import Reader
from shared.language.errors import Unknown
from shared.language.events import HandleId, JourneyId, Purpose

corrected_participants = Blueprint(
    "corrected participants", __name__, description="Who a person is, said anew"
)
corrections = Blueprint("corrections", __name__, description="What was said wrongly, said anew")


class CorrectReferralBody(CorrectingBody):
    """Where, to whom and when the person should have been referred; no provider and no providers: to any."""

    makes = CorrectReferral
    municipality = municipality_field(required=True)
    provider = organisation_field(load_default=None, allow_none=True)
    providers = s.providers_field()
    occurred_on = Day(load_default=None, allow_none=True)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> CorrectReferral:
        return CorrectReferral(**{**data, "providers": tuple(data["providers"])})


class CorrectDayBody(CorrectingBody):
    """The right day, or `void`: it was not so."""

    makes = CorrectDay
    occurred_on = Day(load_default=None, allow_none=True)


class CorrectReasonBody(CorrectingBody):
    """The right reason, and the right day where that was wrong too, or `void`: it was not so."""

    makes = CorrectReason
    reason = code_field(load_default=None, allow_none=True)
    occurred_on = Day(load_default=None, allow_none=True)


class CorrectConsentBody(CorrectingBody):
    """The answer that the participant gave, or `void`: they were not asked. The path names the purpose."""

    makes = None
    given = StrictBoolean(load_default=None, allow_none=True)
    organisations = ma.List(organisation_field(), load_default=(), validate=validate.Length(max=100))
    last_day = Day(load_default=None, allow_none=True)
    occurred_on = Day(load_default=None, allow_none=True)


@corrected_participants.route("/participants/<string:participantId>/correction", methods=["POST"])
@guarded("register_participant")
@corrected_participants.arguments(i.CorrectParticipantBody())
@corrected_participants.response(200, i.HandleAnswer)
def correct_participant(body: tuple[Identity, str], participant_id: HandleId) -> dict[str, Any]:
    """Say anew who the person is; what was said before is kept nowhere, only that it was otherwise."""
    keys = provided().vault, provided().numbers
    return run(people.correct_participant, i.show_handle, participant_id, body, *keys)


@corrected_participants.route("/participants/<string:participantId>/corrections", methods=["GET"])
@guarded("read_participant")
@corrected_participants.arguments(SupersededPageArguments(), location="query")
@corrected_participants.response(200, SupersededPageAnswer)
def list_participant_corrections(page: dict[str, Any], participant_id: HandleId) -> dict[str, Any]:
    """Which parts of who the person is your organisation said anew, when and why."""
    limit, after = page["limit"], page["after"]
    who = Reader(actor().organisation, "whole")
    show = show_superseded(limit)
    return run(
        people.list_participant_corrections,
        lambda found: show((who, found)),
        participant_id,
        after=after,
        limit=limit,
    )


@corrections.route("/referrals/<string:journeyId>/correction", methods=["POST"])
@guarded("withdraw_referral")
@corrections.arguments(CorrectReferralBody())
@corrections.response(200, s.ReferralAnswer)
def correct_referral(body: CorrectReferral, journey_id: JourneyId) -> dict[str, Any]:
    """Say anew where, to whom and when the person was referred."""
    return run(seen(correcting.correct_referral), show_referral, journey_id, body)


@corrections.route("/referrals/<string:journeyId>/acceptance/correction", methods=["POST"])
@guarded("answer_referral")
@corrections.arguments(CorrectDayBody())
@corrections.response(200, s.ReferralAnswer)
def correct_acceptance(body: CorrectDay, journey_id: JourneyId) -> dict[str, Any]:
    """Say on which day the person was taken on, or with `void` that they were not."""
    return run(seen(correcting.correct_acceptance), show_referral, journey_id, body)


@corrections.route("/referrals/<string:journeyId>/decline/correction", methods=["POST"])
@guarded("answer_referral")
@corrections.arguments(CorrectReasonBody())
@corrections.response(200, s.ReferralAnswer)
def correct_decline(body: CorrectReason, journey_id: JourneyId) -> dict[str, Any]:
    """Say a decline anew, or with `void` that it was none: the referral awaits its answer again."""
    return run(seen(correcting.correct_decline), show_referral, journey_id, body)


@corrections.route("/referrals/<string:journeyId>/withdrawal/correction", methods=["POST"])
@guarded("withdraw_referral")
@corrections.arguments(CorrectReasonBody())
@corrections.response(200, s.ReferralAnswer)
def correct_withdrawal(body: CorrectReason, journey_id: JourneyId) -> dict[str, Any]:
    """Say a withdrawal anew, or with `void` that it was none: the referral stands as before it."""
    return run(seen(correcting.correct_withdrawal), show_referral, journey_id, body)


@corrections.route("/journeys/<string:journeyId>/consents/<string:purpose>/correction", methods=["POST"])
@guarded("record_consent")
@corrections.arguments(CorrectConsentBody())
@corrections.response(200, s.ReferralAnswer)
def correct_consent(body: dict[str, Any], journey_id: JourneyId, purpose: str) -> dict[str, Any]:
    """Say anew what the participant answered, or with `void` that they were not asked."""
    if purpose not in get_args(Purpose):
        raise Unknown("consent")
    said = CorrectConsent(
        purpose=cast(Purpose, purpose), **{**body, "organisations": tuple(body["organisations"])}
    )
    return run(seen(correcting.correct_consent), show_referral, journey_id, said)


@corrections.route("/journeys/<string:journeyId>/start/correction", methods=["POST"])
@guarded("start_journey")
@corrections.arguments(CorrectDayBody())
@corrections.response(200, s.ReferralAnswer)
def correct_start(body: CorrectDay, journey_id: JourneyId) -> dict[str, Any]:
    """Say on which day participation began, or with `void` that it has not."""
    return run(seen(correcting.correct_start), show_referral, journey_id, body)


@corrections.route("/journeys/<string:journeyId>/mistake/correction", methods=["POST"])
@guarded("register_mistake")
@corrections.arguments(CorrectReasonBody())
@corrections.response(200, s.ReferralAnswer)
def correct_mistake(body: CorrectReason, journey_id: JourneyId) -> dict[str, Any]:
    """Say anew why the journey is a mistake, or with `void` that it is none: it counts again as it stood."""
    return run(seen(correcting.correct_mistake), show_referral, journey_id, body)


add_list(corrections, correcting.list_corrections)
