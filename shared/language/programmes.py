"""What a programme is: data, published once per version, never code.

The shape of `programmes/*.yaml` and of the `programme-published` event. The role map inside it is what
authorises (docs/field.md, Role map). Rules about a programme belong to the service that applies them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Literal, NewType, Protocol

from msgspec import Meta

from shared.language.events import (
    Code,
    ExitWay,
    Fact,
    HandoverKind,
    Municipality,
    Organisation,
    ReportKind,
    event,
)
from shared.language.register import UnitKind

ProgrammeKey = NewType("ProgrammeKey", str)
"""`<id>@<version>`: one immutable version of one programme."""

Action = Literal[
    "register_participant",
    "read_participant",
    "erase_participant",
    "refer",
    "withdraw_referral",
    "answer_referral",
    "read_journey",
    "record_consent",
    "start_journey",
    "register_mistake",
    "log_activity",
    "acknowledge_report",
    "log_output",
    "offer_handover",
    "recall_handover",
    "answer_handover",
    "record_entry",
    "record_exit",
    "answer_follow_up",
    "read_report",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A label in the two languages of the pages."""

    sv: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """A code of the programme and its name."""

    code: Code
    name: Name


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityKind(Coded):
    """A kind of activity. Special category: its very name would reveal health, so events leave it out."""

    special_category: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineReason(Coded):
    """Why a referral is declined: who refused and what follows."""

    refused_by: Literal["provider", "participant", "referrer"]
    follows: Literal["refer_elsewhere", "refer_again", "nothing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsenceReason(Coded):
    """Why somebody was away, and what follows of it. Without a flag it is an absence like any other, told to nobody.

    counts_as_attended: the minutes missed count as attended. excused: they are shown as excused beside the hours.
    asks_for_text: it needs words of its own. told_to_referrer: the absence is reported to the referrer.
    hidden_as_health: who does not see the whole journey sees neither the reason nor its words.
    tell: the sentence for the person, which whoever notes the reason passes on.
    """

    counts_as_attended: bool = False
    excused: bool = False
    asks_for_text: bool = False
    told_to_referrer: bool = False
    hidden_as_health: bool = False
    tell: Name | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndReason(Coded):
    """Why participation ended, and which ways of ending it may explain."""

    ways: tuple[ExitWay, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """The reason codes, per decision."""

    decline: tuple[DeclineReason, ...]
    withdraw: tuple[Coded, ...]
    mistake: tuple[Coded, ...]
    absence: tuple[AbsenceReason, ...]
    handover_decline: tuple[Coded, ...]
    recall: tuple[Coded, ...]
    exit: tuple[EndReason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One role of the role map: the actions of an organisation with this role."""

    code: Code
    name: Name
    may: tuple[Action, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Participating:
    """An organisation that a programme's file names, and its roles: a unit and its membership from the first day.

    kind: one of the register's kinds of units. municipality: where it is.
    """

    id: Organisation
    name: str
    roles: tuple[Code, ...]
    kind: UnitKind | None = None
    municipality: Municipality | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A municipality of the programme."""

    code: Municipality
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """When a follow-up falls due, counted from the exit day, and how long its answer is waited for.

    Exactly one of days and months; months means the same day of the month, or the last of a shorter one
    (docs/field.md, Days).
    """

    code: Code
    name: Name
    days: Annotated[int, Meta(ge=1, le=3660)] | None = None
    months: Annotated[int, Meta(ge=1, le=120)] | None = None
    answer_within_days: Annotated[int, Meta(ge=1, le=366)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """The repeated measure of progress: its scale and its questions."""

    scale_min: int
    scale_max: int
    every_months: int
    indicators: tuple[Coded, ...]


ReportPart = Literal[
    "activity",
    "expected",
    "away",
    "reason",
    "contact",
    "hours",
    "extent",
    "goals",
    "plan",
    "progress",
    "competences",
]
"""What a report to a referrer may show besides its kind and its day."""


WRITTEN: tuple[ReportKind, ...] = ("joint_plan", "periodic_report", "final_report")
"""Kinds of reports that the provider writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDuty:
    """A report that a provider owes a referrer: made of what was noted once, or written by the provider.

    referrer: None: each that has no duty of this kind of its own. contract: the code of the agreement that asks for it.
    within_working_days: until when it is to be acknowledged, counted from the day on which it is made. shows: beside
    its kind and its day. reasons: of a long absence, those that count. after_days: of a long absence, how many days of
    one period must have passed. Of hours below plan, how many days are left for marking after the week; None: none.
    below_percent: of hours below plan, the share of what was planned that is enough. counts_excused: whether what was
    missed and is excused counts as attended there. sent_within_working_days: until when the provider
    sends one that it writes. every_months: of a periodic report, how long a period is.
    """

    code: Code
    kind: ReportKind
    referrer: Organisation | None = None
    contract: Code | None = None
    within_working_days: Annotated[int, Meta(ge=0, le=60)]
    shows: tuple[ReportPart, ...] = ()
    reasons: tuple[Code, ...] = ()
    after_days: Annotated[int, Meta(ge=1, le=366)] | None = None
    below_percent: Annotated[int, Meta(ge=1, le=100)] | None = None
    counts_excused: bool = False
    sent_within_working_days: Annotated[int, Meta(ge=0, le=60)] | None = None
    every_months: Annotated[int, Meta(ge=1, le=24)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The value of a figure that the programme aims at; `figure` is one of `figures.TARGETS`, or an output's code."""

    figure: str
    at_least: Annotated[int, Meta(ge=1)]
    municipality: Municipality | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """One version of one programme.

    organisations: what the file of the version named; intake alone reads it, and makes entries of the register of it.
    parts_end_after_months: how long after a journey's closing those who took the person on may still read their
    identity. reads_after_months: how long a unit that has left still reads its own old journeys. late_days: how many
    days after it who no longer holds the journey, or the role, may still record or correct a fact of its own day.
    answer_within_days: how long a provider may take to answer a referral; None: for ever.
    absence_after_minutes: who comes later than that, or leaves sooner, was away. full_week_hours: hours of an extent of
    100 percent. report_duties: what a provider owes each referrer.
    """

    id: Code
    version: Annotated[int, Meta(ge=1)]
    name: Name
    owner: Organisation
    starts_on: date
    ends_on: date
    municipalities: tuple[Place, ...]
    roles: tuple[Role, ...]
    organisations: tuple[Participating, ...] = ()
    activities: tuple[ActivityKind, ...]
    competences: tuple[Coded, ...]
    competence_levels: Annotated[int, Meta(ge=1, le=10)]
    progress: Measure
    handover_kinds: tuple[HandoverKind, ...]
    handover_max_days: Annotated[int, Meta(ge=1, le=366)]
    follow_ups: tuple[FollowUp, ...]
    outputs: tuple[Coded, ...]
    targets: tuple[Target, ...]
    reasons: Reasons
    parts_end_after_months: Annotated[int, Meta(ge=0, le=120)] = 3
    reads_after_months: Annotated[int, Meta(ge=0, le=120)] = 3
    late_days: Annotated[int, Meta(ge=0, le=3660)] = 30
    answer_within_days: Annotated[int, Meta(ge=1, le=366)] | None = None
    absence_after_minutes: Annotated[int, Meta(ge=0, le=240)] = 15
    full_week_hours: Annotated[int, Meta(ge=1, le=60)] = 40
    report_duties: tuple[ReportDuty, ...] = ()

    @property
    def key(self) -> ProgrammeKey:
        """The version's identity."""
        return programme_key(self.id, self.version)

    def duties(self, kind: ReportKind, referrer: Organisation) -> tuple[ReportDuty, ...]:
        """The duties of this kind towards the referrer: its own, or, where it has none, those towards everybody."""
        of_the_kind = [one for one in self.report_duties if one.kind == kind]
        own = tuple(one for one in of_the_kind if one.referrer == referrer)
        return own or tuple(one for one in of_the_kind if one.referrer is None)

    def duty(self, kind: ReportKind, referrer: Organisation) -> ReportDuty | None:
        """The one duty of this kind towards the referrer; None where there is none."""
        return next(iter(self.duties(kind, referrer)), None)

    def duty_of(self, code: Code) -> ReportDuty | None:
        """The duty of that code."""
        return next((one for one in self.report_duties if one.code == code), None)

    def absence_reason(self, code: str | None) -> AbsenceReason | None:
        """The reason of that code; None for none."""
        return next((one for one in self.reasons.absence if one.code == code), None)

    def sentence_for(self, reason: str | None) -> Name | None:
        """What to tell the person whose absence has this reason; None where there is nothing to tell."""
        found = self.absence_reason(reason)
        return None if found is None else found.tell

    def roles_that_may(self, action: Action) -> frozenset[Code]:
        """The roles whose holder may do this. Source: docs/field.md, Role map."""
        return frozenset(role.code for role in self.roles if action in role.may)


def programme_key(programme: str, version: int) -> ProgrammeKey:
    """The identity of one version."""
    return ProgrammeKey(f"{programme}@{version}")


class Programmes(Protocol):
    """Every published version that this service has taken in."""

    def get(self, key: ProgrammeKey) -> Programme:
        """Return that version. Raises Unready when it has not arrived yet."""

    def latest(self, programme: str) -> Programme | None:
        """The newest version, or None when the programme is unknown."""

    def all_latest(self) -> Mapping[str, Programme]:
        """The newest version of each programme, by its id."""

    def every_version(self) -> Collection[Programme]:
        """All versions of all programmes."""


@event("intake", "programme-published", subject="programme", topic="journey.programmes.v1")
@dataclass(frozen=True, slots=True, kw_only=True)
class ProgrammePublished(Fact):
    """A version of a programme became valid; it never changes."""

    programme: Programme = field()
