"""Records on the agencies' topics: one answer each, nothing kept of a bad one, and the next goes on."""

import copy
import json
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import generate_latest
from pymongo import MongoClient
from pymongo.client_session import ClientSession

from services.intake import inbound
from services.intake.api.schemas import ReferBody
from services.intake.inbound import Answer, receive, sender_of
from shared.language.decision import Subject
from shared.language.errors import CODES, Halt, StateUnreadable
from shared.language.replies import RecordAccepted, RecordRejected
from shared.runtime.arrived import Arrived
from shared.runtime.breaker import POISON_IN_A_ROW, Breaker
from shared.runtime.consumer import ProcessBatch
from shared.runtime.parts import Parts
from shared.runtime.unit import Apart
from shared.runtime.write_conflicts import Attempt
from shared.telemetry.metrics import REGISTRY, metric
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

    def answer(self, *said: Any) -> None:
        """Send one message to the organisation."""
        self.answers.append(said)

    def load(self, subjects: Any) -> None:
        """All is here."""

    def fetch(self, collection: str, keys: Any) -> None:
        """All is here."""

    def branch(self) -> "Answering":
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
    return receive(work, arrived, ())


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
    answer = receive(work, record(twice), {AGENCY})
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
@settings(max_examples=200, deadline=None)
def test_whatever_a_record_holds_it_is_answered(said: Any) -> None:
    work = IntakeWork()
    found = answer(work, record(said))
    assert isinstance(found.body, RecordRejected)
    assert plain(found.body)["code"] in CODES
    assert work.events == []


def parts_at(work: Answering) -> Parts:
    settings = SimpleNamespace(reply_organisations=())
    return cast("Parts", SimpleNamespace(settings=settings, unit=lambda _, on_read=None: work))


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
@settings(max_examples=200, deadline=None)
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


class Asking(Answering):
    """A unit that is asked, by its second branch, for what only the database can tell."""

    def __init__(self) -> None:
        super().__init__()
        self.flushed = 0

    def branch(self) -> "Answering":
        if self.answers and not self.flushed:
            raise Apart
        return super().branch()

    def flush(self) -> None:
        self.flushed += 1


def test_a_record_that_asks_for_what_was_just_changed_is_answered_after_it_is_written() -> None:
    work = Asking()
    said = answered(work, record(body(register(work))), record(b"{", offset=8))
    assert [one["status"] for one in said] == ["accepted", "rejected"]
    assert work.flushed == 2


class Failing(Answering):
    """A unit whose answers of acceptance fail, after the decision was saved."""

    def answer(self, *said: Any) -> None:
        if plain(said[3])["status"] == "accepted":
            raise ArithmeticError(SECRET)
        super().answer(*said)


def test_a_record_that_we_fail_on_leaves_nothing_but_its_answer() -> None:
    work = Failing()
    person = register(work)
    with structlog.testing.capture_logs() as told:
        said = answered(work, record(body(person)), record(b"{", offset=8))
    assert [one["code"] for one in said] == ["internal", "unreadable-body"]
    assert (work.events, work.table) == ([], {})
    assert [one["error"] for one in told if one["event"] == "inbound-failed"] == ["ArithmeticError"]
    assert SECRET not in str(told)


class Unreadable(Answering):
    """A unit that meets a participant whose stored state this release cannot read."""

    def find(self, subject: Subject) -> Any:
        if subject.startswith("participant/"):
            raise StateUnreadable("participant", "It is of version 9.")
        return super().find(subject)

    def get(self, subject: Subject) -> Any:
        return self.find(subject)


def test_a_record_about_somebody_whose_state_cannot_be_read_is_not_refused_for_good() -> None:
    work = Unreadable()
    arrived = record(body(register(work)))
    with structlog.testing.capture_logs() as told:
        (said,) = answered(work, arrived)
    assert said["code"] == "internal"
    assert [one["error"] for one in told if one["event"] == "inbound-failed"] == ["StateUnreadable"]


def reading(work: Answering) -> ProcessBatch:
    """What the platform's own consumer does, with the breaker that `readers` gives it."""
    return inbound.process_batch(parts_at(work), inbound.new_breaker())


def test_one_agency_s_records_that_we_fail_on_stop_nobody() -> None:
    work = Failing()
    bad, good = body(register(work)), b"{"
    process_batch = reading(work)
    for offset in range(3 * POISON_IN_A_ROW):
        process_batch(ATTEMPT, [record(bad, offset=offset)]).when_durable()
    process_batch(ATTEMPT, [record(good, by="forsakringskassan")]).when_durable()
    codes = [plain(said[-1])["code"] for said in work.answers]
    assert codes == ["internal"] * 3 * POISON_IN_A_ROW + ["unreadable-body"]


def test_records_of_several_agencies_that_we_fail_on_halt_the_group() -> None:
    work = Failing()
    agencies = (AGENCY, "forsakringskassan")
    bad = {by: body(register(work, by=by)) for by in agencies}
    process_batch = reading(work)
    with pytest.raises(Halt):
        for offset in range(2 * POISON_IN_A_ROW):
            by = agencies[offset % 2]
            process_batch(ATTEMPT, [record(bad[by], by=by, offset=offset)]).when_durable()
    assert len(work.answers) == POISON_IN_A_ROW


def test_a_record_that_cannot_be_made_durable_is_answered_alone() -> None:
    work = Answering()
    aside = inbound.set_aside(parts_at(work), Breaker())
    aside(ATTEMPT, record(body(register(work))), "OverflowError")
    assert [plain(said[-1])["code"] for said in work.answers] == ["internal"]
    assert work.events == []


def test_a_batch_that_is_repeated_counts_its_records_once() -> None:
    def counted() -> list[float]:
        return [
            metric("journey_inbound_records_total", result=result)._value.get()
            for result in ("accepted", "rejected")
        ]

    work, before = Answering(), counted()
    process_batch = inbound.process_batch(parts_at(work), Breaker())
    arrived = [record(body(register(work)), offset=7), record({}, offset=8)]
    attempts = [process_batch(ATTEMPT, arrived) for _ in range(3)]
    assert counted() == before, "nothing is counted before it is durable"
    attempts[-1].when_durable()
    assert counted() == [count + 1 for count in before]


def test_the_series_of_what_is_lost_is_there_before_anything_is() -> None:
    """Prometheus sees no increase in a series that begins with its first loss."""
    there = SimpleNamespace(
        settings=SimpleNamespace(reply_organisations=(AGENCY,)),
        service=SimpleNamespace(database="intake"),
        client=MongoClient(connect=False),
        kafka_options={"bootstrap_servers": "127.0.0.1:1"},
        stop=threading.Event(),
    )
    assert inbound.readers(cast("Parts", there))
    assert b'journey_inbound_records_total{result="lost"}' in generate_latest(REGISTRY)
