"""Others' events, in every order in which they can arrive, lead to the same state and close an open offer."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import pytest

from services.handover.consumer import FOLDS
from services.handover.domain import offers
from services.handover.domain.journey import Journey, apply_fact, receive
from shared.language import events as e
from shared.language.decision import Received
from shared.language.errors import Unready
from tests.support.fakes import FakeWork, noon
from tests.support.published import FakeProgrammes, roles_of
from tests.support.small_programme import (
    EXITED_ON,
    PROVIDER,
    RECEIVER,
    SMALL_PROGRAMME,
    SUBJECT,
    TO_START,
    closed,
    consent_withdrawn,
    exited,
    mistake,
    ready,
    referral,
    start,
)

AT = noon(date(2016, 4, 1))


def orders(*streams: Sequence[e.Fact]) -> Iterator[tuple[e.Fact, ...]]:
    """Every order that keeps each source's own."""
    if not any(streams):
        yield ()
    for turn, stream in enumerate(streams):
        if stream:
            rest = [one[1:] if index == turn else one for index, one in enumerate(streams)]
            for order in orders(*rest):
                yield (stream[0], *order)


def after(events: Sequence[e.Fact], *, offered: bool) -> FakeWork:
    memory = FakeWork(FakeProgrammes(SMALL_PROGRAMME), AT)
    memory.apply_fact(FOLDS, SUBJECT, TO_START)
    if offered:
        command = offers.OfferHandover(
            kind="provider_to_provider", to_organisation=RECEIVER, deadline_on=date(2016, 4, 15)
        )
        change, _ = offers.offer(
            memory.get(SUBJECT),
            command,
            programme=SMALL_PROGRAMME,
            roles=roles_of(SMALL_PROGRAMME, AT.date()),
            by=PROVIDER,
            at=AT,
        )
        memory.save(SUBJECT, change)
    memory.apply_fact(FOLDS, SUBJECT, events)
    return memory


@pytest.mark.parametrize("offered", [False, True])
@pytest.mark.parametrize(
    ("streams", "stage"),
    [
        (([consent_withdrawn(), mistake(EXITED_ON)], [ready()], [exited(), closed()]), "mistake"),
        (([consent_withdrawn()], [ready()], [exited(), closed()]), "closed"),
        (([], [ready()], [exited(way="deceased")]), "exited"),
        (([consent_withdrawn()], [ready()], []), "ready"),
    ],
)
def test_facts_that_cross_converge_in_every_order(
    streams: tuple[list[e.Fact], ...], stage: str, offered: bool
) -> None:
    ends = [after(order, offered=offered) for order in orders(*streams)]
    assert len(ends) > 1
    states: list[Journey] = [end.get(SUBJECT) for end in ends]
    assert all(state == states[0] for state in states)
    assert states[0].passage.stage == stage
    assert (states[0].open, states[0].recalled) == (None, int(offered))
    for end in ends:
        assert [type(event).__name__ for event in end.events] == [
            "HandoverOffered",
            "HandoverRecalled",
        ] * offered
        assert not end.timers


def test_a_referral_waits_for_its_programme() -> None:
    with pytest.raises(Unready) as unready:
        receive(None, Received(SUBJECT, "intake", 1, "", referral(), {}), FakeProgrammes())
    assert unready.value.needs == "small@1"


def test_nothing_but_a_referral_opens_a_journey() -> None:
    with pytest.raises(ValueError, match="JourneyStarted opens no journey"):
        receive(None, Received(SUBJECT, "intake", 2, "", start(), {}), FakeProgrammes(SMALL_PROGRAMME))
    with pytest.raises(ValueError, match="before the referral"):
        apply_fact(
            None, Received(SUBJECT, "intake", 2, "started", start(), {}), FakeProgrammes(SMALL_PROGRAMME)
        )


def test_an_exit_recorded_late_recalls_an_offer_on_the_day_it_was_made_at_the_earliest() -> None:
    memory = after([exited(AT.date() - timedelta(days=20))], offered=True)
    assert memory.events[-1].occurred_on == AT.date()


def test_every_event_that_moves_a_journey_is_taken_in() -> None:
    silent = {"FollowUpDue", "FollowUpAnswered", "FollowUpMissed", "EntryRecorded", "JourneySetBeside"}
    silent |= {"ParticipationSettled", "OtherJourneysLeft", "FirstEntryChanged"}
    activity = {kind.body.__name__ for kind in e.BY_NAME.values() if kind.source == "activity-tracking"}
    wanted = {
        kind.body.__name__
        for kind in e.BY_NAME.values()
        if kind.subject == "journey" and kind.source != "handover"
    }
    assert {body.__name__ for body in FOLDS} == wanted - silent - activity | {"ParticipantReady"}
