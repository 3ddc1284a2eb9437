"""The stream role on real MongoDB and Kafka: from cells to a client's stream and to the indicators topic."""

import json
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest
from kafka import KafkaConsumer, TopicPartition
from pymongo import MongoClient

from services.intake.domain.register import named_by
from services.outcome.figures import disclosure, report
from services.outcome.stream import logins, publisher
from services.outcome.stream.indicators import PUBLISHED, Cell, Indicator, cells_of
from services.outcome.stream.logins import LINK_LIFE, SESSION_LIFE, StoredLogins
from services.outcome.stream.publisher import KafkaOutlet, Publisher, StaleLedger, StoredLedger
from services.outcome.stream.snapshot import Reading, Snapshot, follow
from shared.edge.acting import Shown
from shared.language.events import INDICATORS_TOPIC
from shared.language.register_rows import COUNT, COUNTS, REGISTER, rows_of
from tests.support.awaiting import until
from tests.support.cohort import make_cohort
from tests.support.page_server import STEERING, read_programme
from tests.support.scrapes import measured
from tools.stack import Stack

# A programme of its own: other tests share the stack.
PROGRAMME = replace(read_programme(), id="stream-test")
EARLY, LATER = date(2016, 11, 1), date(2017, 5, 1)
AT = datetime(2026, 1, 1, tzinfo=UTC)
PATIENCE_SECONDS = 120.0

Client = MongoClient[dict[str, Any]]


@dataclass
class Time:
    """A clock that a test moves."""

    at: datetime = AT

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def database(stack: Stack, request: pytest.FixtureRequest) -> Iterator[tuple[Client, str]]:
    """A database of the test's own, with the stream's indexes."""
    client: Client = MongoClient(stack.admin_mongo_uri, tz_aware=True, w="majority")
    name = f"stream_{abs(hash(request.node.name)) % 10**8}"
    for collection, models in {**logins.INDEXES, **publisher.INDEXES}.items():
        client[name][collection].create_indexes(models)
    yield client, name
    client.drop_database(name)
    client.close()


# -- login --------------------------------------------------------------------------------------


def test_a_link_opens_one_session_and_no_secret_is_stored(database: tuple[Client, str]) -> None:
    client, name = database
    moment = Time()
    stored = StoredLogins(client[name], moment.now, secrets.token_urlsafe)
    link = stored.issue_link(Shown(STEERING, AT + timedelta(days=2)), PROGRAMME.id)
    assert stored.link_works(link)
    redeemed = stored.redeem_link(link)
    assert redeemed is not None
    session, login = redeemed
    assert (login.actor, login.programme, login.expires_at) == (STEERING, PROGRAMME.id, AT + SESSION_LIFE)
    assert stored.redeem_link(link) is None
    assert stored.session(session) == login
    assert stored.session(link) is None
    assert not stored.link_works(link)
    everything = str([list(client[name][one].find()) for one in ("page_links", "page_sessions")])
    assert link not in everything
    assert session not in everything


def test_what_is_past_its_time_opens_nothing(database: tuple[Client, str]) -> None:
    client, name = database
    moment = Time()
    stored = StoredLogins(client[name], moment.now, secrets.token_urlsafe)
    shown = Shown(STEERING, AT + timedelta(days=2))
    late = stored.issue_link(shown, PROGRAMME.id)
    redeemed = stored.redeem_link(stored.issue_link(shown, PROGRAMME.id))
    assert redeemed is not None
    moment.at = AT + LINK_LIFE
    assert stored.redeem_link(late) is None
    moment.at = AT + SESSION_LIFE - timedelta(seconds=1)
    assert stored.session(redeemed[0]) is not None
    moment.at = AT + SESSION_LIFE
    assert stored.session(redeemed[0]) is None


def test_link_and_session_end_with_the_token_that_the_link_was_asked_for_with(
    database: tuple[Client, str],
) -> None:
    client, name = database
    moment = Time()
    stored = StoredLogins(client[name], moment.now, secrets.token_urlsafe)
    shown = Shown(STEERING, AT + timedelta(minutes=1))
    late, used = stored.issue_link(shown, PROGRAMME.id), stored.issue_link(shown, PROGRAMME.id)
    redeemed = stored.redeem_link(used)
    assert redeemed is not None
    assert redeemed[1].expires_at == shown.expires_at
    moment.at = AT + timedelta(minutes=1)
    assert stored.session(redeemed[0]) is None
    assert stored.redeem_link(late) is None


def test_a_session_that_was_ended_opens_nothing(database: tuple[Client, str]) -> None:
    client, name = database
    stored = StoredLogins(client[name], Time().now, secrets.token_urlsafe)
    redeemed = stored.redeem_link(stored.issue_link(Shown(STEERING, AT + timedelta(days=2)), PROGRAMME.id))
    assert redeemed is not None
    stored.end_session(redeemed[0])
    stored.end_session(redeemed[0])
    assert stored.session(redeemed[0]) is None


# -- indicators ---------------------------------------------------------------------------------


def snapshot(day: date) -> Snapshot:
    exact = report.build(make_cohort().cells_on(day), PROGRAMME, AT)
    reading = Reading(programme=PROGRAMME, moment=day.toordinal(), as_of=AT, exact=exact, newest=[])
    return follow(None, reading, "published", disclosure.publish(exact))


@contextmanager
def indicators(stack: Stack) -> Iterator[Callable[[], dict[str, list[Any]]]]:
    """What has been published since now: {record key: its records, in order}."""
    consumer = KafkaConsumer(**stack.kafka_admin_config(), api_version=(4, 0), auto_offset_reset="latest")
    partitions = [
        TopicPartition(INDICATORS_TOPIC, n) for n in consumer.partitions_for_topic(INDICATORS_TOPIC)
    ]
    consumer.assign(partitions)
    consumer.seek_to_end()
    for partition in partitions:
        consumer.position(partition)
    seen: dict[str, list[Any]] = {}

    def look() -> dict[str, list[Any]]:
        for records in consumer.poll(200).values():
            for record in records:
                seen.setdefault(record.key.decode(), []).append(record)
        return seen

    try:
        yield look
    finally:
        consumer.close()


def make_publisher(stack: Stack, client: Client, name: str) -> Publisher:
    options = {**stack.kafka_config("outcome"), "api_version": (4, 0)}
    ledger = StoredLedger(client, name, "one")
    return Publisher(ledger, lambda: KafkaOutlet(options), lambda: datetime.now(UTC), threading.Event())


def test_every_published_cell_and_then_only_what_changed_reaches_the_topic(
    stack: Stack, database: tuple[Client, str]
) -> None:
    early, later = snapshot(EARLY), snapshot(LATER)
    differing = {
        f"{PROGRAMME.id}|{name}"
        for name, cell in cells_of(later.report).items()
        if cells_of(early.report)[name] != cell
    }
    with indicators(stack) as seen:
        publishing = make_publisher(stack, *database)
        publishing.offer(early)
        assert publishing.publish_once() == len(cells_of(early.report))
        assert publishing.publish_once() == 0
        publishing.offer(later)
        assert publishing.publish_once() == len(differing)
        until(lambda: sum(map(len, seen().values())) >= len(cells_of(early.report)) + len(differing), "all")
        records = seen()
    assert {key for key, published in records.items() if len(published) == 2} == differing
    last = records["stream-test|figures.started"][-1]
    headers = {header: text.decode() for header, text in last.headers}
    body = json.loads(last.value)
    assert headers["ce_type"] == PUBLISHED.name
    assert headers["ce_id"] == "outcome:indicator/stream-test|figures.started:2"
    assert (body["value"], body["hidden"]) == (later.report["figures"]["started"], False)
    few = json.loads(records["stream-test|figures.re_referred"][-1].value)
    assert (few["value"], few["hidden"], few["few"]) == (None, True, True)


def test_what_a_dead_publisher_left_unsent_is_sent_by_the_next_with_the_same_number(
    stack: Stack, database: tuple[Client, str]
) -> None:
    client, name = database
    ledger = StoredLedger(client, name, "one")
    left = Indicator(
        programme=PROGRAMME.id,
        name="figures.started",
        cell=Cell(41),
        seq=1,
        holds_on=AT.date(),
        published_at=AT,
    )
    ledger.intend([left])
    with indicators(stack) as seen:
        assert make_publisher(stack, client, name).publish_once() == 1
        until(seen, "the record")
        (record,) = seen()["stream-test|figures.started"]
    assert json.loads(record.value)["value"] == 41
    assert ("ce_sequence", b"1") in record.headers
    assert ledger.load() == ({left.key: left}, [])


def test_only_one_of_two_publishers_publishes_and_the_other_takes_over(
    stack: Stack, database: tuple[Client, str]
) -> None:
    client, name = database
    first, second = StoredLedger(client, name, "first"), StoredLedger(client, name, "second")
    assert first.hold()
    assert not second.hold()
    assert first.hold()
    first.release()
    assert second.hold()


def test_a_publisher_that_lost_its_lease_is_refused(stack: Stack, database: tuple[Client, str]) -> None:
    client, name = database
    first, second = StoredLedger(client, name, "first"), StoredLedger(client, name, "second")
    one = Indicator(
        programme=PROGRAMME.id,
        name="figures.started",
        cell=Cell(5),
        seq=1,
        holds_on=AT.date(),
        published_at=AT,
    )
    two = Indicator(
        programme=PROGRAMME.id,
        name="figures.started",
        cell=Cell(6),
        seq=2,
        holds_on=AT.date(),
        published_at=AT,
    )
    first.intend([one])
    second.intend([two])
    for late in (one, two):
        with pytest.raises(StaleLedger):
            first.intend([late])


# -- the process --------------------------------------------------------------------------------


@pytest.fixture
def outcome(stack: Stack) -> Iterator[Any]:
    """The database of outcome with a cohort's cells, and the stream process that shows them."""
    with MongoClient[dict[str, Any]](stack.admin_mongo_uri, tz_aware=True) as client:
        outcome = client["outcome"]
        body = msgspec.to_builtins(PROGRAMME)
        document = {"programme": PROGRAMME.id, "version": PROGRAMME.version, "body": body}
        outcome["programmes"].replace_one({"_id": PROGRAMME.key}, document, upsert=True)
        for entry in (one for pair in named_by([(PROGRAMME, PROGRAMME.starts_on)]) for one in pair):
            count = outcome[COUNTS].find_one({"_id": COUNT})
            for row in rows_of(entry, count):
                outcome[row.collection].replace_one({"_id": row.key}, row.body, upsert=True)
        show(outcome, EARLY)
        stack.start("issuer", "outcome-stream")
        yield outcome
        stack.stop("outcome-stream")
        for collection in ("programmes", "cells", "indicators"):
            outcome[collection].delete_many({"programme": PROGRAMME.id})
        outcome[REGISTER].delete_many({})
        outcome[COUNTS].delete_many({})


def show(outcome: Any, day: date) -> dict[str, Any]:
    """Make the cells those of the day, in one transaction. Returns what should be published."""
    cells = make_cohort().cells_on(day)

    def write(session: Any) -> None:
        outcome["cells"].delete_many({"programme": PROGRAMME.id}, session=session)
        rows = [
            {
                "_id": f"{PROGRAMME.id}|{cell}|{shard}",
                "programme": PROGRAMME.id,
                "cell": cell,
                "n": n - n // 2 if shard else n // 2,
            }
            for cell, n in cells.items()
            for shard in (0, 1)
        ]
        outcome["cells"].insert_many(rows, session=session)

    with outcome.client.start_session() as session:
        session.with_transaction(write)
    return disclosure.publish(report.build(cells, PROGRAMME, AT))


@contextmanager
def streaming(url: str, headers: dict[str, str]) -> Iterator[Iterator[tuple[str, dict[str, Any]]]]:
    """A client of the stream: (id, snapshot) for each."""

    def snapshots(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        version = ""
        for line in lines:
            if line.startswith("id: "):
                version = line.removeprefix("id: ")
            elif line.startswith("data: "):
                yield version, json.loads(line.removeprefix("data: "))

    with httpx.stream("GET", url, headers=headers, timeout=PATIENCE_SECONDS) as response:
        assert response.status_code == 200
        yield snapshots(response.iter_lines())


def test_from_a_changed_cell_to_a_client_that_resumes(stack: Stack, outcome: Any) -> None:
    address = f"{stack.url('outcome-stream')}/programmes/stream-test"
    bearer = {"Authorization": f"Bearer {stack.token('styrgruppen', 'owner')}"}
    with streaming(f"{address}/figures", bearer) as snapshots:
        first_version, first = next(snapshots)
        assert (
            first["figures"]
            == disclosure.publish(report.build(make_cohort().cells_on(EARLY), PROGRAMME, AT))["figures"]
        )
        expected = show(outcome, LATER)
        version, later = next(snapshots)
        assert later["figures"] == expected["figures"]
        assert int(version) > int(first_version)
    with streaming(f"{address}/figures", {**bearer, "Last-Event-ID": version}) as snapshots:
        show(outcome, EARLY)
        resumed_version, resumed = next(snapshots)
        assert int(resumed_version) > int(version)
        assert resumed["figures"] == first["figures"]


def test_a_link_asked_for_with_a_token_opens_the_page_and_its_stream(stack: Stack, outcome: Any) -> None:
    address = f"{stack.url('outcome-stream')}/programmes/stream-test"
    bearer = {"Authorization": f"Bearer {stack.token('styrgruppen', 'owner')}"}
    answer = httpx.post(f"{address}/page-links", headers={**bearer, "Idempotency-Key": "one"})
    assert answer.status_code == 201
    with httpx.Client(follow_redirects=True) as browser:
        url = httpx.URL(answer.json()["url"])
        for _ in range(3):
            assert browser.get(url).status_code == browser.head(url).status_code == 200
        page = browser.post(url.copy_with(query=None), data={"code": url.params["code"]})
        assert page.status_code == 200
        assert "<h1>CoActive</h1>" in page.text
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    exact = report.build(make_cohort().cells_on(EARLY), PROGRAMME, AT)
    with streaming(f"{address}/figures?form=exact", {"Cookie": cookie}) as snapshots:
        shown = next(snapshots)[1]
        assert (shown["programme"], shown["form"]) == (PROGRAMME.id, "exact")
        assert shown["figures"] == exact["figures"]


def test_a_client_that_does_not_read_is_dropped_and_others_go_on(stack: Stack, outcome: Any) -> None:
    url = stack.url("outcome-stream")
    token = stack.token("styrgruppen", "owner")
    where = urlsplit(url)
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect((where.hostname, where.port))
        head = f"GET {where.path}/programmes/stream-test/figures HTTP/1.1\r\nHost: x\r\n"
        slow.sendall(f"{head}Authorization: Bearer {token}\r\n\r\n".encode())
        days = iter(EARLY + timedelta(days=n) for n in range(5000))

        def dropped() -> bool:
            show(outcome, next(days))
            return measured(stack, "outcome-stream", "journey_stream_dropped_total") == 1

        until(dropped, "the slow client dropped")
    expected = show(outcome, LATER)
    with streaming(
        f"{url}/programmes/stream-test/figures", {"Authorization": f"Bearer {token}"}
    ) as snapshots:
        until(lambda: next(snapshots)[1]["figures"] == expected["figures"], "the newest, for others")


def test_the_stream_stops_at_once_though_clients_are_connected(stack: Stack, outcome: Any) -> None:
    bearer = {"Authorization": f"Bearer {stack.token('styrgruppen', 'owner')}"}
    with streaming(f"{stack.url('outcome-stream')}/programmes/stream-test/figures", bearer) as snapshots:
        next(snapshots)
        begun = time.monotonic()
        stack.stop("outcome-stream")
        assert time.monotonic() - begun < 10
        assert list(snapshots) == []
