"""Journeys made up twice over: as events that the four services say, and as the plain truth of what happened.

Each service knows only what has reached it, so that a handover can be accepted beside an exit; the vector on each
event says what its service knew. A journey's truth is written down while it is told, never read from the events.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from shared.language import events as e
from shared.language.decision import Received, Subject
from tests.support.fakes import noon
from tests.support.outcome_programme import AGENCY, BAKERY, PROGRAMME, REFERRED_ON, SHOP

GENDERS = ("woman", "woman", "man", "man", "non_binary", "not_known")
SITUATIONS = ("employed", "employed", "student", "unemployed", "inactive")
INTAKE: e.Source = "intake"
ACTIVITY: e.Source = "activity-tracking"
HANDOVER: e.Source = "handover"
OUTCOME: e.Source = "outcome"
ACTIVITIES = ("shop_work", "swedish", None)
"""Two of the programme's, and one whose name would reveal health."""
Said = tuple[str, int, int | None, str | None]
"""What a session says: attendance, minutes, planned minutes where it was marked on a register, activity."""


@dataclass
class Truth:
    """What happened to one participant, as a chronicler would note it. Days are Swedish calendar days."""

    municipality: str
    returns: bool
    gender: str = "not_known"
    complete: bool = False
    provider: str = ""
    declined: bool = False
    declined_on: date | None = None
    withdrawn: bool = False
    withdrawn_on: date | None = None
    entry_on: date | None = None
    referred_on: date = REFERRED_ON
    accepted_on: date | None = None
    started_on: date | None = None
    ready_on: date | None = None
    exited_on: date | None = None
    way: str | None = None
    situation: str | None = None
    closed: bool = False
    mistake: bool = False
    handovers: list[tuple[str, date, date, bool]] = field(default_factory=list)
    sessions: list[Said] = field(default_factory=list)
    session_days: list[date] = field(default_factory=list)
    corrections: int = 0
    asked: dict[str, str] = field(default_factory=dict)
    asked_on: dict[str, date] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)

    @property
    def offers(self) -> list[str]:
        """How each offer made in participation ended; what was answered after the exit day, the exit took back."""
        return [
            answer if answer == "open" or not self._after_exit(ended_on) else "recalled"
            for answer, offered_on, ended_on, _ in self.handovers
            if not self._after_exit(offered_on)
        ]

    @property
    def moves(self) -> list[int]:
        """Days from offer to yes, of what moved responsibility in participation and not beside the exit."""
        return [
            (ended_on - offered_on).days
            for answer, offered_on, ended_on, beside in self.handovers
            if answer == "accepted" and not beside and not self._after_exit(ended_on)
        ]

    def _after_exit(self, on: date) -> bool:
        return self.exited_on is not None and on > self.exited_on


class RandomJourney:
    """One journey, told with the chance of `random`."""

    def __init__(self, number: int, random: Random) -> None:
        self.subject = Subject(f"journey/j-{number:026d}")
        self.said: dict[str, list[Received]] = {source: [] for source in e.SOURCES}
        self.truth = Truth(
            municipality=random.choice(("2482", "2482", "2417")), returns=random.random() < 0.3
        )
        self._random = random
        self._knows: dict[str, dict[str, int]] = {source: {} for source in e.SOURCES}
        self._today = REFERRED_ON
        self._tell()

    def _say(self, source: e.Source, kind: type[e.Fact], /, *, extra: Any = None, **fields: Any) -> date:
        event = kind(occurred_on=self._today, recorded_at=noon(self._today), **fields)
        said = self.said[source]
        after = {other: count for other, count in self._knows[source].items() if other != source}
        name = e.BY_BODY[kind].name
        said.append(Received(self.subject, source, len(said) + 1, name, event, after, extra))
        return self._today

    def _hear(self, source: str) -> None:
        """Everything said so far reaches the service."""
        self._knows[source] = {other: len(said) for other, said in self.said.items() if said}

    def _pass(self, days: int = 20) -> None:
        self._today += timedelta(days=self._random.randint(0, days))

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    # --- the telling ---------------------------------------------------------------------------------

    def _tell(self) -> None:
        truth = self.truth
        provider = self._random.choice((SHOP, SHOP, BAKERY))
        named = provider if self._chance(0.5) else None
        truth.provider = named or ""
        self._say(
            INTAKE,
            e.ReferralReceived,
            provider=named,
            participant_id=e.ParticipantId("p-" + "0" * 26),
            programme=PROGRAMME.id,
            programme_version=1,
            referrer=AGENCY,
            municipality=truth.municipality,
            previous_journey=e.JourneyId("j-" + "9" * 26) if truth.returns else None,
        )
        self._pass()
        if self._chance(0.15):
            truth.declined_on = self._say(INTAKE, e.ReferralDeclined, provider=provider, reason="no_place")
            truth.declined, truth.provider = True, provider
        elif self._chance(0.9):
            truth.accepted_on = self._say(INTAKE, e.ReferralAccepted, provider=provider)
            truth.provider = provider
            self._pass()
            if self._chance(0.1):
                truth.withdrawn_on = self._say(INTAKE, e.ReferralWithdrawn, reason="other_effort")
                truth.withdrawn = True
            elif self._chance(0.9):
                truth.started_on = self._say(INTAKE, e.JourneyStarted)
                self._take_part()
        if self._chance(0.1):
            self._move()
        if self._chance(0.1):
            self._hear(INTAKE) if self._chance(0.5) else None
            self._say(INTAKE, e.JourneyRegisteredByMistake, reason="duplicate")
            truth.mistake = True
            self._hear(ACTIVITY)
            self._recount(False)

    def _move(self) -> None:
        """The referral said the wrong municipality; sessions are counted there no more, and then in the right one."""
        truth = self.truth
        truth.municipality = "2417" if truth.municipality == "2482" else "2482"
        today, self._today = self._today, truth.referred_on
        named = self.said[INTAKE][0].body.provider  # type: ignore[attr-defined]
        self._say(INTAKE, e.ReferralCorrected, municipality=truth.municipality, provider=named)
        self._today = today
        self._hear(ACTIVITY)
        self._recount(False)
        self._recount(True)

    def _recount(self, counted: bool) -> None:
        """Activity tracking says, two days at a time, that its sessions count or count no more."""
        pairs = zip(self.truth.session_days, self.truth.sessions, strict=True)
        held = sorted(pairs, key=lambda one: one[0])
        so_far: list[Said] = [] if counted else [one for _, one in held]
        for at in range(0, len(held), 2):
            days = held[at : at + 2]
            for _, one in days:
                (so_far.append if counted else so_far.remove)(one)
            said = [e.SessionsOfDay(on=on, counted=counted, **_of_day(one)) for on, one in days]
            self._say(ACTIVITY, e.SessionsRecounted, days=tuple(said), **_sums(so_far))

    def _take_part(self) -> None:
        for source in (ACTIVITY, HANDOVER, OUTCOME):
            self._hear(source)
        self._record_entries()
        for _ in range(self._random.randint(0, 4)):
            self._pass()
            self._random.choice((self._hold_session, self._hand_over, self._get_ready))()
        if self._chance(0.8):
            self._leave()

    def _record_entries(self) -> None:
        genders = [self._random.choice(GENDERS) for _ in range(self._random.randint(0, 3))]
        for number in range(len(genders)):
            self.truth.entry_on = self._today
            seen = self._random.choice(genders[number:])
            complete = self._chance(0.7)
            self._say(OUTCOME, e.EntryRecorded, complete=complete, extra={"gender": seen})
            self.truth.gender, self.truth.complete = genders[-1], complete
        if genders:
            last = self.said[OUTCOME][-1]
            self.said[OUTCOME][-1] = Received(
                last.subject, last.source, last.seq, last.type, last.body, last.after, {"gender": genders[-1]}
            )

    def _hold_session(self) -> None:
        attendance = self._random.choice(("yes", "yes", "late", "no"))
        minutes = 0 if attendance == "no" else self._random.choice((60, 120, 240))
        session = e.SessionId(f"s-{len(self.said[ACTIVITY]):026d}")
        activity, planned = self._random.choice(ACTIVITIES), self._random.choice((None, 60, 180))
        held: Said | None = (attendance, minutes, planned, activity)
        self._say(
            ACTIVITY,
            e.SessionLogged,
            session=session,
            organisation=SHOP,
            attendance=attendance,
            minutes=minutes,
            planned_minutes=planned,
            activity=activity,
        )
        while held is not None and self._chance(0.4):
            self.truth.corrections += 1
            before, held = held, self._anew()
            attendance, minutes, planned, activity = held or before
            self._say(
                ACTIVITY,
                e.SessionCorrected,
                session=e.SessionId(f"s-{len(self.said[ACTIVITY]):026d}"),
                corrects=session,
                replaced=e.SessionAsLogged(
                    occurred_on=self._today,
                    attendance=before[0],  # type: ignore[arg-type]
                    minutes=before[1],
                    planned_minutes=before[2],
                    activity=before[3],
                ),
                organisation=SHOP,
                attendance=attendance,
                minutes=minutes,
                planned_minutes=planned,
                activity=activity,
                void=held is None,
            )
        if held is not None:
            self.truth.sessions.append(held)
            self.truth.session_days.append(self._today)

    def _anew(self) -> Said | None:
        said = self._random.choice((("yes", 90), ("late", 30), ("no", 0), None))
        if said is None:
            return None
        return (*said, self._random.choice((None, 120)), self._random.choice(ACTIVITIES))

    def _get_ready(self) -> None:
        if self.truth.ready_on is None:
            self.truth.ready_on = self._say(ACTIVITY, e.ParticipantReady)

    def _hand_over(self, *, crossing_exit: bool = False) -> None:
        handover = e.HandoverId(f"h{len(self.truth.handovers) + 1}")
        parties = {"kind": "provider_to_provider", "from_organisation": SHOP, "to_organisation": BAKERY}
        offered_on = self._say(
            HANDOVER,
            e.HandoverOffered,
            handover=handover,
            deadline_on=self._today + timedelta(days=30),
            **parties,
        )
        self._pass()
        answer = self._random.choice(("accepted", "declined", "expired", "recalled", "open"))
        match answer:
            case "accepted":
                self._say(HANDOVER, e.HandoverAccepted, handover=handover, offered_on=offered_on, **parties)
            case "declined":
                self._say(HANDOVER, e.HandoverDeclined, handover=handover, reason="no_capacity")
            case "expired":
                self._say(HANDOVER, e.HandoverExpired, handover=handover)
            case "recalled":
                self._say(HANDOVER, e.HandoverRecalled, handover=handover, reason="other_receiver")
        self.truth.handovers.append((answer, offered_on, self._today, crossing_exit))

    def _leave(self) -> None:
        truth = self.truth
        self._pass(60)
        self._hear(OUTCOME)
        if self._chance(0.3):
            self._hand_over(crossing_exit=True)
        way = self._random.choice(("by_plan", "by_plan", "interrupted", "moved", "deceased"))
        self._exit(way)
        if way != "deceased":
            self._follow_up()
        if self._chance(0.2):
            self._hear(HANDOVER)
            self._hand_over(crossing_exit=True)
        if way != "deceased" and self._chance(0.2):
            self._pass(60)
            self._hear(OUTCOME)
            self._exit("deceased")
        truth.closed = truth.closed or truth.way == "deceased"

    def _exit(self, way: str) -> None:
        truth = self.truth
        truth.way = way
        known = way != "deceased" and self._chance(0.8)
        truth.situation = self._random.choice(SITUATIONS) if known else None
        truth.exited_on = self._say(
            OUTCOME, e.JourneyExited, way=way, organisation=SHOP, situation=truth.situation
        )
        if way == "deceased" and not truth.closed:
            self._say(OUTCOME, e.JourneyClosed)

    def _follow_up(self) -> None:
        truth = self.truth
        for kind in PROGRAMME.follow_ups:
            if self._chance(0.2):
                return
            self._pass(60)
            identity = e.FollowUpId(f"x.{kind.code}")
            self._say(OUTCOME, e.FollowUpDue, follow_up=identity, kind=kind.code, answer_by=self._today)
            truth.asked[kind.code], truth.asked_on[kind.code] = "due", self._today
            if self._chance(0.5):
                truth.answers[kind.code] = self._random.choice(SITUATIONS)
                truth.asked[kind.code] = "answered"
                self._say(
                    OUTCOME,
                    e.FollowUpAnswered,
                    follow_up=identity,
                    kind=kind.code,
                    situation=truth.answers[kind.code],
                )
            elif self._chance(0.6):
                truth.asked[kind.code] = "missed"
                self._say(OUTCOME, e.FollowUpMissed, follow_up=identity, kind=kind.code)
        if "due" not in truth.asked.values():
            self._say(OUTCOME, e.JourneyClosed)
            truth.closed = True


def _sums(sessions: list[Said]) -> dict[str, int]:
    present = [minutes for attendance, minutes, *_ in sessions if attendance != "no"]
    return {
        "logged": len(sessions),
        "attended": len(present),
        "late": len([one for one in sessions if one[0] == "late"]),
        "missed": len(sessions) - len(present),
        "minutes": sum(present),
        "planned_minutes": sum(planned or 0 for *_, planned, _ in sessions),
        "marked_minutes": sum(minutes for _, minutes, planned, _ in sessions if planned is not None),
    }


def _of_day(one: Said) -> dict[str, Any]:
    _, minutes, planned, activity = one
    if activity is None:
        return dict(_sums([one]))
    marked = 0 if planned is None else minutes
    named = e.ActivityMinutes(
        activity=activity, minutes=minutes, planned_minutes=planned or 0, marked_minutes=marked
    )
    return {**_sums([one]), "activities": (named,)}


def arrivals(journey: RandomJourney, random: Random) -> Iterator[Received]:
    """The journey's events in some order that causality allows."""
    applied: dict[str, int] = dict.fromkeys(e.SOURCES, 0)
    waiting: dict[str, list[Received]] = {source: list(said) for source, said in journey.said.items()}
    while any(waiting.values()):
        free = [
            source
            for source, said in waiting.items()
            if said and all(applied[other] >= count for other, count in said[0].after.items())
        ]
        source = random.choice(free)
        applied[source] += 1
        yield waiting[source].pop(0)
