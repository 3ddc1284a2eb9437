"""A chain of calls through generated clients, over HTTP, to a running platform: what a caller's own tool makes works.

Nothing here is written for the platform but the bodies: addresses, headers and the reading of answers are the tool's.
"""

import itertools
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import date
from http import HTTPStatus
from typing import Any

import pytest

from tests.integration.test_marked_texts import publish
from tests.support.awaiting import until
from tests.support.generated_clients import DOCUMENTS, GeneratedClient, generated, imported
from tools.stack import Stack

PROGRAMME = "generated-clients"
AGENCY, PROVIDER, OWNER = "arbetsformedlingen-skelleftea", "second-hand-skelleftea", "urkraft"
CALLED = ("intake", "activity-tracking", "outcome")
REFERRALS, SESSIONS = 3, 4

Clients = Mapping[str, GeneratedClient]


@pytest.fixture(scope="module")
def clients(undisturbed: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    """A client of every interface; those that are called are told where their service is."""
    folder = tmp_path_factory.mktemp("generated")
    publish(undisturbed, folder / "programme.yaml", PROGRAMME)
    for name in DOCUMENTS:
        generated(name, folder)
    with ExitStack() as opened:
        yield {
            name: opened.enter_context(imported(name, folder, undisturbed.url(f"{name}-web")))
            for name in CALLED
        }


class Caller:
    """Calls as one organisation and duty. vector: what it has seen, for the next service that it calls."""

    def __init__(self, clients: Clients, stack: Stack, organisation: str, duty: str) -> None:
        self.clients, self.token = clients, stack.token(organisation, duty)
        self.vector: dict[str, str] = {}
        self.keys = 0

    def reads(self, interface: str, operation: str, *path: str, **arguments: Any) -> Any:
        """The answer to a GET, as the client's own model."""
        answer = self.clients[interface].call(operation, *path, token=self.token, **arguments)
        assert answer.status_code == HTTPStatus.OK, answer.content
        return answer.parsed

    def posts(self, interface: str, operation: str, *path: str, body: Any) -> Any:
        """The answer to a POST under a key of its own, repeated while the service asks for that."""
        self.keys += 1
        arguments = {**self.vector, "body": body, "idempotency_key": f"generated-{self.keys}-{operation}"}

        def answered() -> Any:
            answer = self.clients[interface].call(operation, *path, token=self.token, **arguments)
            return None if "Retry-After" in answer.headers else answer

        answer = until(answered, operation)
        assert answer.status_code in (HTTPStatus.OK, HTTPStatus.CREATED), answer.content
        seen = answer.headers.get("Journey-Vector")
        self.vector = {"journey_vector": seen} if seen else {}
        return answer.parsed

    def body(self, interface: str, model: str, **fields: Any) -> Any:
        """A body of the client's own model."""
        return self.clients[interface].model(model).from_dict(fields)


def _refer(agency: Caller, number: int) -> str:
    """Register a person and refer them. Returns the journey's id."""
    agency.vector = {}  # one journey's vector says nothing of another
    person = agency.body("intake", "RegisterParticipantBody", name=f"Kim Prov {number}", personnummer=None)
    handle = agency.posts("intake", "participants.register_participant", body=person).participant_id
    referral = agency.body(
        "intake",
        "ReferBody",
        participant_id=handle,
        programme=PROGRAMME,
        municipality="2482",
        provider=PROVIDER,
        reference=f"generated-{number}",
        occurred_on="2017-02-01",
    )
    return str(agency.posts("intake", "referrals.refer", body=referral).journey_id)


def test_a_person_is_referred_listed_and_followed_to_the_report(clients: Clients, undisturbed: Stack) -> None:
    agency = Caller(clients, undisturbed, AGENCY, "caseworker")
    provider = Caller(clients, undisturbed, PROVIDER, "caseworker")
    owner = Caller(clients, undisturbed, OWNER, "owner")
    journeys = [_refer(agency, number) for number in range(REFERRALS)]

    listed: list[str] = []
    for page in itertools.count(1):
        found = agency.reads("intake", "referrals.list_referrals", limit=2, page=page).referrals
        listed += [one.journey_id for one in found]
        if not found:
            break
    assert len(listed) == len(set(listed))
    assert set(journeys) <= set(listed)

    journey = journeys[0]
    accepted = provider.body("intake", "AcceptReferralBody", occurred_on="2017-02-02")
    provider.posts("intake", "journeys.accept_referral", journey, body=accepted)
    said = {"purpose": "sharing", "given": False, "occurred_on": "2017-02-03"}
    consent = provider.body("intake", "RecordConsentBody", **said)
    provider.posts("intake", "journeys.record_consent", journey, body=consent)
    started = provider.body("intake", "StartJourneyBody", occurred_on="2017-02-03")
    provider.posts("intake", "journeys.start_journey", journey, body=started)

    came = {"activity": "work_training", "occurred_on": "2017-02-06", "attendance": "yes", "minutes": 60}
    rows = [
        provider.body(
            "activity-tracking",
            "RowOfSession",
            journey_id=journey,
            reference=f"generated-row-{number}",
            **came,
        )
        for number in range(SESSIONS)
    ]
    counted = provider.posts("activity-tracking", "sessions.log_sessions", body=rows)
    assert (counted.rows, counted.taken, counted.refused) == (SESSIONS, SESSIONS, 0)
    assert all(row.session_id.startswith("s-") for row in counted.results)

    def minutes() -> int:
        day = date(2017, 2, 6)
        report = owner.reads("outcome", "figures.read_report", PROGRAMME, from_=day, to=day)
        return sum(row.value for row in report.period.rows if row.figure == "session/minutes")

    until(lambda: minutes() == 60 * SESSIONS, "the sessions in the report of their day")
