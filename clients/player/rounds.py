"""What comes last in a step: agencies go through their reports, and shops through their registers.

By then every service knows what was done before. Nothing else of the step rests on a mark or an acknowledgement.
"""

from collections.abc import Mapping
from concurrent.futures import Executor
from datetime import UTC, datetime

from clients.player import desk
from clients.player.acts import Act, Step
from clients.player.desk import Desk
from clients.player.inbound import Agency
from clients.player.ledger import Ledger
from clients.player.programme import Programme
from clients.player.requests import Handles
from clients.player.ticking import Ticking
from clients.player.wire import Wire

LAST = "mark_register"
"""The deed that comes after all others of a step."""


class Rounds:
    """The desks of all agencies that are owed reports, and the registers of all shops."""

    def __init__(self, wire: Wire, handles: Handles, ledger: Ledger, programme: Programme, seed: int) -> None:
        self.desk = Desk(wire, handles, ledger, seed)
        self.ticking = Ticking(wire, handles, ledger, programme, seed)
        self._ledger = ledger
        self._looked_at = datetime.min.replace(tzinfo=UTC)
        self._owed = [one for one in programme.those_who_may("refer") if programme.reported_within(one)]

    def fall_due(self, at: datetime) -> bool:
        """Whether a report falls due between the last time that this was asked and now."""
        before, self._looked_at = self._looked_at, at
        return any(
            before < one.at <= at for course in self._ledger.courses.values() for one in course.owing.reports
        )

    def make(self, step: Step, pool: Executor) -> list[Act]:
        """Make the rounds of a step; agencies come only when something else is done too. Returns the visits made."""
        visits: dict[str, list[Act]] = {}
        for act in step.acts:
            if act.deed == LAST:
                visits.setdefault(act.by, []).append(act)
        made = [act for acts in visits.values() for act in acts]
        if len(made) < len(step.acts):
            list(pool.map(lambda one: self.desk.visit(one, step.at), self._owed))
        list(pool.map(self.ticking.visits, visits.values()))
        return made

    def differences(self, agencies: Mapping[str, Agency], at: datetime, pool: Executor) -> list[str]:
        """What differed from the player's own count; at the end of a play, when every agency looks once more."""
        list(pool.map(lambda one: self.desk.close(one, at), self._owed))
        told = desk.told(agencies, self._ledger, at)
        return [*self.ticking.differences, *self.desk.differences, *told]
