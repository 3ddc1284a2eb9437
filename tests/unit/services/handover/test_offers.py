"""Every command at every stage and on every offer; what an offer takes; deadlines, consent and races."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from services.handover.consumer import FOLDS, TIMERS
from services.handover.domain import offers
from services.handover.domain.journey import Journey, Offer, Status, as_offered, journey_of, offer_of
from services.handover.domain.offers import AcceptHandover, DeclineHandover, OfferHandover, RecallHandover
from shared.language.access import parts
from shared.language.days import start_of
from shared.language.decision import Change, Timer
from shared.language.errors import Conflict, Invalid
from shared.language.events import Fact, HandoverId
from shared.language.passage import Stage
from tests.support.fakes import FakeWork, noon
from tests.support.published import FakeProgrammes, roles_of
from tests.support.small_programme import (
    EMPLOYER,
    JOURNEY,
    OWNER,
    PROVIDER,
    RECEIVER,
    SMALL_PROGRAMME,
    STARTED_ON,
    SUBJECT,
    TO_START,
    WAYS,
    consent,
    consent_withdrawn,
    exited,
    mistake,
    ready,
)

TODAY = date(2016, 6, 15)
AT = noon(TODAY)
DEADLINE_ON = TODAY + timedelta(days=14)
GOOD = OfferHandover(kind="provider_to_provider", to_organisation=RECEIVER, deadline_on=DEADLINE_ON)
H1 = HandoverId(f"{JOURNEY}.h1")


def store(*events: Fact) -> FakeWork:
    memory = FakeWork(FakeProgrammes(SMALL_PROGRAMME), AT)
    memory.apply_fact(FOLDS, SUBJECT, events or TO_START)
    return memory


def journey_in(memory: FakeWork) -> Journey:
    journey: Journey = memory.get(SUBJECT)
    return journey


def asked_in(memory: FakeWork, handover: HandoverId = H1) -> Offer:
    row = memory.row("offers", handover)
    assert row is not None
    return offer_of(row)


def offer(memory: FakeWork, command: OfferHandover = GOOD) -> Offer:
    journey = journey_in(memory)
    by = journey.passage.responsible
    change, made = offers.offer(
        journey,
        command,
        programme=SMALL_PROGRAMME,
        roles=roles_of(SMALL_PROGRAMME, TODAY),
        by=by,
        at=memory.at,
    )
    memory.save(SUBJECT, change)
    return made


def _accept(journey: Journey, asked: Offer, at: Any) -> tuple[Change[Journey], Offer]:
    return offers.accept(journey, asked, AcceptHandover(), by=asked.to_organisation, at=at)


def _decline(journey: Journey, asked: Offer, at: Any) -> tuple[Change[Journey], Offer]:
    return offers.decline(
        journey, asked, DeclineHandover(reason="no_capacity"), programme=SMALL_PROGRAMME, at=at
    )


def _recall(journey: Journey, asked: Offer, at: Any) -> tuple[Change[Journey], Offer]:
    return offers.recall(
        journey, asked, RecallHandover(reason="other_receiver"), programme=SMALL_PROGRAMME, at=at
    )


Answer = Callable[[Journey, Offer, Any], tuple[Change[Journey], Offer]]
ANSWERS: dict[Status, Answer] = {"accepted": _accept, "declined": _decline, "recalled": _recall}


def answer(memory: FakeWork, how: Status, handover: HandoverId = H1) -> Offer:
    change, ended = ANSWERS[how](journey_in(memory), asked_in(memory, handover), memory.at)
    memory.save(SUBJECT, change)
    return ended


def refused(decide: Callable[[], Any]) -> str:
    with pytest.raises(Conflict) as conflict:
        decide()
    return conflict.value.code


def wrong_fields(decide: Callable[[], Any]) -> set[str]:
    with pytest.raises(Invalid) as invalid:
        decide()
    assert invalid.value.errors is not None
    return set(invalid.value.errors)


# --- the state tables -------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", list(WAYS))
def test_only_a_journey_under_way_is_offered(stage: Stage) -> None:
    memory = store(*WAYS[stage])
    assert journey_in(memory).passage.stage == stage
    command = replace(GOOD, kind="provider_to_employer", to_organisation=EMPLOYER)
    if stage in ("started", "ready"):
        made = offer(memory, command)
        assert (made.handover_id, made.status) == (H1, "open")
        assert journey_in(memory).passage.offer is not None
        assert [type(event).__name__ for event in memory.events] == ["HandoverOffered"]
    else:
        assert refused(lambda: offer(memory, command)) == "wrong-stage"
        assert not memory.events


@pytest.mark.parametrize("how", list(ANSWERS))
@pytest.mark.parametrize("status", ["open", "accepted", "declined", "recalled", "expired"])
def test_an_answer_to_an_offer_of_each_status(how: Status, status: Status) -> None:
    memory = store()
    offer(memory)
    if status == "expired":
        memory.at = start_of(DEADLINE_ON + timedelta(days=1))
        assert memory.fire_due(TIMERS) == 1
    elif status != "open":
        answer(memory, status)
    before, said = journey_in(memory), len(memory.events)
    assert asked_in(memory).status == status
    if status == "open":
        assert answer(memory, how).status == how
        assert len(memory.events) == said + 1
        assert asked_in(memory).status == how
        assert not memory.timers
        assert journey_in(memory).open is None
    elif status == how:
        assert answer(memory, how).status == how
        assert journey_in(memory) is before
        assert len(memory.events) == said
    else:
        assert refused(lambda: answer(memory, how)) == "offer-closed"
        assert len(memory.events) == said


@pytest.mark.parametrize("how", list(ANSWERS))
@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (exited(), "journey_ended"),
        (exited(way="deceased"), "journey_ended"),
        (mistake(), "registered_by_mistake"),
        (consent_withdrawn(), "consent_withdrawn"),
        (consent(EMPLOYER), "consent_withdrawn"),
        (consent(RECEIVER, last_day=STARTED_ON - timedelta(days=30)), "consent_withdrawn"),
    ],
    ids=["exit", "deceased", "mistake", "withdrawn", "without the receiver", "run out"],
)
def test_an_offer_that_loses_its_ground_is_taken_back_and_can_no_longer_be_answered(
    end: Fact, reason: str, how: Status
) -> None:
    memory = store()
    made = offer(memory)
    memory.apply_fact(FOLDS, SUBJECT, [end])
    recalled = memory.events[-1]
    assert (type(recalled).__name__, getattr(recalled, "reason", None)) == ("HandoverRecalled", reason)
    assert recalled.recorded_at == end.recorded_at
    assert recalled.occurred_on == max(end.occurred_on, made.offered_on)
    assert (asked_in(memory).status, asked_in(memory).reason) == ("recalled", reason)
    assert (journey_in(memory).open, journey_in(memory).passage.offer) == (None, None)
    assert not memory.timers
    assert refused(lambda: answer(memory, how)) == "offer-closed"
    assert journey_in(memory).passage.responsible == PROVIDER


@pytest.mark.parametrize(
    "event", [ready(), consent(RECEIVER, EMPLOYER), consent(RECEIVER)], ids=["ready", "again", "narrower"]
)
def test_an_offer_that_keeps_its_ground_stays_open(event: Fact) -> None:
    memory = store()
    made = offer(memory)
    memory.apply_fact(FOLDS, SUBJECT, [event])
    assert journey_in(memory).open == made
    assert len(memory.events) == 1


# --- what an offer takes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"kind": "medical_to_vocational"}, {"kind"}),
        ({"to_organisation": EMPLOYER}, {"kind"}),
        ({"to_organisation": PROVIDER}, {"to_organisation"}),
        ({"to_organisation": OWNER}, {"to_organisation"}),
        ({"to_organisation": "stranger"}, {"to_organisation"}),
        ({"deadline_on": TODAY - timedelta(days=1)}, {"deadline_on"}),
        ({"deadline_on": TODAY + timedelta(days=61)}, {"deadline_on"}),
        ({"occurred_on": TODAY + timedelta(days=1)}, {"occurred_on"}),
        ({"occurred_on": STARTED_ON - timedelta(days=1)}, {"occurred_on"}),
        (
            {"kind": "x", "to_organisation": "x", "deadline_on": STARTED_ON, "occurred_on": date(2015, 1, 1)},
            {"kind", "to_organisation", "deadline_on", "occurred_on"},
        ),
    ],
)
def test_an_offer_that_cannot_stand_is_refused_field_by_field(changed: Any, wrong: set[str]) -> None:
    assert wrong_fields(lambda: offer(store(), replace(GOOD, **changed))) == wrong


@pytest.mark.parametrize("days", [0, 60])
def test_a_deadline_lies_between_today_and_the_programme_s_limit(days: int) -> None:
    memory = store()
    made = offer(memory, replace(GOOD, deadline_on=TODAY + timedelta(days=days)))
    timer = memory.timers[f"{H1}:expiry"][1]
    assert timer.due == start_of(made.deadline_on + timedelta(days=1))


@pytest.mark.parametrize(
    "answers",
    [
        (),
        (consent(EMPLOYER),),
        (consent(RECEIVER, last_day=TODAY - timedelta(days=1)),),
        (consent(), consent_withdrawn()),
    ],
    ids=["never asked", "another receiver", "run out", "withdrawn"],
)
def test_nothing_is_offered_without_consent_that_covers_the_receiver(answers: tuple[Fact, ...]) -> None:
    asked, accepted, _, began = TO_START
    memory = store(asked, accepted, *answers, began)
    assert refused(lambda: offer(memory)) == "consent-missing"


def test_while_one_offer_is_open_nothing_else_is_offered_but_the_same_again_is_the_same() -> None:
    memory = store()
    made = offer(memory)
    assert offer(memory) == made
    assert (
        refused(lambda: offer(memory, replace(GOOD, kind="provider_to_employer", to_organisation=EMPLOYER)))
        == "offer-open"
    )
    assert refused(lambda: offer(memory, replace(GOOD, deadline_on=TODAY))) == "offer-open"
    assert len(memory.events) == 1
    answer(memory, "declined")
    assert offer(memory).handover_id == f"{JOURNEY}.h2"


def test_an_acceptance_moves_responsibility_and_the_next_offer_comes_from_the_receiver() -> None:
    memory = store()
    offer(memory)
    answer(memory, "accepted")
    accepted = memory.events[-1]
    assert (getattr(accepted, "from_organisation", ""), getattr(accepted, "to_organisation", "")) == (
        PROVIDER,
        RECEIVER,
    )
    assert getattr(accepted, "offered_on", None) == TODAY
    journey = journey_in(memory)
    assert (journey.passage.responsible, journey.responsible_since) == (RECEIVER, TODAY)
    before_it_was = replace(
        GOOD, kind="provider_to_employer", to_organisation=EMPLOYER, occurred_on=TODAY - timedelta(days=1)
    )
    assert wrong_fields(lambda: offer(memory, before_it_was)) == {"occurred_on"}
    onward = offer(memory, replace(GOOD, kind="provider_to_employer", to_organisation=EMPLOYER))
    assert (onward.handover_id, onward.from_organisation) == (f"{JOURNEY}.h2", RECEIVER)


# --- answers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on", [TODAY - timedelta(days=1), TODAY + timedelta(days=1)], ids=["early", "ahead"])
def test_an_answer_lies_between_the_offer_and_today(on: date) -> None:
    memory = store()
    made, journey = offer(memory), journey_in(memory)
    assert wrong_fields(
        lambda: offers.accept(journey, made, AcceptHandover(occurred_on=on), by=RECEIVER, at=AT)
    ) == {"occurred_on"}
    decline = DeclineHandover(reason="tired", occurred_on=on)
    assert wrong_fields(lambda: offers.decline(journey, made, decline, programme=SMALL_PROGRAMME, at=AT)) == {
        "occurred_on",
        "reason",
    }
    recall = RecallHandover(reason="no_capacity", occurred_on=on)
    assert wrong_fields(lambda: offers.recall(journey, made, recall, programme=SMALL_PROGRAMME, at=AT)) == {
        "occurred_on",
        "reason",
    }


@pytest.mark.parametrize("how", list(ANSWERS))
def test_an_answer_on_the_deadline_is_in_time_and_one_after_it_is_not_even_before_the_timer_fired(
    how: Status,
) -> None:
    memory = store()
    offer(memory)
    memory.at = start_of(DEADLINE_ON + timedelta(days=1)) - timedelta(seconds=1)
    trial = FakeWork(memory.programmes, memory.at, dict(memory.states), dict(memory.table))
    assert answer(trial, how).status == how
    memory.at = start_of(DEADLINE_ON + timedelta(days=1))
    assert refused(lambda: answer(memory, how)) == "offer-closed"
    assert memory.fire_due(TIMERS) == 1
    expired = memory.events[-1]
    assert (type(expired).__name__, expired.occurred_on) == (
        "HandoverExpired",
        DEADLINE_ON + timedelta(days=1),
    )
    assert expired.recorded_at == memory.at


def test_a_timer_for_an_offer_that_is_no_longer_open_changes_nothing() -> None:
    memory = store()
    offer(memory)
    late = memory.timers[f"{H1}:expiry"][1]
    answer(memory, "declined")
    declined = journey_in(memory)
    assert TIMERS["expire_handover"](declined, late, late.due, memory.programmes) == Change(declined)
    offer(memory, replace(GOOD, kind="provider_to_employer", to_organisation=EMPLOYER))
    second = journey_in(memory)
    change = TIMERS["expire_handover"](second, late, late.due, memory.programmes)
    assert change.state is second
    assert not (change.events or change.rows or change.cancels)


def test_a_consent_that_has_run_out_is_found_when_the_offer_is_accepted() -> None:
    asked, accepted, _, began = TO_START
    memory = store(asked, accepted, consent(RECEIVER, last_day=TODAY), began)
    offer(memory)
    memory.at = noon(TODAY + timedelta(days=1))
    assert refused(lambda: answer(memory, "accepted")) == "consent-missing"
    assert journey_in(memory).open is not None
    assert answer(memory, "declined").status == "declined"


def test_the_same_answer_for_another_reason_or_day_is_a_conflict() -> None:
    memory = store()
    offer(memory)
    answer(memory, "accepted")
    command = AcceptHandover(occurred_on=TODAY)
    asked = asked_in(memory)
    assert not offers.accept(journey_in(memory), asked, command, by=RECEIVER, at=AT)[0].events
    later = noon(TODAY + timedelta(days=1))
    other = AcceptHandover(occurred_on=TODAY + timedelta(days=1))
    assert (
        refused(lambda: offers.accept(journey_in(memory), asked, other, by=RECEIVER, at=later))
        == "offer-closed"
    )


# --- parts ------------------------------------------------------------------------------------------------


def test_however_an_offer_ended_its_parties_keep_their_parts_in_it() -> None:
    memory = store()
    offer(memory)
    answer(memory, "accepted")
    passage = journey_in(memory).passage
    assert "receiver" not in parts(RECEIVER, passage, open_to_it=False)
    judged = as_offered(passage, asked_in(memory))
    assert "receiver" in parts(RECEIVER, judged, open_to_it=False)
    assert "responsible" in parts(PROVIDER, judged, open_to_it=False)
    assert "receiver" not in parts(EMPLOYER, judged, open_to_it=False)


def test_a_handover_s_id_names_its_journey() -> None:
    assert journey_of(f"{JOURNEY}.h12") == JOURNEY


def test_a_timer_says_which_offer_it_ends() -> None:
    memory = store()
    offer(memory)
    assert memory.timers == {
        f"{H1}:expiry": (
            SUBJECT,
            Timer(
                f"{H1}:expiry", start_of(DEADLINE_ON + timedelta(days=1)), "expire_handover", {"handover": H1}
            ),
        )
    }
