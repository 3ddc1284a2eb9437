"""The routes of intake, one function each: name the use case, show what came of it."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, cast

from flask_smorest import Blueprint

from services.intake import handlers, people
from services.intake.api import identity_schemas as i
from services.intake.api import programme_schemas as p
from services.intake.api import schemas as s
from services.intake.api.provided import provided
from services.intake.api.purposes import PURPOSE_HEADER, purpose_of_reading
from services.intake.api.shown import show_referral
from services.intake.domain import consent, referral
from services.intake.domain.journey import Referral, place
from services.intake.domain.participant import Identity
from services.intake.seeing import seen
from shared.edge.paths import subject_in_path
from shared.edge.use_cases import applied, paged, run
from shared.edge.web import actor, command, guarded, query
from shared.language.decision import Skip, Work
from shared.language.errors import Invalid, Unknown
from shared.language.events import Code, HandleId, JourneyId, Purpose
from shared.language.forms import JOURNEY_ID

participants = Blueprint("participants", __name__, description="People, behind a handle of your own")
referrals = Blueprint("referrals", __name__, description="Referrals, and where they stand")
journeys = Blueprint("journeys", __name__, description="From the answer to the start; consent; mistakes")
programmes = Blueprint("programmes", __name__, description="The programmes, as published")


@participants.route("/participants", methods=["POST"])
@guarded("register_participant")
@participants.arguments(i.RegisterParticipantBody())
@participants.response(201, i.HandleAnswer)
def register_participant(identity: Identity) -> dict[str, Any]:
    """Register a person; the answer is your organisation's own handle, whether others know the person or not."""

    def again(work: Work, answered: Mapping[str, Any]) -> None:
        people.still_registered(work, actor(), HandleId(answered["participant_id"]))

    keys = provided().vault, provided().numbers
    return command(applied(people.register_participant, i.show_handle, identity, *keys), again=again)


@participants.route("/participants/<string:participantId>", methods=["GET"])
@guarded("read_participant")
@participants.doc(parameters=[PURPOSE_HEADER])
@participants.response(200, i.ParticipantAnswer)
def read_participant(participant_id: HandleId) -> dict[str, Any]:
    """Read who the person is; who read it, and why, is kept."""
    purpose = purpose_of_reading()
    read = applied(people.read_participant, i.show_participant, participant_id, provided().vault)
    return query(read, subject_in_path(), purpose=purpose)


@participants.route("/participants/<string:participantId>/erasure", methods=["POST"])
@guarded("erase_participant")
@participants.arguments(i.EraseParticipantBody())
@participants.response(200, i.ErasedAnswer)
def erase_participant(_: dict[str, Any], participant_id: HandleId) -> dict[str, Any]:
    """Destroy the key of the identity that your organisation brought; counted statistics stay."""
    return run(people.erase_participant, i.show_erased, participant_id)


@referrals.route("/referrals", methods=["POST"])
@guarded("refer")
@referrals.arguments(s.ReferBody())
@referrals.response(201, s.ReferralAnswer)
def refer(body: referral.Refer) -> dict[str, Any]:
    """Refer a participant; the referrer's own reference makes it idempotent."""
    return run(seen(handlers.refer), show_referral, body)


@referrals.route("/referrals", methods=["GET"])
@guarded("read_journey")
@referrals.arguments(s.ReferralPageArguments(), location="query")
@referrals.response(200, s.ReferralPageAnswer)
def list_referrals(asked: dict[str, Any]) -> dict[str, Any]:
    """My organisation's referrals, oldest first; as provider, those that await its answer too."""
    limit, after = asked["limit"], _place(asked["after"])
    show = paged("referrals", show_referral, lambda one: _cursor(one.referral), limit)
    which = {"part": asked["part"], "stage": asked["stage"]}
    return run(handlers.list_referrals, show, provided().referrals, **which, after=after, limit=limit)


@referrals.route("/referrals/<string:journeyId>", methods=["GET"])
@guarded("read_journey")
@referrals.response(200, s.ReferralAnswer)
def read_referral(journey_id: JourneyId) -> dict[str, Any]:
    """Where the referral stands, from everybody's events."""
    return run(seen(handlers.read_referral), show_referral, journey_id)


@journeys.route("/referrals/<string:journeyId>/acceptance", methods=["POST"])
@guarded("answer_referral")
@journeys.arguments(s.AcceptReferralBody())
@journeys.response(200, s.ReferralAnswer)
def accept_referral(body: referral.Accept, journey_id: JourneyId) -> dict[str, Any]:
    """Take the person on; the provider becomes responsible."""
    return run(seen(handlers.accept_referral), show_referral, journey_id, body)


@journeys.route("/referrals/<string:journeyId>/decline", methods=["POST"])
@guarded("answer_referral")
@journeys.arguments(s.DeclineReferralBody())
@journeys.response(200, s.ReferralAnswer)
def decline_referral(body: referral.Decline, journey_id: JourneyId) -> dict[str, Any]:
    """Say no, with one of the programme's reasons."""
    return run(seen(handlers.decline_referral), show_referral, journey_id, body)


@journeys.route("/referrals/<string:journeyId>/withdrawal", methods=["POST"])
@guarded("withdraw_referral")
@journeys.arguments(s.WithdrawReferralBody())
@journeys.response(200, s.ReferralAnswer)
def withdraw_referral(body: referral.Withdraw, journey_id: JourneyId) -> dict[str, Any]:
    """Take the referral back before the start."""
    return run(seen(handlers.withdraw_referral), show_referral, journey_id, body)


@journeys.route("/journeys/<string:journeyId>/consents", methods=["POST"])
@guarded("record_consent")
@journeys.arguments(s.RecordConsentBody())
@journeys.response(201, s.ReferralAnswer)
def record_consent(body: consent.RecordConsent, journey_id: JourneyId) -> dict[str, Any]:
    """Take down the participant's answer on a purpose."""
    return run(seen(handlers.record_consent), show_referral, journey_id, body)


@journeys.route("/journeys/<string:journeyId>/consents/<string:purpose>/withdrawal", methods=["POST"])
@guarded("record_consent")
@journeys.arguments(s.WithdrawConsentBody())
@journeys.response(200, s.ReferralAnswer)
def withdraw_consent(body: dict[str, Any], journey_id: JourneyId, purpose: str) -> dict[str, Any]:
    """Take a consent back; open offers that rest on it fall."""
    if purpose not in ("sharing", "sus"):
        raise Unknown("consent")
    asked = consent.WithdrawConsent(purpose=cast(Purpose, purpose), occurred_on=body["occurred_on"])
    return run(seen(handlers.withdraw_consent), show_referral, journey_id, asked)


@journeys.route("/journeys/<string:journeyId>/start", methods=["POST"])
@guarded("start_journey")
@journeys.arguments(s.StartJourneyBody())
@journeys.response(200, s.ReferralAnswer)
def start_journey(body: referral.Start, journey_id: JourneyId) -> dict[str, Any]:
    """Begin participation, once the participant was asked about sharing."""
    return run(seen(handlers.start_journey), show_referral, journey_id, body)


@journeys.route("/journeys/<string:journeyId>/mistake", methods=["POST"])
@guarded("register_mistake")
@journeys.arguments(s.RegisterMistakeBody())
@journeys.response(200, s.ReferralAnswer)
def register_mistake(body: referral.RegisterMistake, journey_id: JourneyId) -> dict[str, Any]:
    """Say that the journey should never have been registered; it counts nowhere."""
    return run(seen(handlers.register_mistake), show_referral, journey_id, body)


@programmes.route("/programmes", methods=["GET"])
@guarded(None)
@programmes.arguments(p.ProgrammePageArguments(), location="query")
@programmes.response(200, p.ProgrammePageAnswer)
def list_programmes(asked: dict[str, Any]) -> dict[str, Any]:
    """The newest version of each programme, by their codes."""
    limit, after = asked["limit"], asked["after"]
    show = paged("programmes", p.show_programme, lambda one: one.id, limit)
    return run(handlers.list_programmes, show, after=after, limit=limit)


@programmes.route("/programmes/<string:programmeId>", methods=["GET"])
@guarded(None)
@programmes.response(200, p.ProgrammeAnswer)
def read_programme(programme_id: Code) -> dict[str, Any]:
    """The newest version of a programme: its role map, codes, targets."""
    return run(handlers.read_programme, p.show_programme, programme_id)


def _cursor(last: Referral) -> str:
    return base64.urlsafe_b64encode(place(last).encode()).decode().rstrip("=")


def _place(cursor: str | Skip | None) -> str | Skip | None:
    """Where the page begins. Raises Invalid for what is no cursor of ours."""
    if cursor is None or isinstance(cursor, Skip):
        return cursor
    try:
        where = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        where = ""
    if not re.fullmatch(rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9:]{{8}}\.[0-9]{{3}}\|{JOURNEY_ID}", where):
        raise Invalid({"cursor": ["Takes the next_cursor of the page before, as it was given."]})
    return where
