"""What those who were asked see, a no that is said anew, and whom a referral cannot ask."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.intake import correcting, handlers
from services.intake.api.shown import show_referral
from services.intake.domain import referral
from services.intake.domain.capacity import has_room
from services.intake.domain.corrections import CorrectReason, CorrectReferral
from services.intake.inbound import receive
from services.intake.seeing import see
from shared.language import events as e
from shared.language.days import day_of
from shared.language.errors import Conflict, Invalid, Unknown
from shared.language.replies import RecordAccepted
from shared.runtime.arrived import Arrived
from tests.support.asked_referrals import (
    DAYS,
    FIRST,
    SECOND,
    THIRD,
    TIMED,
    answers,
    held,
    memory,
    no,
    pass_days,
    readers,
    refer,
    register,
    shown,
    yes,
)
from tests.support.fakes import FakeWork
from tests.support.intake_work import AGENCY, PERSON, caseworker

# --- who sees what ------------------------------------------------------------------------------------------------


def test_who_said_no_may_say_it_again_and_hears_nothing_of_what_came_after() -> None:
    work = memory()
    journey = refer(work, FIRST, SECOND)
    first = show_referral(see(work, caseworker(FIRST), no(work, journey, FIRST)))
    assert (first["stage"], first["refusal"]["reason"]) == ("declined", "no_place")
    assert (first["named_provider"], first["provider"]) == (FIRST, None)
    yes(work, journey, SECOND)
    again = show_referral(see(work, caseworker(FIRST), no(work, journey, FIRST)))
    assert again == first
    assert SECOND not in str(again)
    assert set(first) == set(shown(work, journey))
    with pytest.raises(Conflict) as other:
        no(work, journey, FIRST, "other_need")
    assert other.value.code == "passed-on"


def test_the_next_one_is_not_told_who_was_asked_before() -> None:
    work = memory()
    journey = refer(work, FIRST, SECOND)
    no(work, journey, FIRST)
    assert [one["provider"] for one in shown(work, journey, SECOND)["asked"]] == [SECOND]
    assert FIRST not in str(shown(work, journey, SECOND))


# --- a no said anew -----------------------------------------------------------------------------------------------

VOID = CorrectReason(why="A slip.", void=True)


def anew(work: FakeWork, journey: e.JourneyId, by: str, command: CorrectReason) -> None:
    correcting.correct_decline(work, caseworker(by), journey, command)


def test_a_no_that_was_passed_on_is_not_taken_back() -> None:
    work = memory()
    journey = refer(work, FIRST, SECOND, THIRD)
    no(work, journey, FIRST)
    with pytest.raises(Conflict) as refused:
        anew(work, journey, FIRST, VOID)
    assert refused.value.code == "passed-on"
    anew(work, journey, FIRST, CorrectReason(why="A slip.", reason="other_need"))
    assert held(work, journey).asking.ended[0].reason == "other_need"
    listed = correcting.list_corrections
    (_, kept), (_, none) = (
        listed(work, caseworker(one), journey, after=None, limit=9) for one in (AGENCY, SECOND)
    )
    assert ([one.organisation for one in kept], list(none)) == ([FIRST], [])
    with pytest.raises(Conflict):
        anew(work, journey, FIRST, CorrectReason(why="A slip.", reason="participant_declined"))
    assert readers(work, journey) == {SECOND}
    for stranger in (THIRD, "skellefte-tra"):
        with pytest.raises(Unknown):
            anew(work, journey, stranger, VOID)


def test_the_last_no_can_be_taken_back_and_the_last_is_asked_again() -> None:
    work = memory()
    journey = refer(work, FIRST, SECOND)
    no(work, journey, FIRST)
    no(work, journey, SECOND)
    anew(work, journey, SECOND, VOID)
    assert (held(work, journey).passage.stage, readers(work, journey)) == ("received", {SECOND})
    assert answers(work, journey) == [(FIRST, "declined")]
    pass_days(work, DAYS + 1)
    assert answers(work, journey) == [(FIRST, "declined"), (SECOND, "silent")]


def test_a_no_to_an_open_referral_is_taken_back_while_nobody_has_taken_it() -> None:
    work = memory()
    journey = refer(work)
    no(work, journey, FIRST)
    anew(work, journey, FIRST, VOID)
    assert readers(work, journey) == {FIRST, SECOND, THIRD}
    no(work, journey, FIRST)
    yes(work, journey, SECOND)
    with pytest.raises(Conflict) as refused:
        anew(work, journey, FIRST, VOID)
    assert refused.value.code == "passed-on"


def test_whom_it_asks_is_said_anew_until_somebody_answered() -> None:
    work = memory()
    journey = refer(work, FIRST, SECOND)
    said: dict[str, Any] = {"why": "A slip.", "municipality": "2482"}
    pass_days(work, 3)
    correcting.correct_referral(
        work, caseworker(AGENCY), journey, CorrectReferral(**said, providers=(THIRD, FIRST))
    )
    assert readers(work, journey) == {THIRD}
    assert shown(work, journey)["answer_by"] == (day_of(work.at) + timedelta(days=DAYS)).isoformat()
    no(work, journey, THIRD)
    with pytest.raises(Invalid) as refused:
        correcting.correct_referral(work, caseworker(AGENCY), journey, CorrectReferral(**said))
    assert set(refused.value.errors or {}) == {"provider"}
    moved = CorrectReferral(why="A slip.", municipality="2417", providers=(THIRD, FIRST))
    correcting.correct_referral(work, caseworker(AGENCY), journey, moved)
    assert readers(work, journey) == {FIRST}, "a municipality said anew asks nobody else"


# --- bad input ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "field"),
    [
        ({"providers": (FIRST, FIRST)}, "providers"),
        ({"providers": (FIRST, "skellefte-tra")}, "providers"),
        ({"providers": (FIRST, "nobody-here")}, "providers"),
        ({"providers": (FIRST, SECOND), "provider": FIRST}, "providers"),
        ({"providers": tuple(f"shop-{n}" for n in range(11))}, "providers"),
        ({"provider": "skellefte-tra"}, "provider"),
    ],
)
def test_whom_a_referral_cannot_ask(what: dict[str, Any], field: str) -> None:
    work = memory()
    providers = what.pop("providers", ())
    with pytest.raises(Invalid) as refused:
        refer(work, *providers, **what)
    assert set(refused.value.errors or {}) == {field}


def test_one_provider_named_in_either_way_is_the_same_referral() -> None:
    work = memory()
    journey = refer(work, FIRST)
    again = referral.Refer(
        participant_id=held(work, journey).handles[AGENCY],
        reference="AF-1",
        programme="coactive",
        municipality="2482",
        provider=FIRST,
    )
    assert handlers.refer(work, caseworker(AGENCY), again).journey_id == journey
    no(work, journey, FIRST)
    assert handlers.refer(work, caseworker(AGENCY), again).journey_id == journey
    with pytest.raises(Conflict) as taken:
        handlers.refer(work, caseworker(AGENCY), replace(again, provider=SECOND))
    assert taken.value.code == "reference-taken"


def test_a_record_names_several_providers_too() -> None:
    work = memory()
    person = register(work)
    body = {"reference": "AF-9", "participant_id": person, "programme": "coactive", "municipality": "2482"}
    value = json.dumps({**body, "providers": [FIRST, SECOND]}).encode()
    answer = receive(work, Arrived(f"inbound.{AGENCY}.referrals.v1", 0, 7, [], value)).body
    assert isinstance(answer, RecordAccepted)
    assert held(work, answer.journey_id).asking.named == (FIRST, SECOND)


# --- room -----------------------------------------------------------------------------------------------------------


def test_a_provider_without_room_takes_nobody() -> None:
    work = memory()
    journey = refer(work, FIRST)
    with pytest.raises(Conflict) as full:
        referral.accept(held(work, journey), referral.Accept(), by=FIRST, at=work.at, room=False)
    assert full.value.code == "no-room"
    assert [has_room(capacity=one, responsible_for=3) for one in (None, 2, 3, 4)] == [
        True,
        False,
        False,
        True,
    ]


def test_the_return_of_one_settles_the_person_s_other_journey() -> None:
    work = memory(TIMED)
    journey = refer(work, FIRST, identity=PERSON)
    person = register(work, "forsakringskassan", PERSON)
    yes(work, journey, FIRST)
    pass_days(work, 3)
    command = referral.Refer(
        participant_id=person, reference="FK-1", programme="coactive", municipality="2482", provider=SECOND
    )
    other = handlers.refer(work, caseworker("forsakringskassan"), command).journey_id
    said = held(work, journey).participation
    assert said is not None
    assert said.first == other
    pass_days(work, DAYS + 1)
    assert held(work, other).passage.stage == "declined"
    after = held(work, journey).participation
    assert after is None or after.first == journey, "the timer settles what the person's other journey says"
