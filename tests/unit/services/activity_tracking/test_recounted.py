"""Which sessions count is said anew when the bounds, the municipality or the truth of the journey is another."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from services.activity_tracking.consumer import FOLDS
from services.activity_tracking.domain.bounds import Beside
from services.activity_tracking.domain.journey import Journey, Minutes, SessionCounts, added
from shared.language import events as e
from shared.language.decision import Received, Subject
from shared.language.passage import Passage
from tests.support.fakes import noon
from tests.support.published import FakeProgrammes
from tests.support.small_programme import SMALL_PROGRAMME

STARTED_ON = date(2016, 3, 1)
ONE = SessionCounts(logged=1, attended=1, minutes=60)
SUBJECT = Subject("journey/j-" + "0" * 26)


def journey(days: Mapping[date, SessionCounts], **passage: Any) -> Journey:
    counts = SessionCounts()
    for held in days.values():
        counts = added(counts, held)
    said = {
        "participant_id": e.ParticipantId("p-" + "0" * 26),
        "programme": "small",
        "programme_version": 1,
        "referrer": "agency",
        "municipality": "2482",
        "responsible": "shop",
        "referred_on": date(2016, 2, 1),
        "started_on": STARTED_ON,
        **passage,
    }
    return Journey(journey_id=e.JourneyId("j-" + "0" * 26), passage=Passage(**said), sessions=counts)


def apply_fact(
    state: Journey, fact: e.Fact, days: Mapping[date, SessionCounts]
) -> tuple[Journey, list[e.SessionsRecounted]]:
    kind = e.BY_BODY[type(fact)]
    change = FOLDS[type(fact)](
        state,
        Received(SUBJECT, kind.source, 1, kind.name, fact, {}, Beside(days=days)),
        FakeProgrammes(SMALL_PROGRAMME),
    )
    events = [one for one in change.events if isinstance(one, e.SessionsRecounted)]
    assert len(events) == len(change.events)
    return change.state, events


def days_from(first: date, count: int) -> dict[date, SessionCounts]:
    return {first + timedelta(days=number): ONE for number in range(count)}


def on(kind: type[e.Fact], day: date, **fields: Any) -> e.Fact:
    return kind(occurred_on=day, recorded_at=noon(day), **fields)


def exit_on(day: date) -> e.Fact:
    return on(e.JourneyExited, day, way="by_plan", organisation="shop", situation=None)


def test_an_exit_after_the_last_session_says_nothing() -> None:
    days = days_from(STARTED_ON, 5)
    after, events = apply_fact(journey(days), exit_on(date(2016, 6, 1)), days)
    assert (events, after.sessions.logged) == ([], 5)


def test_an_exit_before_the_last_sessions_names_the_days_that_count_no_more() -> None:
    days = days_from(STARTED_ON, 5)
    after, (event,) = apply_fact(journey(days), exit_on(date(2016, 3, 3)), days)
    assert [(one.on, one.counted, one.minutes) for one in event.days] == [
        (date(2016, 3, 4), False, 60),
        (date(2016, 3, 5), False, 60),
    ]
    assert (event.logged, event.minutes, after.sessions.logged) == (3, 180, 3)


def test_more_days_than_a_month_make_more_events_each_with_the_sums_after_it() -> None:
    days = days_from(STARTED_ON, 70)
    _, events = apply_fact(journey(days), on(e.JourneyRegisteredByMistake, STARTED_ON, reason="slip"), days)
    assert [(len(one.days), one.logged) for one in events] == [(31, 39), (31, 8), (8, 0)]


def test_a_mistake_counts_no_session_and_once_it_is_none_all_of_them_again() -> None:
    days = days_from(STARTED_ON, 3)
    mistaken, events = apply_fact(
        journey(days), on(e.JourneyRegisteredByMistake, STARTED_ON, reason="slip"), days
    )
    assert [one.counted for event in events for one in event.days] == [False] * 3
    assert mistaken.sessions.logged == 0
    back = on(e.JourneyRegisteredByMistake, STARTED_ON, reason="slip", correction="voids")
    real, events = apply_fact(mistaken, back, days)
    assert [one.counted for event in events for one in event.days] == [True] * 3
    assert real.sessions.logged == 3


def test_in_another_municipality_none_counts_at_first_and_then_all_do() -> None:
    days = days_from(STARTED_ON, 2)
    fact = on(e.ReferralCorrected, date(2016, 2, 1), municipality="2417", provider=None)
    after, (gone, come) = apply_fact(journey(days), fact, days)
    assert (gone.logged, come.logged, after.sessions.logged) == (0, 2, 2)
    assert [one.counted for one in (*gone.days, *come.days)] == [False, False, True, True]
    same = on(e.ReferralCorrected, date(2016, 2, 2), municipality="2417", provider=None)
    assert apply_fact(after, same, days)[1] == []


def test_a_day_whose_sessions_were_taken_back_is_not_named() -> None:
    days = {STARTED_ON: replace(ONE, logged=0, attended=0, minutes=0)}
    assert apply_fact(journey(days), exit_on(date(2016, 2, 20)), days)[1] == []


def test_planned_minutes_and_those_of_each_activity_move_with_their_day() -> None:
    held = replace(
        ONE,
        planned_minutes=90,
        marked_minutes=60,
        activities={"guidance": Minutes(60, 90, 60), "taken_back": Minutes()},
    )
    days = {STARTED_ON: held, date(2016, 3, 2): held}
    after, (event,) = apply_fact(journey(days), exit_on(STARTED_ON), days)
    assert (event.planned_minutes, event.marked_minutes) == (90, 60)
    assert after.sessions.activities["guidance"] == Minutes(60, 90, 60)
    (gone,) = event.days
    named = e.ActivityMinutes(activity="guidance", minutes=60, planned_minutes=90, marked_minutes=60)
    assert (gone.planned_minutes, gone.marked_minutes, gone.activities) == (90, 60, (named,))
