"""The use case of what waits at intake: referrals for an answer, certificates of the unit that end. No rule here."""

from collections.abc import Sequence
from datetime import date

from services.intake.domain.journey import Referral, place
from services.intake.handlers import Listing, Referrals
from shared.language.access import Actor, authorise, authorise_somewhere, reach_of
from shared.language.days import day_of, days_after
from shared.language.decision import Skip, Work, subject_of
from shared.language.errors import Forbidden, Unknown
from shared.language.events import JourneyId
from shared.language.waiting import Fetch, Source, Waiting, Waits, gathered

CERTIFICATE_DAYS = 60
"""So many days before its last one a certificate begins to wait to be renewed."""


def list_waiting(
    work: Work,
    actor: Actor,
    referrals: Referrals,
    *,
    journey: JourneyId | None,
    after: tuple[str, str] | Skip | None,
    limit: int,
) -> Waiting:
    """A page of what waits for the caller's unit; of one journey where it is named."""
    authorise_somewhere(actor, "answer_referral", work)
    today = day_of(work.at)
    sources: Sequence[Source] = [
        ("referral", _unanswered(work, actor, referrals)),
        ("certificate", _ending(work, actor, today)),
    ]
    if journey is not None:
        sources = [("referral", _of_journey(work, actor, journey))]
    return Waiting(entries=gathered(sources, after=after, limit=limit), today=today)


def _unanswered(work: Work, actor: Actor, referrals: Referrals) -> Fetch:
    unit = actor.organisation

    def fetch(after: str | None, most: int) -> Sequence[Waits]:
        listing = Listing(
            organisation=unit,
            part="provider",
            reads_in=reach_of(unit, work, "read_journey"),
            answers_in=reach_of(unit, work, "read_journey", "answer_referral"),
            stage="received",
            after=after,
            limit=most,
        )
        return [_referral(one, actor) for one in referrals.page(work, listing)]

    return fetch


def _of_journey(work: Work, actor: Actor, journey: JourneyId) -> Fetch:
    def fetch(after: str | None, most: int) -> Sequence[Waits]:
        held: Referral | None = work.find(subject_of("journey", journey))
        if after is not None or held is None or held.passage.stage != "received":
            return []
        try:
            authorise(actor, "answer_referral", held.passage, work)
        except (Forbidden, Unknown):
            return []
        return [_referral(held, actor)]

    return fetch


def _referral(held: Referral, actor: Actor) -> Waits:
    return Waits(
        kind="referral",
        subject=held.journey_id,
        place=place(held),
        journey_id=held.journey_id,
        unit=actor.organisation,
        since=held.asking.asked_on or held.passage.referred_on,
        due=held.asking.answer_by,
        path=f"/referrals/{held.journey_id}/acceptance",
    )


def _ending(work: Work, actor: Actor, today: date) -> Fetch:
    """Those of the caller's own unit, which the register in memory holds; who keeps the register renews them."""

    def fetch(after: str | None, most: int) -> Sequence[Waits]:
        unit = work.register.unit(actor.organisation)
        found = [
            Waits(
                kind="certificate",
                subject=one.code,
                place=f"{one.last_day.isoformat()}:{one.code}",
                unit=actor.organisation,
                since=days_after(one.last_day, -CERTIFICATE_DAYS),
                due=one.last_day,
                method="PUT",
                path=f"/register/units/{actor.organisation}",
            )
            for one in (() if unit is None else unit.certificates)
            if days_after(one.last_day, -CERTIFICATE_DAYS) <= today
        ]
        behind = [one for one in found if after is None or one.place > after]
        return sorted(behind, key=lambda one: one.place)[:most]

    return fetch
