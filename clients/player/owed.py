"""Reports that a provider owes the referrer of a journey, by the player's own count. Pure.

An absence is reported when the activity is over. What is said anew after that is reported at once, in place of the
first report. Source: docs/field.md, Reports to the referrer.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from clients.player.holidays import is_holiday

STOCKHOLM = ZoneInfo("Europe/Stockholm")
FRIDAY = 4


@dataclass(slots=True)
class Session:
    """What the standing entry of one session says.

    planned: minutes, of one that was marked on a register. told: whether somebody was away for a reason that the
    referrer is told of. over_at: when the activity is over. credited: minutes missed that count as attended.
    """

    on: date
    attendance: str
    minutes: int
    activity: str | None = None
    planned: int | None = None
    told: bool = False
    over_at: datetime | None = None
    credited: int = 0

    @property
    def counted(self) -> int:
        """Minutes that count as attended."""
        return self.minutes + self.credited

    @property
    def marked(self) -> int:
        """The same, where the session was marked on a register."""
        return 0 if self.planned is None else self.counted


@dataclass(slots=True)
class Owed:
    """One report. on: the day of the absence. void: there is nothing to report any more. at: when it is made."""

    on: date
    attendance: str
    at: datetime
    due_on: date
    void: bool = False
    superseded: bool = False
    acknowledged: bool = False

    def awaited(self, at: datetime) -> bool:
        """Whether it is made by then, and the referrer is still to acknowledge it."""
        return self.at <= at and not self.superseded and not self.acknowledged


@dataclass(slots=True)
class Owing:
    """The reports of one journey, in the order in which they came about."""

    reports: list[Owed] = field(default_factory=list)
    within_days: int | None = None
    _of: dict[str, Owed] = field(default_factory=dict)

    def say(self, key: str, session: Session | None, at: datetime, *, corrects: str | None = None) -> None:
        """Take in what a session has come to. key: of the entry; corrects: of the one before; at: now.

        within_days: None where nothing is reported.
        """
        if self.within_days is None:
            return
        before = self._of.pop(corrects, None) if corrects else None
        if before is not None and before.at > at:
            self.reports.remove(before)
            before = None
        told = session is not None and session.told
        if not told and (before is None or before.void):
            if before is not None:
                self._of[key] = before
            return
        over = at
        if before is not None:
            before.superseded = True
        elif session is not None:
            over = max(at, session.over_at or _midnight_after(session.on))
        on = session.on if session is not None else before.on if before is not None else at.date()
        report = Owed(
            on=on,
            attendance="" if session is None else session.attendance,
            at=over,
            due_on=working_days_after(over.astimezone(STOCKHOLM).date(), self.within_days),
            void=not told,
        )
        self.reports.append(report)
        self._of[key] = report

    def made(self, at: datetime) -> Iterator[Owed]:
        """Those that are made by then."""
        return (one for one in self.reports if one.at <= at)


def moment(on: date, at: str) -> datetime:
    """The Swedish wall's time hh:mm on that day."""
    return datetime.combine(on, time.fromisoformat(at), STOCKHOLM).astimezone(UTC)


def working_days_after(on: date, days: int) -> date:
    """The day so many working days after the day."""
    while days > 0:
        on += timedelta(days=1)
        days -= on.weekday() <= FRIDAY and not is_holiday(on)
    return on


def _midnight_after(on: date) -> datetime:
    return datetime.combine(on + timedelta(days=1), time(0), STOCKHOLM).astimezone(UTC)
