"""Gauges that export known values only: a value that was never measured, or cannot be measured now, has no sample.

The client library's own gauge without labels starts at 0 in every process. A reader cannot tell an empty outbox from
one that nobody could count.
"""

import threading
from collections.abc import Callable, Iterable, Sequence

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

Labels = tuple[str, ...]
Change = Callable[[float | None], float | None]


class Series:
    """One gauge with these labels. Threads may share it."""

    def __init__(self, gauge: "KnownGauge", labels: Labels) -> None:
        self._gauge = gauge
        self._labels = labels

    def set(self, value: float) -> None:
        """It is known, and this."""
        self._gauge.change(self._labels, lambda _: float(value))

    def inc(self) -> None:
        """Add one; an unknown value counts as 0."""
        self._gauge.change(self._labels, lambda known: (known or 0.0) + 1)

    def dec(self) -> None:
        """Subtract one; an unknown value counts as 0."""
        self._gauge.change(self._labels, lambda known: (known or 0.0) - 1)

    def unknown(self) -> None:
        """It is not known any more: no sample until it is set again."""
        self._gauge.change(self._labels, lambda _: None)


class KnownGauge(Collector):
    """All series of one gauge whose values are known."""

    def __init__(self, name: str, meaning: str, labels: Sequence[str]) -> None:
        self._name = name
        self._meaning = meaning
        self._labels = tuple(labels)
        self._values: dict[Labels, float] = {}
        self._lock = threading.Lock()

    def labels(self, **labels: str) -> Series:
        """The series with these labels. Raises KeyError where one is missing."""
        assert len(labels) == len(self._labels), f"{self._name} has other labels"
        return Series(self, tuple(labels[name] for name in self._labels))

    def change(self, labels: Labels, to: Change) -> None:
        """Set the series to what `to` makes of its value, each None while unknown."""
        with self._lock:
            value = to(self._values.get(labels))
            if value is None:
                self._values.pop(labels, None)
            else:
                self._values[labels] = value

    def collect(self) -> Iterable[Metric]:
        """The series with known values; without any, not even the gauge's name."""
        with self._lock:
            known = dict(self._values)
        if known:
            family = GaugeMetricFamily(self._name, self._meaning, labels=self._labels)
            for labels, value in known.items():
                family.add_metric(labels, value)
            yield family
