"""The fold with a million journeys in the collection against ten thousand, and with many events in the archive.

What lies there beforehand is made by the database itself, of the same shape as what the platform writes.
"""

import itertools
import os
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from shared.host.connections import RUNTIME_INDEXES
from tests.bench import fold
from tests.bench.folding import folded, sums
from tests.bench.surroundings import Bench
from tests.bench.turns import in_turn
from tests.support.counting import CountingRepository

FEW, MANY = 10_000, 1_000_000
LAP = 2_500
"""So many journeys speak twice each before others do: each batch meets the same number of them on both sides."""

SHARE = 4
"""Of the usual number of events, each round folds this part."""

BLOCK = 1_000
"""So many documents come of each that the database is told of."""


def of_journeys(bench: Bench) -> dict[str, Any]:
    """The fold among a million journeys, and among ten thousand."""
    events = bench.events // SHARE
    few, many = Population(bench, FEW), Population(bench, MANY)
    turns = in_turn({"few": lambda: few.fold_more(events), "many": lambda: many.fold_more(events)})
    found = {
        **turns.against("many", "few"),
        "journeys_a_transaction": {one.size: one.journeys_a_transaction() for one in (few, many)},
    }
    few.leave()
    many.leave()
    return {"million_journeys": found}


def of_events(bench: Bench) -> dict[str, Any]:
    """The fold with BENCH_BEHIND events in the archive, and with none; in silence, and saying an event for each.

    In silence the fold never touches the archive: what is behind weighs only by the room it takes. Else each event
    is one more among those of its journey.
    """
    events = bench.events // SHARE
    behind = int(os.environ.get("BENCH_BEHIND") or "1000000")
    full, empty = Population(bench, FEW, behind), Population(bench, FEW, 0)
    turns = in_turn(
        {
            "full": lambda: full.fold_more(events),
            "empty": lambda: empty.fold_more(events),
            "full, emitting": lambda: full.fold_more(events, emits=True),
            "empty, emitting": lambda: empty.fold_more(events, emits=True),
        }
    )
    told = {"behind": behind, "megabytes_behind": full.archived >> 20}
    full.leave()
    empty.leave()
    return {
        "events_behind": {**turns.against("full", "empty"), **told},
        "events_behind_emitting": {**turns.against("full, emitting", "empty, emitting"), **told},
    }


class Population:
    """A database with so many journeys, each of which has been heard of once; `behind`: events in the archive that
    they came to, the same number of each.
    """

    def __init__(self, bench: Bench, size: int, behind: int | None = None) -> None:
        self.size = size
        self.archived = 0
        self._bench = bench
        self._database = f"bench_among_{size}_{behind}"
        order = list(range(size))
        random.Random(size).shuffle(order)
        self._turn = itertools.cycle(order)
        self._said: Counter[int] = Counter()
        self._journeys: list[float] = []
        self._settle(behind or 0)

    def fold_more(self, events: int, *, emits: bool = False) -> float:
        """Publish so many events and fold them on top of what is there. Events/s."""
        topic = self._bench.new_topic()
        fold.fill(self._bench.options, topic, itertools.islice(self._says(), events))
        self._bench.client.admin.command("fsync")
        done = folded(
            self._bench.client, self._bench.options, topic, events, database=self._database, emits=emits
        )
        self._journeys.append(done.journeys_a_transaction)
        total = sums(self._bench.client, self._database)
        expected = self.size + sum(self._said.values())
        assert total["n"] == expected, f"{total['n']} of {expected} events were applied"
        return done.events_a_second

    def journeys_a_transaction(self) -> float:
        """How many of them a batch of the fold was about, on average."""
        return round(sum(self._journeys) / len(self._journeys))

    def leave(self) -> None:
        """Make room."""
        self._bench.client.drop_database(self._database)

    def _settle(self, behind: int) -> None:
        """Fill the database, and have it on disk before anything is measured."""
        client = self._bench.client
        client.drop_database(self._database)
        each = behind // self.size
        self._make(CountingRepository.collection, self.size, _state(each))
        if each:
            self._make("events", each * self.size, _archived(self.size))
            self.archived = client[self._database].command("collStats", "events")["size"]
        for collection, models in RUNTIME_INDEXES.items():
            client[self._database][collection].create_indexes(models)
        client.admin.command("fsync")

    def _make(self, collection: str, count: int, document: Mapping[str, Any]) -> None:
        """`count` documents, `$n` being the number of each; a multiple of a thousand."""
        number = {"$add": [{"$multiply": ["$block", BLOCK]}, "$place"]}
        self._bench.client[self._database].aggregate(
            [
                {"$documents": [{"block": block} for block in range(count // BLOCK)]},
                {"$set": {"place": {"$range": [0, BLOCK]}}},
                {"$unwind": "$place"},
                {"$project": {"n": number}},
                {"$replaceWith": document},
                {"$out": collection},
            ],
            allowDiskUse=True,
        )

    def _says(self) -> Iterator[fold.Said]:
        while True:
            lap = list(itertools.islice(self._turn, LAP)) * 2
            random.Random(lap[0]).shuffle(lap)
            for journey in lap:
                self._said[journey] += 1
                yield fold.subject(journey), 1 + self._said[journey]


def _state(said: int) -> dict[str, Any]:
    """A journey's document after one event, and `said` events of its own."""
    return {
        "_id": _subject("$n"),
        "v": 1,
        "rev": 0,
        "out": {"seq": said, "hlc": said, "replies": 0},
        "in": {"activity-tracking": 1},
        "chain": {"activity-tracking": 1 << 62},
        "seen": {"activity-tracking": 1},
        "waits": 0,
        "blocked": False,
        "state": {"n": 1, "minutes": 60},
    }


def _archived(journeys: int) -> dict[str, Any]:
    """A published event: the n-th of all, the journeys taking turns."""
    example = fold.outgoing("bench", 1)
    subject = _subject({"$mod": ["$n", journeys]})
    number = {"$add": [1, {"$toInt": {"$floor": {"$divide": ["$n", journeys]}}}]}
    headers = {
        **example["headers"],
        "ce_id": {"$concat": ["activity-tracking:", subject, ":", {"$toString": number}]},
        "ce_subject": subject,
        "ce_sequence": {"$toString": number},
    }
    del example["pend"]
    identity = {"$concat": [subject, ":", _padded(number, 8)]}
    return {**example, "_id": identity, "key": subject, "ts": "$n", "headers": headers}


def _subject(number: Any) -> dict[str, Any]:
    """`fold.subject` as the database says it."""
    return {"$concat": ["journey/j-" + "0" * 18, _padded(number, 8)]}


def _padded(number: Any, digits: int) -> dict[str, Any]:
    return {"$substrCP": [{"$toString": {"$add": [10**digits, number]}}, 1, digits]}
