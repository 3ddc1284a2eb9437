"""On real processes: a human merges two persons, who count as one, and parts them, who count as two again."""

from collections.abc import Iterator

import httpx
import pytest

from tests.integration.test_marked_texts import AGENCY, Caller, publish, seen_in
from tests.integration.test_persons import Person
from tests.support.awaiting import until
from tools.stack import Stack

PROGRAMME, OTHER_AGENCY = "persons-merged", "forsakringskassan"
BOTH = "psykiatrin-skelleftea"
"""Takes both on, so it holds a handle of each; it also refers, so it may merge."""
LETTER, MISTAKEN = "The same person, by a letter of theirs.", "Two cousins, after all."
RESULT = {"exited": 1, "employed": 1, "by_plan": 1}
TWO = {"received": 2, "started": 2, "active": 1, **RESULT, "not_known": 2, "2482": 2}
ONE = {"received": 1, "started": 1, "active": 1, "restated": 1, "not_known": 1, "2482": 1}


@pytest.fixture(name="person", scope="module")
def _person(undisturbed: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    publish(undisturbed, tmp_path_factory.mktemp("programme") / "programme.yaml", PROGRAMME)
    with httpx.Client(timeout=20) as web:
        yield Person(undisturbed, web, PROGRAMME, BOTH)


def counted(person: Person, expected: dict[str, int], when: str) -> None:
    until(lambda: person.counts() == expected, lambda: f"{when}: {person.counts()}")


def test_merge_and_undo_move_the_figures(person: Person, undisturbed: Stack) -> None:
    """Two agencies register one person without a number. The earlier journey has ended, the later one is open."""
    provider, began = person.provider, {AGENCY: 40, OTHER_AGENCY: 20}
    handles, journeys, seen = [], [], {}
    with httpx.Client(timeout=20) as web:
        for name, days in began.items():
            agency = Caller(undisturbed, web, name)
            identity = {"name": "Kim Exempel", "personnummer": None}
            brought = agency.ask("intake", "/participants", identity).json()["participant_id"]
            journey, seen[name] = person.takes_part(agency, brought, f"merged-{days}", days, "2482")
            journeys.append(journey)
            handles.append(provider.ask("intake", f"/referrals/{journey}").json()["participant_id"])
    left = {"way": "by_plan", "situation": "employed", "occurred_on": person.ago(30)}
    seen_in(provider.ask("outcome", f"/journeys/{journeys[0]}/exit", left, seen[AGENCY]))
    counted(person, TWO, "two persons")
    until(
        lambda: provider.ask("intake", f"/referrals/{journeys[0]}").json()["stage"] == "exited",
        "intake has heard of the exit",
    )
    for _ in range(2):
        said = {"participant_id": handles[1], "why": LETTER}
        provider.ask("intake", f"/participants/{handles[0]}/merge", said)
        counted(person, ONE, "one person, whose earlier result is withdrawn")
        said = {"participant_id": handles[0], "why": MISTAKEN}
        provider.ask("intake", f"/participants/{handles[1]}/separation", said)
        counted(person, TWO, "two persons again")
