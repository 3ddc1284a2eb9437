"""Every version of a stored state that was ever released stays readable, and a changed state is a new version."""

import json
from pathlib import Path
from shutil import copytree

import bson
import pytest

from shared.language.decision import Subject
from shared.language.stored_states import VERSION
from tools.contracts import examples, states
from tools.contracts.states import FOLDER, StoredKind, frozen, meaning, shape, stored_kinds

KINDS = stored_kinds()
VERSIONS = [(kind, version) for kind in KINDS for version in range(1, kind.kind.version + 1)]
CURE = "raise its version: add a lift to its Kind, then `python -m tools.contracts freeze` (docs/how-to)"


def _name(one: object) -> str:
    return one.file(one.kind.version) if isinstance(one, StoredKind) else str(one)


def test_no_frozen_state_has_changed() -> None:
    assert examples.changed(FOLDER) == []


def test_every_version_is_frozen() -> None:
    assert states.unfrozen() == []


@pytest.mark.parametrize("kind", KINDS, ids=_name)
def test_fields_change_with_the_version_only(kind: StoredKind) -> None:
    assert frozen(FOLDER, kind.file(kind.kind.version))["schema"] == shape(kind.kind.type), CURE


@pytest.mark.parametrize(("kind", "version"), VERSIONS, ids=_name)
def test_a_frozen_document_means_what_it_is_said_to_mean(kind: StoredKind, version: int) -> None:
    said = json.loads((FOLDER / kind.means(version)).read_text(encoding="utf-8"))
    assert meaning(kind, version) == said


@pytest.mark.parametrize(("kind", "version"), VERSIONS, ids=_name)
def test_a_frozen_document_says_its_version(kind: StoredKind, version: int) -> None:
    documents = frozen(FOLDER, kind.file(version))["documents"]
    assert {one[VERSION] for one in documents.values()} == {version}


@pytest.mark.parametrize("kind", KINDS, ids=_name)
def test_what_is_read_is_written_in_the_newest_version(kind: StoredKind) -> None:
    newest = kind.kind.version
    for document in frozen(FOLDER, kind.file(newest))["documents"].values():
        written = kind.states.write(kind.states.read(Subject(f"{kind.name}/it"), document))
        assert bson.decode(bson.encode(written)) == bson.decode(bson.encode(document))


def test_every_field_is_shown_filled() -> None:
    for kind in KINDS:
        documents = frozen(FOLDER, kind.file(kind.kind.version))["documents"]
        fields = set(documents["least"]) - {VERSION}
        assert {name for name in fields if documents["full"][name] in (None, {}, [], "")} == set(), kind


def test_a_changed_or_lost_frozen_state_is_noticed(tmp_path: Path) -> None:
    copied = Path(copytree(FOLDER, tmp_path / "states"))
    assert states.freeze(copied) == []
    path = copied / KINDS[0].file(1)
    path.write_text(path.read_text().replace("2016", "2017"))
    assert "has changed" in examples.changed(copied)[0]
    with pytest.raises(examples.Changed):
        states.freeze(copied)
    path.unlink()
    assert "is gone" in examples.changed(copied)[0]
    assert KINDS[0].file(1) not in states.unfrozen(copied)
