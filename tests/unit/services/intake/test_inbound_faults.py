"""Inbound records that fail on our side: each is answered once, and only a fault of several senders halts."""

import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest
import structlog
from prometheus_client import generate_latest
from pymongo import MongoClient

from services.intake import inbound
from shared.edge.inbound import new_breaker
from shared.language.decision import Subject
from shared.language.errors import Halt, StateUnreadable
from shared.runtime.breaker import POISON_IN_A_ROW, Breaker
from shared.runtime.consumer import ProcessBatch
from shared.runtime.parts import Parts
from shared.runtime.unit import Apart
from shared.telemetry.metrics import REGISTRY, metric
from tests.support.intake_work import AGENCY, plain, register
from tests.unit.services.intake.test_inbound import (
    ATTEMPT,
    SECRET,
    Answering,
    answered,
    body,
    parts_at,
    record,
)


class Asking(Answering):
    """A unit that is asked, by its second branch, for what only the database can tell."""

    def __init__(self) -> None:
        super().__init__()
        self.flushed = 0

    def branch(self, organisation: str = "") -> "Answering":
        if self.answers and not self.flushed:
            raise Apart
        return super().branch(organisation)

    def flush(self) -> None:
        self.flushed += 1


def test_a_record_that_asks_for_what_was_just_changed_is_answered_after_it_is_written() -> None:
    work = Asking()
    said = answered(work, record(body(register(work))), record(b"{", offset=8))
    assert [one["status"] for one in said] == ["accepted", "rejected"]
    assert work.flushed == 2


class Failing(Answering):
    """A unit whose answers of acceptance fail, after the decision was saved."""

    def answer(self, *said: Any) -> None:
        if plain(said[3])["status"] == "accepted":
            raise ArithmeticError(SECRET)
        super().answer(*said)


def test_a_record_that_we_fail_on_leaves_nothing_but_its_answer() -> None:
    work = Failing()
    person = register(work)
    before = dict(work.table)
    with structlog.testing.capture_logs() as told:
        said = answered(work, record(body(person)), record(b"{", offset=8))
    assert [one["code"] for one in said] == ["internal", "unreadable-body"]
    assert (work.events, work.table) == ([], before)
    assert [one["error"] for one in told if one["event"] == "inbound-failed"] == ["ArithmeticError"]
    assert SECRET not in str(told)


class Unreadable(Answering):
    """A unit that meets a participant whose stored state this release cannot read."""

    def find(self, subject: Subject) -> Any:
        if subject.startswith("participant/"):
            raise StateUnreadable("participant", "It is of version 9.")
        return super().find(subject)

    def get(self, subject: Subject) -> Any:
        return self.find(subject)


def test_a_record_about_somebody_whose_state_cannot_be_read_is_not_refused_for_good() -> None:
    work = Unreadable()
    arrived = record(body(register(work)))
    with structlog.testing.capture_logs() as told:
        (said,) = answered(work, arrived)
    assert said["code"] == "internal"
    assert [one["error"] for one in told if one["event"] == "inbound-failed"] == ["StateUnreadable"]


def reading(work: Answering) -> ProcessBatch:
    """What the platform's own consumer does, with the breaker that `readers` gives it."""
    return inbound.process_batch(parts_at(work), new_breaker())


def test_one_agency_s_records_that_we_fail_on_stop_nobody() -> None:
    work = Failing()
    bad, good = body(register(work)), b"{"
    process_batch = reading(work)
    for offset in range(3 * POISON_IN_A_ROW):
        process_batch(ATTEMPT, [record(bad, offset=offset)]).when_durable()
    process_batch(ATTEMPT, [record(good, by="forsakringskassan")]).when_durable()
    codes = [plain(said[-1])["code"] for said in work.answers]
    assert codes == ["internal"] * 3 * POISON_IN_A_ROW + ["unreadable-body"]


def test_records_of_several_agencies_that_we_fail_on_halt_the_group() -> None:
    work = Failing()
    agencies = (AGENCY, "forsakringskassan")
    bad = {by: body(register(work, by=by)) for by in agencies}
    process_batch = reading(work)
    with pytest.raises(Halt):
        for offset in range(2 * POISON_IN_A_ROW):
            by = agencies[offset % 2]
            process_batch(ATTEMPT, [record(bad[by], by=by, offset=offset)]).when_durable()
    assert len(work.answers) == POISON_IN_A_ROW


def test_a_record_that_cannot_be_made_durable_is_answered_alone() -> None:
    work = Answering()
    aside = inbound.set_aside(parts_at(work), Breaker())
    aside(ATTEMPT, record(body(register(work))), "OverflowError")
    assert [plain(said[-1])["code"] for said in work.answers] == ["internal"]
    assert work.events == []


def test_a_batch_that_is_repeated_counts_its_records_once() -> None:
    def counted() -> list[float]:
        return [
            metric("journey_inbound_records_total", result=result)._value.get()
            for result in ("accepted", "rejected")
        ]

    work, before = Answering(), counted()
    process_batch = inbound.process_batch(parts_at(work), Breaker())
    arrived = [record(body(register(work)), offset=7), record({}, offset=8)]
    attempts = [process_batch(ATTEMPT, arrived) for _ in range(3)]
    assert counted() == before, "nothing is counted before it is durable"
    attempts[-1].when_durable()
    assert counted() == [count + 1 for count in before]


def test_the_series_of_what_is_lost_is_there_before_anything_is() -> None:
    """Prometheus sees no increase in a series that begins with its first loss."""
    there = SimpleNamespace(
        channels=None,
        service=SimpleNamespace(database="intake"),
        client=MongoClient(connect=False),
        kafka_options={"bootstrap_servers": "127.0.0.1:1"},
        stop=threading.Event(),
    )
    assert inbound.readers(cast("Parts", there))
    assert b'journey_inbound_records_total{result="lost"}' in generate_latest(REGISTRY)
