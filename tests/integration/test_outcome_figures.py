"""The projector on a real database: every event late, doubled and out of order, and still the figures of the truth."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.database import Database

from services.outcome import handlers
from services.outcome.app import FIGURES
from services.outcome.figures.cells import DAYS
from services.outcome.figures.period import Period
from services.outcome.figures.projection import project
from services.outcome.figures.report import summed
from services.outcome.figures.repository import NEWEST, newest, read_cells
from services.outcome.repository import INDEXES
from shared.host.connections import RUNTIME_INDEXES
from shared.language import codec
from shared.language import events as e
from shared.language.access import Actor
from shared.language.decision import Received, key_of
from shared.runtime.arrived import Arrived, Tally
from shared.runtime.breaker import Breaker
from shared.runtime.fold import Batch
from shared.runtime.published import Published
from shared.runtime.transaction import transact
from shared.runtime.unit import Unit
from tests.support.outcome_programme import OWNER, PROGRAMME, SHOP
from tests.support.published import FakeProgrammes, FakePublished
from tests.support.random_journeys import RandomJourney, arrivals

Client = MongoClient[dict[str, Any]]
DATABASE = "figures_in_any_order"


@pytest.fixture(name="database")
def _database(stack: Any) -> Iterator[tuple[Client, Database[dict[str, Any]]]]:
    client: Client = MongoClient(stack.admin_mongo_uri, tz_aware=True, w="majority")
    client.drop_database(DATABASE)
    for collection, models in (*RUNTIME_INDEXES.items(), *INDEXES.items()):
        client[DATABASE][collection].create_indexes(models)
    yield client, client[DATABASE]
    client.drop_database(DATABASE)
    client.close()


def on_the_wire(received: Received) -> Arrived:
    """The event as Kafka holds it."""
    kind = e.BY_BODY[type(received.body)]
    headers = codec.encode_headers(
        kind, received.subject, received.seq, received.body.recorded_at, received.after, ""
    )
    pairs = [(name, text.encode()) for name, text in headers.items()]
    return Arrived(kind.topic, 0, 0, pairs, codec.encode_body(received.body))


def process_batch(client: Client, database: Database[dict[str, Any]], records: Sequence[Arrived]) -> Tally:
    """One poll of the projector, in one transaction."""

    def work(session: ClientSession) -> Tally:
        published = Published(database)
        unit = Unit(database, session, FIGURES.repository, published, "outcome", lambda: datetime.now(UTC))
        batch = Batch(
            unit,
            database,
            session,
            group=FIGURES.group,
            own_source=None,
            sources=frozenset(e.SOURCES),
            folds=FIGURES.folds,
            published=published,
            breaker=Breaker(),
            enrich=FIGURES.enrich,
        )
        batch.fold(records)
        unit.flush()
        return batch.tally

    return transact(client, work)


def test_late_doubled_and_shuffled_events_lead_to_the_figures_of_the_truth(
    database: tuple[Client, Database[dict[str, Any]]],
) -> None:
    client, db = database
    random = Random(11)
    journeys = [RandomJourney(number, random) for number in range(60)]
    for journey in journeys:
        row = {"gender": journey.truth.gender, "complete": journey.truth.complete}
        db["entries"].insert_one({"_id": key_of(journey.subject), **row})
    events = [one for journey in journeys for said in journey.said.values() for one in said]
    records = [on_the_wire(one) for one in [*events, *random.sample(events, 100)]]
    random.shuffle(records)
    tallies = [process_batch(client, db, records[at : at + 40]) for at in range(0, len(records), 40)]
    assert sum(len(one.events) for one in tallies) == len(events)
    assert sum(one.parked.get("waiting", 0) for one in tallies) > 50
    assert sum(one.parked.get("poison", 0) for one in tallies) == 0
    assert db["parked"].count_documents({}) == 0

    expected: dict[str, int] = {}
    by_days: Counter[tuple[str, str, str]] = Counter()
    for journey in journeys:
        state = None
        for received in arrivals(journey, random):
            change = project(state, received, FakeProgrammes(PROGRAMME))
            state = change.state
            for add in change.adds:
                if add.collection == DAYS:
                    for name, amount in add.cells.items():
                        by_days[add.also["day"], add.also["provider"], name.removeprefix("n.")] += amount
                else:
                    cell = add.also["cell"]
                    expected[cell] = expected.get(cell, 0) + add.cells["n"]
    found = {cell: n for cell, n in read_cells(db, PROGRAMME.id).items() if n}
    assert found == {cell: n for cell, n in expected.items() if n}
    assert found == {cell: n for cell, n in summed(db["cells"].find()).items() if n}
    assert {row["shard"] for row in db["cells"].find({"cell": "received"})} == {0, 1, 2, 3}
    assert read_cells(db, "another") == {}

    _has_days(client, db, by_days)

    changes = newest(db, PROGRAMME.id)
    assert len(changes) == NEWEST
    assert {tuple(one) for one in changes} == {("type", "recorded_at")}
    moments = [one["recorded_at"] for one in changes]
    assert moments == sorted(moments, reverse=True)
    latest = max(one.body.recorded_at for one in events)
    assert moments[0] == latest


def _has_days(
    client: Client, db: Database[dict[str, Any]], expected: Mapping[tuple[str, str, str], int]
) -> None:
    """Days are kept as they were counted, and read by the report of a period and of each part of it."""
    found: Counter[tuple[str, str, str]] = Counter()
    for row in db[DAYS].find():
        for code, amount in row["n"].items():
            found[row["day"], row["provider"], code] += amount
    assert {key: n for key, n in found.items() if n} == {key: n for key, n in expected.items() if n}
    days = sorted({day for day, _, _ in expected})
    middle = date.fromisoformat(days[len(days) // 2])
    first, last = date.fromisoformat(days[0]), date.fromisoformat(days[-1])
    whole, before, after = (
        _started(client, db, Period(one, other, "provider"))
        for one, other in ((first, last), (first, middle), (middle + timedelta(days=1), last))
    )
    assert whole[None] == sum(n for (_, _, code), n in expected.items() if code == "started")
    assert whole[SHOP] == sum(n for (_, who, code), n in expected.items() if (who, code) == (SHOP, "started"))
    assert whole == {group: before.get(group, 0) + after.get(group, 0) for group in whole}
    plan = (
        db[DAYS]
        .find({"programme": PROGRAMME.id, "_id": {"$gt": f"{PROGRAMME.id}|2016"}})
        .sort("_id", 1)
        .explain()
    )
    assert "IXSCAN" in str(plan["queryPlanner"]["winningPlan"])
    assert "'SORT'" not in str(plan["queryPlanner"]["winningPlan"])


def _started(client: Client, db: Database[dict[str, Any]], period: Period) -> dict[str | None, Any]:
    def work(session: ClientSession) -> dict[str, Any]:
        unit = Unit(
            db,
            session,
            FIGURES.repository,
            FakePublished(FakeProgrammes(PROGRAMME)),
            "outcome",
            lambda: datetime.now(UTC),
        )
        return handlers.read_period(unit, Actor("analyst-1", OWNER, "analyst"), PROGRAMME.id, period)

    rows = transact(client, work)["period"]["rows"]
    return {row["group"]: row["value"] for row in rows if row["figure"] == "started"}
