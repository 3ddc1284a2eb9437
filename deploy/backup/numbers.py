"""After a restore: the numbers of what organisations are told go on above all that can have been given.

Each organisation is told its changes as 1, 2, 3 … . A restored database knows the numbers up to the backup. Numbers
given after it may have been read: on a topic, by webhook, by asking. Given again to other changes, they would be
skipped without a word. How many were given is known to nobody: so the numbers jump further than any process can count.
"""

from __future__ import annotations

import math
from datetime import datetime

from deploy.backup.surroundings import CannotDo, Client
from shared.runtime.restored import FLOOR, SEQUENCES

PER_SECOND = 10_000
"""More than an organisation can be told in a second: one transaction at a time numbers at most 500 for it."""
MARGIN = 1_000_000
"""For clocks that do not agree: 100 seconds of that."""


def floor_above(last: int, moment: datetime, now: datetime) -> int:
    """A number that none can have reached since the moment, at which the last one was `last`.

    A second restore of the same backup lies above what was given since the first: both are counted from the moment.
    Raises CannotDo for a moment that is still to come.
    """
    seconds = (now - moment).total_seconds()
    if seconds < -MARGIN / PER_SECOND:
        raise CannotDo(f"{moment.isoformat()} is still to come: it is {now.isoformat()}.")
    return last + MARGIN + math.ceil(PER_SECOND * max(0.0, seconds))


def raise_floor(client: Client, moment: datetime) -> int:
    """Let the numbers of changes go on above all that can have been given since the backup. Returns the floor.

    moment: of which the backup is, UTC. Blocks. Safe to repeat: the floor only rises. Raises CannotDo.
    """
    sequences = client["intake"][SEQUENCES]
    highest = sequences.find_one({}, {"n": 1}, sort=[("n", -1)])
    floor = floor_above(
        0 if highest is None else highest["n"], moment, client.admin.command("hello")["localTime"]
    )
    sequences.update_one({"_id": FLOOR}, {"$max": {"n": floor}}, upsert=True)
    return floor
