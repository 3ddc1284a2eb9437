"""Sessions: what may be logged, on which days, and corrections that every figure follows."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.activity_tracking.consumer import FOLDS
from services.activity_tracking.domain import sessions
from services.activity_tracking.domain.journey import Journey, SessionCounts
from services.activity_tracking.domain.sessions import CorrectSession, LogSession, Session
from shared.language.errors import Conflict, Invalid
from shared.language.events import Fact, SessionCorrected, SessionId, SessionLogged
from shared.language.passage import Stage
from shared.language.rows import as_row, entry_of
from tests.support.days import days_of
from tests.support.fakes import FakeWork, noon
from tests.support.published import FakeProgrammes
from tests.support.small_programme import (
    EXITED_ON,
    PROVIDER,
    RECEIVER,
    SMALL_PROGRAMME,
    STARTED_ON,
    SUBJECT,
    TO_START,
    TODAY,
)

AT = noon(TODAY)
GOOD = LogSession(activity="work_training", occurred_on=STARTED_ON, attendance="yes", minutes=60)
At = Callable[[Stage], Journey]


Days = Mapping[date, SessionCounts]


def log(
    journey: Journey,
    command: LogSession,
    *,
    n: int = 1,
    earlier: Session | None = None,
    days: Days | None = None,
) -> Any:
    return sessions.log(
        journey,
        command,
        programme=SMALL_PROGRAMME,
        by=PROVIDER,
        at=AT,
        session=SessionId(f"s-{n}"),
        earlier=earlier,
        that_day=(days or {}).get(command.occurred_on, SessionCounts()),
    )


def correct(
    journey: Journey,
    head: Session,
    command: CorrectSession,
    *,
    n: int,
    by: str = PROVIDER,
    days: Days | None = None,
) -> Any:
    return sessions.correct(
        journey,
        head,
        command,
        programme=SMALL_PROGRAMME,
        by=by,
        at=AT,
        session=SessionId(f"s-{n}"),
        days=defaultdict(SessionCounts, days or {}),
    )


def refused_fields(decide: Callable[[], Any]) -> set[str]:
    with pytest.raises(Invalid) as refused:
        decide()
    assert refused.value.errors is not None
    return set(refused.value.errors)


@pytest.mark.parametrize(
    ("attendance", "minutes", "reason", "wrong"),
    [
        ("yes", 60, None, set()),
        ("late", 1, None, set()),
        ("yes", 1440, None, set()),
        ("no", 0, "ill", set()),
        ("yes", 0, None, {"minutes"}),
        ("yes", 1441, None, {"minutes"}),
        ("late", 0, None, {"minutes"}),
        ("yes", 60, "ill", {"reason"}),
        ("no", 60, "ill", {"minutes"}),
        ("no", 0, None, {"reason"}),
        ("no", 0, "slept", {"reason"}),
        ("no", 30, None, {"minutes", "reason"}),
    ],
)
def test_an_absence_has_a_reason_and_no_minutes_and_a_presence_the_other_way_round(
    at_stage: At, attendance: Any, minutes: int, reason: str | None, wrong: set[str]
) -> None:
    command = replace(GOOD, attendance=attendance, minutes=minutes, reason=reason)
    if wrong:
        assert refused_fields(lambda: log(at_stage("started"), command)) == wrong
    else:
        change, entry = log(at_stage("started"), command)
        assert (change.events[0].attendance, change.events[0].minutes) == (attendance, minutes)
        assert entry.reason == reason


def test_who_gives_no_reason_is_told_which_there_are(at_stage: At) -> None:
    with pytest.raises(Invalid) as refused:
        log(at_stage("started"), replace(GOOD, attendance="no", minutes=0, reason=None))
    assert refused.value.errors == {"reason": ["An absence has a reason. Takes one of ill, transport."]}


def test_everything_wrong_is_said_at_once(at_stage: At) -> None:
    command = LogSession(
        activity="sleeping",
        occurred_on=TODAY + timedelta(days=1),
        attendance="no",
        minutes=5,
    )
    wrong = refused_fields(lambda: log(at_stage("started"), command))
    assert wrong == {"activity", "occurred_on", "minutes", "reason"}


@pytest.mark.parametrize(
    ("stage", "on", "fits"),
    [
        ("started", STARTED_ON - timedelta(days=1), False),
        ("started", STARTED_ON, True),
        ("started", TODAY, True),
        ("started", TODAY + timedelta(days=1), False),
        ("ready", TODAY, True),
        ("exited", EXITED_ON, True),
        ("exited", EXITED_ON + timedelta(days=1), False),
        ("closed", EXITED_ON, True),
        ("closed", EXITED_ON + timedelta(days=1), False),
    ],
)
def test_a_session_lies_between_start_and_exit_and_may_be_logged_late(
    at_stage: At, stage: Stage, on: date, fits: bool
) -> None:
    command = replace(GOOD, occurred_on=on)
    if fits:
        change, _ = log(at_stage(stage), command)
        assert (change.events[0].occurred_on, change.events[0].recorded_at) == (on, AT)
    else:
        assert refused_fields(lambda: log(at_stage(stage), command)) == {"occurred_on"}


def test_neither_a_telling_activity_nor_a_reason_travels_in_an_event(at_stage: At) -> None:
    journey = at_stage("started")
    absence = replace(GOOD, activity="health_effort", attendance="no", minutes=0, reason="ill")
    change, entry = log(journey, absence)
    assert change.events[0].activity is None
    assert not hasattr(change.events[0], "reason")
    assert (entry.activity, entry.reason) == ("health_effort", "ill")
    presence = CorrectSession(activity="health_effort", occurred_on=STARTED_ON, attendance="yes", minutes=30)
    corrected, _ = correct(change.state, entry, presence, n=2)
    assert corrected.events[0].activity is None
    assert "health" not in repr(corrected.events)
    plain, _ = log(journey, GOOD)
    assert plain.events[0].activity == "work_training"


def test_the_same_reference_is_the_same_session_or_a_conflict(at_stage: At) -> None:
    named = replace(GOOD, reference="week 7, Monday")
    change, first = log(at_stage("started"), named)
    again, same = log(change.state, named, n=2, earlier=first)
    assert again.state is change.state
    assert not again.events
    assert same == first
    with pytest.raises(Conflict) as refused:
        log(change.state, replace(named, minutes=90), n=3, earlier=first)
    assert refused.value.code == "already-logged"


def test_a_correction_says_what_it_replaces_and_leaves_the_earlier_entry_readable(at_stage: At) -> None:
    change, first = log(at_stage("started"), GOOD)
    on = STARTED_ON + timedelta(days=1)
    said = CorrectSession(activity="work_training", occurred_on=on, attendance="no", minutes=0, reason="ill")
    corrected, second = correct(change.state, first, said, n=2, by=RECEIVER)
    event = corrected.events[0]
    assert (event.corrects, event.session, event.void) == ("s-1", "s-2", False)
    assert (event.replaced.occurred_on, event.replaced.attendance, event.replaced.minutes) == (
        STARTED_ON,
        "yes",
        60,
    )
    assert event.organisation == second.organisation == PROVIDER
    assert second.recorded_by == RECEIVER
    rows = {row.key: entry_of(Session, row.body) for row in corrected.rows if row.collection == "sessions"}
    assert rows["s-1"] == replace(first, superseded_by=SessionId("s-2"))
    assert rows["s-2"].corrects == "s-1"
    assert corrected.state.sessions == SessionCounts(logged=1, missed=1, corrected=1)


def test_a_correction_that_says_the_same_changes_nothing(at_stage: At) -> None:
    change, first = log(at_stage("started"), GOOD)
    same = CorrectSession(activity="work_training", occurred_on=STARTED_ON, attendance="yes", minutes=60)
    again, entry = correct(change.state, first, same, n=2)
    assert again.state is change.state
    assert entry == first
    assert not (again.events or again.rows)


def test_only_the_head_can_be_corrected_and_a_void_one_not_at_all(at_stage: At) -> None:
    change, first = log(at_stage("started"), GOOD)
    change, _ = correct(change.state, first, CorrectSession(void=True), n=2)
    rows = {row.key: entry_of(Session, row.body) for row in change.rows if row.collection == "sessions"}
    for head, code in ((rows["s-1"], "superseded"), (rows["s-2"], "voided")):
        with pytest.raises(Conflict) as refused:
            correct(
                change.state,
                head,
                CorrectSession(activity="work_training", occurred_on=STARTED_ON, attendance="yes", minutes=5),
                n=3,
            )
        assert refused.value.code == code
    assert change.state.sessions == SessionCounts(corrected=1)


def test_a_correction_that_is_not_void_says_everything(at_stage: At) -> None:
    change, first = log(at_stage("started"), GOOD)
    wrong = refused_fields(lambda: correct(change.state, first, CorrectSession(minutes=5), n=2))
    assert wrong == {"activity", "occurred_on", "attendance"}


# --- chains, whatever is corrected in whatever order ------------------------------------------------------

PRESENT = st.tuples(st.sampled_from(["yes", "late"]), st.integers(1, 480), st.none())
ABSENT = st.tuples(st.just("no"), st.just(0), st.sampled_from(["ill", "transport"]))
SAID = st.tuples(st.integers(0, 90), st.one_of(PRESENT, ABSENT))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("log"), st.none(), SAID),
        st.tuples(st.just("correct"), st.integers(0, 5), SAID),
        st.tuples(st.just("void"), st.integers(0, 5), st.none()),
    ),
    max_size=25,
)


@given(STEPS)
def test_every_figure_follows_a_chain_of_corrections(steps: list[Any]) -> None:
    memory = FakeWork(FakeProgrammes(SMALL_PROGRAMME), AT, beside=days_of)
    memory.apply_fact(FOLDS, SUBJECT, TO_START)
    heads: list[Session] = []
    for number, (what, which, said) in enumerate(steps, start=1):
        journey: Journey = memory.get(SUBJECT)
        days = days_of(memory, SUBJECT).days
        if what != "log" and not heads:
            continue
        slot = len(heads) if which is None else which % len(heads)
        words = said and {
            "activity": "work_training",
            "occurred_on": STARTED_ON + timedelta(days=said[0]),
            "attendance": said[1][0],
            "minutes": said[1][1],
            "reason": said[1][2],
        }
        try:
            if what == "log":
                change, entry = log(journey, LogSession(**words), n=number, days=days)
                heads.append(entry)
            else:
                command = CorrectSession(void=True) if what == "void" else CorrectSession(**words)
                change, entry = correct(journey, heads[slot], command, n=number, days=days)
                heads[slot] = entry
        except Conflict as refused:
            assert refused.code == "voided"
            assert heads[slot].void
            continue
        except Invalid as full:
            assert set(full.errors or {}) == {"minutes"}
            on = STARTED_ON + timedelta(days=said[0])
            assert words["minutes"] + days[on].minutes > 1440
            continue
        memory.save(SUBJECT, change)
    standing = [head for head in heads if not head.void]
    counts = memory.get(SUBJECT).sessions
    assert (counts.logged, counts.minutes) == (len(standing), sum(head.minutes for head in standing))
    assert counts.late == sum(head.attendance == "late" for head in standing)
    assert counts.missed == sum(head.attendance == "no" for head in standing)
    assert counts.attended + counts.missed == counts.logged
    assert as_figures(memory.events) == (counts.logged, counts.attended, counts.minutes)
    for on, held in days_of(memory, SUBJECT).days.items():
        of_day = [head for head in standing if head.occurred_on == on]
        assert (held.logged, held.minutes) == (len(of_day), sum(head.minutes for head in of_day))
        assert held.minutes <= 1440
    rows = {key: entry_of(Session, row) for (name, key), row in memory.table.items() if name == "sessions"}
    assert sorted(row.session_id for row in rows.values() if row.superseded_by is None) == sorted(
        head.session_id for head in heads
    )
    for row in rows.values():
        if row.superseded_by is not None:
            assert rows[row.superseded_by].corrects == row.session_id


def as_figures(events: list[Fact]) -> tuple[int, int, int]:
    """Logged, attended and minutes as a reader of events alone counts them."""
    logged = attended = minutes = 0
    for event in events:
        if isinstance(event, SessionCorrected):
            logged -= 1
            attended -= event.replaced.attendance != "no"
            minutes -= event.replaced.minutes
        if isinstance(event, SessionLogged | SessionCorrected) and not getattr(event, "void", False):
            logged += 1
            attended += event.attendance != "no"
            minutes += event.minutes
    return logged, attended, minutes


def test_a_day_has_as_many_minutes_as_it_has_however_many_sessions(at_stage: At) -> None:
    full = {STARTED_ON: SessionCounts(logged=2, attended=2, minutes=1400)}
    assert refused_fields(lambda: log(at_stage("started"), GOOD, days=full)) == {"minutes"}
    change, _ = log(at_stage("started"), replace(GOOD, minutes=40), days=full)
    assert change.rows[1].body["minutes"] == 1440
    elsewhere = replace(GOOD, occurred_on=STARTED_ON + timedelta(days=1))
    assert log(at_stage("started"), elsewhere, days=full)[0].events


def test_an_entry_survives_its_row(at_stage: At) -> None:
    _, entry = log(at_stage("started"), replace(GOOD, reference="r1"))
    assert entry_of(Session, {"_id": "s-1", **as_row("sessions", "s-1", entry).body}) == entry
