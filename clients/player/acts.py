"""Acts and plans: one command of one organisation, and the days on which the player does them.

A plan is a sequence of acts. An act names its journey by a key within the plan, because the platform gives the real
id only when the referral has arrived. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

Deed = Literal[
    "register",
    "refer",
    "accept",
    "decline",
    "pass_on",
    "withdraw",
    "consent",
    "withdraw_consent",
    "start",
    "mistake",
    "plan_activity",
    "join_group",
    "leave_group",
    "plan_pause",
    "mark_register",
    "close_unit",
    "make_group",
    "correct_group",
    "set_goal",
    "reach_goal",
    "log_session",
    "correct_session",
    "measure",
    "validate",
    "judge_ready",
    "log_output",
    "correct_output",
    "offer",
    "accept_offer",
    "decline_offer",
    "recall_offer",
    "record_entry",
    "record_exit",
    "answer_follow_up",
    "erase",
    "merge",
    "part",
    "register_unit",
    "begin_membership",
    "open_topics",
]
Channel = Literal["http", "inbound", "csv", "command"]
FRIDAY = 4
"""Every second Friday something is recorded, with the day on which it happened.

Not more often, because the clock stands still after each step until every service has applied everything.
"""
OWN_DAY_WEEKS = 6
OWN_DAYS = (1, 2, 4)
"""In every sixth week, registers are marked on their own day, and these are the weekdays that have registers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One command.

    plan_key: names the journey, or the output, within the plan. occurred_on: when it happened; recorded_on: the day
    on which the player records it. refused: it comes too late, the platform must refuse it, and then nothing is
    counted.
    """

    plan_key: str
    deed: Deed
    by: str
    duty: str
    occurred_on: date
    recorded_on: date
    says: Mapping[str, Any] = field(default_factory=dict)
    channel: Channel = "http"
    refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRecord:
    """A record for an inbound topic that must be rejected; `value` is sent as it stands.

    Where `value` is a mapping, `participant` names the person whose handle goes into it.
    """

    by: str
    recorded_on: date
    value: Mapping[str, Any] | bytes
    participant: str | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One day on which the clock stops and everything recorded that day is done, registers last."""

    on: date
    acts: tuple[Act, ...]
    bad_records: tuple[BadRecord, ...]

    @property
    def at(self) -> datetime:
        """The moment of the step: early afternoon in Sweden, summer and winter."""
        return noon(self.on)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Three simulated years, in order. ends_on: the day of the last look at the report."""

    steps: tuple[Step, ...]
    ends_on: date
    commands: int
    people: int


def noon(on: date) -> datetime:
    """The moment at which the clock stops on a day."""
    return datetime.combine(on, time(12), UTC)


def step_from(on: date) -> date:
    """The first step day on or after the day."""
    while on.weekday() != FRIDAY or on.toordinal() // 7 % 2:
        on += timedelta(days=1)
    return on


def step_after(on: date) -> date:
    """The first step day after the day."""
    return step_from(on + timedelta(days=1))


def has_own_day(on: date) -> bool:
    """Whether the clock stops on that day because a register of it is marked on the day itself."""
    return on.isoweekday() in OWN_DAYS and on.isocalendar().week % OWN_DAY_WEEKS == 2


def stop_after(on: date) -> date:
    """The first day after the day on which the clock stops, whatever is recorded then."""
    after = on + timedelta(days=1)
    while not (has_own_day(after) or after == step_from(after)):
        after += timedelta(days=1)
    return after
