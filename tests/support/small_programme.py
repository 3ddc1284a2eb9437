"""A small programme and the events of a journey through it, for trying the rules of a service."""

from datetime import UTC, date, datetime, timedelta

from shared.language import events as e
from shared.language.decision import Subject
from shared.language.passage import Stage
from shared.language.programmes import (
    AbsenceReason,
    ActivityKind,
    Coded,
    DeclineReason,
    EndReason,
    FollowUp,
    Measure,
    Name,
    Participating,
    Place,
    Programme,
    Reasons,
    Role,
)

JOURNEY = e.JourneyId("j-" + "0" * 26)
SUBJECT = Subject(f"journey/{JOURNEY}")
REFERRER, PROVIDER, RECEIVER, EMPLOYER, OWNER = "agency", "workshop", "bakery", "hotel", "owner"

REFERRED_ON = date(2016, 2, 1)
ACCEPTED_ON = date(2016, 2, 8)
STARTED_ON = date(2016, 2, 15)
READY_ON = date(2016, 3, 15)
EXITED_ON = date(2016, 5, 31)
TODAY = date(2016, 6, 15)


def coded(code: str) -> Coded:
    """A code that is called what it is."""
    return Coded(code=code, name=Name(sv=code, en=code))


def away(code: str) -> AbsenceReason:
    """A reason of absence without any flag."""
    return AbsenceReason(code=code, name=Name(sv=code, en=code))


def _role(code: str, *may: str) -> Role:
    return Role(code=code, name=Name(sv=code, en=code), may=may)  # type: ignore[arg-type]


SMALL_PROGRAMME = Programme(
    id="small",
    version=1,
    name=Name(sv="Litet program", en="Small programme"),
    owner=OWNER,
    starts_on=date(2016, 1, 1),
    ends_on=date(2018, 12, 31),
    municipalities=(Place(code="2482", name="Skellefteå"), Place(code="2417", name="Norsjö")),
    roles=(
        _role("referrer", "refer", "read_journey"),
        _role(
            "provider",
            "read_journey",
            "log_activity",
            "log_output",
            "offer_handover",
            "recall_handover",
            "answer_handover",
        ),
        _role("receiver", "read_journey", "log_activity", "answer_handover"),
        _role("owner", "read_report", "log_output"),
    ),
    organisations=(
        Participating(id=REFERRER, name="Agency", roles=("referrer",)),
        Participating(id=PROVIDER, name="Workshop", roles=("provider",)),
        Participating(id=RECEIVER, name="Bakery", roles=("provider",)),
        Participating(id=EMPLOYER, name="Hotel", roles=("receiver",)),
        Participating(id=OWNER, name="Owner", roles=("owner",)),
    ),
    activities=(
        ActivityKind(code="work_training", name=Name(sv="Arbetsträning", en="Work training")),
        ActivityKind(
            code="health_effort", name=Name(sv="Hälsoinsats", en="Health effort"), special_category=True
        ),
    ),
    competences=(coded("woodwork"), coded("cleaning")),
    competence_levels=4,
    progress=Measure(scale_min=1, scale_max=5, every_months=3, indicators=(coded("network"), coded("goal"))),
    handover_kinds=("provider_to_provider", "provider_to_employer"),
    handover_max_days=60,
    follow_ups=(FollowUp(code="28d", name=Name(sv="28", en="28"), days=28, answer_within_days=30),),
    outputs=(coded("workplace_carved"), coded("manager_trained")),
    targets=(),
    reasons=Reasons(
        decline=(
            DeclineReason(
                code="no_place", name=Name(sv="", en=""), refused_by="provider", follows="refer_again"
            ),
        ),
        withdraw=(coded("other_effort"),),
        mistake=(coded("duplicate"),),
        absence=(away("ill"), away("transport")),
        handover_decline=(coded("no_capacity"),),
        recall=(coded("other_receiver"),),
        exit=(EndReason(code="goal_reached", name=Name(sv="", en=""), ways=("by_plan",)),),
    ),
)


def recorded(on: date) -> datetime:
    """A moment on that day at which something was recorded."""
    return datetime(on.year, on.month, on.day, 11, tzinfo=UTC)


def referral() -> e.ReferralReceived:
    """The referral that opens the journey."""
    return e.ReferralReceived(
        occurred_on=REFERRED_ON,
        recorded_at=recorded(REFERRED_ON),
        participant_id=e.ParticipantId("p-" + "0" * 26),
        programme=SMALL_PROGRAMME.id,
        programme_version=SMALL_PROGRAMME.version,
        referrer=REFERRER,
        municipality="2482",
        provider=PROVIDER,
    )


def acceptance() -> e.ReferralAccepted:
    """The provider takes the person on."""
    return e.ReferralAccepted(occurred_on=ACCEPTED_ON, recorded_at=recorded(ACCEPTED_ON), provider=PROVIDER)


def consent(*organisations: str, last_day: date = date(2017, 12, 31)) -> e.ConsentGiven:
    """Consent to sharing with these organisations."""
    return e.ConsentGiven(
        occurred_on=ACCEPTED_ON,
        recorded_at=recorded(ACCEPTED_ON),
        purpose="sharing",
        organisations=organisations or (RECEIVER, EMPLOYER),
        last_day=last_day,
    )


def consent_withdrawn(on: date = READY_ON) -> e.ConsentWithdrawn:
    """The participant takes the consent to sharing back."""
    return e.ConsentWithdrawn(occurred_on=on, recorded_at=recorded(on), purpose="sharing")


def start() -> e.JourneyStarted:
    """Participation begins."""
    return e.JourneyStarted(occurred_on=STARTED_ON, recorded_at=recorded(STARTED_ON))


def ready() -> e.ParticipantReady:
    """The participant is judged ready."""
    return e.ParticipantReady(occurred_on=READY_ON, recorded_at=recorded(READY_ON))


def exited(
    on: date = EXITED_ON, *, organisation: str = PROVIDER, way: e.ExitWay = "by_plan"
) -> e.JourneyExited:
    """Participation ends while the organisation is responsible."""
    return e.JourneyExited(
        occurred_on=on, recorded_at=recorded(on), way=way, organisation=organisation, situation="employed"
    )


def closed() -> e.JourneyClosed:
    """Nothing more is expected."""
    on = EXITED_ON + timedelta(days=10)
    return e.JourneyClosed(occurred_on=on, recorded_at=recorded(on))


def mistake(on: date = READY_ON) -> e.JourneyRegisteredByMistake:
    """The journey should never have been registered."""
    return e.JourneyRegisteredByMistake(occurred_on=on, recorded_at=recorded(on), reason="duplicate")


def declined() -> e.ReferralDeclined:
    """The provider says no."""
    return e.ReferralDeclined(
        occurred_on=ACCEPTED_ON, recorded_at=recorded(ACCEPTED_ON), provider=PROVIDER, reason="no_place"
    )


def withdrawn() -> e.ReferralWithdrawn:
    """The referrer takes the referral back."""
    return e.ReferralWithdrawn(
        occurred_on=ACCEPTED_ON, recorded_at=recorded(ACCEPTED_ON), reason="other_effort"
    )


TO_START = (referral(), acceptance(), consent(), start())

WAYS: dict[Stage, tuple[e.Fact, ...]] = {
    "received": (referral(),),
    "accepted": (referral(), acceptance()),
    "declined": (referral(), declined()),
    "withdrawn": (referral(), acceptance(), withdrawn()),
    "started": TO_START,
    "ready": (*TO_START, ready()),
    "exited": (*TO_START, exited()),
    "closed": (*TO_START, exited(), closed()),
    "mistake": (*TO_START, mistake()),
}
"""The events that bring a journey to each stage."""
