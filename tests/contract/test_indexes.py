"""Every index of the database is listed with what it serves."""

from pathlib import Path

import pytest

from shared.host.connections import RUNTIME_INDEXES
from tools.contracts import indexes
from tools.contracts.services import services


def test_every_index_that_a_service_creates_is_listed() -> None:
    listed = indexes.indexes()
    created = {"every service": RUNTIME_INDEXES} | {
        name.replace("_", "-"): service.indexes for name, service in services().items()
    }
    for name, collections in created.items():
        rows = [line for line in listed.splitlines() if line.startswith(f"| {name} |")]
        for collection, models in collections.items():
            of_collection = " ".join(row for row in rows if f"`{collection}`" in row)
            for model in models:
                fields = ", ".join(
                    f"{'-' if order == -1 else ''}{field}" for field, order in model.document["key"].items()
                )
                assert f"`{fields}`" in of_collection, f"{name}: {collection} ({fields}) is not listed"


def test_an_index_that_nothing_explains_is_named(tmp_path: Path) -> None:
    path = "shared/host/connections.py"
    source = (indexes.ROOT / path).read_text(encoding="utf-8")
    silent = source.replace("    # the relay's only query: what is unpublished, in order\n", "")
    assert silent != source
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(silent, encoding="utf-8")
    with pytest.raises(indexes.Unexplained, match="events"):
        indexes.declared("every service", *indexes.RUNTIME, tmp_path)
