"""Requests that hold many rows, at the edge: each row is decided for itself, and what each came to is told in order."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from shared.edge import readings
from shared.edge.ports import commands_of_this_app
from shared.language.errors import Busy, Refused
from shared.runtime.commands import Answer
from shared.runtime.many import OneOfMany


def command_rows(
    rows: Iterable[OneOfMany], *, trial: bool = False
) -> Iterator[dict[str, Any] | Refused | Busy]:
    """Run the rows as commands of their own, as they come; what each came to, in order.

    trial: what each would come to; nothing is kept. Raises Busy at the end where a refusal cannot be noted.
    """
    commands = commands_of_this_app()
    refused: Counter[str] = Counter()
    for one in commands.run_rows(rows, trial=trial):
        if isinstance(one, Refused):
            refused[one.code] += 1
        yield one.body if isinstance(one, Answer) else one
    readings.note_refused_rows(refused)
