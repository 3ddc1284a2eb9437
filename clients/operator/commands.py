"""The commands of `journeys`. Each is a few requests and one table; `--json` gives a script the answers as they are."""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import click

from clients.operator.accepting import accept
from clients.operator.assessment import assess_all
from clients.operator.auditing import audit
from clients.operator.desk import REASONS, Desk, reason_option, service_option
from clients.operator.inbound import inbound
from clients.operator.mending import FAILING, Left, replay_all
from clients.operator.overview import show_status
from clients.operator.rebuilding import rebuild
from clients.operator.screen import Screen, counted, spoken
from clients.operator.surroundings import SERVICES
from clients.operator.trouble import HAND_NEEDED, NO_ANSWER, REFUSED, WELL, WRONGLY_TYPED, Trouble
from clients.operator.wire import Wire


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--json", "as_json", is_flag=True, help="answers as JSON, for scripts")
@click.option(
    "--as", "acting_as", metavar="ORGANISATION[:DUTY]", help="where the token holds several: as which to act"
)
@click.pass_context
def main(context: click.Context, *, as_json: bool, acting_as: str | None) -> None:
    """See what stands still in the platform and why, and mend it.

    Exit status: 0 well, 1 a hand is needed or something is left, 2 wrongly typed, 3 refused, 4 no service answered.
    """
    context.obj = Desk(as_json=as_json, acting_as=acting_as)


@main.command()
@service_option
@click.pass_obj
def status(desk: Desk, service: str | None) -> None:
    """Show how everything stands: one table, red where a hand is needed, and what to type."""
    wire, told, silent = desk.wire(service), {}, {}

    def ask(name: str) -> dict[str, Any] | Trouble:
        try:
            return wire.get(name, "/operations/status")
        except Trouble as trouble:
            return trouble

    # Together: when MongoDB is away, each takes as long to say so.
    with ThreadPoolExecutor(len(wire.services)) as pool:
        for name, answer in zip(wire.services, pool.map(ask, wire.services), strict=True):
            if not isinstance(answer, Trouble):
                told[name] = answer
            elif answer.status == REFUSED:
                raise answer
            else:
                silent[name] = answer
    findings = assess_all(told, silent)
    show_status(desk.screen, told, findings)
    if not told and not any(trouble.code for trouble in silent.values()):
        sys.exit(NO_ANSWER)
    sys.exit(HAND_NEEDED if any(one.hand for one in findings) else WELL)


@main.command()
@service_option
@click.option("--group", "-g", help="only this consumer group: a service's name, or `figures`")
@click.option("--why", type=click.Choice(REASONS), help="only those parked for this reason")
@click.option("--limit", default=50, show_default=True, help="at most so many of each service")
@click.pass_obj
def parked(desk: Desk, service: str | None, group: str | None, why: str | None, limit: int) -> None:
    """List the events that are set aside, the longest parked first."""
    wire, rows, more = desk.wire(service), [], False
    for name in wire.services:
        try:
            answer = wire.get(name, "/operations/parked", group=group, reason=why, limit=limit)
        except Trouble as trouble:
            if group is not None and trouble.status == REFUSED:
                continue
            raise
        rows += answer["parked"]
        more = more or answer["next_cursor"] is not None
    if desk.screen.as_json:
        desk.screen.document({"parked": rows, "more": more})
    else:
        _show_parked(desk.screen, rows, more=more)
    sys.exit(HAND_NEEDED if any(row["reason"] != "waiting" for row in rows) else WELL)


def _show_parked(screen: Screen, rows: Sequence[dict[str, Any]], *, more: bool) -> None:
    if not rows:
        screen.say("Nothing is parked.")
        return
    screen.table(
        ("parked id", "group", "subject", "event", "why", "for", "error"),
        [
            (
                row["parked_id"],
                row["group"],
                row["subject"],
                f"{row['source'] or '?'} {row['seq'] or ''}",
                row["reason"],
                spoken(row["seconds"]),
                row["error"] or (f"needs {row['needs']}" if row["needs"] else ""),
            )
            for row in rows
        ],
        [
            "red" if row["reason"] in FAILING else "yellow" if row["reason"] == "blocked" else ""
            for row in rows
        ],
    )
    if more:
        screen.say("There are more; see them with --limit 200, --group or --why.")
    if any(row["reason"] == "poison" for row in rows):
        screen.say("When the rule that fails is mended and released: journeys replay --all -m '…'", "bold")
    if any(row["reason"] == "unreadable" for row in rows):
        screen.say(
            "Deploy a release that reads these stored states; then they are applied by themselves.", "bold"
        )


@main.command()
@click.argument("parked_id")
@service_option
@click.pass_obj
def show(desk: Desk, parked_id: str, service: str | None) -> None:
    """Show one parked event: where it stands, why, and what it waits for; nothing of a person."""
    holder, event = desk.wire(service).holder(f"/operations/parked/{parked_id}")
    if desk.screen.as_json:
        desk.screen.document({"service": holder, **event})
        return
    facts, stands = event.pop("facts") or {}, event.pop("stands") or {}
    event["seconds"] = spoken(event["seconds"])
    missing = [
        f"{one['source']} {one['seq']} to {one['last']} of {one['subject']}"
        for one in stands.get("missing", [])
    ]
    desk.screen.fields(
        {
            "service": holder,
            **event,
            "says": facts.get("shown"),
            "withheld": facts.get("withheld"),
            "unreadable": facts.get("unreadable"),
            "subject has applied": stands.get("applied"),
            "subject has parked": stands.get("parked"),
            "waits for": missing,
        }
    )


@main.command()
@click.argument("what", required=False)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="every subject that a poisoned event blocks, or whose state was unreadable",
)
@click.option("--group", "-g", help="with --all: only this consumer group")
@service_option
@reason_option
@click.pass_obj
def replay(
    desk: Desk, what: str | None, service: str | None, group: str | None, reason: str, *, everything: bool
) -> None:
    """Fold parked events again, in order: WHAT is a parked id, or a subject such as journey/j-…"""
    if (what is None) != everything:
        raise click.UsageError("Give a parked id or a subject, or --all.")
    wire = desk.wire(service)
    if everything:
        left = replay_all(wire, reason, group, desk.screen)
    elif what is not None and "/" in what:
        left = _replay_subject(wire, what, reason, desk.screen)
    else:
        holder, _ = wire.holder(f"/operations/parked/{what}")
        left = Left()
        left.note(wire.post(holder, f"/operations/parked/{what}/replay", {"reason": reason}), desk.screen)
    _finish(desk.screen, left)


def _replay_subject(wire: Wire, subject: str, reason: str, screen: Screen) -> Left:
    left, known = Left(), 0
    for name in wire.services:
        try:
            answer = wire.post(name, f"/operations/subjects/{subject}/replay", {"reason": reason})
        except Trouble as trouble:
            if trouble.status != REFUSED or "not-found" not in str(trouble):
                raise
            continue
        known += 1
        left.note(answer, screen)
    if not known:
        raise Trouble(f"No service knows {subject}.", REFUSED)
    return left


def _finish(screen: Screen, left: Left) -> None:
    if not left.answers and not screen.as_json:
        screen.say("Nothing of it is parked for good; nothing was replayed.")
    elif screen.as_json:
        screen.document({"answers": left.answers, "applied": left.applied, "still_parked": left.still_parked})
    else:
        screen.say(f"Applied {left.applied}; still parked {left.still_parked}.")
    sys.exit(HAND_NEEDED if left.fails else WELL)


@main.command()
@click.argument("parked_id")
@service_option
@reason_option
@click.option("--yes", is_flag=True, help="do not ask")
@click.pass_obj
def skip(desk: Desk, parked_id: str, service: str | None, reason: str, *, yes: bool) -> None:
    """Count one parked event as applied, WITHOUT its effect here; what waited behind it goes on."""
    wire = desk.wire(service)
    holder, event = wire.holder(f"/operations/parked/{parked_id}")
    desk.screen.say(
        f"{event['type'] or 'unreadable record'}, {event['subject']}, in {event['group']}: {event['error']}"
    )
    if not yes and not click.confirm("Its effect will be missing here for good. Skip it?", err=True):
        raise Trouble("Nothing was changed.", REFUSED)
    left = Left()
    left.note(wire.post(holder, f"/operations/parked/{parked_id}/skip", {"reason": reason}), desk.screen)
    _finish(desk.screen, left)


@main.command()
@click.argument("subject")
@click.option("--service", "-s", type=click.Choice(SERVICES), required=True, help="whose events")
@click.option(
    "--from", "from_seq", type=click.IntRange(1), default=1, show_default=True, help="from this number on"
)
@reason_option
@click.pass_obj
def republish(desk: Desk, subject: str, service: str, from_seq: int, reason: str) -> None:
    """Send a service's events on SUBJECT again from its archive, in order; whoever has them skips them."""
    wire, answers, more = desk.wire(service), [], True
    while more:
        body = {"reason": reason, "from_seq": from_seq}
        answer = wire.post(service, f"/operations/subjects/{subject}/republish", body)
        answers.append(answer)
        events = counted(answer["events"], "event", "events")
        desk.screen.say(f"{service}: {events}, {answer['from_seq']} to {answer['to_seq']}.")
        more, from_seq = answer["more"], answer["to_seq"] + 1
    if desk.screen.as_json:
        desk.screen.document({"answers": answers})


main.add_command(accept)
main.add_command(audit)
main.add_command(inbound)
main.add_command(rebuild)


def run(arguments: Sequence[str] | None = None) -> None:
    """Run a command; trouble is told in its own words, with the exit status that it means."""
    try:
        main(arguments, standalone_mode=False, prog_name="journeys")
    except Trouble as trouble:
        click.echo(str(trouble), err=True)
        sys.exit(trouble.status)
    except click.ClickException as error:
        error.show()
        sys.exit(WRONGLY_TYPED)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)
