"""Whether a command costs more where thousands take part: one process, with a programme's own units and with 12,000."""

from typing import Any

from shared.language.register_rows import COUNT, COUNTS, REGISTER, rows_of
from tests.bench import web
from tests.bench.http import commands_a_second
from tests.bench.surroundings import Bench
from tests.bench.turns import in_turn
from tests.support.many_members import entries
from tools.stack.processes import SERVICE_PROCESSES

PROCESS, DATABASE = "activity-tracking-web", "activity_tracking"
COMMANDS, WARM_UP = 800, 200
ROUNDS = 15


def measure(bench: Bench) -> dict[str, Any]:
    """Commands a second with eight clients; each turn begins the process anew, because it keeps what it knows.

    Nothing else runs meanwhile, and the rows of the 12,000 are gone afterwards.
    """
    stack, database = bench.stack, bench.client[DATABASE]
    web.up(stack)
    idle = [name for name in SERVICE_PROCESSES if name != PROCESS]
    for name in idle:
        stack.stop(name)
    count, more = database[COUNTS].find_one({"_id": COUNT}), []
    for entry in entries():
        row, after = rows_of(entry, count, 1)
        count = dict(after.body)
        more.append({"_id": row.key, **row.body})
    ids = [one["_id"] for one in more]

    def commands_with(rows: list[dict[str, Any]]) -> float:
        stack.stop(PROCESS)
        database[REGISTER].delete_many({"_id": {"$in": ids}})
        if rows:
            database[REGISTER].insert_many(rows)
        stack.start(PROCESS)
        commands_a_second(web.target(stack), WARM_UP)
        return commands_a_second(web.target(stack), COMMANDS)

    turns = in_turn({"many": lambda: commands_with(more), "few": lambda: commands_with([])}, ROUNDS)
    commands_with([])
    stack.start(*idle)
    return {"many_units": turns.against("many", "few", "commands/s")}
