"""The agency that joins in the middle of the play: the plan, and what its joining is held to."""

import os
import socket
from datetime import timedelta

import pytest

from clients.player.acts import Act, Plan
from clients.player.joining import changed
from clients.player.newcomer import FATES, UNIT, joins_on
from clients.player.processes import listeners
from clients.player.scenario import build
from tests.support.player_programme import CODES, INBOUND


@pytest.fixture(params=(1, 7, 2016), scope="module", name="plan")
def _plan(request: pytest.FixtureRequest) -> Plan:
    return build(CODES, request.param, inbound=INBOUND)


def acts(plan: Plan) -> list[Act]:
    return [one for step in plan.steps for one in step.acts]


def test_it_is_registered_then_joins_and_refers_over_its_topic_on_the_same_day(plan: Plan) -> None:
    first = next(one.plan_key for one in acts(plan) if one.by == UNIT)
    begun = [one for one in acts(plan) if one.plan_key == first][:5]
    assert [(one.deed, one.channel) for one in begun] == [
        ("register_unit", "http"),
        ("begin_membership", "http"),
        ("open_topics", "command"),
        ("register", "http"),
        ("refer", "inbound"),
    ]
    assert {one.recorded_on for one in begun} == {joins_on(CODES)}


def test_it_does_nothing_before_and_has_time_for_all_that_follows(plan: Plan) -> None:
    own = [one for one in acts(plan) if one.by == UNIT and one.deed == "refer"]
    assert len(own) == len(FATES)
    assert min(one.recorded_on for one in own) == joins_on(CODES)
    assert max(one.recorded_on for one in own) < CODES.ends_on - timedelta(days=290)
    assert {one.channel for one in own} == {"inbound"}


def test_a_process_that_was_started_again_or_is_gone_is_named() -> None:
    assert changed({"a": 1, "b": 2}, {"a": 1, "b": 2}) == ()
    assert changed({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 4}) == ("b", "c")


def test_a_process_is_found_by_the_port_on_which_it_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        ports = [server.getsockname()[1], other.getsockname()[1]]
        assert list(listeners(ports)) == [(ports[0], os.getpid())]
