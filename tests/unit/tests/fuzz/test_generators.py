"""The fuzzers' generators: what is known to have done harm always comes first, a seed repeats, and most is honest."""

import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz.all import FUZZERS
from tests.fuzz.api import Api
from tests.fuzz.connections import MANNERS, Connections
from tests.fuzz.files import MIB, NDJSON, PROCESS, Files
from tests.fuzz.fuzzer import Fuzzer
from tests.fuzz.inbound import Inbound
from tests.fuzz.keys import Keys
from tests.fuzz.spoofing import Spoofing
from tests.fuzz.tokens import Tokens
from tests.fuzz.world import REFERRER, STEPS, STRANGER, Journey, World
from tools.stack import Settings, Stack

ID = "0123456789abcdefghjkmnpqrs"


@pytest.fixture(name="world")
def _world(tmp_path: Path) -> Iterator[World]:
    """A world whose stack does not run: enough to generate from."""
    world = World(Stack(Settings(17_900, tmp_path)), random.Random(7), print)
    world.journeys = [Journey(f"p-{ID}", REFERRER, f"j-{ID}", stage) for stage in STEPS]
    yield world
    world.close()


def made(kind: type[Fuzzer[Any]], world: World, count: int = 60) -> list[Any]:
    """So many generated trials of one seed."""
    fuzzer = kind(world, random.Random("5"))
    return [fuzzer.generated() for _ in range(count)]


@pytest.mark.parametrize("kind", FUZZERS, ids=lambda one: one.name)
def test_every_trial_can_be_read_and_made_smaller(kind: type[Fuzzer[Any]], world: World) -> None:
    fuzzer = kind(world, random.Random("5"))
    for trial in [*fuzzer.known(), *made(kind, world)]:
        assert str(trial)
        assert len(str(trial)) < 20_000
        assert all(type(one) is type(trial) for one in islice(trial.simpler(), 20))


def test_a_null_trace_and_a_name_that_is_no_utf_8_are_the_first_headers(world: World) -> None:
    known = Inbound(world, random.Random("5")).known()
    headers = [(one.value, one.headers) for one in known]
    assert headers[0] == (b"{}", (("traceparent", None),))
    assert headers[1] == (b"{}", (("\udcff\udcfe", b"x"),))


def test_another_service_s_event_and_sources_that_are_none_come_first(world: World) -> None:
    known = Spoofing(world, random.Random("5")).known()
    forged = [dict(one.headers) for one in known if not one.honest and one.principal == "handover"]
    assert forged[0]["ce_type"] == b"journey.intake.journey-started.v1"
    assert {one["ce_source"] for one in forged} == {b"intake", b"$where", b"a.b", b"", b"handover"}
    assert sum(one.honest for one in known) > len(known) * 0.3


def test_the_files_that_cost_minutes_and_megabytes_come_first(world: World) -> None:
    known = Files(world, random.Random("5")).known()
    assert (known[0].who, known[0].body[:524_289]) == (STRANGER, b"," * 524_288 + b"x")
    assert known[2].body == b"1\n" * (MIB // 2)
    assert any(one.chunked and len(one.body) > MIB and one.media == NDJSON for one in known)


def test_a_row_s_key_and_a_colleague_s_row_come_first(world: World) -> None:
    known = Keys(world, random.Random("5")).known()
    first, second = known[0].steps, known[1].steps
    assert first[0].key == f"reference:{first[0].marks}".encode()
    assert second[0].who.duty == "analyst"
    assert second[0].key == f"reference:{second[1].marks}".encode()


def test_a_duty_that_is_a_list_comes_first(world: World) -> None:
    assert Tokens(world, random.Random("5")).known()[0].claims["duty"] == ["supervisor"]


def test_forty_unfinished_heads_come_first(world: World) -> None:
    first = Connections(world, random.Random("5")).known()[0]
    assert (first.count, first.manner) == (40, "unfinished head")
    assert all(b"{target}" in said or b"{token}" not in said for said in MANNERS.values())


def test_a_lone_surrogate_in_a_name_comes_first(world: World) -> None:
    assert b'"\\ud800"' in Api(world, random.Random("5")).known()[0].sent.body


def test_a_seed_makes_the_same_files_again(world: World, tmp_path: Path) -> None:
    other = World(Stack(Settings(17_900, tmp_path / "other")), random.Random(7), print)
    other.journeys = world.journeys
    assert [str(one) for one in made(Files, world)] == [str(one) for one in made(Files, other)]
    other.close()


def test_most_files_are_honest_and_each_change_is_tried(world: World) -> None:
    told = [one.told for one in made(Files, world, 400)]
    assert told.count("honest") > 150
    assert len(set(told)) > 15
    assert PROCESS == "activity-tracking-web"
