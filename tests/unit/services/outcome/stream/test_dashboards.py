"""A dashboard's topic gets its own programme's published figures, all of them, however late it is opened."""

import pytest
from confluent_kafka import KafkaError as NativeError
from confluent_kafka import KafkaException
from kafka.errors import KafkaError

from services.outcome.stream.dashboards import LOOK_SECONDS, TOPIC, Dashboards
from services.outcome.stream.indicators import Record

OWNER, FUNDER, OTHER = (f"dashboard.{one}.v1" for one in ("coactive_owner", "coactive_funder", "a_b_public"))


class Filled:
    """Satisfies `Filled`; deeds: in their order."""

    def __init__(self, *known: str) -> None:
        self.known = dict.fromkeys(known, "1")
        self.deeds: list[str] = []

    def filled(self) -> dict[str, str]:
        return dict(self.known)

    def fill(self, topic: str, identity: str, programme: str) -> None:
        self.known[topic] = identity
        self.deeds.append(f"{topic} of {programme}")

    def end(self, topic: str) -> None:
        self.known.pop(topic)
        self.deeds.append(f"{topic} ended")


class Kafka:
    """The topics that Kafka shows, and the time."""

    def __init__(self, *topics: str) -> None:
        self.shown = frozenset({"journey.indicators.v1", "dashboard.x_boss.v1", *topics})
        self.away = False
        self.identity = "1"
        self.at = 0.0

    def topics(self) -> dict[str, str]:
        if self.away:
            raise KafkaException(NativeError(NativeError._TRANSPORT))
        return dict.fromkeys(self.shown, self.identity)

    def now(self) -> float:
        return self.at


def sent(dashboards: Dashboards, programme: str) -> list[str]:
    one = Record("journey.indicators.v1", f"{programme}|figures.started".encode(), b"{}", [])
    return [copy.topic for copy in dashboards.copies([one])]


def test_a_record_goes_to_the_dashboards_of_its_programme_and_no_other() -> None:
    filled, kafka = Filled(OWNER), Kafka(OWNER, FUNDER, OTHER)
    dashboards = Dashboards(filled, kafka.topics, kafka.now)
    dashboards.look()
    assert sent(dashboards, "coactive") == ["journey.indicators.v1", FUNDER, OWNER]
    assert sent(dashboards, "a_b") == ["journey.indicators.v1", OTHER]
    assert sent(dashboards, "a") == ["journey.indicators.v1"]
    assert sorted(filled.deeds) == sorted([f"{FUNDER} of coactive", f"{OTHER} of a_b"])


def test_one_that_is_opened_later_or_again_is_filled_first() -> None:
    filled, kafka = Filled(), Kafka()
    dashboards = Dashboards(filled, kafka.topics, kafka.now)
    for topics in ((), (OWNER,), (), (OWNER,)):
        kafka.shown, kafka.at = frozenset(topics), kafka.at + LOOK_SECONDS
        dashboards.look()
    assert filled.deeds == [f"{OWNER} of coactive", f"{OWNER} ended", f"{OWNER} of coactive"]
    kafka.identity, kafka.at = "2", kafka.at + LOOK_SECONDS
    dashboards.look()
    assert filled.deeds[3:] == [f"{OWNER} of coactive"], "it was made anew under its name"


def test_it_looks_every_few_seconds_and_at_once_when_it_begins_anew() -> None:
    filled, kafka = Filled(), Kafka()
    dashboards = Dashboards(filled, kafka.topics, kafka.now)
    dashboards.look()
    kafka.shown = frozenset({OWNER})
    dashboards.look()
    assert filled.deeds == []
    dashboards.forget()
    dashboards.look()
    assert filled.deeds == [f"{OWNER} of coactive"]


def test_what_kafka_does_not_say_changes_nothing() -> None:
    filled, kafka = Filled(OWNER), Kafka(OWNER)
    dashboards = Dashboards(filled, kafka.topics, kafka.now)
    kafka.away = True
    with pytest.raises(KafkaError):
        dashboards.look()
    assert filled.known == {OWNER: "1"}


def test_a_topic_s_name_says_its_programme() -> None:
    assert {one: found[1] for one in (OWNER, OTHER) if (found := TOPIC.fullmatch(one))} == {
        OWNER: "coactive",
        OTHER: "a_b",
    }
    assert not TOPIC.fullmatch("dashboard.x_boss.v1")
