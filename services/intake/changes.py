"""The use case that reads what an organisation was told: its own numbered sequence. No rule lives here."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.intake.sequencing import CHANGES, KEPT_DAYS, newest
from shared.language.access import Actor, authorise_somewhere
from shared.language.decision import Work
from shared.language.errors import Refused


def list_changes(work: Work, actor: Actor, *, after: int, limit: int) -> Sequence[Mapping[str, Any]]:
    """The organisation's own changes with the numbers after `after`, without a hole, at most `limit`.

    Raises Forbidden; Refused `changes-gone` where the next number is no longer kept, was lost in a restore, or never
    was given.
    """
    authorise_somewhere(actor, "read_journey", work)
    mine = {"organisation": actor.organisation}
    found = work.rows(CHANGES, mine, order="n", after=after, limit=limit)
    head = newest(work, actor.organisation)
    if found and found[0]["n"] == after + 1:
        return [one for at, one in enumerate(found, start=after + 1) if one["n"] == at]
    if not found and after == head:
        return ()
    onward = found[0]["n"] - 1 if found else head
    raise Refused(
        "changes-gone",
        f"Changes are kept for {KEPT_DAYS} days, and a restore may lose the newest; read your referrals once, "
        f"and go on from {onward}.",
        {"after": [f"Go on from {onward}."], "next": [onward]},
    )
