"""Others' events, in every order in which they can arrive, lead to the same state."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import pytest

from services.activity_tracking.consumer import FOLDS
from services.activity_tracking.domain.journey import Journey
from shared.language import events as e
from tests.support.days import days_of
from tests.support.fakes import FakeWork, noon
from tests.support.published import FakeProgrammes
from tests.support.small_programme import (
    EXITED_ON,
    JOURNEY,
    PROVIDER,
    READY_ON,
    RECEIVER,
    SMALL_PROGRAMME,
    SUBJECT,
    TO_START,
    TODAY,
    closed,
    consent_withdrawn,
    exited,
    mistake,
    recorded,
)

OFFERED = e.HandoverOffered(
    occurred_on=READY_ON,
    recorded_at=recorded(READY_ON),
    handover=e.HandoverId(f"{JOURNEY}.h1"),
    kind="provider_to_provider",
    from_organisation=PROVIDER,
    to_organisation=RECEIVER,
    deadline_on=READY_ON + timedelta(days=30),
)
ACCEPTED_ON = date(2016, 4, 1)
ACCEPTED = e.HandoverAccepted(
    occurred_on=ACCEPTED_ON,
    recorded_at=recorded(ACCEPTED_ON),
    handover=OFFERED.handover,
    kind="provider_to_provider",
    from_organisation=PROVIDER,
    to_organisation=RECEIVER,
    offered_on=READY_ON,
)


def orders(*streams: Sequence[e.Fact]) -> Iterator[tuple[e.Fact, ...]]:
    """Every order that keeps each source's own."""
    if not any(streams):
        yield ()
    for turn, stream in enumerate(streams):
        if stream:
            rest = [one[1:] if index == turn else one for index, one in enumerate(streams)]
            for order in orders(*rest):
                yield (stream[0], *order)


def after(events: Sequence[e.Fact]) -> Journey:
    memory = FakeWork(FakeProgrammes(SMALL_PROGRAMME), noon(TODAY), beside=days_of)
    memory.apply_fact(FOLDS, SUBJECT, (*TO_START, *events))
    assert not memory.events
    journey: Journey = memory.get(SUBJECT)
    return journey


@pytest.mark.parametrize(
    ("streams", "stage", "responsible"),
    [
        (([OFFERED, ACCEPTED], [exited()]), "exited", PROVIDER),
        (([OFFERED, ACCEPTED], [exited(organisation=RECEIVER)]), "exited", RECEIVER),
        (([OFFERED, ACCEPTED], [exited(way="deceased"), closed()]), "closed", PROVIDER),
        (([OFFERED, ACCEPTED], [exited(), closed()], [consent_withdrawn()]), "closed", PROVIDER),
        (([OFFERED, ACCEPTED], [exited()], [mistake(EXITED_ON)]), "mistake", PROVIDER),
        (([OFFERED, ACCEPTED], [], [mistake(READY_ON)]), "mistake", RECEIVER),
    ],
)
def test_facts_that_cross_converge_in_every_order(
    streams: tuple[list[e.Fact], ...], stage: str, responsible: str
) -> None:
    ends = [after(order) for order in orders(*streams)]
    assert len(ends) > 1
    assert all(end == ends[0] for end in ends)
    assert (ends[0].passage.stage, ends[0].passage.responsible) == (stage, responsible)


def test_the_new_responsible_organisation_is_known_after_a_handover() -> None:
    journey = after([OFFERED, ACCEPTED])
    assert (journey.passage.responsible, journey.passage.offer) == (RECEIVER, None)


def test_every_event_that_moves_a_journey_is_taken_in() -> None:
    own = "activity-tracking"
    silent = {"FollowUpDue", "FollowUpAnswered", "FollowUpMissed", "EntryRecorded", "JourneySetBeside"}
    silent |= {"ParticipationSettled", "OtherJourneysLeft", "FirstEntryChanged"}
    wanted = {
        kind.body.__name__
        for kind in e.BY_NAME.values()
        if kind.subject == "journey" and kind.source != own and kind.body.__name__ not in silent
    }
    assert {body.__name__ for body in FOLDS} == wanted
