"""The consumer's fold and the relay, each against its bare counterpart."""

from typing import Any

from tests.bench import fold
from tests.bench.folding import collected_as_in_a_service, folded, sums
from tests.bench.surroundings import Bench
from tests.bench.turns import in_turn

POLL_SIZES = (500, 1000, 2000, 5000)


def measure(bench: Bench) -> dict[str, Any]:
    """Fold without and with emission, and the relay; a side's rate is the median of its rounds."""
    client, options, load, topic = bench.client, bench.options, bench.load, bench.topic
    by_size = {size: fold.bare(client, options, topic, load, size) for size in POLL_SIZES}
    size = max(by_size, key=lambda one: by_size[one])
    native_by_size = {one: fold.bare_native(client, options, topic, load, one) for one in POLL_SIZES}
    native_size = max(native_by_size, key=lambda one: native_by_size[one])
    turns = in_turn(
        {
            "ours": lambda: ours(bench),
            "emitting": lambda: ours(bench, emits=True),
            "bare": lambda: fold.bare(client, options, topic, load, size),
            "bare, seldom": lambda: bare_seldom(bench, size),
            "native": lambda: fold.bare_native(client, options, topic, load, native_size),
        }
    )
    half = bench.events // 2
    outlet = bench.new_topic()
    fold.create(options, outlet)
    relay = in_turn(
        {
            "ours": lambda: relayed(bench, outlet, half),
            "bare": lambda: fold.bare_sends(options, outlet, half),
        }
    )
    return {
        "fold": {**turns.against("ours", "bare"), "bare_poll_size": size},
        "fold_seldom": turns.against("ours", "bare, seldom"),
        "fold_native": {**turns.against("ours", "native"), "native_poll_size": native_size},
        "fold_emitting": turns.against("emitting", "bare"),
        "relay": relay.against("ours", "bare"),
    }


def bare_seldom(bench: Bench, size: int) -> float:
    """The bare rate with the collector's settings of the platform's own processes. Events/s."""
    with collected_as_in_a_service():
        return fold.bare(bench.client, bench.options, bench.topic, bench.load, size)


def relayed(bench: Bench, outlet: str, events: int) -> float:
    """The relay's rate. Events/s."""
    with collected_as_in_a_service():
        return fold.relayed(bench.client, bench.options, outlet, events)


def ours(bench: Bench, *, emits: bool = False) -> float:
    """The platform's rate on the usual load, and proof that nothing was lost or doubled. Events/s."""
    database = f"bench_fold_{'emitting' if emits else 'quiet'}"
    bench.client.drop_database(database)
    done = folded(bench.client, bench.options, bench.topic, bench.events, database=database, emits=emits)
    total = sums(bench.client, database)
    assert total["n"] == bench.events, f"{total['n']} of {bench.events} events were applied"
    return done.events_a_second
