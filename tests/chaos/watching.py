"""Watches what leaves the platform as figures: dashboards on the stream, and the topic of indicators, all the time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from kafka import KafkaConsumer, TopicPartition

from services.outcome.figures import disclosure
from services.outcome.stream.indicators import PUBLISHED, cells_of
from services.outcome.stream.snapshot import FORMS, Form
from tests.chaos.awaiting import TimedOut, until
from tests.chaos.dashboard import Dashboard
from tests.chaos.invariants import Shown
from tests.chaos.stack import STREAM, ChaosStack

PROGRAMME = "coactive"
READER = ("styrgruppen", "owner")
PARTS = ("figures", "by_gender", "by_municipality", "where_now", "outputs", "targets", "steps")
CATCH_UP_SECONDS = 30.0
"""A publisher that died holds its lease for ten seconds; a dashboard that heard nothing waits for 25."""

Number = tuple[object, bool, bool]
"""A published number: its value, whether it is hidden, whether because it is few."""


def numbers(report: Mapping[str, Any]) -> dict[str, Number]:
    """Every number of a report, exact or published, by its path in it."""
    return {name: (cell.value, cell.hidden, cell.few) for name, cell in cells_of(report).items()}


class Indicators:
    """The last record of each key of the topic, which is all that a compacted topic keeps; read on each time."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        self._next: dict[TopicPartition, int] = {}
        self._last: dict[str, Number] = {}

    def read(self) -> None:
        """Take in what the topic holds by now. Raises KafkaError, and can be asked again."""
        consumer = KafkaConsumer(**self._options, group_id=None, enable_auto_commit=False)
        try:
            partitions = [
                TopicPartition(PUBLISHED.topic, one)
                for one in sorted(consumer.partitions_for_topic(PUBLISHED.topic) or ())
            ]
            ends = consumer.end_offsets(partitions)
            behind = [one for one in partitions if self._next.get(one, 0) < ends[one]]
            consumer.assign(behind)
            for one in behind:
                consumer.seek(one, self._next.get(one, 0))
            while any(self._next.get(one, 0) < ends[one] for one in behind):
                for at, records in consumer.poll(timeout_ms=500).items():
                    for record in records:
                        said = json.loads(record.value)
                        self._last[record.key.decode()] = said["value"], said["hidden"], said["few"]
                    self._next[at] = consumer.position(at)
        finally:
            consumer.close(timeout_ms=500)

    def cells(self, programme: str) -> dict[str, Number]:
        """What the last records of a programme say."""
        return {
            key.partition("|")[2]: number
            for key, number in self._last.items()
            if key.partition("|")[0] == programme
        }


class Watching:
    """A dashboard for each form of the figures, and the topic, from now on."""

    def __init__(self, stack: ChaosStack, kafka: Mapping[str, Any]) -> None:
        self._stack = stack
        self._indicators = Indicators(kafka)
        self.dashboards: Mapping[Form, Dashboard] = {
            form: Dashboard(self.addresses, lambda: stack.token(*READER), PROGRAMME, form) for form in FORMS
        }
        for one in self.dashboards.values():
            one.start()

    def addresses(self) -> Sequence[str]:
        """Where instances of the stream are, as a load balancer knows them: those that are not stopped."""
        entries = self._stack.entries()
        names = [name for name in entries if name.partition(".")[0] == STREAM]
        return [self._stack.url(name) for name in sorted(names) if entries[name].state != "stopped"]

    def caught_up(self) -> list[Shown]:
        """What is shown, once it is as it should be, or the time for it has passed."""
        last: list[Shown] = []

        def agree() -> bool:
            last[:] = self.shown()
            return all(one.cells == one.expected for one in last)

        try:
            until(agree, "the figures shown as they are", CATCH_UP_SECONDS, 0.2)
        except TimedOut:
            return last or self.shown()
        return last

    def shown(self) -> list[Shown]:
        """What each dashboard and the topic show, beside the report. Raises `NOT_YET` while something is down."""
        report, given = self._report(), self.dashboards["exact"].watched.last
        self._indicators.read()
        exact = numbers(report)
        # Of several numbers that would do, the first in the report's order is hidden, and JSON over HTTP has another.
        ordered = given if given and numbers(given) == exact else report
        expected: Mapping[Form, Mapping[str, Number]] = {
            "exact": exact,
            "published": numbers(disclosure.publish({part: ordered[part] for part in PARTS})),
        }
        dashboards = [
            Shown(
                f"the {form} dashboard",
                {address: tuple(ids) for address, ids in list(one.watched.ids.items())},
                numbers(one.watched.last) if one.watched.last else {},
                expected[form],
                "" if one.failed is None else repr(one.failed),
            )
            for form, one in self.dashboards.items()
        ]
        cells = self._indicators.cells(PROGRAMME)
        return [*dashboards, Shown("the indicators", {}, cells, expected["published"])]

    def _report(self) -> dict[str, Any]:
        answer = httpx.get(
            f"{self._stack.url('outcome-web')}/programmes/{PROGRAMME}/report",
            headers={"Authorization": f"Bearer {self._stack.token(*READER)}"},
            timeout=10,
            trust_env=False,
        )
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return {part: found[part] for part in PARTS}

    def close(self) -> None:
        """Leave."""
        for one in self.dashboards.values():
            one.close()
