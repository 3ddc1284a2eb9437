"""Every event of the platform, defined once.

An event is a frozen dataclass registered with its type, version, owning service and kind of subject;
JSON Schemas, the AsyncAPI document and docs/reference/events.md are generated from here. Within a version
only optional fields are added. Events carry pseudonymous ids and facts: never a name, a personnummer, free
text or a special-category answer (docs/architecture/privacy.md).

Two times: `occurred_on`, the Swedish calendar day on which it happened, and `recorded_at`, UTC, when the
platform learnt of it. Late logging is normal, so nothing may assume that they agree.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal, NewType, TypeVar

from msgspec import Meta

from shared.language.forms import CODE, MUNICIPALITY, ORGANISATION, whole

Source = Literal["intake", "activity-tracking", "handover", "outcome"]
SOURCES: tuple[Source, ...] = ("intake", "activity-tracking", "handover", "outcome")

JourneyId = NewType("JourneyId", str)
ParticipantId = NewType("ParticipantId", str)
HandleId = NewType("HandleId", str)
SessionId = NewType("SessionId", str)
HandoverId = NewType("HandoverId", str)
FollowUpId = NewType("FollowUpId", str)
ReportId = NewType("ReportId", str)
OutputId = NewType("OutputId", str)
ClosureId = NewType("ClosureId", str)
GroupId = NewType("GroupId", str)

Organisation = Annotated[str, Meta(pattern=whole(ORGANISATION), description="organisation code")]
Code = Annotated[str, Meta(pattern=whole(CODE), description="code that the programme defines")]
Municipality = Annotated[
    str, Meta(pattern=whole(MUNICIPALITY), description="Swedish municipality code (SCB)")
]
Minutes = Annotated[int, Meta(ge=0, le=1440, description="minutes")]
Quantity = Annotated[int, Meta(ge=1, le=1000)]
Count = Annotated[int, Meta(ge=0)]

Attendance = Literal["yes", "late", "no"]
Purpose = Literal["sharing", "sus"]
HandoverKind = Literal[
    "medical_to_vocational",
    "provider_to_provider",
    "provider_to_employer",
    "provider_to_education",
    "provider_to_agency",
]
ExitWay = Literal["by_plan", "interrupted", "moved", "deceased"]
Correction = Literal["replaces", "voids"]
NoAnswer = Literal["declined", "silent"]
ReportKind = Literal[
    "deviation",
    "monthly_attendance",
    "long_absence",
    "hours_below_plan",
    "joint_plan",
    "periodic_report",
    "final_report",
]
Situation = Literal["employed", "student", "unemployed", "inactive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """The fields of every event: the day of the fact and the moment when it was recorded."""

    occurred_on: date
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Correctable(Fact):
    """A fact that may correct the last one of its type, journey and thing: it replaces that fact or takes it back.

    correction: absent for a first record. `voids`: the earlier fact is taken back, and the other fields repeat it.
    The reason and the earlier content stay with the service that emits it.
    """

    correction: Correction | None = None


@dataclass(frozen=True, slots=True)
class EventType:
    """One version of one event: its name on the wire and who owns it."""

    name: str
    version: int
    source: Source
    subject: str
    topic: str
    body: type

    @property
    def summary(self) -> str:
        """The first line of the definition, for tables and schemas."""
        return (self.body.__doc__ or "").strip().splitlines()[0]


TOPICS: dict[Source, str] = {source: f"journey.{source}.v1" for source in SOURCES}
PROGRAMMES_TOPIC = "journey.programmes.v1"
REGISTER_TOPIC = "journey.register.v1"
CONTROL_TOPIC = "journey.control.v1"
INDICATORS_TOPIC = "journey.indicators.v1"
ERASURES_TOPIC = "journey.erasures.v1"
ANSWERS_TOPIC = "journey.answers.v1"
"""Answers to records of organisations, from the services that number none, to intake."""

BY_NAME: dict[str, EventType] = {}
BY_BODY: dict[type, EventType] = {}


Body = TypeVar("Body", bound=type[Fact])


def event(
    source: Source, thing: str, *, subject: str = "journey", version: int = 1, topic: str | None = None
) -> Callable[[Body], Body]:
    """Register a body as `journey.<source>.<thing>.v<version>`."""

    def register(body: Body) -> Body:
        name = f"journey.{source}.{thing}.v{version}"
        entry = EventType(name, version, source, subject, topic or TOPICS[source], body)
        BY_NAME[name] = BY_BODY[body] = entry
        return body

    return register


# --- intake: from referral to start -------------------------------------------------------------------


@event("intake", "referral-received")
@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralReceived(Fact):
    """An organisation referred a person to a programme; the journey begins."""

    participant_id: ParticipantId
    programme: Code
    programme_version: int
    referrer: Organisation
    municipality: Municipality
    provider: Organisation | None = None
    previous_journey: JourneyId | None = None


@event("intake", "referral-corrected")
@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralCorrected(Fact):
    """The referral named another day, municipality or provider than it should; `occurred_on` is its right day."""

    municipality: Municipality
    provider: Organisation | None = None


@event("intake", "referral-accepted")
@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralAccepted(Correctable):
    """A provider took the person on and became responsible for the journey."""

    provider: Organisation


@event("intake", "referral-declined")
@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralDeclined(Correctable):
    """The provider, or the person, said no; the reason's code says who refused and what follows."""

    provider: Organisation
    reason: Code


@event("intake", "referral-passed-on")
@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralPassedOn(Correctable):
    """A provider said no, or nothing in time, and others are asked: the next one, or all others that may answer.

    to_organisation: absent in a referral that names nobody. reason: of a no.
    """

    from_organisation: Organisation
    to_organisation: Organisation | None = None
    why: NoAnswer
    reason: Code | None = None


@event("intake", "referral-returned")
@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralReturned(Fact):
    """Nobody answered in time and nobody else is asked: the referral is back with its referrer, as after a no.

    provider: the one that was silent; absent in a referral that names nobody.
    """

    provider: Organisation | None = None


@event("intake", "referral-withdrawn")
@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralWithdrawn(Correctable):
    """The referrer took the referral back before the journey started."""

    reason: Code


@event("intake", "consent-given")
@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentGiven(Correctable):
    """The participant consented to a purpose, for named organisations, up to and including a day."""

    purpose: Purpose
    organisations: tuple[Organisation, ...]
    last_day: date


@event("intake", "consent-refused")
@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRefused(Correctable):
    """The participant was asked and said no."""

    purpose: Purpose


@event("intake", "consent-withdrawn")
@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentWithdrawn(Correctable):
    """The participant took a consent back; open offers that rest on it fall."""

    purpose: Purpose


@event("intake", "journey-started")
@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyStarted(Correctable):
    """Participation began."""


@event("intake", "journey-registered-by-mistake")
@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyRegisteredByMistake(Correctable):
    """The journey should never have been registered; it counts nowhere."""

    reason: Code


@event("intake", "journey-set-beside")
@dataclass(frozen=True, slots=True, kw_only=True)
class JourneySetBeside(Fact):
    """Said no more, and moves no figure: `participation-settled` took its place. Old logs hold it.

    beside: another journey of the same person that stood open in the programme when this one began.
    """

    beside: JourneyId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Participation:
    """What the several journeys of one person in one programme say together.

    first: the one whose entry counts: the first that started; where none has, the referral that says where the person
    waits. started: those that started, in the order of their starts. referred_on: the day of the person's first
    referral; again_on: of the first that named an earlier journey. started_on, municipality: those of `first`.
    """

    first: JourneyId
    started: tuple[JourneyId, ...] = ()
    referred_on: date
    again_on: date | None = None
    started_on: date | None = None
    municipality: Municipality


@event("intake", "participation-settled")
@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipationSettled(Fact):
    """Which of the person's journeys in the programme says what of the person. Said of each of these journeys.

    participation: absent where the journey says everything itself.
    """

    participation: Participation | None = None


@event("intake", "journey-person-changed")
@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyPersonChanged(Fact):
    """The journey is another person's than was known: two were found to be one, or one to be two.

    participant_id: whose it is from now on.
    """

    participant_id: ParticipantId


@event("intake", "participant-erased", subject="participant")
@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantErased(Fact):
    """The last key was destroyed under which somebody had the participant's identity; nobody can read it again."""


# --- activity-tracking: what the participant does ------------------------------------------------------


@event("activity-tracking", "activity-planned")
@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityPlanned(Correctable):
    """A period of one activity entered the plan. `activity` is absent where it would reveal health."""

    organisation: Organisation
    activity: Code | None = None
    first_on: date
    last_on: date | None = None
    plan: Code | None = None


@event("activity-tracking", "goal-set")
@dataclass(frozen=True, slots=True, kw_only=True)
class GoalSet(Correctable):
    """The participant set a goal of their own; its words stay in activity tracking."""

    goal: Code


@event("activity-tracking", "goal-reached")
@dataclass(frozen=True, slots=True, kw_only=True)
class GoalReached(Correctable):
    """The participant reached a goal."""

    goal: Code


@event("activity-tracking", "session-logged")
@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLogged(Fact):
    """One session of an activity, attended or not. `activity` is absent where it would reveal health.

    minutes: that count as attended; also of one missed for a reason that the programme counts so. planned_minutes: of a
    session that was marked on a register; absent of others. The reason of an absence stays in
    activity tracking. Early examples have a `reason`, which readers ignore.
    """

    session: SessionId
    organisation: Organisation
    activity: Code | None = None
    attendance: Attendance
    minutes: Minutes
    planned_minutes: Minutes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionAsLogged:
    """The content of a session before its correction, so that every figure can follow without looking back.

    counted: whether it counted; a session outside participation does not. activity: absent where it would reveal
    health, and in old events.
    """

    occurred_on: date
    attendance: Attendance
    minutes: Minutes
    counted: bool = True
    planned_minutes: Minutes | None = None
    activity: Code | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityMinutes:
    """Minutes of one activity: attended in all, planned where it was marked on a register, attended of these."""

    activity: Code
    minutes: Count
    planned_minutes: Count = 0
    marked_minutes: Count = 0


@event("activity-tracking", "session-corrected")
@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCorrected(Fact):
    """A later entry supersedes an earlier one; `void` says that the session never took place."""

    session: SessionId
    corrects: SessionId
    replaced: SessionAsLogged
    organisation: Organisation
    activity: Code | None = None
    attendance: Attendance
    minutes: Minutes
    void: bool = False
    planned_minutes: Minutes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsOfDay:
    """The sessions of one day of a journey. counted: whether they count now and did not, or did and do not now.

    activities: the minutes by activity, without those whose names would reveal health.
    """

    on: date
    counted: bool
    logged: Count
    attended: Count
    late: Count
    missed: Count
    minutes: Count
    planned_minutes: Count = 0
    marked_minutes: Count = 0
    activities: Annotated[tuple[ActivityMinutes, ...], Meta(max_length=500)] = ()


@event("activity-tracking", "sessions-recounted")
@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsRecounted(Fact):
    """Other sessions count than did: the sums of all that count now, and the days that make the difference.

    Those outside participation are kept and do not count, nor do those of a journey registered by mistake.
    `occurred_on`: the day that was set. minutes: of attended ones. planned_minutes: of those that were marked on a
    register; marked_minutes: what was attended of these. days: at most a month's; more days make more events,
    each with the sums after it.
    """

    logged: Count
    attended: Count
    late: Count
    missed: Count
    minutes: Count
    planned_minutes: Count = 0
    marked_minutes: Count = 0
    days: Annotated[tuple[SessionsOfDay, ...], Meta(max_length=31)] = ()


@event("activity-tracking", "progress-measured")
@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressMeasured(Correctable):
    """A round of the programme's indicators was asked; the answers stay in activity tracking."""

    round: Annotated[int, Meta(ge=1)]
    answered: Annotated[int, Meta(ge=0, description="indicators answered")]


@event("activity-tracking", "competence-validated")
@dataclass(frozen=True, slots=True, kw_only=True)
class CompetenceValidated(Correctable):
    """Somebody competent assessed a competence against a stated level."""

    competence: Code
    level: Annotated[int, Meta(ge=1, le=10)]
    validated_by: Organisation


@event("activity-tracking", "participant-ready")
@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantReady(Correctable):
    """The responsible organisation judged the participant ready for the next step."""


@event("activity-tracking", "report-made")
@dataclass(frozen=True, slots=True, kw_only=True)
class ReportMade(Fact):
    """A report that the provider owes the referrer was made of what was noted; what it says is read over HTTP.

    due_on: the last day for the referrer's acknowledgement. corrects: the report whose place it takes; void: there is
    nothing to report any more.
    """

    report: ReportId
    kind: ReportKind
    due_on: date
    provider: Organisation
    corrects: ReportId | None = None
    void: bool = False


@event("activity-tracking", "report-acknowledged")
@dataclass(frozen=True, slots=True, kw_only=True)
class ReportAcknowledged(Fact):
    """The referrer said that it has the report."""

    report: ReportId
    kind: ReportKind


@event("activity-tracking", "report-overdue")
@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOverdue(Fact):
    """Nobody acknowledged the report by its last day; `occurred_on` is the day after it.

    unsent: the provider was to write it, and has not sent it.
    """

    report: ReportId
    kind: ReportKind
    provider: Organisation
    unsent: bool = False


@event("activity-tracking", "output-logged", subject="output")
@dataclass(frozen=True, slots=True, kw_only=True)
class OutputLogged(Fact):
    """A result of the programme that concerns no participant: a workplace carved, a manager trained."""

    programme: Code
    programme_version: int
    output: Code
    quantity: Quantity
    municipality: Municipality
    organisation: Organisation


@event("activity-tracking", "output-corrected", subject="output")
@dataclass(frozen=True, slots=True, kw_only=True)
class OutputCorrected(Fact):
    """The quantity of a logged output was wrong; zero takes it back."""

    programme: Code
    programme_version: int
    output: Code
    replaced_quantity: Annotated[int, Meta(ge=0, le=1000)]
    quantity: Annotated[int, Meta(ge=0, le=1000)]
    municipality: Municipality


@event("activity-tracking", "register-counted", subject="register")
@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterCounted(Fact):
    """So many lines of a unit's register of a day were expected, and so many of them nobody has marked.

    occurred_on: the day. It is said when the day is over, and again when a count changes. replaced_expected,
    replaced_not_marked: what was said before; 0 at first.
    """

    organisation: Organisation
    programme: Code
    municipality: Municipality
    expected: Count
    not_marked: Count
    replaced_expected: Count
    replaced_not_marked: Count


# --- handover: from one responsible organisation to the next -------------------------------------------


@event("handover", "handover-offered")
@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverOffered(Fact):
    """The responsible organisation offered the journey to another, up to and including a day."""

    handover: HandoverId
    kind: HandoverKind
    from_organisation: Organisation
    to_organisation: Organisation
    deadline_on: date


@event("handover", "handover-accepted")
@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverAccepted(Correctable):
    """The receiver said yes; responsibility moved, once."""

    handover: HandoverId
    kind: HandoverKind
    from_organisation: Organisation
    to_organisation: Organisation
    offered_on: date


@event("handover", "handover-declined")
@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverDeclined(Correctable):
    """The receiver said no; responsibility stays."""

    handover: HandoverId
    reason: Code


@event("handover", "handover-expired")
@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverExpired(Fact):
    """Nobody answered by the deadline; `occurred_on` is the day after it."""

    handover: HandoverId


@event("handover", "handover-recalled")
@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverRecalled(Correctable):
    """The offer was taken back: by the one who offered, by a withdrawn consent, or by the journey's end."""

    handover: HandoverId
    reason: Code


# --- outcome: what came of it -------------------------------------------------------------------------


@event("outcome", "entry-recorded")
@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRecorded(Correctable):
    """The entry answers were recorded; they leave outcome only as figures."""

    complete: bool


@event("outcome", "journey-exited")
@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyExited(Correctable):
    """Participation ended: by plan, broken off, moved or deceased. `organisation` was responsible then."""

    way: ExitWay
    organisation: Organisation
    reason: Code | None = None
    situation: Situation | None = None


@event("outcome", "follow-up-due")
@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpDue(Correctable):
    """The day of a follow-up has come; `answer_by` is the last day for its answer."""

    follow_up: FollowUpId
    kind: Code
    answer_by: date


@event("outcome", "follow-up-answered")
@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpAnswered(Correctable):
    """The situation on the follow-up's day became known."""

    follow_up: FollowUpId
    kind: Code
    situation: Situation


@event("outcome", "follow-up-missed")
@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpMissed(Fact):
    """No answer came in time; missing is not "no"."""

    follow_up: FollowUpId
    kind: Code


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyLeft:
    """Another journey of the person that has ended, and on which day."""

    journey: JourneyId
    left_on: date


@event("outcome", "other-journeys-left")
@dataclass(frozen=True, slots=True, kw_only=True)
class OtherJourneysLeft(Fact):
    """Which other journeys of the participation have ended: an exit counts if it is the last, and none goes on.

    left: all of them, in the order of their starts; empty where none has ended.
    """

    left: tuple[JourneyLeft, ...] = ()


@event("outcome", "first-entry-changed")
@dataclass(frozen=True, slots=True, kw_only=True)
class FirstEntryChanged(Fact):
    """The entry answers of the participation's first journey, which count for this one too, are others now.

    first: that journey. The answers stay inside outcome.
    """

    first: JourneyId


@event("outcome", "journey-closed")
@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyClosed(Correctable):
    """Every follow-up is answered or missing; nothing more is expected."""
