"""The frozen states: a document of every version of every kind of stored state, which must stay readable for good.

`tests/contract/states/<collection>/<kind>.v<n>.json` holds the shape of version n as a JSON Schema, and documents as
MongoDB held them. `MANIFEST.sha256` lists each file; a file is added, never changed. Beside it, `….means.json` holds
what this release reads in those documents. It is generated, so a review shows the effect of a change on them.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from bson import json_util

from shared.language.decision import Subject
from shared.language.stored_states import Kind, StoredStates
from tools.contracts import examples, specimens
from tools.contracts.services import services

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "contract" / "states"
WIRE = json_util.JSONOptions(json_mode=json_util.JSONMode.RELAXED, tz_aware=True)


@dataclass(frozen=True, slots=True)
class StoredKind:
    """One kind of state of one collection."""

    states: StoredStates
    name: str

    @property
    def kind(self) -> Kind:
        """Its type and its lifts."""
        return self.states.kinds[self.name]

    def file(self, version: int) -> str:
        """The name of the file that holds the frozen documents of that version."""
        return f"{self.states.collection}/{self.name}.v{version}.json"

    def means(self, version: int) -> str:
        """The name of the file that says what they mean in this release."""
        return f"{self.states.collection}/{self.name}.v{version}.means.json"


def stored_kinds() -> list[StoredKind]:
    """Every kind of state of every service and projection."""
    repositories = [
        repository
        for service in services().values()
        for repository in (service.repository, *(one.repository for one in service.projections.values()))
    ]
    assert all(isinstance(one, StoredStates) for one in repositories)
    return [
        StoredKind(one, name) for one in repositories if isinstance(one, StoredStates) for name in one.kinds
    ]


def shape(kind: type) -> Any:
    """The JSON Schema of the type, without its docstrings: it changes when a field does."""
    return json.loads(json.dumps(_without_words(msgspec.json.schema(kind))))


def frozen(folder: Path, name: str) -> Mapping[str, Any]:
    """{schema, documents: {name: document}} in one frozen file."""
    found: dict[str, Any] = json.loads(
        (folder / name).read_text(encoding="utf-8"), object_hook=lambda one: json_util.object_hook(one, WIRE)
    )
    return found


def meaning(kind: StoredKind, version: int, folder: Path = FOLDER) -> dict[str, Any]:
    """{name: what this release reads in the frozen document}. Raises StateUnreadable."""
    documents = frozen(folder, kind.file(version))["documents"]
    subject = Subject(f"{kind.name}/it")
    return {
        name: json.loads(msgspec.json.encode(kind.states.read(subject, document)))
        for name, document in documents.items()
    }


def freeze(folder: Path = FOLDER) -> list[str]:
    """Freeze specimens of the versions that are new, and say anew what all mean. Returns the new names.

    Raises Changed when a frozen file is not what it was.
    """
    if faults := examples.changed(folder):
        raise examples.Changed("\n".join(faults))
    for kind in stored_kinds():
        path = folder / kind.file(kind.kind.version)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_first_frozen(kind), encoding="utf-8")
    new = examples.freeze(folder, _files)
    for kind in stored_kinds():
        for version in range(1, kind.kind.version + 1):
            text = json.dumps(meaning(kind, version, folder), indent=1, sort_keys=True, ensure_ascii=False)
            (folder / kind.means(version)).write_text(f"{text}\n", encoding="utf-8")
    return new


def unfrozen(folder: Path = FOLDER) -> list[str]:
    """Versions in use that are not frozen, and files that the manifest does not list."""
    listed = examples.manifest(folder)
    wanted = {
        kind.file(version) for kind in stored_kinds() for version in range(1, kind.kind.version + 1)
    } | {path.relative_to(folder).as_posix() for path in _files(folder)}
    return sorted(wanted - listed.keys())


def _first_frozen(kind: StoredKind) -> str:
    written = {
        name: kind.states.write(made(kind.kind.type))
        for name, made in (("full", specimens.full), ("least", specimens.least))
    }
    whole = {"schema": shape(kind.kind.type), "documents": written}
    return (
        json.dumps(whole, indent=1, ensure_ascii=False, default=lambda one: json_util.default(one, WIRE))
        + "\n"
    )


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.glob("*/*.json")) if not path.name.endswith(".means.json"))


def _without_words(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {
            name: _without_words(one) for name, one in schema.items() if name not in ("description", "title")
        }
    return [_without_words(one) for one in schema] if isinstance(schema, list) else schema
