"""The mark that a restore leaves in each service's database until the databases were compared with the log.

After a restore the log may hold events of after the backup. Their service does not know that it emitted them and
would use their numbers again. A reader that has applied the first event of a number skips the second. So no process
of a service starts while its database bears the mark. `deploy.backup` sets and removes it: docs/operations/backup.md.

It also raises the floor of what intake numbers for organisations: they may have read numbers that it would give again.
"""

from typing import Any, Final

from pymongo.database import Database

RESTORED: Final = "restored"
"""The collection: at most one document, {_id, moment: of which the backup is, whole: whether all of it is back}."""
MARK: Final = "restore"

SEQUENCES: Final = "sequences"
"""Intake's collection: the last number `n` that each organisation was told."""
FLOOR: Final = "*"
"""Its row that no organisation has. Every number that is given from now on is above its `n`; a restore raises it."""

CURE = "Stop every process and follow docs/operations/backup.md from its step {step}."


class NotCompared(Exception):
    """The database was restored and has not been compared with the log. The text says what to do."""


def require_compared(database: Database[dict[str, Any]]) -> None:
    """Raise NotCompared while the database bears the mark. Blocks for one look-up by key; raises PyMongoError."""
    mark = database[RESTORED].find_one({"_id": MARK})
    if mark is None:
        return
    if not mark["whole"]:
        raise NotCompared(
            f"A restore of {database.name} from the backup of {mark['moment']} was begun and not ended. "
            + CURE.format(step=3)
        )
    raise NotCompared(
        f"{database.name} was restored from the backup of {mark['moment']}, and nobody has compared it with the log. "
        + CURE.format(step=4)
    )
