"""A client that a tool generates from each document has every operation, and a call through one does what it says."""

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_python_client import generate
from openapi_python_client.config import Config, ConfigFile, MetaType

from shared.edge.described import operations
from shared.edge.mount import ROOT
from tests.support.house import ACTIVITY_TRACKING
from tests.unit.access.worlds import SESSION, SHOP, WAYS
from tools.contracts.openapi import openapi_documents, text

DOCUMENTS = dict(openapi_documents())


def generated(name: str, folder: Path) -> list[str]:
    """Generates the client into the folder; what the tool said about it."""
    source = folder / f"{name}.json"
    source.write_text(text(DOCUMENTS[name]), encoding="utf-8")
    config = Config.from_sources(
        ConfigFile(post_hooks=[]),
        MetaType.NONE,
        document_source=source,
        file_encoding="utf-8",
        overwrite=True,
        output_path=folder / name.replace("-", "_"),
    )
    return [f"{error.header} {error.detail}" for error in generate(config=config)]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_operation_is_in_the_generated_client(name: str, tmp_path: Path) -> None:
    said = generated(name, tmp_path)
    # It has no use for a body that is no JSON where there is one of JSON beside it.
    assert [one for one in said if "POST /sessions" not in one] == []
    found = {path.stem for path in (tmp_path / name.replace("-", "_") / "api").rglob("*.py")}
    assert {operation["operationId"] for _, _, operation in operations(DOCUMENTS[name])} <= found


@pytest.fixture
def package(tmp_path: Path) -> Iterator[Any]:
    """The generated client of activity tracking, imported."""
    generated("activity-tracking", tmp_path)
    place = tmp_path / "activity_tracking" / "__init__.py"
    spec = importlib.util.spec_from_file_location(
        "generated_client", place, submodule_search_locations=[str(place.parent)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["generated_client"] = module
    spec.loader.exec_module(module)
    yield module
    for one in [name for name in sys.modules if re.match(r"generated_client\b", name)]:
        del sys.modules[one]


def test_sessions_are_logged_through_a_generated_client(package: Any) -> None:
    world = WAYS["strt"]()
    application = world.house.rooms[ACTIVITY_TRACKING].client.application
    api = importlib.import_module("generated_client.api.sessions.log_sessions")
    row = importlib.import_module("generated_client.models.row_of_session").RowOfSession
    client = package.AuthenticatedClient(base_url=f"http://localhost{ROOT}", token=f"{SHOP}:caseworker")
    client.set_httpx_client(
        httpx.Client(
            transport=httpx.WSGITransport(application),
            base_url=f"http://localhost{ROOT}",
            headers={"Authorization": f"Bearer {SHOP}:caseworker"},
        )
    )
    rows = [
        row.from_dict({**SESSION, "journey_id": world.journey, "reference": f"row-{number}"})
        for number in range(3)
    ]
    answer = api.sync_detailed(client=client, body=rows, idempotency_key="once")
    assert answer.status_code == 200
    assert (answer.parsed.rows, answer.parsed.taken, answer.parsed.refused) == (3, 3, 0)
    assert all(one.session_id.startswith("s-") for one in answer.parsed.results)
