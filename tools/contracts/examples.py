"""The frozen examples: every event and message version as it once went over the wire, readable for good.

`shared/language/examples/<type>/<n>.json` holds key, headers and body. `MANIFEST.sha256` lists each
file with its hash, in the form that `sha256sum --check` reads; a file is added, never changed.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.language import programmes  # noqa: F401 - it registers an event
from shared.language.events import BY_NAME

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "language" / "examples"
MANIFEST = "MANIFEST.sha256"


class Changed(Exception):
    """A frozen example is not what it was."""


@dataclass(frozen=True, slots=True)
class Example:
    """One record. `name` is `<type>/<n>.json`."""

    name: str
    key: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def type(self) -> str:
        """The type of the event or message, with its version."""
        return self.headers["ce_type"]

    @property
    def raw_headers(self) -> list[tuple[str, bytes]]:
        """The headers as a Kafka client hands them over."""
        return [(name, text.encode()) for name, text in self.headers.items()]

    @property
    def value(self) -> bytes:
        """The record's value."""
        return json.dumps(self.body, ensure_ascii=False).encode()


def frozen(folder: Path = FOLDER) -> list[Example]:
    """Every example of an event, in the order in which they were recorded: causes come before effects."""
    return [one for one in _read(folder) if one.type in BY_NAME]


def frozen_messages(folder: Path = FOLDER) -> list[Example]:
    """Every example of a message that is no event of a subject, in the order in which they were recorded."""
    return [one for one in _read(folder) if one.type not in BY_NAME]


def _read(folder: Path) -> list[Example]:
    found = []
    for path in _files(folder):
        document = json.loads(path.read_text(encoding="utf-8"))
        name = path.relative_to(folder).as_posix()
        found.append(Example(name, document["key"], document["headers"], document["body"]))
    return sorted(found, key=lambda one: (one.headers["ce_time"], one.name))


def _files(folder: Path) -> Iterator[Path]:
    return iter(sorted(folder.glob("*/*.json")))


def freeze(folder: Path = FOLDER, files: Callable[[Path], Iterator[Path]] = _files) -> list[str]:
    """Add the files that are new to the manifest. Returns their names. Raises Changed, changing nothing."""
    listed = manifest(folder)
    if faults := changed(folder):
        raise Changed("\n".join(faults))
    new = {
        path.relative_to(folder).as_posix(): _hash(path) for path in files(folder)
    }.items() - listed.items()
    whole = sorted({**listed, **dict(new)}.items())
    (folder / MANIFEST).write_text("".join(f"{digest}  {name}\n" for name, digest in whole), encoding="utf-8")
    return sorted(name for name, _ in new)


def manifest(folder: Path = FOLDER) -> dict[str, str]:
    """{name: SHA-256} of every frozen example."""
    path = folder / MANIFEST
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def changed(folder: Path = FOLDER) -> list[str]:
    """What is no longer as it was frozen, one sentence each."""
    faults = []
    for name, digest in manifest(folder).items():
        path = folder / name
        if not path.exists():
            faults.append(f"{name} was frozen and is gone.")
        elif _hash(path) != digest:
            faults.append(f"{name} was frozen and has changed: a changed event is a new version.")
    return faults


def unfrozen(folder: Path = FOLDER) -> list[str]:
    """Examples that the manifest does not list."""
    return sorted({path.relative_to(folder).as_posix() for path in _files(folder)} - manifest(folder).keys())


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
