"""Clients as a caller's own tool generates them, from the OpenAPI documents that are published."""

import importlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from openapi_python_client import generate
from openapi_python_client.config import Config, ConfigFile, MetaType

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference" / "openapi"
DOCUMENTS: Mapping[str, Path] = {path.stem: path for path in sorted(FOLDER.glob("*.json"))}
"""{interface: its document}, as `make contracts` wrote it."""


def generated(name: str, folder: Path) -> list[str]:
    """Generate the interface's client into `folder/<name>`. Returns what the tool said about the document."""
    config = Config.from_sources(
        ConfigFile(post_hooks=[]),
        MetaType.NONE,
        document_source=DOCUMENTS[name],
        file_encoding="utf-8",
        overwrite=True,
        output_path=folder / name.replace("-", "_"),
    )
    return [f"{error.header} {error.detail}" for error in generate(config=config)]


class GeneratedClient:
    """A generated client, imported. url: the API's root."""

    def __init__(self, package: str, url: str) -> None:
        self._package, self._url = package, url

    def model(self, name: str) -> Any:
        """The class of a body: `ReferBody`."""
        return getattr(importlib.import_module(f"{self._package}.models"), name)

    def call(self, operation: str, *path: str, token: str, **arguments: Any) -> Any:
        """One call of `<tag>.<operationId>` with the bearer token. Returns the client's own Response."""
        client = importlib.import_module(self._package).AuthenticatedClient(base_url=self._url, token=token)
        with client:
            function = importlib.import_module(f"{self._package}.api.{operation}").sync_detailed
            return function(*path, client=client, **arguments)


@contextmanager
def imported(name: str, folder: Path, url: str) -> Iterator[GeneratedClient]:
    """The client that `generated` put into the folder, until the end of the block."""
    place, package = folder / name.replace("-", "_"), f"generated_{name.replace('-', '_')}"
    spec = importlib.util.spec_from_file_location(
        package, place / "__init__.py", submodule_search_locations=[str(place)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[package] = module
    try:
        spec.loader.exec_module(module)
        yield GeneratedClient(package, url)
    finally:
        for one in [one for one in sys.modules if one.partition(".")[0] == package]:
            del sys.modules[one]
