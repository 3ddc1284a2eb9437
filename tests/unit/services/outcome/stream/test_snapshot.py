"""Snapshots: whole, versioned, and new only when a viewer would see a difference."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import orjson

from services.outcome.figures import report
from services.outcome.stream.snapshot import (
    MOST_CHANGES,
    Reading,
    Snapshot,
    gather,
    resumed_version,
)
from services.outcome.stream.snapshot import follow as follow_form
from tests.support.cohort import make_cohort
from tests.support.page_server import read_programme

PROGRAMME = read_programme()
NOON = datetime(2017, 5, 1, 10, tzinfo=UTC)


def reading(on: date, moment: int = 100) -> Reading:
    exact = report.build(make_cohort().cells_on(on), PROGRAMME, NOON)
    return Reading(programme=PROGRAMME, moment=moment, as_of=NOON, exact=exact, newest=[])


def follow(held: Snapshot | None, reading: Reading) -> Snapshot:
    return follow_form(held, reading, "exact", reading.exact)


def body(frame: bytes) -> dict[str, object]:
    parsed: dict[str, object] = orjson.loads(frame.split(b"\ndata: ")[1])
    return parsed


def test_a_reading_that_changes_nothing_keeps_the_snapshot() -> None:
    first = follow(None, reading(date(2017, 5, 1)))
    assert follow(first, reading(date(2017, 5, 1), moment=200)) is first


def test_a_changed_figure_makes_a_snapshot_with_a_later_version() -> None:
    first = follow(None, reading(date(2017, 5, 1)))
    second = follow(first, reading(date(2017, 9, 1), moment=200))
    assert second.version == 200
    assert body(second.frame)["figures"] != body(first.frame)["figures"]


def test_the_version_grows_even_where_the_database_s_time_does_not() -> None:
    first = follow(None, reading(date(2017, 5, 1), moment=100))
    assert follow(first, reading(date(2017, 9, 1), moment=100)).version == 101


def test_time_alone_is_no_difference_before_the_swedish_day_changes() -> None:
    first = follow(None, reading(date(2017, 5, 1)))
    later = reading(date(2017, 5, 1), moment=200)
    assert follow(first, replace(later, as_of=NOON + timedelta(hours=11))) is first
    # 22:00 UTC on 1 May is midnight in Stockholm.
    assert follow(first, replace(later, as_of=NOON + timedelta(hours=12))) is not first


def test_a_frame_is_one_whole_server_sent_event() -> None:
    frame = follow(None, reading(date(2017, 5, 1))).frame
    assert frame.startswith(b"id: 100\nevent: snapshot\ndata: {")
    assert frame.endswith(b"}\n\n")
    assert frame.count(b"\n") == 4
    assert body(frame)["version"] == "100"
    assert body(frame)["labels"] == {
        "municipalities": {"2417": "Norsjö", "2482": "Skellefteå"},
        "follow_ups": {
            "28d": {"sv": "Efter 28 dagar", "en": "After 28 days"},
            "6m": {"sv": "Efter sex månader", "en": "After six months"},
        },
    }


def test_changes_are_gathered_by_kind_and_minute_so_that_none_can_be_laid_beside_a_log() -> None:
    moment = datetime(2017, 5, 1, 10, 30, 42, 123, tzinfo=UTC)
    newest = [
        {"type": "b", "recorded_at": moment},
        {"type": "a", "recorded_at": moment - timedelta(seconds=20)},
        {"type": "b", "recorded_at": moment - timedelta(seconds=40)},
        {"type": "b", "recorded_at": moment - timedelta(minutes=1)},
    ]
    assert gather(newest) == [
        {"type": "b", "at": "2017-05-01T10:30:00+00:00", "times": 2},
        {"type": "a", "at": "2017-05-01T10:30:00+00:00", "times": 1},
        {"type": "b", "at": "2017-05-01T10:29:00+00:00", "times": 1},
    ]


def test_only_the_newest_changes_are_shown() -> None:
    newest = [{"type": "a", "recorded_at": NOON - timedelta(hours=n)} for n in range(30)]
    assert len(gather(newest)) == MOST_CHANGES


def test_a_reader_resumes_from_a_version_and_from_nothing_else() -> None:
    assert resumed_version("7620000000000000123") == 7620000000000000123
    assert [resumed_version(text) for text in (None, "", "x", "-1", "²", "9" * 20)] == [0] * 6
