"""Whom a referral asks: in order, any, a no, a silence, the last of them, and two that say yes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.intake import correcting, people
from services.intake.consumer import TIMERS
from services.intake.domain.asking import MOST_REFUSALS, UNANSWERED, Asking, NotTaken, goes_on
from services.intake.domain.corrections import CorrectReason
from services.intake.domain.journey import standing
from services.intake.domain.passing_on import unanswered
from shared.language import events as e
from shared.language.days import day_of
from shared.language.errors import Conflict, Unknown
from shared.language.programmes import Participating
from tests.support.asked_referrals import (
    DAYS,
    FIRST,
    SECOND,
    THIRD,
    TIMED,
    answers,
    awaiting,
    held,
    memory,
    no,
    pass_days,
    readers,
    refer,
    shown,
    to_referrer,
    withdraw,
    yes,
)
from tests.support.intake_work import AGENCY, COACTIVE, caseworker
from tests.support.published import roles_of

# --- in order -----------------------------------------------------------------------------------------------------


def test_a_no_asks_the_next_one_and_the_first_sees_nothing_of_it_any_more() -> None:
    work = memory()
    journey = refer(work, FIRST, SECOND)
    assert (readers(work, journey), awaiting(work, FIRST)) == ({FIRST}, [journey])
    no(work, journey, FIRST)
    assert held(work, journey).passage.stage == "received"
    assert readers(work, journey) == {SECOND}
    assert (awaiting(work, FIRST), awaiting(work, SECOND)) == ([], [journey])
    fact = work.events[-1]
    assert isinstance(fact, e.ReferralPassedOn)
    assert (fact.from_organisation, fact.to_organisation, fact.why, fact.reason) == (
        FIRST,
        SECOND,
        "declined",
        "no_place",
    )
    with pytest.raises(Unknown):
        yes(work, journey, FIRST)
    assert yes(work, journey, SECOND).passage.provider == SECOND


def test_the_last_no_returns_it_as_a_decline_does_with_every_reason() -> None:
    work = memory()
    journey = refer(work, FIRST, SECOND)
    no(work, journey, FIRST, "no_place")
    no(work, journey, SECOND, "other_need")
    assert [type(one).__name__ for one in work.events] == [
        "ReferralReceived",
        "ReferralPassedOn",
        "ReferralDeclined",
    ]
    told = to_referrer(work)[-1]
    assert (told.stage, told.responsible) == ("declined", AGENCY)
    assert [(one.provider, one.answer, one.reason) for one in told.asked] == [
        (FIRST, "declined", "no_place"),
        (SECOND, "declined", "other_need"),
    ]
    assert [one["reason"] for one in shown(work, journey)["asked"]] == ["no_place", "other_need"]
    assert not work.timers


def test_every_change_of_who_is_asked_is_told_to_the_referrer() -> None:
    work = memory()
    journey = refer(work, FIRST, SECOND)
    no(work, journey, FIRST)
    assert len(to_referrer(work)) == 2
    assert [one.answer for one in to_referrer(work)[-1].asked] == ["declined", None]
    others = [one.organisation for one in work.replies if one.organisation != AGENCY]
    assert others == [FIRST, SECOND], "each is told when it is asked"


def test_the_persons_own_no_asks_nobody_else() -> None:
    work = memory()
    journey = refer(work, FIRST, SECOND)
    no(work, journey, FIRST, "participant_declined")
    assert held(work, journey).passage.stage == "declined"
    assert readers(work, journey) == {FIRST}


def test_silence_asks_the_next_one_and_the_last_silence_returns_it() -> None:
    work = memory()
    journey = refer(work, FIRST, SECOND)
    pass_days(work, DAYS)
    assert (answers(work, journey), shown(work, journey)["overdue"]) == ([], False)
    pass_days(work, 1)
    assert answers(work, journey) == [(FIRST, "silent")]
    assert readers(work, journey) == {SECOND}
    pass_days(work, DAYS + 1)
    assert answers(work, journey) == [(FIRST, "silent"), (SECOND, "silent")]
    assert held(work, journey).passage.stage == "declined"
    assert readers(work, journey) == set()
    fact = work.events[-1]
    assert isinstance(fact, e.ReferralReturned)
    assert (fact.provider, fact.occurred_on) == (SECOND, day_of(work.at))
    assert shown(work, journey)["refusal"] is None
    assert not work.timers


def test_an_answer_after_the_last_day_is_refused_even_before_the_timer_fires() -> None:
    work = memory()
    journey = refer(work, FIRST)
    work.at += timedelta(days=DAYS + 1)
    assert shown(work, journey)["overdue"]
    for answer in (yes, no):
        with pytest.raises(Conflict) as refused:
            answer(work, journey, FIRST)
        assert refused.value.code == "answer-overdue"


def test_the_next_one_has_as_many_days_as_the_first_had() -> None:
    work = memory()
    journey = refer(work, FIRST, SECOND)
    pass_days(work, 5)
    no(work, journey, FIRST)
    assert shown(work, journey)["answer_by"] == (day_of(work.at) + timedelta(days=DAYS)).isoformat()
    pass_days(work, DAYS)
    assert yes(work, journey, SECOND).passage.stage == "accepted"
    assert not work.timers


def test_in_a_programme_without_the_field_a_referral_waits_for_ever() -> None:
    work = memory(COACTIVE)
    journey = refer(work, FIRST, SECOND)
    assert not work.timers
    pass_days(work, 1000)
    assert (shown(work, journey)["answer_by"], shown(work, journey)["overdue"]) == (None, False)
    assert yes(work, journey, FIRST).passage.stage == "accepted"


def test_a_withdrawal_ends_the_asking_and_taking_it_back_begins_it_again() -> None:
    work = memory()
    journey = refer(work, FIRST, SECOND)
    withdraw(work, journey)
    assert not work.timers
    pass_days(work, DAYS + 2)
    assert held(work, journey).passage.stage == "withdrawn"
    back = CorrectReason(why="A slip.", void=True)
    correcting.correct_withdrawal(work, caseworker(AGENCY), journey, back)
    assert shown(work, journey)["answer_by"] == (day_of(work.at) + timedelta(days=DAYS)).isoformat()
    pass_days(work, DAYS + 1)
    assert answers(work, journey) == [(FIRST, "silent")]


def test_a_timer_of_an_earlier_turn_changes_nothing() -> None:
    work = memory()
    journey = refer(work, FIRST, SECOND)
    (_, timer), *_ = work.timers.values()
    no(work, journey, FIRST)
    before = held(work, journey)
    assert unanswered(before, timer, work.at, work.programmes).state is before
    assert timer.command == UNANSWERED in TIMERS


def test_an_erased_person_s_referral_is_passed_on_all_the_same() -> None:
    work = memory()
    journey = refer(work, FIRST, SECOND)
    people.erase_participant(work, caseworker(AGENCY), held(work, journey).handles[AGENCY])
    pass_days(work, DAYS + 1)
    assert answers(work, journey) == [(FIRST, "silent")]


# --- any ----------------------------------------------------------------------------------------------------------


def test_a_no_to_an_open_referral_ends_that_provider_s_asking_alone() -> None:
    work = memory()
    journey = refer(work)
    no(work, journey, FIRST)
    assert held(work, journey).passage.stage == "received"
    assert readers(work, journey) == {SECOND, THIRD}
    assert (awaiting(work, FIRST), awaiting(work, SECOND)) == ([], [journey])
    assert yes(work, journey, THIRD).passage.provider == THIRD


def test_the_first_yes_takes_an_open_referral_and_the_second_is_told_so() -> None:
    work = memory()
    journey = refer(work)
    no(work, journey, FIRST)
    yes(work, journey, SECOND)
    assert yes(work, journey, SECOND).passage.provider == SECOND
    with pytest.raises(Conflict) as lost:
        yes(work, journey, THIRD)
    assert lost.value.code == "already-taken"
    for stranger in (FIRST, "skellefte-tra", "nobody-of-this-programme"):
        with pytest.raises(Unknown):
            yes(work, journey, stranger)


def test_silence_of_all_returns_an_open_referral() -> None:
    work = memory()
    journey = refer(work)
    no(work, journey, FIRST)
    pass_days(work, DAYS + 1)
    assert held(work, journey).passage.stage == "declined"
    assert readers(work, journey) == set()
    assert answers(work, journey) == [(FIRST, "declined")]


def test_a_no_does_not_give_the_others_more_time() -> None:
    work = memory()
    journey = refer(work)
    pass_days(work, DAYS)
    no(work, journey, FIRST)
    pass_days(work, 1)
    assert held(work, journey).passage.stage == "declined"


def test_an_open_referral_that_all_have_refused_goes_back_at_once() -> None:
    work = memory()
    journey = refer(work)
    roles = roles_of(TIMED, day_of(work.at))
    providers = [one.id for one in TIMED.organisations if roles.allows(one.id, "answer_referral")]
    for one in providers:
        no(work, journey, one)
    assert held(work, journey).passage.stage == "declined"
    assert isinstance(work.events[-1], e.ReferralDeclined)
    assert [one for one, _ in answers(work, journey)] == providers
    assert readers(work, journey) == {FIRST, SECOND, THIRD} & {providers[-1]}, (
        "who ended it may correct its no"
    )


def test_so_many_refusals_and_no_more_are_kept() -> None:
    entry = NotTaken(
        provider="x", answer="declined", asked_on=day_of(memory().at), ended_on=day_of(memory().at)
    )
    entry = replace(entry, refused_by="provider")
    full = Asking(ended=(entry,) * (MOST_REFUSALS - 1))
    assert not goes_on(full, entry, others_may=True)
    assert goes_on(replace(full, ended=full.ended[1:]), entry, others_may=True)
    assert not goes_on(Asking(), entry, others_may=False)


def test_more_providers_than_refusals_are_kept_return_it_at_the_last_kept() -> None:
    many = tuple(Participating(id=f"shop-{n}", name="x", roles=("provider",)) for n in range(60))
    work = memory(replace(TIMED, organisations=(*TIMED.organisations, *many)))
    journey = refer(work)
    for one in many[:MOST_REFUSALS]:
        assert held(work, journey).passage.stage == "received"
        no(work, journey, one.id)
    assert held(work, journey).passage.stage == "declined"
    assert len(standing(held(work, journey)).asked) == MOST_REFUSALS
