"""On real processes: who begins again is one person, and the figures follow whatever is said of either journey."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pytest
from pymongo import MongoClient

from shared.language.days import day_of
from tests.integration.test_marked_texts import AGENCY, PROVIDER, Caller, publish, seen_in
from tests.support.awaiting import until
from tools.stack import Stack

PROGRAMME = "persons"
ENTRY = {"gender": "woman", "born_on": "1985-07-09", "employment": "unemployed", "isced": 3}
OTHER_AGENCY, NUMBER = "forsakringskassan", "199001019802"
WHY = "A slip of the hand."


class Person:
    """One person, whom the agency refers and the provider takes on in the programme."""

    def __init__(
        self, stack: Stack, web: httpx.Client, programme: str = PROGRAMME, provider: str = PROVIDER
    ) -> None:
        self.agency, self.provider = Caller(stack, web, AGENCY), Caller(stack, web, provider)
        self._stack, self._web = stack, web
        self._programme, self._named = programme, provider
        self._owner = {"Authorization": f"Bearer {stack.token('urkraft', 'owner')}"}
        at = web.get(f"{stack.url('intake-web')}/clock", headers=self._owner).json()["at"]
        self._today: date = day_of(datetime.fromisoformat(at))
        body = {"name": "Kim Exempel", "personnummer": None}
        self._handle = self.agency.ask("intake", "/participants", body).json()["participant_id"]

    def ago(self, days: int) -> str:
        return (self._today - timedelta(days=days)).isoformat()

    def begins(self, days: int, place: str, previous: str | None = None) -> tuple[str, dict[str, str]]:
        """Is referred so many days ago, and begins at once. Returns the journey and what was seen of it."""
        if previous is not None:
            ended = ("exited", "closed")
            until(
                lambda: self.agency.ask("intake", f"/referrals/{previous}").json()["stage"] in ended,
                "intake has heard of the exit",
            )
        return self.takes_part(self.agency, self._handle, f"{self._handle}-{days}", days, place, previous)

    def takes_part(
        self, agency: Caller, handle: str, reference: str, days: int, place: str, previous: str | None = None
    ) -> tuple[str, dict[str, str]]:
        """Is referred by that agency, by its handle, and begins."""
        referral = {
            "reference": reference,
            "participant_id": handle,
            "programme": self._programme,
            "municipality": place,
            "provider": self._named,
            "occurred_on": self.ago(days),
            **({"previous_journey": previous} if previous else {}),
        }
        journey = agency.ask("intake", "/referrals", referral).json()["journey_id"]
        self.provider.ask("intake", f"/referrals/{journey}/acceptance", {"occurred_on": self.ago(days)})
        consent = {"purpose": "sharing", "given": False, "occurred_on": self.ago(days)}
        self.provider.ask("intake", f"/journeys/{journey}/consents", consent)
        begun = self.provider.ask("intake", f"/journeys/{journey}/start", {"occurred_on": self.ago(days)})
        return journey, seen_in(begun)

    def figures(self) -> Any:
        url = f"{self._stack.url('outcome-web')}/programmes/{self._programme}/report"
        return self._web.get(url, headers=self._owner).json()

    def counts(self) -> dict[str, int]:
        """The figures that count the person now."""
        report = self.figures()
        figures = report["figures"]
        found = {name: figures[name] for name in ("received", "started", "active", "exited")}
        found |= {"employed": figures["employed_at_exit"]["employed"], **figures["exits"]}
        found |= {gender: row["active"] + row["exited"] for gender, row in report["by_gender"].items()}
        found |= {place: row["active"] + row["exited"] for place, row in report["by_municipality"].items()}
        return {name: n for name, n in found.items() if n}


@pytest.fixture(name="person", scope="module")
def _person(undisturbed: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    publish(undisturbed, tmp_path_factory.mktemp("programme") / "programme.yaml", PROGRAMME)
    with httpx.Client(timeout=20) as web:
        yield Person(undisturbed, web)


def test_a_person_counts_once_and_the_last_exit_gives_the_result(person: Person) -> None:
    provider = person.provider
    first, seen = person.begins(40, "2482")
    seen = seen_in(provider.ask("outcome", f"/journeys/{first}/entry", ENTRY, seen))
    left = {"way": "by_plan", "situation": "employed", "occurred_on": person.ago(30)}
    provider.ask("outcome", f"/journeys/{first}/exit", left, seen)
    begun = {"received": 1, "started": 1, "2482": 1}
    once = begun | {"exited": 1, "employed": 1, "by_plan": 1, "woman": 1}
    until(lambda: person.counts() == once, lambda: f"the first result: {person.counts()}")

    second, seen = person.begins(20, "2417", first)
    again = begun | {"active": 1, "restated": 1, "woman": 1}
    until(lambda: person.counts() == again, lambda: f"the result is withdrawn: {person.counts()}")

    anew = provider.ask("outcome", f"/journeys/{first}")
    man = {**ENTRY, "gender": "man", "why": WHY}
    provider.ask("outcome", f"/journeys/{first}/entry", man, None, **{"If-Match": anew.headers["ETag"]})
    as_man = begun | {"active": 1, "restated": 1, "man": 1}
    until(lambda: person.counts() == as_man, lambda: f"by the first one's entry: {person.counts()}")

    left = {"way": "interrupted", "situation": "student", "occurred_on": person.ago(10)}
    provider.ask("outcome", f"/journeys/{second}/exit", left, seen)
    ended = begun | {"exited": 1, "interrupted": 1, "restated": 1, "man": 1}
    until(lambda: person.counts() == ended, lambda: f"the last exit: {person.counts()}")

    person.agency.ask("intake", f"/journeys/{second}/mistake", {"reason": "wrong_person"})
    alone = begun | {"exited": 1, "employed": 1, "by_plan": 1, "man": 1}
    until(lambda: person.counts() == alone, lambda: f"as if the second had never been: {person.counts()}")


def test_what_an_older_release_left_is_settled_when_intake_starts(person: Person, undisturbed: Stack) -> None:
    first, seen = person.begins(9, "2482")
    left = {"way": "by_plan", "situation": "employed", "occurred_on": person.ago(8)}
    person.provider.ask("outcome", f"/journeys/{first}/exit", left, seen)
    second, _ = person.begins(5, "2482", first)
    settled = "journey.intake.participation-settled.v1"
    with MongoClient[dict[str, Any]](undisturbed.admin_mongo_uri) as client:
        intake = client["intake"]
        subject = f"journey/{first}"

        def told() -> int:
            return int(intake["events"].count_documents({"key": subject, "type": settled}))

        counts = {"received": 1, "started": 1, "active": 1, "restated": 2, "man": 1, "2482": 1}
        until(lambda: person.counts() == counts, lambda: f"taking part once more: {person.counts()}")
        before = told()
        undisturbed.stop("intake-consume")
        unsaid = {"$set": {"state.participation": None}}
        intake["referrals"].update_many({"_id": {"$in": [subject, f"journey/{second}"]}}, unsaid)
        intake["participations"].update_many({}, {"$unset": {"settled": ""}})
        undisturbed.start("intake-consume")
        until(lambda: not intake["participations"].count_documents({"settled": None}), "every row is settled")
        assert told() == before + 1, "it is said again, once"
    until(lambda: person.counts() == counts, lambda: f"the same figures: {person.counts()}")


def test_whom_two_agencies_register_by_number_is_one_person_in_the_figures(
    person: Person, undisturbed: Stack
) -> None:
    """Neither may read the other's journey, so both are received, and both begin."""
    before = person.counts()
    with httpx.Client(timeout=20) as web:
        agencies = [Caller(undisturbed, web, name) for name in (AGENCY, OTHER_AGENCY)]
        journeys = []
        for number, agency in enumerate(agencies):
            identity = {"name": "Robin Exempel", "personnummer": NUMBER}
            handle = agency.ask("intake", "/participants", identity).json()["participant_id"]
            begun = person.takes_part(agency, handle, f"two-{number}", 12 - number, "2482")
            journeys.append(begun)
        once = {"received": 1, "started": 1, "active": 1}

        def more() -> dict[str, int]:
            now = person.counts()
            return {name: now.get(name, 0) - before.get(name, 0) for name in once}

        until(lambda: more() == once, lambda: f"one person more: {more()}")
        (first, seen), _ = journeys
        left = {"way": "by_plan", "situation": "employed", "occurred_on": person.ago(3)}
        person.provider.ask("outcome", f"/journeys/{first}/exit", left, seen)
        until(
            lambda: person.counts().get("restated", 0) == before.get("restated", 0) + 1,
            lambda: f"one of two journeys has ended: {person.counts()}",
        )
        assert more() == once, "the person takes part in the other"
