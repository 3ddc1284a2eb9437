"""Faults that strike a consumer: killed, stopped, doubled, multiplied."""

from __future__ import annotations

import signal

from tests.chaos.scenario import scenario
from tests.chaos.world import World

VICTIM = "activity-tracking-consume"
SESSION_SECONDS = 6.0
LEASE_SECONDS = 10.0
SLOW_SECONDS = 0.3


def _killed_at(world: World, place: str, nth: int) -> str:
    """Run the victim under the fault until it has killed itself and is up again."""
    world.stack.run(VICTIM, f"kill:{place}:consumer:{nth}")
    restarts = world.stack.entries()[VICTIM].restarts
    said = world.died(VICTIM)
    world.fault_ended()
    world.until(
        lambda: (
            world.stack.entries()[VICTIM].restarts > restarts
            and world.stack.entries()[VICTIM].state == "ready"
        ),
        f"{VICTIM} started again",
    )
    code = world.stack.entries()[VICTIM].last_exit
    assert code == -signal.SIGKILL, f"{VICTIM} ended with {code}"
    return said


@scenario(1, "kill -9 a consumer before its commit", part=True, recovers_within=25)
def killed_before_commit(world: World) -> None:
    with world.load():
        world.await_traffic()
        said = _killed_at(world, "before-commit", world.random.randint(5, 15))
        world.await_traffic()
    world.record_evidence("killed in the open transaction", said)


@scenario(2, "kill -9 a consumer after its commit, before its next poll", part=True, recovers_within=25)
def killed_after_commit(world: World) -> None:
    with world.load():
        world.await_traffic()
        said = _killed_at(world, "after-commit", world.random.randint(5, 15))
        world.await_traffic()
    world.record_evidence("killed right after the commit", said)


@scenario(3, "a consumer stopped past its session timeout, then continued", part=True, recovers_within=25)
def stopped_past_session(world: World) -> None:
    second = f"{VICTIM}.2"
    with world.load():
        world.await_traffic()
        world.stack.run(VICTIM, f"stop:before-transaction:consumer:{world.random.randint(8, 15)}")
        world.stack.run(second)
        said = world.died(VICTIM)
        before = world.metric(second, "journey_events_applied_total", group="activity-tracking")
        world.rest(SESSION_SECONDS + 3)
        world.until(
            lambda: world.metric(second, "journey_events_applied_total", group="activity-tracking") > before,
            "the second instance going on",
        )
        world.stack.kill(VICTIM, signal.SIGCONT)
        world.fault_ended()
        fenced = world.until(
            lambda: world.metric(VICTIM, "journey_fenced_total", group="activity-tracking"), "the fence"
        )
        world.await_traffic()
    world.record_evidence("fenced", f"{fenced:.0f} batches refused after {said}")


@scenario(4, "a consumer stopped inside its open transaction", recovers_within=25)
def stopped_in_transaction(world: World) -> None:
    second = f"{VICTIM}.2"
    with world.load():
        world.await_traffic()
        world.stack.run(VICTIM, f"stop:before-commit:consumer:{world.random.randint(8, 15)}")
        world.stack.run(second)
        said = world.died(VICTIM)
        world.fault_ended()
        before = world.metric(second, "journey_events_applied_total", group="activity-tracking")
        world.until(world.recovered_seconds, "the second instance doing all", 40)
        after = world.metric(second, "journey_events_applied_total", group="activity-tracking")
        world.stack.kill(VICTIM, signal.SIGCONT)
        refused = world.until(
            lambda: (
                world.metric(VICTIM, "journey_fenced_total", group="activity-tracking")
                + world.metric(VICTIM, "journey_batch_failures_total", group="activity-tracking")
            ),
            "the stopped one's transaction being refused",
        )
        world.await_traffic()
    world.record_evidence(
        "the successor went on",
        f"{after - before:.0f} events applied by it, {refused:.0f} refused after {said}",
    )


@scenario(5, "two consumers forced onto the same partitions", part=True, recovers_within=25)
def same_partitions(world: World) -> None:
    second = f"{VICTIM}.2"

    def applied() -> list[float]:
        return [
            world.metric(one, "journey_events_applied_total", group="activity-tracking")
            for one in (VICTIM, second)
        ]

    with world.load():
        for one in (VICTIM, second):
            world.stack.run(one, "assign-all")
        world.until(lambda: all(applied()), "both applying events")
        counts = applied()
        # Slow between poll and transaction: what it would store then lies behind what the other has stored.
        world.stack.run(second, "assign-all", f"slow:before-transaction:consumer:{SLOW_SECONDS}")
        world.await_traffic(60)
        fenced = world.until(
            lambda: world.metric(second, "journey_fenced_total", group="activity-tracking"),
            "the slow one's fence",
        )
        world.stack.ordinary()
        world.fault_ended()
        world.await_traffic()
    world.record_evidence(
        "both read all",
        f"{counts[0]:.0f} and {counts[1]:.0f} events applied at one pace; {fenced:.0f} batches of the slow one fenced",
    )


@scenario(6, "one, four and again one instance, every ten seconds", recovers_within=25)
def one_four_one(world: World) -> None:
    victim, step = "outcome-consume", 10.0 if world.full else 4.0
    more = [f"{victim}.{n}" for n in (2, 3, 4)]
    took = world.holders("outcome")
    with world.load():
        world.await_traffic()
        for one in more:
            world.stack.run(one)
            world.rest(step)
        for one in more:
            world.stack.stop(one)
            world.rest(step)
        world.fault_ended()
        world.await_traffic()
    count = world.holders("outcome") - took
    assert count >= 4, f"partitions were taken over {count} times only"
    world.record_evidence("partitions moved", f"{count} takeovers by a new holder")
