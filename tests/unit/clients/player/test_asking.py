"""The player's own count of who is asked, and of silences, held against days counted by hand."""

from datetime import date
from typing import Any

import pytest

from clients.player.acts import Act, Plan
from clients.player.asking import Asking
from clients.player.course import Course, begin
from clients.player.ledger import Ledger
from clients.player.periods import NO_PROVIDER, by_provider, quarter_of
from clients.player.scenario import build
from clients.player.silences import may_be
from tests.support.player_programme import CODES, INBOUND
from tests.unit.clients.player.test_ledger import act

REFERRED = date(2017, 1, 6)
"""A Friday on which the clock stops; thirty days later it is 5 February, and the clock stops next on 17 February."""
SEEN = date(2017, 2, 17)
TWO = ("second-hand", "kafe")


def referral(*providers: str) -> Act:
    says: dict[str, Any] = {"municipality": "2482", "previous": None, "reference": "w1", "person": "p"}
    says["provider"] = providers[0] if len(providers) == 1 else None
    says["providers"] = providers if len(providers) > 1 else ()
    return act("refer", REFERRED.isoformat(), "w1", "af", **says)


def course(*providers: str) -> Course:
    return begin(referral(*providers), CODES)


def test_a_referral_stands_through_the_last_day_and_returns_on_the_day_after() -> None:
    held = course("kafe")
    held.expire(date(2017, 2, 5))
    assert held.stage(CODES, date(2017, 2, 5)) == "received"
    held.expire(date(2017, 2, 6))
    assert (held.stage(CODES, SEEN), held.declined_on) == ("declined", date(2017, 2, 6))
    assert held.asking.answers == [("kafe", "silent", date(2017, 2, 6), None)]
    assert (held.provider, held.responsible) == ("", "af")


def test_an_open_referral_that_nobody_answers_returns_with_nobody_named() -> None:
    held = course()
    held.expire(SEEN)
    assert (held.declined_on, held.asking.answers) == (date(2017, 2, 6), [])


def test_a_silence_asks_the_next_one_whose_days_begin_when_it_was_seen() -> None:
    held = course(*TWO)
    held.expire(SEEN)
    assert (held.asking.now, held.provider) == ("kafe", "kafe")
    assert held.asking.answer_by == date(2017, 3, 19)
    held.do(act("accept", "2017-03-03", "w1", "kafe"))
    assert held.asking.answers == [
        ("second-hand", "silent", date(2017, 2, 6), None),
        ("kafe", "accepted", date(2017, 3, 3), None),
    ]


def test_a_no_then_a_silence_return_with_the_reason_of_the_no() -> None:
    held = course(*TWO)
    held.do(act("pass_on", "2017-01-20", "w1", "second-hand", reason="no_place"))
    assert held.asking.answer_by == date(2017, 2, 19)
    held.expire(date(2017, 3, 3))
    assert held.declined_on == date(2017, 2, 20)
    assert held.asking.answers == [
        ("second-hand", "declined", date(2017, 1, 20), "no_place"),
        ("kafe", "silent", date(2017, 2, 20), None),
    ]


@pytest.mark.parametrize("deed", ["withdraw", "mistake", "accept", "decline"])
def test_who_answered_or_was_taken_back_is_waited_for_no_more(deed: Any) -> None:
    held = course("kafe")
    held.do(act(deed, "2017-01-20", "w1", "kafe", reason="no_place"))
    before = list(held.asking.answers)
    held.expire(date(2019, 1, 1))
    assert held.asking.answers == before


def test_without_days_a_referral_waits_for_ever() -> None:
    asking = Asking(("kafe",), None)
    asking.ask(REFERRED)
    assert asking.expire(date(2030, 1, 1)) is None and asking.now == "kafe"


def test_a_returned_referral_counts_as_declined_at_no_provider() -> None:
    ledger = Ledger(CODES)
    ledger.do(referral("kafe"))
    found = by_provider(ledger, quarter_of(SEEN), date(2019, 1, 1))
    assert (found["declined", NO_PROVIDER], found.get(("declined", "kafe"), 0)) == (1, 0)


def test_on_the_step_after_a_silence_the_referral_is_overdue_or_has_passed_on() -> None:
    assert list(may_be(course(*TWO), CODES, date(2017, 1, 20))) == [
        ("received", "second-hand", "2017-02-05", False)
    ]
    assert list(may_be(course(*TWO), CODES, SEEN)) == [
        ("received", "second-hand", "2017-02-05", True),
        ("received", "kafe", "2017-03-19", False),
    ]


@pytest.fixture(params=(1, 7, 2016), scope="module", name="plan")
def _plan(request: pytest.FixtureRequest) -> Plan:
    return build(CODES, request.param, inbound=INBOUND)


def test_the_clock_stops_where_a_silence_ends_and_every_answer_is_in_time(plan: Plan) -> None:
    ledger, late = Ledger(CODES), 0
    for step in plan.steps:
        for held in [held for held in ledger.courses.values() if held.asking.overdue(step.on)]:
            assert (step.on - (held.asking.answer_by or step.on)).days <= 14
            held.expire(step.on)
        for one in step.acts:
            if one.refused:
                late += one.deed == "accept"
                continue
            if one.deed in ("accept", "decline", "pass_on"):
                course_of = ledger.courses[one.plan_key]
                assert course_of.stage(CODES, step.on) == "received", one
                assert course_of.asking.now in (None, one.by), one
            ledger.do(one)
    assert late >= 3
    returned = [one for one in ledger.courses.values() if one.declined_on and not one.provider]
    assert len(returned) == late
