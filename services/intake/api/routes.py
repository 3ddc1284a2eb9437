"""Intake's routes. Each names its action; the use case does the rest.."""

import base64
import binascii
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

import msgspec
from flask import request
from flask_smorest import Blueprint

from services.intake import handlers, participations, schemas
from services.intake.domain import consent, referral
from services.intake.domain.journey import Referral, place, standing
from services.intake.domain.participant import Identity
from services.intake.domain.participation import Other
from shared.edge.headers import header_text, unreadable
from shared.edge.texts import is_printable, names_participant
from shared.edge.web import actor, command, guarded, journey_subject, path_subject, query
from shared.language.access import Reader, reader
from shared.language.days import day_of
from shared.language.decision import Work
from shared.language.errors import Invalid, Unknown
from shared.language.events import JourneyId, Organisation, ParticipantId, Purpose
from shared.language.programmes import Programme

Answer = dict[str, Any]

PURPOSE_HEADER = {
    "name": "Purpose",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "minLength": 3, "maxLength": 200},
    "description": "why the identity is read, in the reader's own words, in UTF-8 or Latin-1; kept in the audit",
}


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


def blueprints(
    vault: handlers.Vault, referrals: handlers.Referrals, answered: Collection[Organisation]
) -> tuple[Blueprint, ...]:
    """The routes of intake. answered: the organisations that have a reply topic."""
    return _participants(vault), _referrals(referrals, answered), _journeys(answered), _programmes()


def _participants(vault: handlers.Vault) -> Blueprint:
    routes = Blueprint("participants", __name__, description="People, behind a pseudonymous handle")

    @routes.route("/participants", methods=["POST"])
    @guarded("register_participant")
    @routes.arguments(schemas.RegisterParticipantSchema())
    @routes.response(201, schemas.HandleSchema)
    def register_participant(identity: Identity) -> Answer:
        """Register a person; the answer is the handle that stands for them everywhere else."""

        def use_case(work: Any) -> Answer:
            registered = handlers.register_participant(work, actor(), identity, vault)
            return {"participant_id": registered.participant_id}

        def again(work: Any, answered: Mapping[str, Any]) -> None:
            handlers.still_registered(work, actor(), ParticipantId(answered["participant_id"]))

        return command(use_case, again=again)

    @routes.route("/participants/<string:participant_id>", methods=["GET"])
    @guarded("read_participant")
    @routes.doc(parameters=[PURPOSE_HEADER])
    @routes.response(200, schemas.ParticipantSchema)
    def read_participant(participant_id: str) -> Answer:
        """Read who the person is; who read it, and why, is kept."""
        subject = path_subject("participant", "p", participant_id)
        purpose = _purpose()

        def use_case(work: Any) -> Answer:
            held, identity = handlers.read_participant(work, actor(), ParticipantId(participant_id), vault)
            return {
                "participant_id": participant_id,
                "registered_by": held.registered_by,
                **msgspec.to_builtins(identity),
            }

        return query(use_case, subject, purpose=purpose)

    @routes.route("/participants/<string:participant_id>/erasure", methods=["POST"])
    @guarded("erase_participant")
    @routes.arguments(schemas.EraseParticipantSchema())
    @routes.response(200, schemas.ErasedSchema)
    def erase_participant(_: Answer, participant_id: str) -> Answer:
        """Destroy the key of a person's identity; counted statistics stay."""
        subject = path_subject("participant", "p", participant_id)

        def use_case(work: Any) -> Answer:
            erased = handlers.erase_participant(work, actor(), ParticipantId(participant_id))
            assert erased.erased_at is not None
            return {"participant_id": participant_id, "erased_at": erased.erased_at.isoformat()}

        return command(use_case, subject)

    return routes


def _purpose() -> str:
    try:
        purpose = header_text(request.headers.get("Purpose", ""))
    except ValueError:
        raise unreadable("Purpose", "Takes text in UTF-8 or Latin-1.") from None
    if not 3 <= len(purpose) <= 200 or not is_printable(purpose) or names_participant(purpose):
        reason = "Say in 3 to 200 characters why the identity is read, without naming anybody."
        raise unreadable("Purpose", reason)
    return purpose


def _referrals(referrals: handlers.Referrals, answered: Collection[Organisation]) -> Blueprint:
    routes = Blueprint("referrals", __name__, description="Referrals, and where they stand")

    @routes.route("/referrals", methods=["POST"])
    @guarded("refer")
    @routes.arguments(schemas.ReferSchema())
    @routes.response(201, schemas.ReferralSchema)
    def refer(body: referral.Refer) -> Answer:
        """Refer a participant; the referrer's own reference makes it idempotent."""
        return command(lambda work: shown(work, handlers.refer(work, actor(), body, answered)))

    @routes.route("/referrals", methods=["GET"])
    @guarded("read_journey")
    @routes.arguments(schemas.ListQuerySchema(), location="query")
    @routes.response(200, schemas.ReferralPageSchema)
    def list_referrals(asked: Answer) -> Answer:
        """My organisation's referrals, oldest first; as provider, those that await its answer too."""
        after = _place(asked["cursor"])

        def use_case(work: Any) -> Answer:
            page = handlers.list_referrals(
                work,
                actor(),
                referrals,
                part=asked["part"],
                stage=asked["stage"],
                after=after,
                limit=asked["limit"],
            )
            more = len(page) == asked["limit"]
            return {
                "referrals": [shown(work, one) for one in page],
                "cursor": _cursor(page[-1]) if more else None,
            }

        return query(use_case)

    @routes.route("/referrals/<string:journey_id>", methods=["GET"])
    @guarded("read_journey")
    @routes.response(200, schemas.ReferralSchema)
    def read_referral(journey_id: str) -> Answer:
        """Where the referral stands, from everybody's events."""
        subject = journey_subject(journey_id)
        return query(
            lambda work: shown(work, handlers.read_referral(work, actor(), JourneyId(journey_id))), subject
        )

    return routes


def _journeys(answered: Collection[Organisation]) -> Blueprint:
    routes = Blueprint("journeys", __name__, description="From the answer to the start; consent; mistakes")

    def decide(use_case: Any, journey_id: str, body: Any) -> Answer:
        subject = journey_subject(journey_id)
        return command(
            lambda work: shown(work, use_case(work, actor(), JourneyId(journey_id), body, answered)),
            subject,
        )

    @routes.route("/referrals/<string:journey_id>/acceptance", methods=["POST"])
    @guarded("answer_referral")
    @routes.arguments(schemas.AcceptSchema())
    @routes.response(200, schemas.ReferralSchema)
    def accept_referral(body: referral.Accept, journey_id: str) -> Answer:
        """Take the person on; the provider becomes responsible."""
        return decide(handlers.accept_referral, journey_id, body)

    @routes.route("/referrals/<string:journey_id>/decline", methods=["POST"])
    @guarded("answer_referral")
    @routes.arguments(schemas.DeclineSchema())
    @routes.response(200, schemas.ReferralSchema)
    def decline_referral(body: referral.Decline, journey_id: str) -> Answer:
        """Say no, with one of the programme's reasons."""
        return decide(handlers.decline_referral, journey_id, body)

    @routes.route("/referrals/<string:journey_id>/withdrawal", methods=["POST"])
    @guarded("withdraw_referral")
    @routes.arguments(schemas.WithdrawSchema())
    @routes.response(200, schemas.ReferralSchema)
    def withdraw_referral(body: referral.Withdraw, journey_id: str) -> Answer:
        """Take the referral back before the start."""
        return decide(handlers.withdraw_referral, journey_id, body)

    @routes.route("/journeys/<string:journey_id>/consents", methods=["POST"])
    @guarded("record_consent")
    @routes.arguments(schemas.ConsentSchema())
    @routes.response(201, schemas.ReferralSchema)
    def record_consent(body: consent.RecordConsent, journey_id: str) -> Answer:
        """Take down the participant's answer on a purpose."""
        return decide(handlers.record_consent, journey_id, body)

    @routes.route("/journeys/<string:journey_id>/consents/<string:purpose>/withdrawal", methods=["POST"])
    @guarded("record_consent")
    @routes.arguments(schemas.ConsentWithdrawalSchema())
    @routes.response(200, schemas.ReferralSchema)
    def withdraw_consent(body: Answer, journey_id: str, purpose: str) -> Answer:
        """Take a consent back; open offers that rest on it fall."""
        if purpose not in ("sharing", "sus"):
            raise Unknown("consent")
        asked = consent.WithdrawConsent(purpose=cast(Purpose, purpose), occurred_on=body["occurred_on"])
        return decide(handlers.withdraw_consent, journey_id, asked)

    @routes.route("/journeys/<string:journey_id>/start", methods=["POST"])
    @guarded("start_journey")
    @routes.arguments(schemas.StartSchema())
    @routes.response(200, schemas.ReferralSchema)
    def start_journey(body: referral.Start, journey_id: str) -> Answer:
        """Begin participation, once the participant was asked about sharing."""
        return decide(handlers.start_journey, journey_id, body)

    @routes.route("/journeys/<string:journey_id>/mistake", methods=["POST"])
    @guarded("register_mistake")
    @routes.arguments(schemas.MistakeSchema())
    @routes.response(200, schemas.ReferralSchema)
    def register_mistake(body: referral.RegisterMistake, journey_id: str) -> Answer:
        """Say that the journey should never have been registered; it counts nowhere."""
        return decide(handlers.register_mistake, journey_id, body)

    return routes


def _programmes() -> Blueprint:
    routes = Blueprint("programmes", __name__, description="The programmes, as published")

    @routes.route("/programmes", methods=["GET"])
    @guarded(None)
    @routes.response(200, schemas.ProgrammeListSchema)
    def list_programmes() -> Answer:
        """The newest version of each programme."""
        return query(
            lambda work: {"programmes": [_plain(one) for one in handlers.list_programmes(work).values()]}
        )

    @routes.route("/programmes/<string:programme_id>", methods=["GET"])
    @guarded(None)
    @routes.response(200, schemas.ProgrammeSchema)
    def read_programme(programme_id: str) -> Answer:
        """The newest version of a programme: its role map, codes, targets."""
        return query(lambda work: _plain(handlers.read_programme(work, programme_id)))

    return routes


def shown(work: Work, found: Referral) -> Answer:
    """A referral as its answer shows it to the caller."""
    also = participations.also_referred(work, actor(), found)
    return view(found, reader(actor(), found.passage, day_of(work.at)), also)


def view(found: Referral, who: Reader, also: Sequence[Other] = ()) -> Answer:
    """A referral as its reader sees it. also: the person's other open referrals, for who is responsible.

    An employer or a school is not told who referred and took the person on, why, and on whose earlier word: a clinic's
    name tells of health. It has the handle once it is responsible, to read whom it employs.
    """
    passage = found.passage
    whole = {
        **standing(found),
        "participant_id": passage.participant_id,
        "municipality": passage.municipality,
        "referrer": passage.referrer,
        "named_provider": passage.named_provider,
        "previous_journey": passage.previous_journey,
        "consents": msgspec.to_builtins(passage.consents),
        "also_referred": msgspec.to_builtins(also),
    }
    if not who.works_there:
        return whole
    hidden = dict.fromkeys(HIDDEN_FROM_WORKPLACES)
    own = passage.responsible == who.organisation
    ended = {"exit": whole["exit"], "participant_id": passage.participant_id} if own else {}
    asked = [{**one, "situation": None} for one in whole["follow_ups"]]
    return {**whole, **hidden, "consents": {}, "also_referred": [], "follow_ups": asked, **ended}


def _plain(programme: Programme) -> Answer:
    plain: Answer = msgspec.to_builtins(programme)
    return plain


def _cursor(last: Referral) -> str:
    return base64.urlsafe_b64encode(place(last).encode()).decode().rstrip("=")


def _place(cursor: str | None) -> str | None:
    """Where the next page begins. Raises Invalid for what is no cursor of ours."""
    if cursor is None:
        return None
    try:
        where = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        where = ""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}\|j-[0-9a-z]{26}", where):
        raise Invalid({"cursor": ["Takes the cursor of the page before, as it was given."]})
    return where
