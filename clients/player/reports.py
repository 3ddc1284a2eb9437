"""The report of a programme, as its owner reads it."""

from collections.abc import Mapping
from typing import Any

from clients.player.periods import Quarter
from clients.player.programme import Programme
from clients.player.trouble import Trouble
from clients.player.wire import Wire


def read_report(wire: Wire, programme: Programme, quarter: Quarter | None = None) -> Mapping[str, Any]:
    """The figures as they are now; with a quarter, those of it by provider. Blocks. Raises Trouble."""
    path = f"/programmes/{programme.id}/report"
    if quarter is not None:
        path += f"?from={quarter.first}&to={quarter.last}&by=provider"
    answer = wire.ask("outcome", "GET", path, actor=(programme.owner, "owner"))
    if answer.status != 200:
        raise Trouble(f"There is no report: {answer.status} {answer.body!r}.")
    report: Mapping[str, Any] = answer.body
    return report
