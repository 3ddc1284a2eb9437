"""What a person's journeys know of each other in outcome: exits and the first one's entry, told on each one's own."""

from dataclasses import replace
from datetime import date

import pytest

from services.outcome.domain.journey import Entry, Outcome
from services.outcome.domain.participation import RESTED_ON, RESTING, settle, told_of
from services.outcome.participations import keep
from shared.language import events as e
from shared.language.decision import Change, Received, Subject
from shared.language.errors import StateUnreadable
from tests.support.fakes import FakeWork, noon
from tests.support.outcome_programme import EXITED_ON, PROGRAMMES, REFERRED_ON, STARTED_ON, TODAY, at_stage

FIRST, SECOND = e.JourneyId("j-" + "0" * 25 + "1"), e.JourneyId("j-" + "0" * 25 + "2")
BOTH = e.Participation(
    first=FIRST,
    started=(FIRST, SECOND),
    referred_on=REFERRED_ON,
    started_on=STARTED_ON,
    municipality="2482",
)
ENTRY = Entry(
    recorded_on=STARTED_ON,
    gender="woman",
    born_on=date(1980, 1, 1),
    employment="unemployed",
    unemployed_since=None,
    isced=3,
    disability="not_asked",
    minority="not_asked",
    third_country="not_asked",
    foreign_background="not_asked",
    homeless="not_asked",
    rural="not_asked",
)


def first(stage: str = "exited") -> Outcome:
    return replace(at_stage(stage), journey_id=FIRST, entry=ENTRY)  # type: ignore[arg-type]


def second() -> Outcome:
    return replace(at_stage("started"), journey_id=SECOND)


def word(whole: e.Participation | None, others: object = None, seq: int = 7) -> Received:
    fact = e.ParticipationSettled(occurred_on=TODAY, recorded_at=noon(TODAY), participation=whole)
    return Received(Subject(f"journey/{SECOND}"), "intake", seq, "", fact, {}, others)


def test_a_later_journey_takes_over_what_is_known_of_the_first() -> None:
    change = settle(second(), word(BOTH, {FIRST: first()}), PROGRAMMES)
    after = change.state
    assert (after.first_entry, after.first_gender) == (ENTRY, "woman")
    assert after.others_left == {FIRST: EXITED_ON}
    left, entry = change.events
    assert left == e.OtherJourneysLeft(
        occurred_on=TODAY, recorded_at=noon(TODAY), left=(e.JourneyLeft(journey=FIRST, left_on=EXITED_ON),)
    )
    assert entry == e.FirstEntryChanged(occurred_on=TODAY, recorded_at=noon(TODAY), first=FIRST)
    told = next(one for one in change.rows if one.collection == "entries")
    assert told.body["first_gender"] == "woman"


def test_it_rests_on_the_others_and_writes_what_their_commands_write() -> None:
    """So that of an exit and of this word at the same moment one sees the other's effect."""
    rows = settle(second(), word(BOTH, {}), PROGRAMMES).rows
    assert [(one.collection, one.key) for one in rows] == [
        (RESTING, f"{FIRST}:{SECOND}"),
        (RESTED_ON, FIRST),
    ]
    again = settle(second(), word(BOTH, {}, seq=8), PROGRAMMES).rows
    assert rows[1].body != again[1].body, "or the database would take it for no change"


def test_alone_again_it_forgets_them() -> None:
    both = settle(second(), word(BOTH, {FIRST: first()}), PROGRAMMES).state
    change = settle(both, word(None), PROGRAMMES)
    assert replace(change.state, participation=None) == replace(second(), participation=None)
    assert [type(one).__name__ for one in change.events] == ["OtherJourneysLeft"]


def test_one_that_cannot_be_read_is_not_passed_over() -> None:
    broken = StateUnreadable("journey", "It is broken.")
    with pytest.raises(StateUnreadable):
        settle(second(), word(BOTH, {FIRST: broken}), PROGRAMMES)


def test_a_stranger_is_not_listened_to() -> None:
    alone = second()
    assert told_of(alone, first(), noon(TODAY)).state is alone
    stranger = replace(first(), journey_id=e.JourneyId("j-" + "0" * 25 + "3"))
    both = settle(alone, word(BOTH, {}), PROGRAMMES).state
    assert told_of(both, stranger, noon(TODAY)) == Change(both)


def test_entry_answers_that_the_first_start_contradicts_count_for_no_later_journey() -> None:
    late = replace(ENTRY, born_on=STARTED_ON)
    change = settle(second(), word(BOTH, {FIRST: replace(first(), entry=late)}), PROGRAMMES)
    assert change.state.first_gender is None


def held() -> FakeWork:
    work = FakeWork(PROGRAMMES, noon(TODAY))
    work.save(Subject(f"journey/{FIRST}"), Change(first("started")))
    work.save(Subject(f"journey/{SECOND}"), settle(second(), word(BOTH, {}), PROGRAMMES))
    return work


def test_a_command_tells_those_that_rest_on_the_journey() -> None:
    work = held()
    keep(work, Change(first()))
    later = work.get(Subject(f"journey/{SECOND}"))
    assert (later.others_left, later.first_gender) == ({FIRST: EXITED_ON}, "woman")
    assert [type(one).__name__ for subject, one in work.said if SECOND in subject] == [
        "OtherJourneysLeft",
        "FirstEntryChanged",
    ]
    assert (RESTED_ON, FIRST) in work.table


def test_a_command_that_the_others_do_not_rest_on_costs_them_nothing() -> None:
    work = held()
    before = dict(work.table)
    keep(work, Change(replace(first("started"), corrections=1, entry=ENTRY)))
    assert work.table == before
