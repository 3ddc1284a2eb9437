"""A client that a tool generates from each document has every operation. `e2e/test_generated_clients` calls them."""

import json
from pathlib import Path

import pytest

from shared.edge.described import operations
from tests.support.generated_clients import DOCUMENTS, generated


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_operation_is_in_the_generated_client(name: str, tmp_path: Path) -> None:
    said = generated(name, tmp_path)
    # It has no use for a body that is no JSON where there is one of JSON beside it.
    files = ("POST /sessions", "POST /register/imports", "POST /attendance/marks")
    assert [one for one in said if not any(file in one for file in files)] == []
    found = {path.stem for path in (tmp_path / name.replace("-", "_") / "api").rglob("*.py")}
    document = json.loads(DOCUMENTS[name].read_text(encoding="utf-8"))
    assert {operation["operationId"] for _, _, operation in operations(document)} <= found
