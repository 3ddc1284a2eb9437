"""Sheets: many rows in one CSV file, each with a result of its own, as a provider's own system sends them."""

import csv
import io
import time
from collections.abc import Mapping, Sequence
from typing import Any

from clients.player.inbound import PATIENCE_SECONDS
from clients.player.trouble import Trouble
from clients.player.wire import Wire

BUSY = 503


def send(
    wire: Wire, path: str, rows: Sequence[Mapping[str, Any]], *, actor: tuple[str, str], key: str
) -> tuple[Sequence[Mapping[str, Any]], int]:
    """Send rows to activity tracking. Returns the result of each, in order, and how often it was sent again.

    It is sent again while a row says busy, which does nothing twice. Blocks. Raises Trouble.
    """
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, sorted({name for row in rows for name in row}))
    writer.writeheader()
    writer.writerows(rows)
    ends_at, again = time.monotonic() + PATIENCE_SECONDS, 0
    while True:
        answer = wire.ask(
            "activity-tracking",
            "POST",
            path,
            actor=actor,
            body=sheet.getvalue().encode(),
            headers={"Content-Type": "text/csv"},
            key=key,
        )
        results: Sequence[Mapping[str, Any]] = answer.body["results"] if answer.status == 200 else []
        if len(results) != len(rows):
            raise Trouble(f"A sheet of {len(rows)} rows for {path} ({key}): {answer.status} {answer.body!r}.")
        if all(row["status"] != BUSY for row in results) or time.monotonic() > ends_at:
            return results, again
        again += 1
