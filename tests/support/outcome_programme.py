"""A small programme with two follow-ups, and a journey at any stage of it, as outcome keeps it."""

from datetime import date

from services.outcome.consumer import FOLDS
from services.outcome.domain.journey import Outcome
from shared.language import events as e
from shared.language.decision import Received, Subject
from shared.language.journeys import moved
from shared.language.passage import Stage
from shared.language.programmes import (
    AbsenceReason,
    Action,
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
    Target,
)
from tests.support.fakes import noon
from tests.support.published import FakeProgrammes

JOURNEY = e.JourneyId("j-" + "0" * 26)
SUBJECT = Subject(f"journey/{JOURNEY}")
AGENCY, SHOP, BAKERY, OWNER = "agency", "shop", "bakery", "owner"
REFERRED_ON, ACCEPTED_ON, STARTED_ON = date(2016, 2, 1), date(2016, 2, 8), date(2016, 2, 15)
EXITED_ON = date(2016, 5, 31)
TODAY = date(2016, 6, 15)


def name(text: str) -> Name:
    """A label that is the same in both languages."""
    return Name(sv=text, en=text)


def coded(code: str) -> Coded:
    """A code that is called what it is."""
    return Coded(code=code, name=name(code))


def role(code: str, *may: Action) -> Role:
    """A role of the role map."""
    return Role(code=code, name=name(code), may=may)


PROGRAMME = Programme(
    id="small",
    version=1,
    name=Name(sv="Litet program", en="Small programme"),
    owner=OWNER,
    starts_on=date(2016, 1, 1),
    ends_on=date(2018, 12, 31),
    municipalities=(Place(code="2482", name="Skellefteå"), Place(code="2417", name="Norsjö")),
    roles=(
        role("referrer", "refer", "read_journey"),
        role("provider", "read_journey", "record_entry", "record_exit", "answer_follow_up"),
        role("owner", "read_report"),
    ),
    organisations=(
        Participating(id=AGENCY, name="Agency", roles=("referrer",)),
        Participating(id=SHOP, name="Shop", roles=("provider",)),
        Participating(id=BAKERY, name="Bakery", roles=("provider",)),
        Participating(id=OWNER, name="Owner", roles=("owner",)),
    ),
    activities=(
        ActivityKind(code="shop_work", name=name("Butik")),
        ActivityKind(code="swedish", name=name("Svenska")),
        ActivityKind(code="pain_school", name=name("Smärtskola"), special_category=True),
    ),
    competences=(),
    competence_levels=4,
    progress=Measure(scale_min=1, scale_max=5, every_months=3, indicators=()),
    handover_kinds=("provider_to_provider",),
    handover_max_days=60,
    follow_ups=(
        FollowUp(code="28d", name=name("28 dagar"), days=28, answer_within_days=30),
        FollowUp(code="6m", name=name("6 månader"), months=6, answer_within_days=45),
    ),
    outputs=(coded("workplace_carved"),),
    targets=(
        Target(figure="started", at_least=140),
        Target(figure="employed_6m", at_least=40),
        Target(figure="workplace_carved", at_least=1, municipality="2482"),
        Target(figure="workplace_carved", at_least=2, municipality="2417"),
        Target(figure="started", at_least=10, municipality="2417"),
    ),
    reasons=Reasons(
        decline=(
            DeclineReason(code="no_place", name=name(""), refused_by="provider", follows="refer_again"),
        ),
        withdraw=(coded("other_effort"),),
        mistake=(coded("duplicate"),),
        absence=(AbsenceReason(code="ill", name=name("ill")),),
        handover_decline=(coded("no_capacity"),),
        recall=(coded("other_receiver"),),
        exit=(
            EndReason(code="goal_reached", name=name(""), ways=("by_plan",)),
            EndReason(code="broke_off", name=name(""), ways=("interrupted",)),
        ),
    ),
)


PROGRAMMES = FakeProgrammes(PROGRAMME)


def referral(municipality: str = "2482", previous: e.JourneyId | None = None) -> e.ReferralReceived:
    """The referral that opens a journey."""
    return e.ReferralReceived(
        occurred_on=REFERRED_ON,
        recorded_at=noon(REFERRED_ON),
        participant_id=e.ParticipantId("p-" + "0" * 26),
        programme=PROGRAMME.id,
        programme_version=PROGRAMME.version,
        referrer=AGENCY,
        municipality=municipality,
        provider=SHOP,
        previous_journey=previous,
    )


def acceptance(on: date = ACCEPTED_ON) -> e.ReferralAccepted:
    """The shop takes the person on."""
    return e.ReferralAccepted(occurred_on=on, recorded_at=noon(on), provider=SHOP)


def start(on: date = STARTED_ON) -> e.JourneyStarted:
    """Participation begins."""
    return e.JourneyStarted(occurred_on=on, recorded_at=noon(on))


def mistake(on: date = TODAY) -> e.JourneyRegisteredByMistake:
    """The journey should never have been registered."""
    return e.JourneyRegisteredByMistake(occurred_on=on, recorded_at=noon(on), reason="duplicate")


def _on(kind: type[e.Fact], on: date, **fields: object) -> e.Fact:
    return kind(occurred_on=on, recorded_at=noon(on), **fields)


EXITED = _on(e.JourneyExited, EXITED_ON, way="by_plan", organisation=SHOP, situation="employed")
WAYS: dict[Stage, tuple[e.Fact, ...]] = {
    "received": (referral(),),
    "accepted": (referral(), acceptance()),
    "declined": (referral(), _on(e.ReferralDeclined, ACCEPTED_ON, provider=SHOP, reason="no_place")),
    "withdrawn": (referral(), acceptance(), _on(e.ReferralWithdrawn, ACCEPTED_ON, reason="other_effort")),
    "started": (referral(), acceptance(), start()),
    "ready": (referral(), acceptance(), start(), _on(e.ParticipantReady, STARTED_ON)),
    "exited": (referral(), acceptance(), start(), EXITED),
    "closed": (referral(), acceptance(), start(), EXITED, _on(e.JourneyClosed, EXITED_ON)),
    "mistake": (referral(), acceptance(), start(), mistake()),
}
"""The events that bring a journey to each stage."""


def arrived(event: e.Fact, *, subject: Subject = SUBJECT, seq: int = 1) -> Received:
    """The event as it reaches outcome."""
    kind = e.BY_BODY[type(event)]
    return Received(subject, kind.source, seq, kind.name, event, {})


def fold(state: Outcome | None, event: e.Fact) -> Outcome:
    """The state after an event of another service; outcome's own move the passage alike."""
    if kind_is_own(event):
        assert state is not None
        return moved(state, event)
    after: Outcome = FOLDS[type(event)](state, arrived(event), PROGRAMMES).state
    return after


def kind_is_own(event: e.Fact) -> bool:
    """Whether outcome itself says it."""
    return e.BY_BODY[type(event)].source == "outcome"


def at_stage(stage: Stage) -> Outcome:
    """A journey at that stage, nothing of its entry or follow-ups recorded."""
    state: Outcome | None = None
    for event in WAYS[stage]:
        state = fold(state, event)
    assert state is not None
    assert state.passage.stage == stage
    return state
