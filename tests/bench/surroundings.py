"""What every comparison stands on: one stack, one load, and how a process of the bench reaches both."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import structlog
from pymongo import MongoClient

from deploy.topics import config_from_environment
from shared.runtime.kafka import API_VERSION
from tests.bench import fold
from tools.stack import Stack

Client = MongoClient[dict[str, Any]]


@dataclass
class Bench:
    """A running stack, an administrator's connections to it, and how many events a run is about."""

    stack: Stack
    events: int

    @cached_property
    def client(self) -> Client:
        """The database, as its administrator."""
        return connected(self.stack.admin_mongo_uri)

    @cached_property
    def options(self) -> dict[str, Any]:
        """How Kafka is reached, as its superuser."""
        return kafka_options(self.surroundings())

    @cached_property
    def load(self) -> fold.Load:
        """The usual load: twenty events a journey."""
        return fold.Load(self.events, max(1, self.events // 20))

    @cached_property
    def topic(self) -> str:
        """A topic that holds the usual load."""
        return self.filled(self.load)

    def filled(self, load: fold.Load) -> str:
        """A new topic that holds this load."""
        topic = self.new_topic()
        fold.fill(self.options, topic, load.said())
        return topic

    def new_topic(self) -> str:
        """A name that no topic has yet."""
        return f"bench.{time.time_ns()}"

    def surroundings(self) -> dict[str, str]:
        """What a process of the bench is told."""
        settings = self.stack.settings
        return {
            "MONGODB_URI": self.stack.admin_mongo_uri,
            "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_address,
            "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "KAFKA_USERNAME": "admin",
            "KAFKA_PASSWORD": settings.credentials.kafka("admin"),
        }

    def process(self, module: str, *arguments: str) -> subprocess.Popen[str]:
        """A module of the bench in a process of its own, which says what it has to say on its standard output."""
        return subprocess.Popen(
            [sys.executable, "-m", f"tests.bench.{module}", *arguments],
            env={**os.environ, **self.surroundings()},
            stdout=subprocess.PIPE,
            text=True,
        )


def only_warnings() -> None:
    """Let the platform's log say what went wrong, on standard error; what is printed is the bench's."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def connected(uri: str) -> Client:
    """The database, as everybody here connects to it."""
    return MongoClient(uri, tz_aware=True, w="majority")


def kafka_options(surroundings: Mapping[str, str]) -> dict[str, Any]:
    """How the platform's own clients, and bare ones of the same library, reach Kafka."""
    return {**config_from_environment(surroundings), "api_version": API_VERSION}
