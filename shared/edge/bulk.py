"""Requests with many rows, at the edge: each row is decided by itself, and its outcome is told in order."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from shared.edge import readings
from shared.edge.ports import commands_of_this_app
from shared.edge.web import actor
from shared.language.errors import Busy, Refused
from shared.runtime.commands import Answer
from shared.runtime.many import OneOfMany


def command_rows(
    rows: Iterable[OneOfMany], *, trial: bool = False
) -> Iterator[dict[str, Any] | Refused | Busy]:
    """Run each row as a command of its own, as the rows arrive; yield the outcomes in order.

    trial: True to compute the outcomes and keep nothing. Raises Busy at the end if a refusal cannot be noted in the
    audit.
    """
    commands = commands_of_this_app()
    refused: Counter[str] = Counter()
    for one in commands.run_rows(rows, organisation=actor().organisation, trial=trial):
        if isinstance(one, Refused):
            refused[one.code] += 1
        yield one.body if isinstance(one, Answer) else one
    readings.note_refused_rows(refused)
