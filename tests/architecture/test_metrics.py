"""Metrics come from one closed list: each is used, with its own labels, and each use is listed."""

import ast
from collections.abc import Iterator

from shared.telemetry.metrics import METRICS
from tests.support.sources import sources, text_of

LISTED = {one.name: set(one.labels) for one in METRICS}
TELLING = {"journey", "journey_id", "participant", "participant_id", "subject", "person", "organisation"}


def uses() -> Iterator[tuple[str, str, set[str]]]:
    """(where, metric, labels) of each call of `metric`."""
    for source in sources("services", "shared"):
        for call in source.calls("metric"):
            name = text_of(call.args[0])
            if name is not None:
                yield f"{source.name}:{call.lineno}", name, {one.arg for one in call.keywords if one.arg}


def test_every_use_is_listed_with_its_labels() -> None:
    for where, name, labels in uses():
        assert name in LISTED, f"{where}: {name}"
        assert labels == LISTED[name], f"{where}: {name}"


def test_every_listed_metric_is_used() -> None:
    assert LISTED.keys() - {name for _, name, _ in uses()} == set()


def test_metrics_are_named_by_their_literal_name_only() -> None:
    for source in sources("services", "shared"):
        for call in source.calls("metric"):
            assert isinstance(call.args[0], ast.Constant), f"{source.name}:{call.lineno}"


def test_no_label_can_tell_who() -> None:
    assert not [(name, labels & TELLING) for name, labels in LISTED.items() if labels & TELLING]


def test_names_tell_kind_and_unit() -> None:
    for one in METRICS:
        assert one.name.startswith("journey_")
        assert one.name.endswith("_total") == (one.kind == "counter"), one.name
        assert one.unit != "seconds" or one.name.endswith("_seconds"), one.name
        assert one.meaning
