"""Which organisations send and are answered on topics of their own: those whose inbound topic intake may read now.

An administrator's command gives and takes these rights (`python -m deploy.agencies`); intake has none to give any. It
looks at Kafka's list of topics every few seconds, so an agency joins and leaves without a restart. This module is the
one place that decides it.
"""

import re
import time
from collections.abc import Callable

import structlog
from confluent_kafka import KafkaException
from pymongo.errors import PyMongoError

from shared.language.events import Organisation
from shared.language.forms import ORGANISATION
from shared.runtime.channels import Channels
from shared.runtime.kafka import Logs
from shared.runtime.parts import Parts

TOPIC = re.compile(rf"inbound\.({ORGANISATION})\.referrals\.v1")
"""The inbound topic of an agency."""
LOOK_SECONDS = 5.0
GONE_SECONDS = 60.0
"""So long a topic must be away before its organisation counts as gone: a reply that is dropped cannot be had again."""

log = structlog.get_logger()


class Looking:
    """Keeps who has topics now, until told to stop. Several processes may run it at once.

    topics: asks Kafka for the names of all topics that intake may see; raises KafkaException.
    """

    def __init__(
        self, parts: Parts, channels: Channels, topics: Callable[[], frozenset[str]] | None = None
    ) -> None:
        self.progressed_at = time.monotonic()
        self._stop = parts.stop
        self._channels = channels
        self._topics = topics or Logs(parts.kafka_options).topics
        self._away_since: dict[Organisation, float] = {}

    def run(self) -> None:
        """Look every few seconds, until told to stop."""
        while not self._stop.is_set():
            try:
                self.look(time.monotonic())
            except (KafkaException, PyMongoError) as error:
                log.warning("topics-unknown", error=type(error).__name__)
            self.progressed_at = time.monotonic()
            self._stop.wait(LOOK_SECONDS)

    def look(self, now: float) -> None:
        """Keep what Kafka shows now. now: seconds, by a clock that only goes forward. Raises what `run` catches."""
        there = frozenset(found[1] for found in map(TOPIC.fullmatch, self._topics()) if found)
        known = self._channels.now()
        for organisation in sorted(there - known):
            self._channels.keep(organisation)
            log.info("agency-joined", organisation=organisation)
        away = known - there
        self._away_since = {one: self._away_since.get(one, now) for one in away}
        for organisation in sorted(away):
            if now - self._away_since[organisation] >= GONE_SECONDS:
                self._channels.end(organisation)
                log.info("agency-left", organisation=organisation)
