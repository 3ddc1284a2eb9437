"""Entry answers: what makes them complete, when they can be recorded and replaced, and what never leaves."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from services.outcome.consumer import FOLDS
from services.outcome.domain.entry import RecordEntry, record_entry
from services.outcome.domain.journey import Outcome
from shared.language.access import Actor
from shared.language.decision import Change
from shared.language.errors import Conflict, Invalid, Refused
from shared.language.events import EntryRecorded, JourneyStarted
from shared.language.passage import Stage
from tests.support.fakes import noon
from tests.support.outcome_programme import (
    ACCEPTED_ON,
    JOURNEY,
    PROGRAMMES,
    REFERRED_ON,
    SHOP,
    STARTED_ON,
    TODAY,
    arrived,
    at_stage,
    start,
)

BY = Actor("somebody", SHOP, "supervisor")
WHOLE = RecordEntry(gender="woman", born_on=date(1980, 5, 1), employment="unemployed", isced=3)


def _but(**wrong: Any) -> RecordEntry:
    return replace(WHOLE, **wrong)


def record(state: Outcome, command: RecordEntry, rests_on: int | None = None) -> Change[Outcome]:
    return record_entry(state, command, rests_on=rests_on, revision=1, by=BY, at=noon(TODAY))


@pytest.mark.parametrize("missing", ["gender", "born_on", "employment", "isced"])
def test_an_entry_without_one_of_the_four_is_incomplete(missing: str) -> None:
    change = record(at_stage("started"), _but(**{missing: None}))
    (event,) = change.events
    assert event == EntryRecorded(occurred_on=TODAY, recorded_at=noon(TODAY), complete=False)


def test_special_categories_unasked_leave_it_complete_and_the_event_says_no_more() -> None:
    change = record(at_stage("started"), replace(WHOLE, disability="refused"))
    (event,) = change.events
    assert event == EntryRecorded(occurred_on=TODAY, recorded_at=noon(TODAY), complete=True)
    (row,) = change.rows
    assert (row.collection, row.key, row.body) == (
        "entries",
        JOURNEY,
        {"gender": "woman", "complete": True, "first_gender": "not_known"},
    )
    assert change.state.entry is not None
    assert change.state.entry.disability == "refused"


def test_an_unknown_gender_is_counted_as_not_known() -> None:
    (row,) = record(at_stage("accepted"), replace(WHOLE, gender=None)).rows
    assert row.body == {"gender": "not_known", "complete": False, "first_gender": "not_known"}


def test_the_same_answers_again_change_nothing_and_need_no_revision() -> None:
    first = record(at_stage("started"), WHOLE).state
    assert record(first, WHOLE) == Change(first)
    assert record(first, replace(WHOLE, occurred_on=TODAY)) == Change(first)


def test_other_answers_need_the_revision_they_rest_on() -> None:
    first = record(at_stage("started"), WHOLE).state
    other = replace(WHOLE, gender="man")
    with pytest.raises(Refused, match="revision-missing"):
        record(first, other)
    with pytest.raises(Refused, match="stale-revision"):
        record(first, other, rests_on=7)
    change = record(first, other, rests_on=1)
    assert change.state.entry is not None
    assert change.state.entry.gender == "man"
    assert len(change.events) == 1


@pytest.mark.parametrize("stage", ["accepted", "started", "ready", "exited", "closed"])
def test_it_can_be_recorded_from_acceptance_on_late_too(stage: Stage) -> None:
    assert len(record(at_stage(stage), WHOLE).events) == 1


def test_it_can_be_recorded_late_for_who_was_withdrawn_and_not_as_if_asked_afterwards() -> None:
    held = at_stage("withdrawn")
    with pytest.raises(Invalid) as refused:
        record(held, WHOLE)
    assert refused.value.errors == {"occurred_on": [f"Lies after the withdrawal ({ACCEPTED_ON})."]}
    assert len(record(held, replace(WHOLE, occurred_on=ACCEPTED_ON)).events) == 1


def test_nobody_is_asked_before_the_referral() -> None:
    with pytest.raises(Invalid) as refused:
        record(at_stage("started"), replace(WHOLE, occurred_on=date(2016, 1, 31)))
    assert refused.value.errors == {"occurred_on": [f"Lies before the referral ({REFERRED_ON})."]}


def test_answers_that_cannot_be_true_of_who_started_then_are_refused_and_named() -> None:
    born_later = replace(WHOLE, born_on=STARTED_ON, unemployed_since=date(2016, 2, 16))
    with pytest.raises(Invalid) as refused:
        record(at_stage("started"), born_later)
    assert set(refused.value.errors or {}) == {"born_on", "unemployed_since"}


def test_answers_that_the_start_makes_impossible_count_no_more_and_do_again_once_it_is_corrected() -> None:
    held = record(at_stage("accepted"), replace(WHOLE, born_on=date(2016, 2, 20))).state
    assert held.entry_complete
    begun = FOLDS[JourneyStarted](held, arrived(start()), PROGRAMMES)
    (said,) = begun.events
    assert isinstance(said, EntryRecorded)
    assert (said.complete, said.correction) == (False, "replaces")
    assert begun.rows[0].body == {"gender": "not_known", "complete": False, "first_gender": "not_known"}
    later = replace(start(date(2016, 3, 1)), correction="replaces")
    (said,) = FOLDS[JourneyStarted](begun.state, arrived(later), PROGRAMMES).events
    assert isinstance(said, EntryRecorded)
    assert said.complete


def test_what_was_replaced_is_told_without_what_it_was() -> None:
    first = record(at_stage("started"), WHOLE).state
    change = record(first, replace(WHOLE, gender="man", why="Wrong person."), rests_on=1)
    kept = change.rows[1]
    assert kept.collection == "superseded"
    assert (kept.body["what"], kept.body["why"], kept.body["organisation"]) == (
        "entry",
        "Wrong person.",
        SHOP,
    )
    assert kept.body["said"] == {"recorded_on": TODAY.isoformat(), "complete": True}


@pytest.mark.parametrize("stage", ["received", "declined", "mistake"])
def test_it_cannot_be_recorded_for_a_journey_that_nobody_takes(stage: Stage) -> None:
    with pytest.raises(Conflict, match="wrong-stage"):
        record(at_stage(stage), WHOLE)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("gender", "other"),
        ("born_on", date(2016, 6, 16)),
        ("born_on", date(1899, 12, 31)),
        ("employment", "retired"),
        ("unemployed_since", date(1979, 1, 1)),
        ("unemployed_since", date(2016, 6, 16)),
        ("isced", 9),
        ("isced", -1),
        ("disability", "perhaps"),
        ("third_country", "refused"),
        ("rural", "refused"),
        ("occurred_on", date(2016, 6, 16)),
    ],
)
def test_a_wrong_answer_is_named(field: str, value: Any) -> None:
    with pytest.raises(Invalid) as refused:
        record(at_stage("started"), _but(**{field: value}))
    assert set(refused.value.errors or {}) == {field}


def test_only_the_unemployed_have_been_so_since_a_day() -> None:
    with pytest.raises(Invalid) as refused:
        record(at_stage("started"), replace(WHOLE, employment="employed", unemployed_since=date(2015, 1, 1)))
    assert set(refused.value.errors or {}) == {"unemployed_since"}


def test_everything_wrong_is_said_at_once_and_before_the_stage() -> None:
    with pytest.raises(Invalid) as refused:
        record(at_stage("mistake"), _but(gender="x", isced=12))
    assert set(refused.value.errors or {}) == {"gender", "isced"}
