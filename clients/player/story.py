"""One journey from referral to the last follow-up, as commands on days. Pure; chance comes from a seed.

A deadline that is to pass has passed a whole step before anything builds on it.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from clients.player import groups, registers
from clients.player.acts import Act, Deed, step_after, step_from, stop_after
from clients.player.plan_writer import LATE_DAYS, PlanWriter

GOALS = (
    "Egen försörjning",
    "Svenska som räcker på jobbet",
    "Ett arbete med djur",
    "Klara hela veckan",
    "Körkort",
)


class Story(PlanWriter):
    """One person's way through the programme, as their fate has it."""

    def told(self) -> list[Act]:
        """All acts of the journey, by the day of recording."""
        self._refer()
        match self.fate:
            case "unanswered" if self.programme.answer_within_days is not None:
                self._leave_unanswered()
            case "declined" | "unanswered":
                reason = {"reason": self._one(self.programme.decline_reasons)}
                self._act("decline", self.provider, self._later(4, 15), reason)
            case "withdrawn" | "mistake before start":
                if self.random.random() < 0.5:
                    self._accept()
                reasons = (
                    self.programme.withdraw_reasons
                    if self.fate == "withdrawn"
                    else self.programme.mistake_reasons
                )
                deed: Deed = "withdraw" if self.fate == "withdrawn" else "mistake"
                self._act(deed, self.person.referrer, self._later(3, 20), {"reason": self._one(reasons)})
            case _:
                self._accept()
                self._begin()
                self._take_part()
        return sorted(self.acts, key=lambda act: act.recorded_on)

    # --- from referral to start ----------------------------------------------------------------------

    def _refer(self) -> None:
        person = self.person
        day = self.referred_on
        if self.previous is None:
            self._act("register", person.referrer, day, {"person": person})
        asked = self._asked()
        says = {
            "person": person.key,
            "reference": f"{person.referrer[:3].upper()}-{day.year}-{self.plan_key}",
            "municipality": person.municipality,
            "provider": asked[0] if len(asked) == 1 else None,
            "providers": asked if len(asked) > 1 else (),
            "previous": self.previous,
        }
        over_topic = person.referrer in self.inbound and self.random.random() < 0.5
        self._act("refer", person.referrer, day, says, channel="inbound" if over_topic else "http")
        if len(asked) > 1:
            self._pass_on()

    def _asked(self) -> tuple[str, ...]:
        """The providers that the referral names in order, the one of this story last; none: any."""
        in_order = (self.next_provider, self.provider)
        if self.fate == "unanswered":
            return self.random.choice(((), in_order[1:], in_order))
        if self.fate == "declined":
            return self.random.choice((in_order, in_order[1:], in_order[1:]))
        if self.random.random() >= 0.7:
            return ()
        several = self.fate in ("handed over", "by plan") and self.random.random() < 0.25
        return in_order if several else in_order[1:]

    def _pass_on(self) -> None:
        """The first one says no, or nothing at all."""
        if self.programme.answer_within_days is not None and self.random.random() < 0.5:
            self._stay_silent()
            return
        refusal = {"reason": self._one(self.programme.pass_on_reasons)}
        self._act("pass_on", self.next_provider, self._later(3, 12), refusal)

    def _stay_silent(self) -> None:
        """Nobody answers until the last day has passed. The next one is asked when the clock next stops."""
        self.today = stop_after(self.today + timedelta(days=self.programme.answer_within_days or 0))

    def _leave_unanswered(self) -> None:
        """The one who is asked last says nothing, and comes too late with a yes."""
        self._stay_silent()
        self._act("accept", self.provider, step_after(self.today), refused=True)

    def _accept(self) -> None:
        # Who is asked between two steps still answers within the month.
        most = 21 if self.today == step_from(self.today) else 14
        self._act("accept", self.provider, self._later(3, most))

    def _begin(self) -> None:
        covers = (self.provider, self.next_provider, *self.receivers)
        asked_on = self._later(1, 7)
        consents = self.fate != "by plan" or self.random.random() < 0.5
        says: dict[str, Any] = {"purpose": "sharing", "given": consents}
        if consents:
            says |= {"organisations": covers, "last_day": asked_on + timedelta(days=1000)}
        self._act("consent", self.provider, asked_on, says)
        self._act("start", self.provider, self._later(0, 7))
        if self.fate == "broken off" and self.random.random() < 0.25:
            return
        self._entry()

    def _entry(self) -> None:
        person, random = self.person, self.random
        says: dict[str, Any] = {
            "gender": person.gender,
            "born_on": person.born_on,
            "employment": person.employment,
            "unemployed_since": None,
            "isced": person.isced,
            "disability": random.choice(("yes", "no", "no", "refused", "not_asked")),
            "minority": random.choice(("yes", "no", "no", "refused", "not_asked")),
            "third_country": random.choice(("yes", "no", "no")),
            "foreign_background": random.choice(("yes", "no")),
            "homeless": random.choice(("no", "no", "no", "not_asked")),
            "rural": random.choice(("yes", "no")),
        }
        if person.employment == "unemployed":
            says["unemployed_since"] = person.referred_on - timedelta(days=random.randint(100, 2000))
        corrected = random.random() < 0.07
        first = (
            says | {"gender": "man" if person.gender == "woman" else "woman", "isced": None}
            if corrected
            else says
        )
        recorded = self._act("record_entry", self.provider, self._later(1, 5), first)
        if corrected:
            self._act("record_entry", self.provider, step_after(recorded), says)

    # --- taking part ---------------------------------------------------------------------------------

    def _take_part(self) -> None:
        from_day = self.today
        left = (self.programme.ends_on - from_day).days
        days = min(self.random.randint(110, 260), left - 100)
        if self.fate in ("broken off", "moved", "deceased", "mistake after start"):
            days = self.random.randint(25, 100)
        until = from_day + timedelta(days=days)
        self._plan(from_day, until)
        self._log(from_day, step_from(until), count=max(4, days // 26))
        self._measure(from_day, until)
        self.today = max(self.today, step_from(until))
        match self.fate:
            case "broken off":
                self._exit("interrupted", reason=self._of("interrupted", "broke_off"))
            case "moved" | "deceased":
                self._exit(self.fate)
            case "mistake after start":
                if self.random.random() < 0.5:
                    self._offer(self._one(self.receivers))
                self._act(
                    "mistake",
                    self.responsible,
                    self._later(3, 9),
                    {"reason": self._one(self.programme.mistake_reasons)},
                )
            case "mistake after exit":
                self._exit("interrupted", reason=self._of("interrupted", "broke_off"), follow_ups=False)
                self._act(
                    "mistake",
                    self.person.referrer,
                    self._later(5, 20),
                    {"reason": self._one(self.programme.mistake_reasons)},
                )
            case "by plan":
                self._ready()
                self._exit("by_plan")
            case _:
                self._hand_over()

    def _plan(self, from_day: date, until: date) -> None:
        sampled = self.random.sample(self.programme.activities, self.random.choice((1, 1, 2)))
        for number, activity in enumerate(sampled, 1):
            first_on = from_day + timedelta(days=self.random.randint(1, 10))
            says = {
                "plan": f"plan{number}",
                "activity": activity,
                "first_on": first_on,
                "last_on": self.random.choice((None, until)),
                "hours": self._hours() if number == 1 else [],
            }
            if number == 1 and not says["hours"] and groups.takes_part(self.plan_key):
                self._attend_group(says, from_day, until)
            else:
                self._act("plan_activity", self.provider, step_after(from_day), says)
        if (pause := registers.pause(self.plan_key, from_day, until)) is not None:
            recorded_on, days = pause
            self._act("plan_pause", self.provider, recorded_on, days)
        for number in range(1, self.random.choice((2, 2, 2, 3))):
            set_on = from_day + timedelta(days=self.random.randint(1, 12))
            goal = f"goal{number}"
            recorded = self._act("set_goal", self.provider, set_on, {"goal": goal, "text": self._one(GOALS)})
            if self.random.random() < 0.6 and step_after(recorded) < until:
                self._act("reach_goal", self.provider, until - timedelta(days=1), {"goal": goal})

    def _measure(self, from_day: date, until: date) -> None:
        every = timedelta(days=91 * self.programme.measure_every_months // 3)
        for number in (1, 2, 3):
            on = from_day + timedelta(days=6) + (number - 1) * every
            if on >= until:
                break
            answers = {
                one: self.random.randint(1, 5)
                for one in self.programme.indicators
                if self.random.random() < 0.95
            }
            self._act("measure", self.responsible, on, {"round": number, "answers": answers})
        if self.random.random() < 0.4:
            says = {
                "competence": self._one(self.programme.competences),
                "level": self.random.randint(1, self.programme.competence_levels),
            }
            self._act("validate", self.responsible, until - timedelta(days=2), says)

    # --- handing over --------------------------------------------------------------------------------

    def _ready(self) -> None:
        self._act("judge_ready", self.responsible, self.today)

    def _offer(self, to: str) -> date:
        """Offer the journey on; returns the deadline. Recorded on the day itself."""
        self.offers += 1
        providers = self.programme.those_who_may("answer_referral", "offer_handover")
        if to in providers:
            wanted = "medical_to_vocational" if self.medical_first else "provider_to_provider"
        elif "refer" in self.programme.may[to]:
            wanted = "provider_to_agency"
        else:
            wanted = "provider_to_education" if "skola" in to else "provider_to_employer"
        kind = wanted if wanted in self.programme.handover_kinds else self.programme.handover_kinds[0]
        on = self._later(1, 6)
        most = min(35, self.programme.handover_max_days)
        deadline = step_from(on) + timedelta(days=self.random.randint(15, most))
        self._act(
            "offer",
            self.responsible,
            on,
            {"offer": f"h{self.offers}", "kind": kind, "to_organisation": to, "deadline_on": deadline},
        )
        return deadline

    def _answer(
        self, deed: Deed, by: str, *, says: Mapping[str, Any] | None = None, refused: bool = False
    ) -> date:
        """Answer the open offer within two weeks: on a step after the offer's and before any deadline."""
        on = self._later(1, 12)
        return self._act(deed, by, on, {"offer": f"h{self.offers}", **(says or {})}, refused=refused)

    def _accepted_by(self, to: str) -> None:
        self._offer(to)
        self._answer("accept_offer", to)
        self.responsible = to

    def _hand_over(self) -> None:
        if self.medical_first:
            self._accepted_by(self.next_provider)
            self.medical_first = False
            boundary = step_from(self._later(20, 40))
            self._log(self.today, boundary, count=4)
            self.today = max(self.today, boundary)
        self._ready()
        to = self._receiver()
        match self.fate:
            case "offer declined":
                self._offer(to)
                self._answer(
                    "decline_offer", to, says={"reason": self._one(self.programme.handover_decline_reasons)}
                )
            case "offer expired":
                deadline = self._offer(to)
                self.today = step_after(step_after(deadline))
            case "offer recalled":
                self._offer(to)
                self._answer(
                    "recall_offer",
                    self.responsible,
                    says={"reason": self._one(self.programme.recall_reasons)},
                )
            case "consent withdrawn":
                self._offer(to)
                self._act(
                    "withdraw_consent", self.responsible, step_after(self.today), {"purpose": "sharing"}
                )
                self.today = step_after(self.today)
                self._act("accept_offer", to, self.today, {"offer": f"h{self.offers}"}, refused=True)
            case "exit before answer":
                self._offer(to)
                self._exit("by_plan", at_once=True, refused_afterwards=to)
                return
        again = (
            self.fate in ("offer declined", "offer recalled", "offer expired") and self.random.random() < 0.75
        )
        if self.fate in ("handed over", "medical first") or again:
            to = self._receiver()
            self._accepted_by(to)
            self._with_receiver()
        if self.fate == "consent withdrawn" and self.random.random() < 0.5:
            self._exit("interrupted", reason=self._of("interrupted", "consent_withdrawn"))
        else:
            self._exit("by_plan")

    def _receiver(self) -> str:
        """Most go to an employer or a school, a few back to the agency."""
        outside = tuple(one for one in self.receivers if "refer" not in self.programme.may[one])
        back = self.person.referrer if self.person.referrer in self.receivers else self._one(outside)
        return self._one(outside) if self.random.random() < 0.93 else back

    def _with_receiver(self) -> None:
        boundary = step_from(self._later(14, 35))
        if "log_activity" in self.programme.may[self.responsible]:
            self._log(self.today, boundary, count=2)
        self.today = max(self.today, boundary)

    # --- leaving -------------------------------------------------------------------------------------

    def _of(self, way: str, wanted: str) -> str | None:
        reasons = self.programme.exit_reasons.get(way, ())
        return wanted if wanted in reasons else next(iter(reasons), None)

    def _exit(
        self,
        way: str,
        *,
        reason: str | None = None,
        follow_ups: bool = True,
        at_once: bool = False,
        refused_afterwards: str | None = None,
    ) -> None:
        reasons = self.programme.exit_reasons.get(way, ())
        reason = reason or (self._one(reasons) if reasons else None)
        with_employer = (
            self.responsible in self.receivers and "refer" not in self.programme.may[self.responsible]
        )
        situation = None if way == "deceased" else self._situation(way, with_employer)
        on = step_after(self.today) if at_once else self._later(2, 9)
        last_before = self.today
        says: dict[str, Any] = {"way": way, "reason": reason, "situation": situation}
        recorded = self._act("record_exit", self.responsible, on, says)
        self.exited_on = on
        if refused_afterwards:
            self._act(
                "accept_offer",
                refused_afterwards,
                step_after(recorded),
                {"offer": f"h{self.offers}"},
                refused=True,
            )
        if "log_activity" in self.programme.may[self.responsible] and self.random.random() < 0.12:
            self._log_one(min(on, last_before), step_from(recorded + timedelta(days=LATE_DAYS + 2)))
        if follow_ups and way != "deceased":
            self._follow(on, situation, way)

    def _situation(self, way: str, with_employer: bool) -> str | None:
        drawn = self.random.random()
        if way == "by_plan" and with_employer:
            shares = ((0.82, "employed"), (0.90, "student"), (0.96, "unemployed"))
        elif way == "by_plan":
            shares = ((0.35, "employed"), (0.55, "student"), (0.90, "unemployed"))
        else:
            shares = ((0.08, "employed"), (0.45, "unemployed"), (0.65, "inactive"))
        return next((situation for limit, situation in shares if drawn < limit), None)

    def _follow(self, exited_on: date, situation: str | None, way: str) -> None:
        """Answer each follow-up or not, a step after it fell due; for most work lasts, some find it later."""
        answered = 0.88 if way == "by_plan" else 0.55
        for follow_up in self.programme.follow_ups:
            due = step_from(follow_up.due_on(exited_on))
            days = [step_from(due + timedelta(days=after)) for after in (1, 1, 15)]
            in_time = [day for day in days if day <= follow_up.answer_by(exited_on)]
            lasts = self.random.random()
            if situation == "employed" and lasts > 0.88:
                situation = "unemployed"
            elif situation != "employed" and lasts > 0.85:
                situation = "employed"
            if in_time and self.random.random() < answered:
                says = {"follow_up": follow_up.code, "situation": situation or "unemployed"}
                self._act("answer_follow_up", self.provider, self.random.choice(in_time), says)
