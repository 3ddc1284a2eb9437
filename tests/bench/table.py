"""What was reached, against what was aimed at."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

AIMS: Mapping[str, float] = {
    "fold": 0.8,
    "fold_native": 0.8,
    "fold_emitting": 0.55,
    "relay": 0.5,
    "two_processes": 1.4,
    "million_journeys": 0.75,
    "events_behind": 0.9,
    "hand_written": 50,
    "transaction_each": 35,
    "faststream": 2,
    "hot_keys": 0.2,
    "http": 0.75,
    "http_32_clients": 1.5,
    "many_units": 0.95,
}
"""The least ratio of each comparison; of those that are not named here none was asked."""

MOST_MILLISECONDS: Mapping[str, tuple[float, float]] = {"in_kafka_ms": (40, 150), "in_stream_ms": (80, 300)}
"""p50 and p99 of each hop at 100 commands a second."""

MOST_SECONDS = 2.0
"""The longest that an agency waits for an answer while another has sent 20,000 records."""

MOST_REGISTER_MILLISECONDS: Mapping[str, tuple[str, float]] = {
    "read_ms": ("read", 50),
    "marked_ms": ("all marked in one request", 300),
}
"""Medians of a register of two hundred people."""

MOST_MORNING_SECONDS = 120
"""From the first request of 1,500 sites until the last mark is in the figures."""

MOST_MEGABYTES = 150
WIDTH = 150

WORDS: Mapping[str, tuple[str, str]] = {
    "fold": ("fold", "bare poll and bulk write"),
    "fold_seldom": ("fold", "the same, looking for garbage as seldom"),
    "fold_native": ("fold", "bare consume of librdkafka and bulk write"),
    "fold_emitting": ("fold, an event said for each", "bare poll and bulk write"),
    "relay": ("relay", "bare sends in chunks of 1,000"),
    "two_processes": ("fold by two processes", "by one"),
    "million_journeys": ("fold with 1,000,000 journeys there", "with 10,000"),
    "events_behind": ("fold with many events behind it", "with none"),
    "events_behind_emitting": ("the same, an event said for each", "with none"),
    "hand_written": ("fold", "load, write, commit per message"),
    "transaction_each": ("fold", "a transaction per message"),
    "faststream": ("fold", "FastStream in batches, an update per event"),
    "faststream_added_up": ("fold", "FastStream in batches of 5,000, added up per journey"),
    "hot_keys": ("fold of 10 journeys that 50 write to", "with nobody writing"),
    "hot_keys_among_many": ("fold of all, 50 writing to 10 of them", "with nobody writing"),
    "http": ("commands, 8 clients", "bare Flask, one transaction each"),
    "http_32_clients": ("commands, 32 clients", "bare Flask, one transaction each"),
    "many_units": ("commands where 12,000 units take part (15 rounds)", "where a programme's own do"),
}
HOPS = {
    "answered_ms": "answered",
    "in_kafka_ms": "one hop: in Kafka",
    "in_stream_ms": "two hops: in the dashboard's stream",
}


def show(results: Mapping[str, Any]) -> None:
    """The tables."""
    console = Console(width=max(Console().width, WIDTH))
    console.print(_ratios(results))
    for name in ("latency_at_20_a_second", "latency_at_100_a_second"):
        if name in results:
            console.print(_latency(results[name]))
    if "fair_share" in results:
        console.print(_share(results["fair_share"]))
    if "register_of_a_day" in results:
        console.print(_register(results["register_of_a_day"]))
    if "morning" in results:
        console.print(_morning(results["morning"]))
    if "megabytes" in results:
        console.print(_memory(results["megabytes"]))
    if "bytes_per_event" in results:
        console.print(_bytes(results["bytes_per_event"]))
    for name in missed(results):
        console.print(f"Missed: {name}.")


def missed(results: Mapping[str, Any]) -> list[str]:
    """What was measured and fell short of its aim."""
    found = [name for name, aim in AIMS.items() if name in results and results[name]["ratio"] < aim]
    latency = results.get("latency_at_100_a_second", {})
    for hop, (p50, p99) in MOST_MILLISECONDS.items():
        if hop in latency and (
            latency[hop].get("p50", p50 + 1) > p50 or latency[hop].get("p99", p99 + 1) > p99
        ):
            found.append(hop)
    if results.get("fair_share", {}).get("beside", {}).get("most", 0) > MOST_SECONDS:
        found.append("fair share")
    register = results.get("register_of_a_day", {})
    found += [
        f"register {words}"
        for name, (words, most) in MOST_REGISTER_MILLISECONDS.items()
        if register.get(name, 0) > most
    ]
    if results.get("morning", {}).get("in_figures_s", 0) > MOST_MORNING_SECONDS:
        found.append("morning")
    heavy = [name for name, size in results.get("megabytes", {}).items() if _is_heavy(name, size)]
    return found + [f"memory of {name}" for name in heavy]


def _is_heavy(process: str, megabytes: int) -> bool:
    """The aim is of the platform's own processes; the database's cache and the broker's heap are set elsewhere."""
    return process not in ("database", "broker") and megabytes > MOST_MEGABYTES


def _ratios(results: Mapping[str, Any]) -> Table:
    table = Table(
        "ours", "", "against", "", "ratio", "least–greatest", "aim", title="In turn, medians of three"
    )
    for name, (ours, other) in WORDS.items():
        if one := results.get(name):
            aim = f"≥ {AIMS[name]:g}" if name in AIMS else ""
            ratio, least, greatest = (f"{one[key]:.3g}" for key in ("ratio", "least", "greatest"))
            rates = (f"{one['ours']:,.0f} {one['unit']}", f"{one['other']:,.0f}")
            table.add_row(ours, rates[0], other, rates[1], ratio, f"{least}–{greatest}", aim)
    return table


def _latency(hops: Mapping[str, Any]) -> Table:
    title = f"From POST, at {hops['commands_a_second']:g} commands a second"
    table = Table("until", "p50 ms", "p99 ms", "seen", "aim p50 / p99", title=title)
    asked = MOST_MILLISECONDS if hops["commands_a_second"] >= 100 else {}
    for name, words in HOPS.items():
        one = hops[name]
        aim = " / ".join(f"{most:g}" for most in asked.get(name, ()))
        table.add_row(
            words, str(one.get("p50")), str(one.get("p99")), f"{one['seen']} of {hops['commands']}", aim
        )
    return table


def _share(share: Mapping[str, Any]) -> Table:
    left = f"{share['still_unanswered']:,} of {share['flood']:,} still unanswered at the end"
    title = f"One agency's record until its answer; another's flood, {share['answered_a_second']} a second, {left}"
    table = Table("", "median s", "longest s", "aim", title=title)
    table.add_row("alone", str(share["alone"]["median"]), str(share["alone"]["most"]), "")
    aim = f"≤ {MOST_SECONDS:g}"
    table.add_row("beside the flood", str(share["beside"]["median"]), str(share["beside"]["most"]), aim)
    return table


def _register(told: Mapping[str, Any]) -> Table:
    table = Table("", "p50 ms", "aim", title=f"A unit's register of a day, {told['people']} people")
    for name, (words, most) in MOST_REGISTER_MILLISECONDS.items():
        table.add_row(words, f"{told[name]:.0f}", f"≤ {most:g}")
    return table


def _morning(told: Mapping[str, Any]) -> Table:
    title = f"{told['sites']:,} sites with {told['people']} people each open and mark their registers at once"
    table = Table("until", "s", "aim", title=title)
    table.add_row("every mark is stored", f"{told['stored_s']:.0f}", "")
    aim = f"≤ {MOST_MORNING_SECONDS}"
    table.add_row("every mark is in the figures", f"{told['in_figures_s']:.0f}", aim)
    table.add_row("one site's two requests, the longest", f"{told['longest_s']:.1f}", "")
    return table


def _memory(sizes: Mapping[str, int]) -> Table:
    table = Table(
        "process", "MB", title=f"Memory, what is shared in equal parts (services: at most {MOST_MEGABYTES})"
    )
    for name, megabytes in sizes.items():
        table.add_row(name, str(megabytes))
    return table


def _bytes(sizes: Mapping[str, Mapping[str, float]]) -> Table:
    table = Table(
        "where", "what", "bytes each", title="What an event takes (a journey's state: what a journey takes)"
    )
    for where, parts in sizes.items():
        for what, size in parts.items():
            table.add_row(where, what, f"{size:,.0f}")
    return table
