"""Referrals on real Kafka and MongoDB: two that say yes at once, a silence by the driven clock, and who is told."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pytest
import yaml
from pymongo import MongoClient

from tests.support.awaiting import until
from tests.support.callers import AGENCY, PROGRAMME, Agency, Callers, calling, publish
from tests.support.stack import fresh_stack

FIRST, SECOND, DAYS = "second-hand-skelleftea", "kafe-solrosen", 14
PROVIDERS = ("urkraft", FIRST, SECOND, "norsjo-atervinning", "psykiatrin-skelleftea")
ROUNDS = 6


@pytest.fixture(scope="module")
def callers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callers]:
    """Intake on a stack of its own, whose clock the test drives, with a programme whose answers have a last day."""
    with fresh_stack() as stack, calling(stack) as found:
        programme = yaml.safe_load(PROGRAMME.read_text(encoding="utf-8"))
        days = {"starts_on": date(2000, 1, 1), "ends_on": date(2099, 12, 31), "answer_within_days": DAYS}
        file = tmp_path_factory.mktemp("programme") / "timed.yaml"
        file.write_text(yaml.safe_dump({**programme, "id": "timed", **days}, allow_unicode=True), "utf-8")
        published = publish(stack, file)
        assert published.returncode == 0, published.stderr
        until(lambda: found.ask("GET", "/programmes/timed", AGENCY).status_code == 200, "the programme")
        yield found


def refer(callers: Callers, reference: str, **what: Any) -> str:
    said = {"programme": "timed", "provider": None, "occurred_on": None, "reference": reference, **what}
    answer = callers.refer(**said)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["journey_id"])


def answer(callers: Callers, journey: str, by: str, how: str = "acceptance", **said: Any) -> httpx.Response:
    return callers.ask("POST", f"/referrals/{journey}/{how}", by, said)


def shown(callers: Callers, journey: str, to: str = AGENCY) -> dict[str, Any]:
    found: dict[str, Any] = callers.ask("GET", f"/referrals/{journey}", to).json()
    return found


def clock(callers: Callers) -> datetime:
    return datetime.fromisoformat(callers.ask("GET", "/clock", AGENCY).json()["at"])


def move(callers: Callers, days: int) -> None:
    token = callers.stack.token("plattform", "operator")
    to = (clock(callers) + timedelta(days=days)).isoformat()
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"move-{to}"}
    moved = callers.web.post("/clock", json={"at": to}, headers=headers)
    assert moved.status_code == 200, moved.text


def test_of_several_that_say_yes_at_once_one_takes_the_person_on(callers: Callers) -> None:
    with ThreadPoolExecutor(len(PROVIDERS)) as pool:
        for number in range(ROUNDS):
            journey = refer(callers, f"race-{number}")
            answers = list(pool.map(lambda one: answer(callers, journey, one), PROVIDERS))  # noqa: B023
            statuses = sorted(one.status_code for one in answers)
            assert statuses == [200, 409, 409, 409, 409], [one.text for one in answers]
            codes = {one.json()["code"] for one in answers if one.status_code == 409}
            assert codes == {"already-taken"}
            taker = PROVIDERS[[one.status_code for one in answers].index(200)]
            assert shown(callers, journey)["responsible"] == taker


def test_a_yes_and_the_withdrawal_at_once_leave_one_story(callers: Callers) -> None:
    with ThreadPoolExecutor(2) as pool:
        for number in range(ROUNDS):
            journey = refer(callers, f"crossing-{number}", provider=FIRST)
            yes = pool.submit(answer, callers, journey, FIRST)
            back = pool.submit(answer, callers, journey, AGENCY, "withdrawal", reason="other_effort")
            assert back.result().status_code == 200, back.result().text
            assert yes.result().status_code in (200, 409), yes.result().text
            assert shown(callers, journey)["stage"] == "withdrawn"


def test_silence_passes_it_on_by_the_clock_and_the_referrer_is_told(callers: Callers) -> None:
    agency = Agency(callers.stack, [])
    journey = refer(callers, "silent", providers=[FIRST, SECOND])
    listed = {"part": "provider", "stage": "received", "limit": "100"}

    def list_of(organisation: str) -> list[str]:
        query = "&".join(f"{name}={value}" for name, value in listed.items())
        page = callers.ask("GET", f"/referrals?{query}", organisation).json()["referrals"]
        return [one["journey_id"] for one in page]

    assert (journey in list_of(FIRST), journey in list_of(SECOND)) == (True, False)
    move(callers, DAYS + 1)
    until(lambda: shown(callers, journey)["named_provider"] == SECOND, "the next one is asked")
    assert (journey in list_of(FIRST), journey in list_of(SECOND)) == (False, True)
    assert callers.ask("GET", f"/referrals/{journey}", FIRST).status_code == 404
    assert answer(callers, journey, SECOND, "decline", reason="no_place").status_code == 200
    found = shown(callers, journey)
    assert found["stage"] == "declined"
    assert [(one["provider"], one["answer"]) for one in found["asked"]] == [
        (FIRST, "silent"),
        (SECOND, "declined"),
    ]

    def told() -> bool:
        mine = [body for _, body in agency.replies() if body.get("journey_id") == journey]
        return bool(mine) and [one["answer"] for one in mine[-1]["asked"]] == ["silent", "declined"]

    until(told, "the reply with every answer")


def test_lists_of_open_referrals_leave_out_what_one_has_refused_by_the_index(callers: Callers) -> None:
    journey = refer(callers, "open-once")
    assert answer(callers, journey, FIRST, "decline", reason="no_place").status_code == 200
    with MongoClient[dict[str, Any]](callers.stack.admin_mongo_uri) as client:
        document = client["intake"]["referrals"].find_one({"_id": f"journey/{journey}"})
    assert document is not None
    assert document["state"]["passage"]["refused_by"] == [FIRST]
    for organisation, there in ((FIRST, False), (SECOND, True)):
        page = callers.ask("GET", "/referrals?part=provider&limit=200", organisation).json()["referrals"]
        assert (journey in [one["journey_id"] for one in page]) is there
