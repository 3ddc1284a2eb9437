"""The topics of dashboards: one for each audience of a programme, each with that programme's published figures alone.

They are made when a programme is published (`python -m deploy.programmes`). Outcome fills every one that it may see.
One that was not there at the last look is first given all that was published before: its records are marked to be sent
again. One that was made anew under its name is too. Whoever publishes looks itself, so that nothing is sent between the
look and the marking.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import structlog
from confluent_kafka import KafkaException
from kafka.errors import KafkaTimeoutError
from pymongo import MongoClient

from services.outcome.stream.indicators import Record
from shared.language.forms import CODE
from shared.runtime.kafka import Logs

TOPIC = re.compile(rf"dashboard\.({CODE})_(owner|funder|public)\.v1")
OPEN = "dashboards"
"""The topics that have been given all that was published before; a row each, with Kafka's id of the topic."""
LOOK_SECONDS = 5.0

log = structlog.get_logger()


def dashboards_in(logs: Logs) -> Mapping[str, str]:
    """The topics of dashboards that this principal may see, {topic: its id}. Raises KafkaException."""
    return logs.identities(one for one in logs.topics() if TOPIC.fullmatch(one))


class Filled(Protocol):
    """Which topics have all that was published before. Every method may block and raise PyMongoError."""

    def filled(self) -> Mapping[str, str]:
        """{topic: its id}."""

    def fill(self, topic: str, identity: str, programme: str) -> None:
        """Have all of the programme sent again, and count the topic with that id as filled. Safe to repeat."""

    def end(self, topic: str) -> None:
        """The topic is there no longer: if it comes again, it is filled anew."""


class StoredFilled:
    """Satisfies `Filled` in outcome's database. again: the mark of an indicator that is to be sent again."""

    def __init__(self, client: MongoClient[dict[str, Any]], database: str, again: str) -> None:
        self._rows = client[database][OPEN]
        self._indicators = client[database]["indicators"]
        self._again = again

    def filled(self) -> Mapping[str, str]:
        """{topic: its id}."""
        return {row["_id"]: row["topic"] for row in self._rows.find()}

    def fill(self, topic: str, identity: str, programme: str) -> None:
        """Have all of the programme sent again, and count the topic with that id as filled."""
        # `|` ends a programme's code in a key, and `}` is the character after it.
        mine = {"_id": {"$gte": f"{programme}|", "$lt": f"{programme}}}"}}
        self._indicators.update_many(mine, {"$set": {"pend": self._again}})
        self._rows.update_one({"_id": topic}, {"$set": {"topic": identity}}, upsert=True)

    def end(self, topic: str) -> None:
        """Forget the topic."""
        self._rows.delete_one({"_id": topic})


class Dashboards:
    """The topics of each programme's dashboards, as the publisher knows them. For one thread.

    topics: asks Kafka which of these topics outcome may see, {topic: its id}; raises KafkaException.
    """

    def __init__(
        self,
        filled: Filled,
        topics: Callable[[], Mapping[str, str]],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._filled = filled
        self._topics = topics
        self._now = now
        self._looked: float | None = None
        self._by_programme: dict[str, tuple[str, ...]] = {}

    def look(self) -> None:
        """See which topics there are, unless that was seen just now. Raises KafkaError, PyMongoError."""
        if self._looked is not None and self._now() - self._looked < LOOK_SECONDS:
            return
        began = self._now()
        try:
            ids = self._topics()
        except KafkaException as error:
            raise KafkaTimeoutError("the topics of dashboards are not known") from error
        there = {one: found[1] for one in ids if (found := TOPIC.fullmatch(one))}
        known = self._filled.filled()
        for topic in sorted(known.keys() - there.keys()):
            self._filled.end(topic)
        for topic in sorted(one for one in there if known.get(one) != ids[one]):
            self._filled.fill(topic, ids[topic], there[topic])
            log.info("dashboard-opened", topic=topic)
        found_now: dict[str, tuple[str, ...]] = {}
        for topic, programme in sorted(there.items()):
            found_now[programme] = (*found_now.get(programme, ()), topic)
        self._by_programme, self._looked = found_now, began

    def forget(self) -> None:
        """Look again before anything is sent."""
        self._looked = None

    def copies(self, records: Sequence[Record]) -> list[Record]:
        """The records, and each once more for every dashboard of its programme."""
        return [
            copy for one in records for copy in (one, *(replace(one, topic=topic) for topic in self._of(one)))
        ]

    def _of(self, one: Record) -> tuple[str, ...]:
        return self._by_programme.get(one.key.decode().partition("|")[0], ())
