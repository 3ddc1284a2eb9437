"""What an operator is told of a backup and of the log, without a stack."""

import gzip
import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.backup.log import Compared, Record, write_given_up
from deploy.backup.numbers import MARGIN, PER_SECOND, floor_above
from deploy.backup.restoring import check_files, read_manifest
from deploy.backup.surroundings import OWN_TOPICS, CannotDo
from deploy.backup.taking import MANIFEST, Kept, take
from shared.language import programmes, register_events  # noqa: F401  every event is registered
from shared.language.events import BY_NAME, CONTROL_TOPIC

KIND = "journey.activity-tracking.session-logged.v1"


def record(number: int, subject: str = "journey/j-1") -> Record:
    headers = {"ce_type": KIND, "ce_subject": subject, "ce_sequence": str(number)}
    return Record("journey.activity-tracking.v1", f"{subject}:{number:08d}", headers, "{}")


def backup(folder: Path, content: bytes = b"some documents") -> None:
    """A folder with one collection."""
    kept = Kept("intake", "referrals", 1, hashlib.sha256(content).hexdigest(), "[]")
    (folder / kept.file).write_bytes(gzip.compress(content))
    document = {"moment": "2026-11-27T12:00:00", "collections": [vars(kept)]}
    (folder / MANIFEST).write_text(json.dumps(document), encoding="utf-8")


def test_where_they_agree_one_line_says_so() -> None:
    compared = Compared()
    assert compared.agrees
    (line,) = compared.told()
    assert line.endswith("Start the services.")


def test_events_that_only_the_log_holds_are_counted_by_type_and_nothing_may_start() -> None:
    compared = Compared([record(6), record(7), record(3, "journey/j-2")])
    assert not compared.agrees
    lines = list(compared.told())
    assert lines[0].startswith("The log holds 3 events of 2 subjects")
    assert lines[1].split() == ["3", KIND]
    assert lines[-1].startswith("Start nothing.")


def test_another_log_is_told_too() -> None:
    compared = Compared(other=["journey.intake.v1 was made anew."])
    assert not compared.agrees
    assert next(iter(compared.told())) == "journey.intake.v1 was made anew."


def test_what_is_given_up_is_kept_for_its_owner_only(tmp_path: Path) -> None:
    file = write_given_up(tmp_path, [record(6), record(7)])
    assert [json.loads(line)["headers"]["ce_sequence"] for line in file.read_text().splitlines()] == [
        "6",
        "7",
    ]
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_whole_backup_passes(tmp_path: Path) -> None:
    backup(tmp_path)
    moment, kept = read_manifest(tmp_path)
    assert moment == "2026-11-27T12:00:00"
    check_files(tmp_path, kept)


def test_a_folder_without_a_manifest_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(CannotDo, match="no whole backup"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_a_damaged_file_is_found_before_anything_is_changed(tmp_path: Path, damage: str) -> None:
    backup(tmp_path)
    _, (kept,) = read_manifest(tmp_path)
    file = tmp_path / kept.file
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-9])
    elif damage == "changed":
        file.write_bytes(gzip.compress(b"other documents"))
    else:
        file.unlink()
    with pytest.raises(CannotDo, match="Nothing was changed"):
        check_files(tmp_path, [kept])


def test_a_folder_that_holds_something_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "somebody's"
    folder.mkdir(mode=0o755)
    (folder / "file").write_text("of somebody", encoding="utf-8")
    with pytest.raises(CannotDo, match="not empty"):
        take(None, folder, print)  # type: ignore[arg-type]
    assert folder.stat().st_mode & 0o777 == 0o755


def test_the_topics_of_every_event_are_compared_and_made_anew() -> None:
    said = {(one.source.replace("-", "_"), one.topic) for one in BY_NAME.values()}
    own = {(database, topic) for database, topics in OWN_TOPICS.items() for topic in topics}
    assert {one for one in said if one[1] != CONTROL_TOPIC} == own


NOW = datetime(2026, 11, 28, tzinfo=UTC)


@pytest.mark.parametrize("days", [0, 0.5, 30, 400])
def test_numbers_go_on_above_all_that_can_have_been_given_since_the_backup(days: float) -> None:
    floor = floor_above(17, NOW - timedelta(days=days), NOW)
    assert floor >= 17 + MARGIN + days * 86_400 * PER_SECOND
    assert floor < 2**53


@pytest.mark.parametrize("seconds", [0.1, 10, 3_600])
def test_a_second_restore_of_the_same_backup_goes_on_above_the_numbers_of_the_first(seconds: float) -> None:
    backup = NOW - timedelta(days=1)
    first, later = floor_above(17, backup, NOW), NOW + timedelta(seconds=seconds)
    assert floor_above(17, backup, later) >= first + seconds * PER_SECOND


def test_a_clock_that_is_a_little_behind_is_allowed_for_and_a_moment_to_come_is_refused() -> None:
    assert floor_above(0, NOW + timedelta(seconds=90), NOW) >= MARGIN
    with pytest.raises(CannotDo, match="still to come"):
        floor_above(0, NOW + timedelta(days=1), NOW)
