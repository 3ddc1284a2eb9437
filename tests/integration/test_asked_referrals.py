"""Referrals on real Kafka and MongoDB: several that say yes at once, within capacity, and a silence by the clock."""

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
PROVIDERS = ("urkraft", FIRST, SECOND, "psykiatrin-skelleftea")
SMALL = "norsjo-atervinning"
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
            assert statuses == [200, 409, 409, 409], [one.text for one in answers]
            codes = {one.json()["code"] for one in answers if one.status_code == 409}
            assert codes == {"already-taken"}
            taker = PROVIDERS[[one.status_code for one in answers].index(200)]
            assert shown(callers, journey)["responsible"] == taker


def can_have(callers: Callers, unit: str, people: int) -> None:
    """Say in the register how many people the unit can have at a time."""
    said = {"activity": "work", "people": people, "first_day": "2000-01-01", "last_day": None}
    with MongoClient[dict[str, Any]](callers.stack.admin_mongo_uri) as client:
        intake = client["intake"]
        count = {"$inc": {"at": 1}}
        at = intake["register_counts"].find_one_and_update({"_id": "register"}, count, return_document=True)
        assert at is not None
        change = {"$set": {"at": at["at"], "body.capacities": [said]}}
        assert intake["register"].update_one({"_id": f"unit/{unit}"}, change).modified_count == 1
    callers.stack.stop("intake-web")
    callers.stack.start("intake-web")


def test_of_two_yeses_at_once_a_unit_with_room_for_one_gives_one(callers: Callers) -> None:
    can_have(callers, SMALL, 1)
    with ThreadPoolExecutor(2) as pool:
        for number in range(ROUNDS):
            journeys = [refer(callers, f"room-{number}-{turn}", provider=SMALL) for turn in range(2)]
            answers = list(pool.map(lambda one: answer(callers, one, SMALL), journeys))
            assert sorted(one.status_code for one in answers) == [200, 409], [one.text for one in answers]
            (refused,) = (one for one in answers if one.status_code == 409)
            assert refused.json()["code"] == "no-room"
            for one in journeys:
                back = answer(callers, one, AGENCY, "withdrawal", reason="other_effort")
                assert back.status_code == 200, back.text


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
