"""A file of shops on real processes: many rows share a transaction, and a journey begun before is handed to one."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from pymongo import MongoClient

from shared.edge.callers import Admission
from shared.runtime.clock import Clock
from shared.runtime.commands import ROWS_IN_ROUND, Commands
from shared.runtime.fingerprint import fingerprints_from
from shared.runtime.published import Published
from tests.support.asked import Asked
from tests.support.awaiting import until
from tests.support.callers import AGENCY, PROGRAMME, PROVIDER, Callers, calling, publish
from tests.support.fakes import UNLIMITED, NamedTokens
from tests.support.stack import fresh_stack
from tools.contracts.services import NOWHERE, application_of, services

ROWS = 1500
HEAD = ("unit_id", "name", "kind", "first_day", "municipality", "programme", "roles", "parent", "why")
MINE = "imports"


@pytest.fixture(scope="module")
def callers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callers]:
    """Intake and handover, and a programme of any day."""
    with fresh_stack() as stack, calling(stack) as found:
        content = yaml.safe_load(PROGRAMME.read_text(encoding="utf-8"))
        content |= {"id": MINE, "starts_on": date(2000, 1, 1), "ends_on": date(2099, 12, 31)}
        file: Path = tmp_path_factory.mktemp("programme") / "programme.yaml"
        file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        published = publish(stack, file)
        assert published.returncode == 0, published.stderr
        stack.start("handover-web", "handover-consume")
        yield found


def sheet(name: str, rows: int) -> bytes:
    """A file of shops, as a spreadsheet writes it."""
    text = io.StringIO(newline="")
    table = csv.writer(text, delimiter=";")
    table.writerow(HEAD)
    for number in range(1, rows + 1):
        shop = (f"{name}-{number}", f"Butik {number}", "provider", "2016-03-01", "2482", MINE, "provider")
        table.writerow((*shop, PROVIDER, "Avtal."))
    return text.getvalue().encode()


def test_the_rows_of_a_round_are_asked_for_and_kept_at_once(callers: Callers) -> None:
    asked, intake = Asked(), services()["intake"]
    with MongoClient[dict[str, Any]](
        callers.stack.admin_mongo_uri, tz_aware=True, w="majority", event_listeners=[asked]
    ) as client:
        database = client[intake.database]
        clock = Clock(database, driven=False)
        commands = Commands(
            client=client,
            database=intake.database,
            repository=intake.repository,
            # Its clock stands: what is looked at anew once a second is no row's.
            published=Published(database, lambda: 0.0),
            source=intake.source,
            clock=clock,
            fingerprints=fingerprints_from(NOWHERE.fingerprint_key),
            waiters=1,
        )
        web = application_of(intake, commands, Admission(NamedTokens(), UNLIMITED), clock).test_client()

        def counted(name: str, rows: int) -> Counter[str]:
            headers = {"Authorization": "Bearer urkraft:registrar", "Idempotency-Key": f"{name}-{rows}"}
            asked.names.clear()
            answer = web.post(
                "/register/imports", data=sheet(name, rows), headers=headers, content_type="text/csv"
            )
            assert answer.status_code == 200, answer.text
            assert json.loads(answer.text)["taken"] == rows
            return asked.names.copy()

        counted("warm", 1)
        few, many = counted("few", ROWS_IN_ROUND // 5), counted("many", 2 * ROWS_IN_ROUND)
    # One transaction keeps the request's key, and one each round.
    assert (few["commitTransaction"], many["commitTransaction"]) == (2, 3)
    # Ten times the rows.
    assert many.total() <= 2 * few.total(), (few, many)


def test_a_journey_begun_before_is_handed_to_a_shop_that_is_imported_after(callers: Callers) -> None:
    stack, today = callers.stack, datetime.now(UTC).date()
    referred = callers.refer(reference="AF-1", programme=MINE, occurred_on=today.isoformat())
    assert referred.status_code == 201, referred.text
    journey = referred.json()["journey_id"]
    shop = f"shop-{ROWS}"
    later = (today + timedelta(days=20)).isoformat()
    consent = {"purpose": "sharing", "given": True, "organisations": [shop], "last_day": later}
    for path, body in (
        (f"/referrals/{journey}/acceptance", {}),
        (f"/journeys/{journey}/consents", {**consent, "organisations": [PROVIDER]}),
        (f"/journeys/{journey}/start", {}),
    ):
        answer = callers.ask("POST", path, PROVIDER, body)
        assert answer.is_success, answer.text
    headers = {
        "Authorization": f"Bearer {stack.token(PROVIDER, 'registrar')}",
        "Idempotency-Key": "shops",
        "Content-Type": "text/csv",
    }
    told = callers.web.post("/register/imports", content=sheet("shop", ROWS), headers=headers).json()
    assert (told["rows"], told["taken"], told["refused"]) == (ROWS, ROWS, 0)
    assert callers.ask("POST", f"/journeys/{journey}/consents", PROVIDER, consent).is_success

    heard: list[str] = []
    with httpx.Client(base_url=stack.url("handover-web"), timeout=30) as web:

        def ask(path: str, by: str, body: Any) -> httpx.Response:
            return web.post(
                path,
                json=body,
                headers={
                    "Authorization": f"Bearer {stack.token(by, 'caseworker')}",
                    "Idempotency-Key": f"{by}-{path[-10:]}",
                },
            )

        offer = {"kind": "provider_to_provider", "to_organisation": shop, "deadline_on": later}

        def offered_now() -> httpx.Response | None:
            found = ask(f"/journeys/{journey}/handovers", PROVIDER, offer)
            heard.append(found.text)
            return found if found.is_success else None

        offered = until(
            offered_now,
            lambda: f"the shop and its consent, to handover: {heard[-1]}",
        )
        accepted = ask(f"/handovers/{offered.json()['handover_id']}/acceptance", shop, {})
        assert accepted.is_success, accepted.text

    def responsible() -> Any:
        return callers.ask("GET", f"/referrals/{journey}", AGENCY).json()["responsible"] == shop

    until(responsible, "the shop is responsible")
