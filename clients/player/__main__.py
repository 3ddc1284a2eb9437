"""`python -m clients.player`: play CoActive on a running local stack, then hold its report against the player's own
count.

Environment, each also an option: STACK_PORT_BASE (8080), STACK_DIR (.local), ONCE=1 (end by itself), FAULT
(drop-one-event), SEED (2016). Exit status: 0 when every figure agrees, 1 when one differs or the play could
not be finished. Without ONCE it stays until Ctrl-C, so that the live page has something behind it.
"""

import os
import signal
import sys
import threading
from collections.abc import Mapping
from typing import Any

import click

from clients.player import periods, scenario
from clients.player.incidents import incidents
from clients.player.ledger import compare
from clients.player.play import Play
from clients.player.programme import Programme, read
from clients.player.reports import read_report
from clients.player.screen import Screen
from clients.player.surroundings import Surroundings
from clients.player.trouble import Trouble
from clients.player.wire import Wire

OWNER = "urkraft"
PROGRAMME = "coactive"
WITH_TOPICS = "refer"
PAGE_SECONDS = 5.0


@click.command()
@click.option("--port-base", help="the stack's first port [STACK_PORT_BASE, 8080]")
@click.option("--folder", help="the stack's directory [STACK_DIR, .local]")
@click.option("--once", is_flag=True, help="end by itself [ONCE=1]")
@click.option("--fault", help="drop-one-event: lose one record on purpose [FAULT]")
@click.option("--seed", help="another seed, another three years [SEED, 2016]")
def main(port_base: str | None, folder: str | None, once: bool, fault: str | None, seed: str | None) -> None:
    """Play three simulated years through the public interfaces and check the report."""
    options = {
        "STACK_PORT_BASE": port_base,
        "STACK_DIR": folder,
        "ONCE": "1" if once else None,
        "FAULT": fault,
        "SEED": seed,
    }
    environment = {**os.environ, **{name: value for name, value in options.items() if value}}
    screen = Screen()
    try:
        sys.exit(run(Surroundings.of(environment), screen))
    except Trouble as trouble:
        screen.say(f"The play could not be finished. {trouble}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def run(surroundings: Surroundings, screen: Screen) -> int:
    """The whole play; returns the exit status. Raises Trouble."""
    wire = Wire(surroundings)
    programme = _programme(wire)
    agencies = tuple(one for one in surroundings.agencies() if WITH_TOPICS in programme.may.get(one, ()))
    plan = scenario.build(programme, surroundings.seed, inbound=agencies)
    play = Play(surroundings, wire, programme, plan, agencies)
    screen.say(
        f"{plan.people} people, {plan.commands} commands, {plan.steps[0].on} to {plan.ends_on}, "
        f"seed {surroundings.seed}."
    )
    screen.say(f"Watch it move: {_page(wire, programme)}")
    with screen.playing(plan, play.ledger) as seen:
        play.run(seen)
    rate = screen.rate(play.ledger)
    differences = _hold_against(play, read_report(wire, programme), screen)
    screen.say(
        f"{play.ledger.commands} commands at {rate:.0f} a second; {play.done['repeated']} requests repeated, "
        f"{play.done['rejected']} records rejected as they should be."
    )
    if not surroundings.once:
        screen.say(f"The live page: {_page(wire, programme)}  (Ctrl-C stops everything)")
        _stay()
    return 1 if differences else 0


def _hold_against(play: Play, report: Mapping[str, Any], screen: Screen) -> list[str]:
    """Show what was reached, and every figure on which the report and the player's own count differ."""
    own = play.ledger.report(play.plan.ends_on)
    screen.results(report, own, play.programme)
    screen.incidents(incidents(play.plan, play.programme))
    if play.dropped:
        screen.say(f"On purpose, the event {play.dropped} of activity tracking was removed on its way.")
    screen.counts("Registers", play.rounds.ticking.done)
    screen.counts("Reports of absence", play.rounds.desk.done)
    if play.joining:
        screen.say(play.joining.told())
    quarter = _quarter(play)
    of_quarter = periods.compare(
        read_report(play.wire, play.programme, quarter),
        periods.by_provider(play.ledger, quarter, play.plan.ends_on),
    )
    differences = [*compare(report, own), *of_quarter, *play.differences]
    screen.differences(differences)
    if not differences:
        screen.say("Every figure of the report agrees with the player's own count.")
        screen.say(
            f"So does the report of {quarter.first} to {quarter.last}, by provider, and so did the report on each of "
            f"{play.done['looks']} days on which it was said who is one person."
        )
    return differences


def _programme(wire: Wire) -> Programme:
    answer = wire.ask("intake", "GET", f"/programmes/{PROGRAMME}", actor=(OWNER, "owner"))
    if answer.status != 200:
        raise Trouble(
            f"Intake knows no programme {PROGRAMME}: {answer.status}. `programmes publish` makes it known."
        )
    return read({**answer.body, "organisations": _role_map(wire, answer.body["starts_on"])})


def _role_map(wire: Wire, first_day: str) -> list[dict[str, Any]]:
    """Who holds which role on the programme's first day, by the register."""
    found: list[dict[str, Any]] = []
    path = f"/programmes/{PROGRAMME}/role-map?limit=200&on={first_day}"
    cursor = ""
    while True:
        answer = wire.ask("intake", "GET", path + cursor, actor=(OWNER, "owner"))
        if answer.status != 200:
            raise Trouble(f"Intake tells nobody's roles in {PROGRAMME}: {answer.status}.")
        found += [{"id": one["unit"], "roles": one["roles"]} for one in answer.body["memberships"]]
        if answer.body["next_cursor"] is None:
            return found
        cursor = f"&cursor={answer.body['next_cursor']}"


def _quarter(play: Play) -> periods.Quarter:
    """One quarter in the middle of the programme."""
    return periods.quarter_of(
        play.programme.starts_on + (play.programme.ends_on - play.programme.starts_on) / 2
    )


def _page(wire: Wire, programme: Programme) -> str:
    """An address of the live page that can be opened once. Says so when there is none; the play goes on."""
    path = f"/programmes/{programme.id}/page-links"
    who, key = (programme.owner, "owner"), os.urandom(12).hex()
    try:
        answer = wire.ask("stream", "POST", path, actor=who, body={}, key=key, patience_seconds=PAGE_SECONDS)
    except Trouble:
        return "there is no page, the stream does not answer"
    return str(answer.body["url"]) if answer.status < 300 else f"no page, the stream answered {answer.status}"


def _stay() -> None:
    """Wait until the watcher, or the stack's supervisor, has had enough."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    while not ended.wait(3600):
        pass


if __name__ == "__main__":
    main()
