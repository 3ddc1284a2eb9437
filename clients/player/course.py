"""What the player knows of one journey, folded from the acts that were done. Pure.

Deadlines and follow-ups fire by the calendar, here as on the platform. An offer expires when the day after its
deadline begins, and so does the answer to a referral. A follow-up falls due when its day begins, and is missed when
the day after its last day begins.
Source: docs/field.md, Results.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from clients.player.acts import Act, noon
from clients.player.asking import Asking
from clients.player.owed import Owing, Session
from clients.player.programme import Programme

STAGES = ("received", "accepted", "started", "ready", "exited", "closed", "declined", "withdrawn")


@dataclass(slots=True)
class Offer:
    """One handover: when, until when, what became of it and on which day. answered_on: of an accepted one."""

    offered_on: date
    to_organisation: str
    deadline_on: date
    status: str = "open"
    answered_on: date | None = None
    ended_on: date | None = None

    def end(self, status: str, on: date) -> None:
        """The offer is open no more."""
        self.status, self.ended_on = status, on


@dataclass(slots=True)
class Course:
    """One journey. person: the plan's name for who is on it.

    sessions: by the plan's handle, or by the line of a register that they were. plans: what was planned by whom, by the
    plan's handle.
    """

    person: str
    referred_on: date
    municipality: str
    returns: bool
    responsible: str
    referrer: str
    asking: Asking
    provider: str = ""
    entry_on: date | None = None
    gender: str = "not_known"
    entry_complete: bool = False
    accepted_on: date | None = None
    declined_on: date | None = None
    withdrawn_on: date | None = None
    started_on: date | None = None
    ready_on: date | None = None
    exited_on: date | None = None
    way: str | None = None
    situation: str | None = None
    mistake: bool = False
    corrections: int = 0
    offers: dict[str, Offer] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    plans: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    pauses: list[tuple[date, date]] = field(default_factory=list)
    told_reasons: frozenset[str] = frozenset()
    counted_reasons: frozenset[str] = frozenset()
    owing: Owing = field(default_factory=Owing)

    def do(self, act: Act) -> None:
        """Take in one act that the platform has confirmed."""
        says = act.says
        self.expire(act.recorded_on)
        match act.deed:
            case "accept" | "decline" | "pass_on" | "withdraw":
                self._answer(act)
            case "start":
                self.started_on = act.occurred_on
            case "mistake":
                self.mistake = True
                self.asking.answer_by = None
                self._end_open("recalled", act.occurred_on)
            case "withdraw_consent":
                self._end_open("recalled", act.occurred_on)
            case "plan_activity" | "join_group":
                self.plans[says["plan"]] = {**says, "by": act.by}
            case "leave_group":
                self.plans[says["plan"]] = {**self.plans[says["plan"]], "last_on": says["last_on"]}
            case "plan_pause":
                self.pauses.append((says["first_on"], says["last_on"]))
            case "log_session" | "correct_session":
                self._say(act)
            case "judge_ready":
                self.ready_on = act.occurred_on
            case "offer":
                self.offers[says["offer"]] = Offer(
                    act.occurred_on, says["to_organisation"], says["deadline_on"]
                )
            case "accept_offer":
                offer = self.offers[says["offer"]]
                offer.answered_on = act.occurred_on
                offer.end("accepted", act.occurred_on)
                self.responsible = offer.to_organisation
            case "decline_offer":
                self.offers[says["offer"]].end("declined", act.occurred_on)
            case "recall_offer":
                self.offers[says["offer"]].end("recalled", act.occurred_on)
            case "record_entry":
                self.gender = says["gender"] or "not_known"
                self.entry_on = act.occurred_on
                needed = ("gender", "born_on", "employment", "isced")
                self.entry_complete = all(says[name] is not None for name in needed)
            case "record_exit":
                self.exited_on, self.way, self.situation = act.occurred_on, says["way"], says["situation"]
                self._end_open("recalled", act.occurred_on)
            case "answer_follow_up":
                self.answers[says["follow_up"]] = says["situation"]
            case _:
                pass

    def _say(self, act: Act) -> None:
        """Take in a session, or what stands in its place."""
        says, corrects = act.says, act.says.get("corrects")
        if corrects is not None:
            self.corrections += 1
            del self.sessions[corrects]
        session = None
        if not says.get("void"):
            told = self.tells(says["attendance"] != "yes", says.get("reason"))
            session = Session(
                act.occurred_on,
                says["attendance"],
                says["minutes"],
                says.get("activity"),
                says.get("planned"),
                told,
            )
            self.sessions[says["session"]] = session
        if act.by != self.referrer:
            self.owing.say(says["session"], session, noon(act.recorded_on), corrects=corrects)

    def tells(self, away: bool, reason: str | None) -> bool:
        """Whether the referrer is told of it."""
        return away and (reason is None or reason in self.told_reasons)

    def mark(self, key: str, session: Session | None, by: str, at: datetime) -> None:
        """Take in what a line of a register has come to; None: its mark was taken back. at: now."""
        again = key in self.sessions
        self.corrections += again
        if by != self.referrer:
            self.owing.say(key, session, at, corrects=key if again else None)
        if session is None:
            del self.sessions[key]
        else:
            self.sessions[key] = session

    def _answer(self, act: Act) -> None:
        """Take in what ends the asking, or passes it on."""
        match act.deed:
            case "accept":
                self.accepted_on, self.responsible = act.occurred_on, act.by
                self.provider = act.by
                self.asking.answered(act.by, "accepted", act.occurred_on)
            case "decline":
                self.declined_on, self.provider = act.occurred_on, act.by
                self.asking.answered(act.by, "declined", act.occurred_on, act.says["reason"])
            case "pass_on":
                self.asking.refused(act.by, act.occurred_on, act.says["reason"], known_on=act.recorded_on)
                self.provider = self.asking.now or ""
            case _:
                self.withdrawn_on = act.occurred_on
                self.asking.answer_by = None

    def expire(self, today: date) -> None:
        """Let offers and silences end whose last day lies before today."""
        if self.asking.overdue(today):
            self.declined_on = self.asking.expire(today)
            self.provider = self.asking.now or ""
        for offer in self.offers.values():
            if offer.status == "open" and offer.deadline_on < today:
                offer.end("expired", offer.deadline_on + timedelta(days=1))

    def _end_open(self, status: str, on: date) -> None:
        for offer in self.offers.values():
            if offer.status == "open":
                offer.end(status, on)

    def follow_up(self, code: str, programme: Programme, as_of: date) -> str | None:
        """`due`, `answered` or `missed` on that day; None when it is not due yet or never will be."""
        if self.exited_on is None or self.way == "deceased":
            return None
        kind = programme.follow_up(code)
        if as_of < kind.due_on(self.exited_on):
            return None
        if code in self.answers:
            return "answered"
        return "missed" if as_of > kind.answer_by(self.exited_on) else "due"

    def stage(self, programme: Programme, as_of: date) -> str:
        """Where the journey stands on that day."""
        if self.mistake:
            return "mistake"
        if self.exited_on:
            ended = [
                self.follow_up(one.code, programme, as_of) in ("answered", "missed")
                for one in programme.follow_ups
            ]
            return "closed" if self.way == "deceased" or all(ended) else "exited"
        if self.withdrawn_on:
            return "withdrawn"
        if self.declined_on:
            return "declined"
        if self.started_on:
            return "ready" if self.ready_on else "started"
        return "accepted" if self.accepted_on else "received"


def begin(act: Act, programme: Programme) -> Course:
    """The journey that a referral opens; its referrer is responsible until a provider accepts."""
    named = act.says["providers"] or tuple(filter(None, [act.says["provider"]]))
    asking = Asking(named, programme.answer_within_days)
    asking.ask(act.recorded_on)
    return Course(
        person=act.says["person"],
        referred_on=act.occurred_on,
        municipality=act.says["municipality"],
        returns=act.says["previous"] is not None,
        responsible=act.by,
        referrer=act.by,
        asking=asking,
        provider=asking.now or "",
        told_reasons=programme.told_reasons,
        counted_reasons=programme.counted_reasons,
        owing=Owing(within_days=programme.reported_within(act.by)),
    )
