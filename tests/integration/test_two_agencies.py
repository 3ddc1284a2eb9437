"""The walk on real processes: two agencies, one person, three shops. The figures count one, and neither agency learns
of the other.
"""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.integration.test_marked_texts import Caller, publish, seen_in
from tests.integration.test_persons import Person
from tests.support.awaiting import until
from tests.support.callers import Agency
from tools.stack import Stack

PROGRAMME, NUMBER, UNKNOWN = "two-agencies", "198507099805", "199001012385"
AF, FK = "arbetsformedlingen-skelleftea", "forsakringskassan"
SHOPS = ("kafe-solrosen", "second-hand-skelleftea", "norsjo-atervinning")
ID = re.compile(r"\b[hjp]-[0-9a-z]{26}\b")
VARYING = frozenset({"date", "trace-id", "traceparent", "location"})
"""Headers that are never twice the same. The address holds the handle."""
BEGUN = {"received": 1, "started": 1, "not_known": 1, "2482": 1}


class Walk:
    """The callers, and every text that each of them was answered."""

    def __init__(self, stack: Stack, web: httpx.Client) -> None:
        self.person = Person(stack, web, PROGRAMME)
        self._stack = stack
        self._callers = {name: Caller(stack, web, name) for name in (AF, FK, *SHOPS)}
        self.heard: dict[str, list[str]] = {name: [] for name in self._callers}

    def ask(self, by: str, service: str, path: str, body: Any = None, **seen: Any) -> httpx.Response:
        """One request, whose answer is kept as heard by who asked."""
        answer = self._callers[by].ask(service, path, body, **seen)
        self.heard[by].append(answer.text)
        return answer

    def refused(self, by: str, service: str, path: str) -> str:
        """What a reader is told who may not read; the same as where there is nothing."""
        headers = {"Authorization": f"Bearer {self._stack.token(by, 'caseworker')}"}
        answer = httpx.get(f"{self._stack.url(f'{service}-web')}{path}", headers=headers)
        assert answer.status_code == 404, answer.text
        return str(answer.json()["detail"])

    def registers(self, by: str, number: str) -> httpx.Response:
        """The agency registers a person by number."""
        said = {"name": "Robin Exempel", "personnummer": number}
        return self.ask(by, "intake", "/participants", said)

    def refers(self, by: str, handle: str, days: int, **whom: Any) -> str:
        """The agency refers the person."""
        said = {
            "reference": f"walk-{uuid.uuid4().hex[:8].translate(str.maketrans('0123456789', 'ghijklmnop'))}",
            "participant_id": handle,
            "programme": PROGRAMME,
            "municipality": "2482",
            "occurred_on": self.person.ago(days),
            **whom,
        }
        return str(self.ask(by, "intake", "/referrals", said).json()["journey_id"])

    def begins(self, shop: str, journey: str, days: int) -> dict[str, str]:
        """The shop takes the person on, and begins. Returns what was seen."""
        on = {"occurred_on": self.person.ago(days)}
        self.ask(shop, "intake", f"/referrals/{journey}/acceptance", on)
        consent = {"purpose": "sharing", "given": False, **on}
        self.ask(shop, "intake", f"/journeys/{journey}/consents", consent)
        return seen_in(self.ask(shop, "intake", f"/journeys/{journey}/start", on))

    def counted(self, expected: dict[str, int], when: str) -> None:
        until(lambda: self.person.counts() == expected, lambda: f"{when}: {self.person.counts()}")

    def listed(self, by: str) -> set[str]:
        """The journeys that the organisation's lists show, in whichever part."""
        found: set[str] = set()
        for part in ("referrer", "provider", "responsible"):
            answer = self.ask(by, "intake", f"/referrals?part={part}&limit=200")
            found |= {
                one["journey_id"] for one in answer.json()["referrals"] if one["programme"] == PROGRAMME
            }
        return found

    def replies(self, to: str) -> None:
        """Keep what came on the agency's topic, as heard by it."""
        agency = Agency(self._stack, [])
        agency.organisation = to
        self.heard[to] += [str(found) for found in agency.replies()]


@pytest.fixture(name="walk", scope="module")
def _walk(undisturbed: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    publish(undisturbed, tmp_path_factory.mktemp("programme") / "programme.yaml", PROGRAMME)
    with httpx.Client(timeout=20) as web:
        yield Walk(undisturbed, web)


def shape(answer: httpx.Response) -> tuple[int, list[str], dict[str, str]]:
    headers = {name: text for name, text in answer.headers.items() if name.lower() not in VARYING}
    return answer.status_code, list(answer.json()), headers


def test_two_agencies_one_person_three_shops(walk: Walk) -> None:
    first_shop, second_shop, third_shop = SHOPS
    unknown, known = walk.registers(AF, NUMBER), walk.registers(FK, NUMBER)
    assert shape(unknown) == shape(known) == shape(walk.registers(FK, UNKNOWN))
    handles = [str(one.json()["participant_id"]) for one in (unknown, known)]

    ours = walk.refers(AF, handles[0], 40, providers=[first_shop, second_shop])
    walk.ask(first_shop, "intake", f"/referrals/{ours}/decline", {"reason": "no_place"})
    seen = walk.begins(second_shop, ours, 39)
    walk.counted(BEGUN | {"active": 1}, "one agency's person")
    theirs = walk.refers(FK, handles[1], 20, providers=[third_shop])
    seen_there = walk.begins(third_shop, theirs, 19)
    until(lambda: walk.ask(FK, "intake", f"/referrals/{theirs}").json()["stage"] == "started", "begun")

    left = {"way": "by_plan", "situation": "employed", "occurred_on": walk.person.ago(10)}
    walk.ask(second_shop, "outcome", f"/journeys/{ours}/exit", left, seen=seen)
    walk.counted(BEGUN | {"active": 1, "restated": 1}, "one of two journeys has ended")
    left = {"way": "interrupted", "situation": "student", "occurred_on": walk.person.ago(5)}
    walk.ask(third_shop, "outcome", f"/journeys/{theirs}/exit", left, seen=seen_there)
    ended = {"exited": 1, "interrupted": 1, "restated": 1}
    walk.counted(BEGUN | ended, "the last exit gives the result")

    parts = {AF: {ours}, FK: {theirs}, first_shop: set(), second_shop: {ours}, third_shop: {theirs}}
    for name, mine in parts.items():
        assert walk.listed(name) == mine
        for journey in (ours, theirs):
            for service, path in (("intake", "/referrals/"), ("outcome", "/journeys/")):
                if journey in mine:
                    walk.ask(name, service, f"{path}{journey}")
                else:
                    nobody = walk.refused(name, service, f"{path}j-{'1' * 26}")
                    assert walk.refused(name, service, f"{path}{journey}") == nobody
    for name, handle in ((AF, handles[0]), (FK, handles[1])):
        walk.ask(name, "intake", f"/participants/{handle}/corrections")
        walk.replies(name)
    no_word_of_the_other(walk, (AF, second_shop), (FK, third_shop))


def no_word_of_the_other(walk: Walk, mine: tuple[str, str], other: tuple[str, str]) -> None:
    """Neither agency heard an id that the other's side heard, nor a name of that side. Nor did the shops."""
    for one, theirs in ((mine, other), (other, mine)):
        heard = " ".join(text for name in one for text in walk.heard[name])
        elsewhere = {found for name in theirs for text in walk.heard[name] for found in ID.findall(text)}
        assert set(ID.findall(heard))
        assert not set(ID.findall(heard)) & elsewhere
        assert [name for name in theirs if name in heard] == []
