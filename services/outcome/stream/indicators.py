"""Published cells as records of `journey.indicators.v1`: pure, from published figures to what must be sent.

One record per cell, keyed `<programme>|<cell>`, so that the compacted topic is the current state of every figure.
Only what `disclosure.publish` lets through: a hidden cell is a record that says so.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from shared.language.indicators import IndicatorPublished
from shared.language.messages import BY_MESSAGE, encode_message

PUBLISHED = BY_MESSAGE[IndicatorPublished]


@dataclass(frozen=True, slots=True)
class Cell:
    """One published figure. value: a count, share or days; None when hidden, or when there is nothing to count.

    few: hidden because it is under five; hidden and not few: it would give another away.
    """

    value: int | float | None
    hidden: bool = False
    few: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """One cell as it is published the `seq`th time.

    holds_on: the Swedish day that the figure holds for, by the platform's clock; published_at: when that was said.
    """

    programme: str
    name: str
    cell: Cell
    seq: int
    holds_on: date
    published_at: datetime

    @property
    def key(self) -> str:
        """The record's key."""
        return f"{self.programme}|{self.name}"


def cells_of(published: Mapping[str, Any]) -> dict[str, Cell]:
    """Every published number by its path in the report, such as `figures.started` or `by_gender.woman.exited`.

    Targets are the programme's own and no figures; how far they are reached is, as `targets.<figure>.reached` or
    `targets.<figure>.<municipality>.reached`.
    """
    sections = {name: published[name] for name in ("figures", "by_gender", "by_municipality", "where_now")}
    outputs = {
        one["output"]: {"reached": one["reached"], "by_municipality": one["by_municipality"]}
        for one in published["outputs"]
    }
    targets = {
        ".".join(filter(None, (one["figure"], one["municipality"]))): {"reached": one["reached"]}
        for one in published["targets"]
    }
    steps = {
        one["step"]: {"journeys": one["journeys"], "median_days": one["median_days"]}
        for one in published["steps"]
    }
    return dict(_leaves({**sections, "outputs": outputs, "targets": targets, "steps": steps}, ""))


def changed(
    programme: str, cells: Mapping[str, Cell], held: Mapping[str, Indicator], holds_on: date, at: datetime
) -> Iterator[Indicator]:
    """What differs from what was published last, each with its next number. held: by record key.

    holds_on: the day that the cells hold for. A day that changes nothing is no record.
    """
    for name, cell in cells.items():
        before = held.get(f"{programme}|{name}")
        if before is None or before.cell != cell:
            seq = 1 if before is None else before.seq + 1
            yield Indicator(
                programme=programme, name=name, cell=cell, seq=seq, holds_on=holds_on, published_at=at
            )


@dataclass(frozen=True, slots=True)
class Record:
    """One Kafka record, encoded."""

    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


def record(indicator: Indicator) -> Record:
    """The indicator as a CloudEvent in Kafka's binary mode."""
    subject = f"indicator/{indicator.key}"
    headers = {
        "ce_specversion": "1.0",
        "ce_id": f"outcome:{subject}:{indicator.seq}",
        "ce_source": "outcome",
        "ce_type": PUBLISHED.name,
        "ce_subject": subject,
        "ce_time": indicator.published_at.isoformat(),
        "ce_sequence": str(indicator.seq),
        "content-type": "application/json",
    }
    body = IndicatorPublished(
        programme=indicator.programme,
        cell=indicator.name,
        value=indicator.cell.value,
        hidden=indicator.cell.hidden,
        few=indicator.cell.few,
        holds_on=indicator.holds_on,
        published_at=indicator.published_at,
    )
    return Record(
        topic=PUBLISHED.topic,
        key=indicator.key.encode(),
        value=encode_message(body),
        headers=[(name, text.encode()) for name, text in headers.items()],
    )


def _leaves(tree: Mapping[str, Any], path: str) -> Iterator[tuple[str, Cell]]:
    for name, value in tree.items():
        if not isinstance(value, Mapping):
            yield f"{path}{name}", Cell(value)
        elif "hidden" in value:
            yield f"{path}{name}", Cell(None, hidden=True, few=bool(value["few"]))
        else:
            yield from _leaves(value, f"{path}{name}.")
