"""The routes by which what was said of a referral is said anew or taken back."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, cast, get_args

from flask_smorest import Blueprint
from marshmallow import fields as ma
from marshmallow import validate

from services.intake import correcting, schemas
from services.intake.api.routes import shown
from services.intake.domain.corrections import CorrectConsent, CorrectDay, CorrectReason, CorrectReferral
from services.intake.domain.journey import Referral
from services.intake.domain.participant import Identity
from services.intake.handlers import Vault
from shared.edge.corrections import (
    CorrectingBody,
    SupersededPageAnswer,
    SupersededPageArguments,
    add_list,
)
from shared.edge.corrections import shown as told
from shared.edge.fields import Day, StrictBoolean, code_field, municipality_field, organisation_field
from shared.edge.web import actor, command, guarded, journey_subject, path_subject, query
from shared.language.access import Reader
from shared.language.corrections import Superseded
from shared.language.decision import Work
from shared.language.errors import Unknown
from shared.language.events import JourneyId, Organisation, ParticipantId, Purpose

Answer = dict[str, Any]


class CorrectReferralBody(CorrectingBody):
    """Where, to whom and when the person should have been referred; no provider: to any."""

    makes = CorrectReferral
    municipality = municipality_field(required=True)
    provider = organisation_field(load_default=None, allow_none=True)
    occurred_on = Day(load_default=None, allow_none=True)


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


def people(vault: Vault) -> Blueprint:
    """The routes on who a person is."""
    routes = Blueprint("corrected participants", __name__, description="Who a person is, said anew")

    @routes.route("/participants/<string:participant_id>/correction", methods=["POST"])
    @guarded("register_participant")
    @routes.arguments(schemas.CorrectParticipantSchema())
    @routes.response(200, schemas.HandleSchema)
    def correct_participant(body: tuple[Identity, str], participant_id: str) -> Answer:
        """Say anew who the person is; what was said before is kept nowhere, only that it was otherwise."""
        subject = path_subject("participant", "p", participant_id)

        def use_case(work: Work) -> Answer:
            held = correcting.correct_participant(work, actor(), ParticipantId(participant_id), body, vault)
            return {"participant_id": held.participant_id}

        return command(use_case, subject)

    @routes.route("/participants/<string:participant_id>/corrections", methods=["GET"])
    @guarded("read_participant")
    @routes.arguments(SupersededPageArguments(), location="query")
    @routes.response(200, SupersededPageAnswer)
    def list_participant_corrections(page: Answer, participant_id: str) -> Answer:
        """Which parts of who the person is were corrected, when, by whom and why."""
        subject = path_subject("participant", "p", participant_id)

        def use_case(work: Work) -> Answer:
            handle, limit = ParticipantId(participant_id), page["limit"]
            found = correcting.list_participant_corrections(
                work, actor(), handle, after=page.get("cursor"), limit=limit
            )
            return told(*found, limit)

        return query(use_case, subject)

    return routes


def blueprint(answered: Collection[Organisation]) -> Blueprint:
    """The routes on referrals and journeys. answered: the organisations that have a reply topic."""
    routes = Blueprint("corrections", __name__, description="What was said wrongly, said anew")

    def decide(use_case: Callable[..., Referral], journey_id: str, body: Any) -> Answer:
        return command(
            lambda work: shown(work, use_case(work, actor(), JourneyId(journey_id), body, answered)),
            journey_subject(journey_id),
        )

    @routes.route("/referrals/<string:journey_id>/correction", methods=["POST"])
    @guarded("withdraw_referral")
    @routes.arguments(CorrectReferralBody())
    @routes.response(200, schemas.ReferralSchema)
    def correct_referral(body: CorrectReferral, journey_id: str) -> Answer:
        """Say anew where, to whom and when the person was referred."""
        return decide(correcting.correct_referral, journey_id, body)

    @routes.route("/referrals/<string:journey_id>/acceptance/correction", methods=["POST"])
    @guarded("answer_referral")
    @routes.arguments(CorrectDayBody())
    @routes.response(200, schemas.ReferralSchema)
    def correct_acceptance(body: CorrectDay, journey_id: str) -> Answer:
        """Say on which day the person was taken on, or with `void` that they were not."""
        return decide(correcting.correct_acceptance, journey_id, body)

    @routes.route("/referrals/<string:journey_id>/decline/correction", methods=["POST"])
    @guarded("answer_referral")
    @routes.arguments(CorrectReasonBody())
    @routes.response(200, schemas.ReferralSchema)
    def correct_decline(body: CorrectReason, journey_id: str) -> Answer:
        """Say a decline anew, or with `void` that it was none: the referral awaits its answer again."""
        return decide(correcting.correct_decline, journey_id, body)

    @routes.route("/referrals/<string:journey_id>/withdrawal/correction", methods=["POST"])
    @guarded("withdraw_referral")
    @routes.arguments(CorrectReasonBody())
    @routes.response(200, schemas.ReferralSchema)
    def correct_withdrawal(body: CorrectReason, journey_id: str) -> Answer:
        """Say a withdrawal anew, or with `void` that it was none: the referral stands as before it."""
        return decide(correcting.correct_withdrawal, journey_id, body)

    @routes.route("/journeys/<string:journey_id>/consents/<string:purpose>/correction", methods=["POST"])
    @guarded("record_consent")
    @routes.arguments(CorrectConsentBody())
    @routes.response(200, schemas.ReferralSchema)
    def correct_consent(body: Answer, journey_id: str, purpose: str) -> Answer:
        """Say anew what the participant answered, or with `void` that they were not asked."""
        if purpose not in get_args(Purpose):
            raise Unknown("consent")
        said = CorrectConsent(
            purpose=cast(Purpose, purpose), **{**body, "organisations": tuple(body["organisations"])}
        )
        return decide(correcting.correct_consent, journey_id, said)

    @routes.route("/journeys/<string:journey_id>/start/correction", methods=["POST"])
    @guarded("start_journey")
    @routes.arguments(CorrectDayBody())
    @routes.response(200, schemas.ReferralSchema)
    def correct_start(body: CorrectDay, journey_id: str) -> Answer:
        """Say on which day participation began, or with `void` that it has not."""
        return decide(correcting.correct_start, journey_id, body)

    @routes.route("/journeys/<string:journey_id>/mistake/correction", methods=["POST"])
    @guarded("register_mistake")
    @routes.arguments(CorrectReasonBody())
    @routes.response(200, schemas.ReferralSchema)
    def correct_mistake(body: CorrectReason, journey_id: str) -> Answer:
        """Say anew why the journey is a mistake, or with `void` that it is none: it counts again as it stood."""
        return decide(correcting.correct_mistake, journey_id, body)

    add_list(routes, _list_corrections)
    return routes


def _list_corrections(
    work: Work, journey_id: JourneyId, after: int | None, limit: int
) -> tuple[Reader, Sequence[Superseded]]:
    return correcting.list_corrections(work, actor(), journey_id, after=after, limit=limit)
