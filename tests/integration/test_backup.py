"""Backup and restore, by the commands of docs/operations/backup.md, on a whole stack.

Everything acknowledged before the backup is there afterwards, and everything later is gone everywhere. New records
reach everybody: no number of an event is used twice.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from pymongo import MongoClient

from tests.support.awaiting import until
from tests.support.callers import PROGRAMME, Agency, publish
from tests.support.papers import blocks
from tests.support.stack import fresh_stack
from tests.support.watching import rest
from tools.stack import Stack
from tools.stack.processes import SERVICE_PROCESSES, described

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/operations/backup.md"
SERVICES = ("intake", "activity_tracking", "handover", "outcome")
AGENCY, SHOP, STEERING = "arbetsformedlingen-skelleftea", "second-hand-skelleftea", "styrgruppen"
JOURNEYS = 4

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


@dataclass
class Operator:
    """Types the page's commands, in a shell that has its environment."""

    stack: Stack
    folder: Path

    def types(self, words: str) -> subprocess.CompletedProcess[str]:
        """The one block of the page that contains these words."""
        (block,) = (one for one in blocks(PAGE.read_text(encoding="utf-8")) if words in one)
        told = {
            **os.environ,
            **self.stack.settings.administrator_environment(),
            "MONGODB_PASSWORDS_DIR": str(self.stack.settings.credentials.mongodb_folder()),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "BACKUP": str(self.folder),
        }
        return subprocess.run(
            ["bash", "-euc", block],
            env=told,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    def stops_all(self) -> None:
        for name in reversed(SERVICE_PROCESSES):
            self.stack.stop(name)

    def starts_all(self) -> None:
        self.stack.start(*SERVICE_PROCESSES)
        rest(self.stack.settings)


@dataclass
class Platform:
    """The organisations, over HTTP."""

    stack: Stack
    web: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30))
    tokens: dict[str, str] = field(default_factory=dict)

    def asks(self, method: str, process: str, path: str, by: str, **body: Any) -> dict[str, Any]:
        duty = {STEERING: "owner", "plattform": "operator"}.get(
            by, "supervisor" if by == SHOP else "caseworker"
        )
        if by not in self.tokens:
            self.tokens[by] = self.stack.token(by, duty)
        answer = self.web.request(
            method,
            f"{self.stack.url(process)}{path}",
            json=body if method == "POST" else None,
            headers={
                "Authorization": f"Bearer {self.tokens[by]}",
                "Idempotency-Key": uuid.uuid4().hex,
                "Purpose": "to see whether it is there",
            },
        )
        assert answer.is_success, f"{path}: {answer.text}"
        found: dict[str, Any] = answer.json()
        return found

    def begins(self, number: int) -> tuple[str, str]:
        """A person who is referred, accepted and started: their handle and their journey."""
        person = self.asks(
            "POST", "intake-web", "/participants", AGENCY, name=f"Kim {number}", personnummer=None
        )
        referred = self.asks(
            "POST",
            "intake-web",
            "/referrals",
            AGENCY,
            reference=f"AF-{number}",
            participant_id=person["participant_id"],
            programme="coactive",
            municipality="2482",
            provider=SHOP,
        )
        self.asks("GET", "intake-web", f"/participants/{person['participant_id']}", AGENCY)
        journey = str(referred["journey_id"])
        self.asks("POST", "intake-web", f"/referrals/{journey}/acceptance", SHOP)
        consents = {"purpose": "sharing", "given": False, "organisations": [], "last_day": None}
        self.asks("POST", "intake-web", f"/journeys/{journey}/consents", SHOP, **consents)
        self.asks("POST", "intake-web", f"/journeys/{journey}/start", SHOP)
        return str(person["participant_id"]), journey

    def logs(self, journey: str) -> str:
        """A session of a minute; its id."""
        session = self.asks(
            "POST",
            "activity-tracking-web",
            f"/journeys/{journey}/sessions",
            SHOP,
            activity="work_training",
            attendance="yes",
            minutes=1,
            occurred_on="2017-03-01",
        )
        return str(session["session_id"])

    def erases(self, person: str) -> None:
        self.asks("POST", "intake-web", f"/participants/{person}/erasure", AGENCY)

    def report(self) -> dict[str, Any]:
        """The programme's figures, less the moment of which they are."""
        found = self.asks("GET", "outcome-web", "/programmes/coactive/report", STEERING)
        return {name: value for name, value in found.items() if name != "as_of"}

    def told(self, after: int) -> httpx.Response:
        """What the agency is answered that asks what it was told after that number."""
        token = {"Authorization": f"Bearer {self.stack.token(AGENCY, 'caseworker')}"}
        return self.web.get(f"{self.stack.url('intake-web')}/changes?after={after}", headers=token)

    def sessions_counted(self) -> int:
        sessions: dict[str, int] = self.report()["figures"]["sessions"]
        return sessions["logged"]


@dataclass(frozen=True)
class Places:
    """The whole stack, and who acts on it."""

    stack: Stack
    platform: Platform
    database: MongoClient[dict[str, Any]]

    def sessions(self) -> set[str]:
        """Every session that activity tracking knows."""
        return {row["_id"] for row in self.database["activity_tracking"]["sessions"].find({}, {"_id": 1})}

    def parked(self) -> int:
        return sum(self.database[name]["parked"].count_documents({}) for name in SERVICES)

    def refusal(self, name: str) -> str:
        """What a process says that refuses to start."""
        process = described(name, self.stack.settings)
        ended = subprocess.run(
            process.command,
            env={**os.environ, **process.environment},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 1, ended.stdout + ended.stderr
        return ended.stderr

    def publishes_with(self, shop: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Publish a third version, whose name tells which, with one more provider."""
        told: dict[str, Any] = yaml.safe_load(PROGRAMME.read_text(encoding="utf-8"))
        told |= {"version": 3, "name": {"sv": shop, "en": shop}}
        told["organisations"].append({"id": shop, "name": shop, "roles": ["provider"]})
        path = folder / f"{shop}.yaml"
        path.write_text(yaml.safe_dump(told, allow_unicode=True), encoding="utf-8")
        return publish(self.stack, path)

    def knows(self, service: str, unit: str) -> bool:
        """Whether a service's register holds the unit and its membership."""
        wanted = {"_id": {"$in": [f"unit/{unit}", f"membership/{unit}@coactive"]}}
        return self.database[service]["register"].count_documents(wanted) == 2

    def lose_the_database(self) -> None:
        """MongoDB's disk is gone, and an empty one is in its place."""
        self.stack.stop("database")
        shutil.rmtree(self.stack.settings.folder / "mongodb")
        self.stack.start("database")


@pytest.fixture(scope="module")
def places() -> Iterator[Places]:
    with fresh_stack() as stack:
        stack.start("issuer")
        stack.publish_programmes()
        stack.start(*SERVICE_PROCESSES)
        platform = Platform(stack)
        for process in ("intake-web", "activity-tracking-web", "handover-web", "outcome-web"):
            platform.asks("POST", process, "/clock", "plattform", at="2017-03-01T08:00:00Z")
        with MongoClient[dict[str, Any]](stack.admin_mongo_uri, tz_aware=True) as database:
            yield Places(stack, platform, database)
        platform.web.close()


@contextmanager
def traffic(platform: Platform, journeys: list[str], logged: list[str]) -> Iterator[None]:
    """Sessions on all journeys, one after another, until the block ends."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            logged.extend(platform.logs(journey) for journey in journeys)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


def test_a_backup_under_traffic_brings_all_back_that_was_acknowledged_before_it(
    places: Places, tmp_path: Path
) -> None:
    platform, operator = places.platform, Operator(places.stack, tmp_path / "backup")
    people = [platform.begins(number) for number in range(JOURNEYS)]
    journeys = [journey for _, journey in people]
    rest(places.stack.settings)
    logged: list[str] = []
    with traffic(platform, journeys, logged):
        until(lambda: len(logged) > 3 * JOURNEYS, "some sessions")
        before = set(logged)
        taken = operator.types("backup take")
        assert taken.returncode == 0, taken.stderr
        until(lambda: len(logged) > len(before) + JOURNEYS, "more sessions after it")
    rest(places.stack.settings)
    last = {journey: platform.logs(journey) for journey in journeys}
    platform.erases(people[0][0])
    platform.begins(50)
    assert places.publishes_with("butik-ett", tmp_path).returncode == 0
    rest(places.stack.settings)
    assert {one for one in SERVICES if places.knows(one, "butik-ett")} == set(SERVICES)
    read = int(platform.told(0).json()["next"])

    refused = operator.types("backup restore")
    assert refused.returncode == 2
    assert "Stop every process" in refused.stderr
    operator.stops_all()
    places.lose_the_database()
    restored = operator.types("backup restore")
    assert restored.returncode == 1, restored.stdout + restored.stderr
    assert "Start nothing" in restored.stdout
    for process in ("activity-tracking-web", "outcome-project"):
        assert "was restored from the backup" in places.refusal(process)
    given_up = operator.types("backup new-log")
    assert given_up.returncode == 0, given_up.stdout + given_up.stderr
    operator.starts_all()

    # A number that was read and given up is not given again: whoever asks after it is told where to go on.
    gone = platform.told(read)
    assert (gone.status_code, gone.json()["code"]) == (410, "changes-gone")
    (onward,) = gone.json()["errors"]["next"]
    assert onward > read
    there = places.sessions()
    assert before <= there
    assert not there & set(last.values())
    (kept,) = (tmp_path / "backup" / "given-up").iterdir()
    lost = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]
    lost_sessions = [
        one for one in lost if one["headers"]["ce_type"] == "journey.activity-tracking.session-logged.v1"
    ]
    assert len(lost_sessions) == len(logged) + len(last) - len(there)
    assert platform.sessions_counted() == len(there)
    assert places.parked() == 0
    # A version and a shop of after the backup are given up everywhere; others take their numbers.
    assert {"programme/coactive@3", "unit/butik-ett"} <= {one["headers"]["ce_subject"] for one in lost}
    assert places.publishes_with("butik-tva", tmp_path).returncode == 0
    rest(places.stack.settings)
    for service in SERVICES:
        assert (places.knows(service, "butik-ett"), places.knows(service, "butik-tva")) == (False, True)

    # Whoever was erased after the backup is erased again, by the log of erasures.
    person = f"handle/{people[0][0]}"
    until(
        lambda: places.database["intake"]["referrals"].find_one({"_id": person})["state"]["sealed"] is None,  # type: ignore[index]
        "the second erasure",
    )
    # What is recorded from now on reaches everybody, though the old log held events of these numbers.
    for journey in journeys[1:]:
        platform.logs(journey)
    rest(places.stack.settings)
    assert platform.sessions_counted() == len(there) + JOURNEYS - 1
    assert places.parked() == 0
    # Nor is anybody left in silence who is told more; the topic has the same numbers.
    platform.begins(60)
    rest(places.stack.settings)
    assert platform.told(read).json()["errors"]["next"] == [onward]
    news = {one["id"]: one["n"] for one in platform.told(onward).json()["changes"]}
    assert sorted(news.values()) == list(range(onward + 1, onward + 1 + len(news)))
    on_topic = {head["ce_id"]: int(head["ce_sequence"]) for head, _ in Agency(places.stack, []).replies()}
    assert {one: n for one, n in on_topic.items() if n > onward} == news
    assert news


def test_a_backup_of_a_stack_at_rest_is_put_back_without_a_new_log(places: Places, tmp_path: Path) -> None:
    platform, operator = places.platform, Operator(places.stack, tmp_path / "backup")
    _, journey = platform.begins(100)
    rest(places.stack.settings)
    platform.logs(journey)
    operator.stops_all()
    assert operator.types("backup take").returncode == 0
    places.database.drop_database("outcome")
    places.database["activity_tracking"]["sessions"].delete_many({})
    restored = operator.types("backup restore")
    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert re.search(r"^activity_tracking: [1-9]\d* documents were written", restored.stdout, re.MULTILINE)
    assert "activity_tracking_audit: its own rows were kept, and of the backup's 0 " in restored.stdout
    operator.starts_all()
    counted = platform.sessions_counted()
    assert counted == len(places.sessions())
    platform.logs(journey)
    rest(places.stack.settings)
    assert platform.sessions_counted() == counted + 1
    assert places.parked() == 0


def test_a_lost_log_is_made_anew_and_no_event_is_lost(places: Places, tmp_path: Path) -> None:
    platform, operator = places.platform, Operator(places.stack, tmp_path / "backup")
    report = platform.report()
    operator.stops_all()
    places.stack.stop("broker")
    shutil.rmtree(places.stack.settings.folder / "kafka")
    places.stack.start("broker")
    checked = operator.types("backup check")
    assert checked.returncode == 1, checked.stdout + checked.stderr
    assert "was made anew" in checked.stdout
    made = operator.types("backup new-log")
    assert made.returncode == 0, made.stdout + made.stderr
    operator.starts_all()
    assert platform.report() == report
    _, journey = platform.begins(200)
    rest(places.stack.settings)
    platform.logs(journey)
    rest(places.stack.settings)
    assert platform.sessions_counted() == report["figures"]["sessions"]["logged"] + 1
    assert places.parked() == 0


def test_a_backup_that_is_not_whole_changes_nothing(places: Places, tmp_path: Path) -> None:
    operator = Operator(places.stack, tmp_path / "backup")
    operator.stops_all()
    assert operator.types("backup take").returncode == 0
    assert operator.types("backup take").returncode == 2, "into a folder that holds a backup"
    largest = max((tmp_path / "backup").glob("*.bson.gz"), key=lambda file: file.stat().st_size)
    largest.write_bytes(largest.read_bytes()[:-100])
    before = places.sessions()
    refused = operator.types("backup restore")
    assert refused.returncode == 2
    assert "Nothing was changed" in refused.stderr
    assert places.sessions() == before
    assert {file.stat().st_mode & 0o077 for file in (tmp_path / "backup").iterdir()} == {0}


def test_nothing_starts_on_a_restore_that_was_interrupted(places: Places, tmp_path: Path) -> None:
    operator = Operator(places.stack, tmp_path / "backup")
    operator.stops_all()
    places.database["intake"]["restored"].insert_one(
        {"_id": "restore", "moment": "yesterday", "whole": False}
    )
    for command in ("backup check", "backup new-log"):
        refused = operator.types(command)
        assert refused.returncode == 2
        assert "begun and not ended" in refused.stderr
    assert "begun and not ended" in places.refusal("intake-web")
