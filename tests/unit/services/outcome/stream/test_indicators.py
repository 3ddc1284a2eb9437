"""Indicators: one record per published cell, and only what changed."""

import threading
from collections.abc import Sequence
from datetime import UTC, date, datetime

import orjson
import pytest
from kafka.errors import KafkaTimeoutError
from pymongo.errors import AutoReconnect

from services.outcome.figures import disclosure, report
from services.outcome.stream.indicators import Cell, Indicator, Record, cells_of, changed, record
from services.outcome.stream.publisher import Publisher
from services.outcome.stream.snapshot import Reading, follow
from tests.support.cohort import make_cohort
from tests.support.page_server import read_programme

AT = datetime(2026, 1, 1, tzinfo=UTC)
EXACT = report.build(make_cohort().cells_on(date(2017, 5, 1)), read_programme(), AT)
PUBLISHED = disclosure.publish(EXACT)


def test_each_number_of_the_report_is_a_cell_named_by_its_path() -> None:
    cells = cells_of(PUBLISHED)
    assert cells["figures.started"] == Cell(EXACT["figures"]["started"])
    assert cells["figures.follow_ups.28d.rate"] == Cell(EXACT["figures"]["follow_ups"]["28d"]["rate"])
    assert cells["by_gender.woman.started"] == Cell(EXACT["by_gender"]["woman"]["started"])
    assert cells["by_municipality.2482.received"] == Cell(EXACT["by_municipality"]["2482"]["received"])
    assert cells["outputs.workplace_carved.by_municipality.2482"] == Cell(14)
    assert cells["targets.started.reached"] == cells["figures.started"]
    assert cells["targets.social_enterprise_established.2482.reached"] == Cell(1)
    assert cells["steps.answer.median_days"] == Cell(6.0)


def test_a_hidden_cell_says_so_and_why_and_nothing_else() -> None:
    cells = cells_of(PUBLISHED)
    assert EXACT["by_gender"]["non_binary"]["started"] in range(5)
    assert cells["by_gender.non_binary.started"] == Cell(None, hidden=True, few=True)
    assert PUBLISHED["figures"]["employed_at_exit"]["known"]["few"] is False
    assert cells["figures.employed_at_exit.known"] == Cell(None, hidden=True, few=False)


def test_no_count_of_people_under_five_is_in_any_cell() -> None:
    people = [
        cell.value
        for name, cell in cells_of(PUBLISHED).items()
        if name.startswith(("by_gender.", "by_municipality.", "where_now.", "figures.exits."))
    ]
    assert len(people) > 50
    assert not {0, 1, 2, 3, 4} & set(people)


def test_what_was_never_published_begins_at_one_and_what_differs_goes_on_from_there() -> None:
    cells = {"a": Cell(5), "b": Cell(6)}
    first = list(changed("coactive", cells, {}, AT.date(), AT))
    assert [(one.key, one.seq) for one in first] == [("coactive|a", 1), ("coactive|b", 1)]
    held = {one.key: one for one in first}
    assert list(changed("coactive", cells, held, AT.date(), AT)) == []
    (again,) = changed("coactive", {"a": Cell(5), "b": Cell(None, hidden=True)}, held, AT.date(), AT)
    assert (again.key, again.seq) == ("coactive|b", 2)


def test_the_same_cell_of_two_programmes_is_two_records() -> None:
    (one,) = changed("coactive", {"a": Cell(5)}, {}, AT.date(), AT)
    (other,) = changed("huset", {"a": Cell(5)}, {one.key: one}, AT.date(), AT)
    assert other.key == "huset|a"


def test_a_record_is_a_cloudevent_keyed_by_programme_and_cell() -> None:
    indicator = Indicator(
        programme="coactive",
        name="figures.started",
        cell=Cell(41),
        seq=3,
        holds_on=AT.date(),
        published_at=AT,
    )
    made = record(indicator)
    assert (made.topic, made.key) == ("journey.indicators.v1", b"coactive|figures.started")
    assert dict(made.headers) == {
        "ce_specversion": b"1.0",
        "ce_id": b"outcome:indicator/coactive|figures.started:3",
        "ce_source": b"outcome",
        "ce_type": b"journey.outcome.indicator-published.v1",
        "ce_subject": b"indicator/coactive|figures.started",
        "ce_time": b"2026-01-01T00:00:00+00:00",
        "ce_sequence": b"3",
        "content-type": b"application/json",
    }
    assert orjson.loads(made.value) == {
        "programme": "coactive",
        "cell": "figures.started",
        "value": 41,
        "hidden": False,
        "few": False,
        "holds_on": "2026-01-01",
        "published_at": "2026-01-01T00:00:00Z",
    }


class Sole:
    """Satisfies `Ledger` for a publisher that is alone."""

    def hold(self) -> bool:
        return True

    def release(self) -> None:
        raise NotImplementedError

    def load(self) -> tuple[dict[str, Indicator], list[Indicator]]:
        return {}, []

    def intend(self, indicators: Sequence[Indicator]) -> None:
        self.intended = list(indicators)

    def sent(self, indicators: Sequence[Indicator]) -> None:
        assert set(indicators) <= set(self.intended)

    def send_again(self, indicators: Sequence[Indicator]) -> bool:
        return False

    def owed(self) -> list[Indicator]:
        return []


class Topic:
    """Satisfies `Outlet` and keeps what was sent."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def send(self, records: Sequence[Record]) -> None:
        self.records += records

    def close(self) -> None:
        raise NotImplementedError


def test_exact_figures_are_never_sent_to_the_topic() -> None:
    reading = Reading(programme=read_programme(), moment=1, as_of=AT, exact=EXACT, newest=[])
    topic = Topic()
    publishing = Publisher(Sole(), lambda: topic, lambda: AT, threading.Event())
    publishing.offer(follow(None, reading, "published", PUBLISHED))
    publishing.offer(follow(None, reading, "exact", EXACT))
    assert publishing.publish_once() == len(cells_of(PUBLISHED))
    sent = {one.key.decode(): orjson.loads(one.value)["value"] for one in topic.records}
    assert sent["coactive|by_gender.non_binary.started"] is None
    assert sent["coactive|figures.started"] == EXACT["figures"]["started"]


def test_a_record_says_the_swedish_day_that_its_figure_holds_for() -> None:
    late = datetime(2017, 6, 30, 22, 30, tzinfo=UTC)
    reading = Reading(programme=read_programme(), moment=1, as_of=late, exact=EXACT, newest=[])
    topic = Topic()
    publishing = Publisher(Sole(), lambda: topic, lambda: AT, threading.Event())
    publishing.offer(follow(None, reading, "published", PUBLISHED))
    publishing.publish_once()
    assert {orjson.loads(one.value)["holds_on"] for one in topic.records} == {"2017-07-01"}


class Electing(Sole):
    """MongoDB elects a primary just when the ledger is asked what a late send has overtaken. deeds: in their order."""

    def __init__(self, deeds: list[str]) -> None:
        self.deeds = deeds

    def send_again(self, indicators: Sequence[Indicator]) -> bool:
        self.deeds.append(f"asked of {len(indicators)}")
        if len(self.deeds) < 3:
            raise AutoReconnect
        return True


class Unacknowledged(Topic):
    """Never answers whether it took what was sent."""

    def __init__(self, deeds: list[str]) -> None:
        super().__init__()
        self.deeds = deeds

    def send(self, records: Sequence[Record]) -> None:
        raise KafkaTimeoutError

    def close(self) -> None:
        self.deeds.append("producer closed")


def test_a_late_send_is_checked_until_the_ledger_answers_and_after_its_producer_is_closed() -> None:
    deeds: list[str] = []
    publisher = Publisher(Electing(deeds), lambda: Unacknowledged(deeds), lambda: AT, threading.Event())
    reading = Reading(programme=read_programme(), moment=1, as_of=AT, exact=EXACT, newest=[])
    publisher.offer(follow(None, reading, "published", PUBLISHED))
    count = len(cells_of(PUBLISHED))
    with pytest.raises(AutoReconnect):
        publisher.publish_once()
    assert deeds == ["producer closed", f"asked of {count}"]
    with pytest.raises(KafkaTimeoutError):
        publisher.publish_once()
    assert deeds[2] == f"asked of {count}", "before anything else is sent"
