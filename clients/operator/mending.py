"""Replaying much: every subject that a poisoned event blocks or whose state was unreadable, one after the other."""

from dataclasses import dataclass, field
from typing import Any

from clients.operator.screen import Screen
from clients.operator.trouble import REFUSED, Trouble
from clients.operator.wire import Wire

SHORTEST, LONGEST = 3, 300
"""Characters of a reason."""
FAILING = ("poison", "unreadable")
"""Reasons for which a subject stands still until a release or a hand mends it."""


@dataclass
class Left:
    """What replays came to so far. fails: subjects that fail again."""

    applied: int = 0
    still_parked: int = 0
    fails: int = 0
    answers: list[dict[str, Any]] = field(default_factory=list)

    def note(self, answer: dict[str, Any], screen: Screen) -> None:
        """Count one answer; a failure is said at once."""
        self.answers.append(answer)
        for group in answer["groups"]:
            self.applied += group["applied"]
            self.still_parked += group["still_parked"]
            fails = group["fails_at"]
            if fails is not None:
                self.fails += 1
                screen.say(
                    f"{answer['subject']} in {group['group']} still fails at {fails['source']} {fails['seq']}: "
                    f"{fails['error']}",
                    "red",
                )


def replay_all(wire: Wire, reason: str, group: str | None, screen: Screen) -> Left:
    """Replay every subject that stands still, of one group or of all. What fails again stays parked. Raises Trouble.

    The list is read before anything is replayed, so that each subject is tried once.
    """
    if not SHORTEST <= len(reason.strip()) <= LONGEST:
        # The services refuse it too, but only where there is something to replay.
        raise Trouble(f"Say why, in {SHORTEST} to {LONGEST} characters.", REFUSED)
    left = Left()
    for service in wire.services:
        for parked_id in _failing(wire, service, group):
            try:
                answer = wire.post(service, f"/operations/parked/{parked_id}/replay", {"reason": reason})
            except Trouble as trouble:
                if trouble.status != REFUSED:
                    raise
                screen.say(f"{parked_id}: {trouble}", "yellow")
                continue
            left.note(answer, screen)
    return left


def _failing(wire: Wire, service: str, group: str | None) -> list[str]:
    """One parked id per blocked or unreadable subject. A group that the service does not have has none."""
    seen: dict[tuple[str, str], str] = {}
    try:
        for reason in FAILING:
            for row in wire.pages(
                service, "/operations/parked", "parked", group=group, reason=reason, limit=200
            ):
                # A participant's subject is withheld, so that each such event stands for itself.
                subject = row["parked_id"] if row["subject"].endswith("withheld") else row["subject"]
                seen.setdefault((row["group"], subject), row["parked_id"])
    except Trouble as trouble:
        if group is None or "not-found" not in str(trouble):
            raise
    return list(seen.values())
