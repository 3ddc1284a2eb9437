"""Nothing that a person told is in any log: not in ours, and not in the database's when it logs every slow operation.

Marked texts are written and read by several callers at once, against each other, with `slowms` 0: each operation
is then slow. That an idle database's log holds nothing would prove little.
"""

import itertools
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from pymongo import MongoClient

from deploy.database import DATABASES, apply
from deploy.trouble import CannotApply
from tests.support.awaiting import until
from tests.support.stack import own_port_base
from tools.stack import Settings, Stack, database
from tools.stack.settings import REPLICA_SET

COACTIVE = Path(__file__).parents[2] / "programmes" / "coactive.yaml"
PROGRAMME, AGENCY, PROVIDER = "marked-texts", "arbetsformedlingen-skelleftea", "urkraft"
SERVICES = ("intake", "activity-tracking", "outcome")
NAME, PERSONNUMMER, PHONE = "Zq Markerad", "199001019802", "070-1740605"
PURPOSE, GOAL, REFERENCE, BORN_ON = "zq why marked", "zq goal of my own", "zq-session", "1985-07-09"
NEEDS = "zq needs a calm place"
PEOPLE, AT_ONCE, READS = 12, 6, 10


class Caller:
    """One organisation's way into the services; every answer's vector goes along with the next request."""

    def __init__(self, stack: Stack, web: httpx.Client, organisation: str) -> None:
        self._stack, self._web = stack, web
        self._headers = {"Authorization": f"Bearer {stack.token(organisation, 'caseworker')}"}

    def ask(
        self, service: str, path: str, body: Any = None, seen: Mapping[str, str] | None = None, **headers: str
    ) -> httpx.Response:
        """A POST with a body (entry and contents: a PUT), a GET without; asked again where the service says so."""
        key = {"Idempotency-Key": f"zq-key-{uuid.uuid4().hex}"}

        def answer() -> httpx.Response | None:
            said = self._web.request(
                "GET" if body is None else "PUT" if path.endswith(("/entry", "/contents")) else "POST",
                f"{self._stack.url(f'{service}-web')}{path}",
                json=body,
                headers={**self._headers, **key, **(seen or {}), **headers},
            )
            return None if said.headers.get("Retry-After") else said

        said: httpx.Response = until(answer, f"an answer of {service}")
        assert said.is_success, f"{path}: {said.status_code} {said.text}"
        return said


def seen_in(answer: httpx.Response) -> dict[str, str]:
    """What the caller has seen, for its next request to another service."""
    return {"Journey-Vector": answer.headers["Journey-Vector"]}


@pytest.fixture(scope="module")
def running(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose database takes every operation for a slow one."""
    stack.start("issuer")
    publish(stack, tmp_path_factory.mktemp("programme") / "programme.yaml")
    stack.start(*(f"{service}-{role}" for service in SERVICES for role in ("web", "consume")))
    with MongoClient[dict[str, Any]](stack.admin_mongo_uri) as client:
        before = client.admin.command("profile", -1)
        client.admin.command("profile", 0, slowms=0)
        try:
            yield stack
        finally:
            client.admin.command("profile", 0, slowms=before["slowms"], sampleRate=before["sampleRate"])


def publish(stack: Stack, path: Path, name: str = PROGRAMME, *duties: Mapping[str, Any]) -> None:
    """Publish CoActive's content under a test's own name, valid on whatever day the stack has.

    duties: reports beside its own.
    """
    programme = yaml.safe_load(COACTIVE.read_text(encoding="utf-8"))
    programme |= {"id": name, "starts_on": date(2000, 1, 1), "ends_on": date(2099, 12, 31)}
    programme["report_duties"] += duties
    path.write_text(yaml.safe_dump(programme, allow_unicode=True), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "services.intake.programmes", "publish", str(path)],
        env={**os.environ, **stack.env_for("intake", "consume")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


NUMBERS = itertools.count(1)


def live_through(agency: Caller, provider: Caller, today: date) -> str:
    """One person's way through three services, every text of it marked. Returns the handle."""

    def ago(days: int) -> str:
        return (today - timedelta(days=days)).isoformat()

    number = next(NUMBERS)
    # The same number again would be the same person.
    named = PERSONNUMMER if number == 1 else None
    identity = {"name": NAME, "personnummer": named, "contact": {"phone": PHONE}}
    person = str(agency.ask("intake", "/participants", identity).json()["participant_id"])
    referral = {
        "reference": f"ZQ-{number}",
        "participant_id": person,
        "programme": PROGRAMME,
        "municipality": "2482",
        "provider": PROVIDER,
        "occurred_on": ago(30),
    }
    journey = agency.ask("intake", "/referrals", referral).json()["journey_id"]
    contents = {"person_knows": True, "needs": NEEDS, "aims": NEEDS, "reach": {"when": NEEDS}}
    agency.ask("intake", f"/referrals/{journey}/contents", contents)
    assert provider.ask("intake", f"/referrals/{journey}/contents", Purpose=PURPOSE).json()["needs"] == NEEDS
    provider.ask("intake", f"/referrals/{journey}/acceptance", {"occurred_on": ago(29)})
    consent = {"purpose": "sharing", "given": False, "occurred_on": ago(28)}
    provider.ask("intake", f"/journeys/{journey}/consents", consent)
    seen = seen_in(provider.ask("intake", f"/journeys/{journey}/start", {"occurred_on": ago(27)}))
    entry = {
        "gender": "woman",
        "born_on": BORN_ON,
        "employment": "unemployed",
        "unemployed_since": ago(900),
        "isced": 3,
        "disability": "yes",
        "minority": "yes",
        "third_country": "no",
        "foreign_background": "no",
        "homeless": "yes",
        "rural": "no",
        "occurred_on": ago(27),
    }
    provider.ask("outcome", f"/journeys/{journey}/entry", entry, seen)
    goal = {"text": GOAL, "occurred_on": ago(26)}
    provider.ask("activity-tracking", f"/journeys/{journey}/goals", goal, seen)
    session = {
        "reference": f"{REFERENCE}-{number}",
        "activity": "work_training",
        "attendance": "yes",
        "minutes": 60,
        "occurred_on": ago(25),
    }
    provider.ask("activity-tracking", f"/journeys/{journey}/sessions", session, seen)
    return person


def read_against_each_other(pool: ThreadPoolExecutor, agency: Caller, person: str) -> None:
    """Read one person many times at once: transactions conflict, fail and are tried again."""
    reads = [
        pool.submit(agency.ask, "intake", f"/participants/{person}", Purpose=PURPOSE) for _ in range(READS)
    ]
    for one in reads:
        assert one.result().json()["name"] == NAME


def marks(people: list[str]) -> dict[str, str]:
    """What must be nowhere, by what it is."""
    return {
        "name": NAME,
        "name as JSON": json.dumps(NAME),
        "number": PERSONNUMMER,
        "number as written": "19900101-9802",
        "phone": PHONE,
        "purpose": PURPOSE,
        "goal": GOAL,
        "what the referral says": NEEDS,
        "session reference": REFERENCE,
        "born_on": BORN_ON,
        "entry answer": '"disability":"yes"',
        "wrapped key": '"wrapped_key"',
        **{f"handle {number}": person for number, person in enumerate(people)},
    }


def test_no_text_of_a_person_is_in_any_log_under_load_with_every_operation_slow(running: Stack) -> None:
    logs = running.settings.folder / "logs"
    with httpx.Client(timeout=30) as web, ThreadPoolExecutor(AT_ONCE) as pool:
        agency, provider = Caller(running, web, AGENCY), Caller(running, web, PROVIDER)
        clock = web.get(
            f"{running.url('intake-web')}/clock",
            headers={"Authorization": f"Bearer {running.token(AGENCY, 'operator')}"},
        )
        today = date.fromisoformat(clock.json()["at"][:10])
        lives = [pool.submit(live_through, agency, provider, today) for _ in range(PEOPLE)]
        people = [one.result() for one in lives]
        read_against_each_other(pool, agency, people[0])
        provider.ask("intake", "/referrals?part=provider")

        written = {path.name: path.read_text(errors="replace") for path in logs.iterdir()}
        assert {"database.log", "intake-web.log", "outcome-web.log"} <= set(written)
        held = {
            f"{what} in {name}"
            for what, mark in marks(people).items()
            for name, text in written.items()
            if mark in text
        }
        assert held == set()

        # The same search finds them once the database logs what is slow: it would have seen them.
        with MongoClient[dict[str, Any]](running.admin_mongo_uri) as client:
            client.admin.command("profile", 0, sampleRate=1.0)
            try:
                live_through(agency, provider, today)
                read_against_each_other(pool, agency, people[0])
            finally:
                client.admin.command("profile", 0, sampleRate=0.0)
        log = (logs / "database.log").read_text(errors="replace")
        found = {what for what, mark in marks(people).items() if mark in log}
        assert {"handle 0", "born_on", "entry answer"} <= found


def test_setting_up_refuses_a_database_that_logs_what_people_told(tmp_path: Path) -> None:
    settings = Settings(own_port_base(), tmp_path)
    binary = database.mongod(os.environ)
    quiet = database.prepare(settings, binary)
    rate = quiet.index("--slowOpSampleRate")
    with subprocess.Popen([*quiet[:rate], *quiet[rate + 2 :]], stdout=subprocess.DEVNULL) as talking:
        try:
            with pytest.raises(CannotApply, match="slowOpSampleRate"):
                apply(
                    settings.mongodb_address,
                    admin=("admin", settings.credentials.mongodb("admin")),
                    passwords=dict.fromkeys(DATABASES, "secret"),
                    replica_set=REPLICA_SET,
                    within_seconds=60,
                )
            with MongoClient[dict[str, Any]](settings.mongodb_uri("admin")) as client:
                assert client.admin.command("profile", -1)["sampleRate"] == 0.0
                assert [one["user"] for one in client.admin.command("usersInfo", 1)["users"]] == ["admin"]
        finally:
            talking.terminate()
