"""Referrals in intake's memory that several providers are asked about, and a clock that tests drive."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from services.intake import handlers, people
from services.intake.api.shown import show_referral
from services.intake.consumer import TIMERS
from services.intake.domain import referral
from services.intake.domain.journey import Referral
from services.intake.domain.participant import Identity
from services.intake.participations import settle
from services.intake.repository import Referrals
from services.intake.seeing import see
from shared.language.errors import Unknown
from shared.language.events import HandleId, JourneyId
from shared.language.programmes import Programme
from tests.support.fakes import FakeWork
from tests.support.intake_work import AGENCY, AT, COACTIVE, NUMBERS, VAULT, caseworker
from tests.support.published import FakeProgrammes

SOMEBODY = Identity(name="Ada Prov")
FIRST, SECOND, THIRD = "second-hand-skelleftea", "kafe-solrosen", "urkraft"
DAYS = 14
TIMED: Programme = replace(COACTIVE, answer_within_days=DAYS)


def memory(*programmes: Programme) -> FakeWork:
    """Intake's empty memory, in a programme whose answers have a last day."""
    published = FakeProgrammes(*(programmes or (TIMED,)))
    return FakeWork(published, AT, repository=Referrals())


def to_referrer(work: FakeWork) -> list[Any]:
    """What the referrer was told, in order."""
    return [one.body for one in work.replies if one.organisation == AGENCY]


def register(work: FakeWork, by: str = AGENCY, identity: Identity = SOMEBODY) -> HandleId:
    """The organisation's handle of a person whom it registers; a new one, where no number is known."""
    return people.register_participant(work, caseworker(by), identity, VAULT, NUMBERS)


def refer(
    work: FakeWork, *providers: str, reference: str = "AF-1", identity: Identity = SOMEBODY, **what: Any
) -> JourneyId:
    """A referral of a new person to these providers in order; none: to any."""
    person = register(work, AGENCY, identity)
    command = referral.Refer(
        participant_id=person,
        reference=reference,
        programme="coactive",
        municipality="2482",
        providers=providers,
        **what,
    )
    return handlers.refer(work, caseworker(AGENCY), command).journey_id


def held(work: FakeWork, journey: JourneyId) -> Referral:
    """The referral as it stands."""
    found: Referral = work.get(_subject(journey))
    return found


def yes(work: FakeWork, journey: JourneyId, by: str) -> Referral:
    """This provider takes the person on."""
    return handlers.accept_referral(work, caseworker(by), journey, referral.Accept())


def no(work: FakeWork, journey: JourneyId, by: str, reason: str = "no_place") -> Referral:
    """This provider says no."""
    return handlers.decline_referral(work, caseworker(by), journey, referral.Decline(reason=reason))


def withdraw(work: FakeWork, journey: JourneyId) -> Referral:
    """The referrer takes it back."""
    return handlers.withdraw_referral(
        work, caseworker(AGENCY), journey, referral.Withdraw(reason="other_effort")
    )


def pass_days(work: FakeWork, days: int) -> None:
    """Let days pass, with all that falls due on the way."""
    work.at += timedelta(days=days)
    while work.fire_due(TIMERS, settle):
        pass


def answers(work: FakeWork, journey: JourneyId) -> list[tuple[str, str]]:
    """Who was asked and did not take the person on, and how that came."""
    return [(one.provider, one.answer) for one in held(work, journey).asking.ended]


def shown(work: FakeWork, journey: JourneyId, to: str = AGENCY) -> dict[str, Any]:
    """The referral as this organisation reads it."""
    found = handlers.read_referral(work, caseworker(to), journey)
    return show_referral(see(work, caseworker(to), found))


def readers(work: FakeWork, journey: JourneyId) -> set[str]:
    """Which of the three providers may read the referral."""
    found = set()
    for one in (FIRST, SECOND, THIRD):
        try:
            handlers.read_referral(work, caseworker(one), journey)
        except Unknown:
            continue
        found.add(one)
    return found


def awaiting(work: FakeWork, organisation: str) -> list[str]:
    """The referrals that the organisation's list shows as provider."""
    options: Any = {"part": "provider", "stage": None, "after": None, "limit": 20}
    page = handlers.list_referrals(work, caseworker(organisation), Referrals(), **options)
    return [one.referral.journey_id for one in page]


def _subject(journey: JourneyId) -> Any:
    return f"journey/{journey}"
