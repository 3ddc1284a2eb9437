"""Records on the agencies' topics: one answer each, nothing kept of a bad one, and the next goes on."""

import copy
import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo.client_session import ClientSession

from services.intake import inbound
from services.intake.api.schemas import ReferBody
from services.intake.inbound import receive, sender_of
from shared.edge.inbound import Answer
from shared.language.errors import CODES, Halt
from shared.language.replies import RecordAccepted, RecordRejected
from shared.runtime.arrived import Arrived
from shared.runtime.breaker import Breaker
from shared.runtime.parts import Parts
from shared.runtime.write_conflicts import Attempt
from tests.support.intake_work import AGENCY, EMPLOYER, PROVIDER, REFERRED_ON, IntakeWork, plain, register

SECRET = "19900101-9802"


ATTEMPT = Attempt(cast("ClientSession", None))


def record(body: Any, *, by: str = AGENCY, offset: int = 7) -> Arrived:
    value = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Arrived(f"inbound.{by}.referrals.v1", 0, offset, [], value)


def body(person: str, **what: Any) -> dict[str, Any]:
    return {
        "reference": "AF-1",
        "participant_id": person,
        "programme": "coactive",
        "municipality": "2482",
        "provider": PROVIDER,
        "occurred_on": REFERRED_ON.isoformat(),
        **what,
    }


class Answering(IntakeWork):
    """A unit of work that may be written out."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[tuple[Any, ...]] = []
        self.noted: list[str] = []

    def answer(self, *said: Any) -> None:
        """Send one message to the organisation."""
        self.answers.append(said)

    def load(self, subjects: Any) -> None:
        """All is here."""

    def fetch(self, collection: str, keys: Any) -> None:
        """All is here."""

    def branch(self, organisation: str = "") -> "Answering":
        """A unit for one decision."""
        branch = copy.deepcopy(self, {id(self.programmes): self.programmes})
        branch.answers = []
        return branch

    def join(self, branch: "Answering") -> None:
        """Take it in."""
        self.documents, self.table, self.events = branch.documents, branch.table, branch.events
        self.answers += branch.answers

    def flush(self) -> None:
        """Write it out."""


def answer(work: IntakeWork, arrived: Arrived) -> Answer:
    return receive(work, arrived)


def test_a_record_in_order_is_referred_and_answered_with_the_journey() -> None:
    work = IntakeWork()
    arrived = record(body(register(work)))
    said = answer(work, arrived)
    assert isinstance(said.body, RecordAccepted)
    assert said.identity == f"inbound.{AGENCY}.referrals.v1:0:7"
    assert said.subject == f"journey/{plain(said.body)['journey_id']}"
    assert plain(said.body) == {
        "status": "accepted",
        "topic": f"inbound.{AGENCY}.referrals.v1",
        "partition": 0,
        "offset": 7,
        "key": None,
        "headers": {},
        "referral_id": plain(said.body)["journey_id"],
        "journey_id": plain(said.body)["journey_id"],
        "reference": "AF-1",
        "stage": "received",
    }
    assert len(work.events) == 1


def test_the_same_record_twice_is_one_referral_with_two_answers() -> None:
    work = IntakeWork()
    said = body(register(work))
    first, again = answer(work, record(said)), answer(work, record(said, offset=8))
    assert plain(first.body)["journey_id"] == plain(again.body)["journey_id"]
    assert first.identity != again.identity
    assert len(work.events) == 1


def test_the_sender_is_whose_topic_it_is() -> None:
    work = IntakeWork()
    person = register(work, by="forsakringskassan")
    said = answer(work, record(body(person), by="forsakringskassan"))
    assert said.organisation == "forsakringskassan"
    journey = work.get(f"journey/{plain(said.body)['journey_id']}")  # type: ignore[arg-type]
    assert journey.passage.referrer == "forsakringskassan"


@pytest.mark.parametrize(
    ("wrong", "code", "fields"),
    [
        ({"reference": SECRET}, "invalid-fields", {"reference"}),
        ({"reference": "199001019802"}, "invalid-fields", {"reference"}),
        ({"reference": f"AF/{SECRET}"}, "invalid-fields", {"reference"}),
        ({"reference": "Ada Prov"}, "invalid-fields", {"reference"}),
        ({"reference": 7}, "invalid-fields", {"reference"}),
        ({"personnummer": SECRET}, "invalid-fields", {"personnummer"}),
        ({"name": "Ada Prov", "phone": "0910"}, "invalid-fields", {"name", "phone"}),
        ({SECRET: 1, "Ada Prov": 2}, "invalid-fields", {"unknown_field"}),
        ({"organisation": "forsakringskassan"}, "invalid-fields", {"organisation"}),
        ({"participant_id": SECRET}, "invalid-fields", {"participant_id"}),
        ({"participant_id": None}, "invalid-fields", {"participant_id"}),
        ({"programme": SECRET}, "invalid-fields", {"programme"}),
        ({"programme": "Ada Prov", "municipality": SECRET}, "invalid-fields", {"programme", "municipality"}),
        ({"municipality": "0180", "provider": EMPLOYER}, "invalid-fields", {"municipality", "provider"}),
        ({"provider": SECRET}, "invalid-fields", {"provider"}),
        ({"previous_journey": "j-1"}, "invalid-fields", {"previous_journey"}),
        ({"occurred_on": "2019-01-01"}, "invalid-fields", {"occurred_on"}),
        ({"occurred_on": SECRET}, "invalid-fields", {"occurred_on"}),
    ],
)
def test_a_bad_record_is_rejected_naming_fields_and_never_a_value(
    wrong: dict[str, Any], code: str, fields: set[str]
) -> None:
    work = IntakeWork()
    person = register(work)
    before = dict(work.documents)
    said = answer(work, record(body(person, **wrong)))
    assert (type(said.body), plain(said.body)["status"], plain(said.body)["code"]) == (
        RecordRejected,
        "rejected",
        code,
    )
    assert set(plain(said.body)["errors"]) == fields
    # No hash of what was refused: who knows the rest of the record finds a personal number by trying.
    assert set(plain(said.body)) == {
        *("status", "topic", "partition", "offset", "code", "detail", "errors"),
        *("reference", "key", "headers"),
    }
    assert plain(said.body)["reference"] in (None, "AF-1")
    assert (plain(said.body)["reference"] is None) == ("reference" in fields)
    for value in (SECRET, "199001019802", "Ada", "0910"):
        assert value not in json.dumps(plain(said.body))
    assert (work.documents, work.events) == (before, [])


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"", "unreadable-body"),
        (b"{", "unreadable-body"),
        (b"\xff\xfe", "unreadable-body"),
        (b'{"reference": NaN}', "unreadable-body"),
        (b"[" * 100_000, "body-too-large"),
        (b"[" * 60_000, "unreadable-body"),
        (b"[]", "invalid-fields"),
        (b'"AF-1"', "invalid-fields"),
        (b"null", "invalid-fields"),
        (b"{}", "invalid-fields"),
        (b"{" + b" " * 65536 + b"}", "body-too-large"),
    ],
)
def test_what_is_no_referral_at_all_is_rejected(value: bytes, code: str) -> None:
    work = IntakeWork()
    said = answer(work, record(value))
    assert (type(said.body), plain(said.body)["code"]) == (RecordRejected, code)
    assert said.subject == f"record/inbound.{AGENCY}.referrals.v1:0:7"


@pytest.mark.parametrize(
    ("name", "named"), [("municipality", "municipality"), ("reference", "reference"), (SECRET, "body")]
)
def test_a_record_that_says_a_field_twice_is_rejected_and_the_field_named(name: str, named: str) -> None:
    work = IntakeWork()
    said = {**body(register(work)), SECRET: "x"}
    twice = json.dumps(said).encode()[:-1] + f', "{name}": "2417"}}'.encode()
    answer = receive(work, record(twice))
    assert (type(answer.body), plain(answer.body)["code"]) == (RecordRejected, "invalid-fields")
    assert set(plain(answer.body)["errors"]) == {named}
    assert SECRET not in json.dumps(plain(answer.body))
    assert not work.events


def test_an_organisation_that_may_not_refer_is_told_so() -> None:
    work = IntakeWork()
    said = answer(work, record(body(register(work)), by=EMPLOYER))
    assert (said.organisation, plain(said.body)["code"]) == (EMPLOYER, "not-allowed")


def test_a_used_reference_is_rejected() -> None:
    work = IntakeWork()
    person = register(work)
    answer(work, record(body(person)))
    assert plain(answer(work, record(body(person, municipality="2417"))).body)["code"] == "reference-taken"


def test_the_record_after_a_bad_one_goes_on() -> None:
    work = IntakeWork()
    person = register(work)
    said = [answer(work, record(one, offset=n)) for n, one in enumerate([b"{", body(person), {"a": 1}])]
    assert [plain(one.body)["status"] for one in said] == ["rejected", "accepted", "rejected"]


@pytest.mark.parametrize("topic", ["journey.intake.v1", "inbound..referrals.v1", "inbound.a.b.referrals.v1"])
def test_any_other_topic_halts(topic: str) -> None:
    with pytest.raises(Halt):
        sender_of(topic)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*ReferBody().fields, "name"]), ANYTHING) | ANYTHING)
@settings(max_examples=200)
def test_whatever_a_record_holds_it_is_answered(said: Any) -> None:
    work = IntakeWork()
    found = answer(work, record(said))
    assert isinstance(found.body, RecordRejected)
    assert plain(found.body)["code"] in CODES
    assert work.events == []


def parts_at(work: Answering) -> Parts:
    channels = SimpleNamespace(note=work.noted.append)
    return cast("Parts", SimpleNamespace(channels=channels, unit=lambda _, on_read=None: work))


def answered(work: Answering, *records: Arrived) -> list[dict[str, Any]]:
    """The bodies of the answers to a batch."""
    inbound.process_batch(parts_at(work), Breaker())(ATTEMPT, list(records))
    return [plain(said[-1]) for said in work.answers]


HEADER_VALUES = st.none() | st.binary(max_size=60) | st.just(b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01")


HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["traceparent", "ce_id", "$set", "a.b", ""]) | st.text(max_size=9), HEADER_VALUES
    ),
    max_size=6,
)


@given(HEADERS, st.binary(max_size=40), st.booleans())
@settings(max_examples=200)
def test_whatever_headers_and_bytes_a_record_has_it_is_answered_once(
    headers: list[tuple[str, bytes | None]], value: bytes, readable: bool
) -> None:
    work = Answering()
    odd = Arrived(f"inbound.{AGENCY}.referrals.v1", 0, 7, headers if readable else [], value, readable)
    said = answered(work, odd, record(body(register(work)), offset=8))
    assert [one["status"] for one in said] == ["rejected", "accepted"]
    assert said[0]["code"] in CODES


def test_headers_that_cannot_be_read_are_told() -> None:
    work = Answering()
    (said,) = answered(work, Arrived(f"inbound.{AGENCY}.referrals.v1", 0, 7, [], b"{}", readable=False))
    assert (said["code"], said["errors"]) == ("invalid-header", {"headers": ["Cannot be read."]})
