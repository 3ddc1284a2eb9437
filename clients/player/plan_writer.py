"""Writes a journey's acts: each on its day, and the sessions that fill most of them. Pure.

Every story keeps this order: nothing is recorded before it happened, and a session is logged by the organisation that
is responsible on the day of recording.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from random import Random
from typing import Any

from clients.player import groups, registers
from clients.player.acts import Act, Channel, Deed, step_after, step_from
from clients.player.cohort import Fate, Person
from clients.player.programme import Programme

LATE_DAYS = 14
"""Days between a session and its recording from which the log counts as late."""
CSV_PROVIDER_POSITION = -1
"""The last provider of the document has a system of its own and sends its sessions as CSV."""


class PlanWriter:
    """Writes one journey's acts in the order in which they are recorded.

    today: the last day of recording so far. responsible: the responsible organisation after all acts so far.
    """

    def __init__(
        self,
        programme: Programme,
        random: Random,
        person: Person,
        *,
        plan_key: str,
        fate: Fate,
        referred_on: date,
        previous: str | None,
        inbound: tuple[str, ...],
    ) -> None:
        self.programme, self.random, self.person = programme, random, person
        self.plan_key, self.fate, self.previous = plan_key, fate, previous
        self.inbound = inbound
        self.referred_on = referred_on
        self.today = referred_on
        self.acts: list[Act] = []
        self.sessions = self.offers = 0
        self.exited_on: date | None = None
        providers = programme.those_who_may(
            "answer_referral", "start_journey", "log_activity", "offer_handover"
        )
        self.csv_provider = providers[CSV_PROVIDER_POSITION]
        medical = tuple(one for one in providers if "refer" in programme.may[one])
        vocational = tuple(one for one in providers if one not in medical)
        self.medical_first = fate == "medical first" and bool(medical) and person.referrer not in medical
        self.provider = self.responsible = random.choice(medical if self.medical_first else vocational)
        self.next_provider = random.choice([one for one in vocational if one != self.provider])
        self.receivers = tuple(
            one for one in programme.those_who_may("answer_handover", "record_exit") if one not in providers
        )

    # --- writing -------------------------------------------------------------------------------------

    def _act(
        self,
        deed: Deed,
        by: str,
        on: date,
        says: Mapping[str, Any] | None = None,
        *,
        recorded_on: date | None = None,
        channel: Channel = "http",
        refused: bool = False,
    ) -> date:
        """Write one act, recorded on the next step unless told; returns the day of recording."""
        recorded_on = recorded_on or step_from(on)
        supervisor = deed in ("log_session", "correct_session", "measure") and channel == "http"
        self.acts.append(
            Act(
                plan_key=self.plan_key,
                deed=deed,
                by=by,
                duty="supervisor" if supervisor else "caseworker",
                occurred_on=on,
                recorded_on=recorded_on,
                says=says or {},
                channel=channel,
                refused=refused,
            )
        )
        self.today = max(self.today, recorded_on)
        return recorded_on

    def _later(self, least: int, most: int) -> date:
        """A day `least` to `most` days after the last recording."""
        return self.today + timedelta(days=self.random.randint(least, most))

    def _one(self, among: tuple[str, ...]) -> str:
        return self.random.choice(among)

    # --- hours ------------------------------------------------------------------------------------------

    def _attend_group(self, says: dict[str, Any], from_day: date, until: date) -> None:
        """Take part in the provider's group instead of an activity alone, for a while or until the exit."""
        place = registers.keeps_registers(self.programme).index(self.provider)
        group = {
            "group": groups.group_of(self.provider),
            "activity": groups.activity_of(self.programme, place),
        }
        self._act("join_group", self.provider, step_after(from_day), {**says, **group})
        if (last_on := groups.leaves_on(self.plan_key, from_day, until)) is not None:
            days = {"first_on": says["first_on"], "last_on": last_on}
            leaving = {"plan": says["plan"], "why": "Slutar i gruppen.", **days}
            self._act("leave_group", self.provider, last_on, leaving)

    def _hours(self) -> list[dict[str, Any]]:
        place = registers.keeps_registers(self.programme).index(self.provider)
        return registers.pattern(self.plan_key, registers.weekdays_of(place))

    # --- sessions ---------------------------------------------------------------------------------------

    def _log(self, after: date, boundary: date, *, count: int, until: date | None = None) -> None:
        """Sessions on weekdays after `after`, until `until` or the boundary; all recorded by the boundary.

        The responsible organisation must stay the same until the boundary, a step day.
        """
        until = until or boundary
        span = (until - after).days
        for offset in sorted(self.random.randint(1, max(1, span)) for _ in range(count)):
            day = after + timedelta(days=offset)
            day -= timedelta(days=max(0, day.weekday() - 4))
            if not after < day <= until:
                continue
            late = self.random.random() < 0.05
            recorded = (
                step_from(day + timedelta(days=self.random.randint(LATE_DAYS, 40)))
                if late
                else step_from(day)
            )
            recorded = min(recorded, boundary)
            logged = self._log_one(day, recorded)
            if self.random.random() < 0.07:
                self._correct(logged, day, step_after(recorded), boundary)

    def _log_one(self, day: date, recorded_on: date) -> dict[str, Any]:
        self.sessions += 1
        session = f"s{self.sessions}"
        channel: Channel = "csv" if self.responsible == self.csv_provider else "http"
        says = {
            "session": session,
            "reference": f"{self.plan_key}-{session}",
            "activity": self._one(self.programme.activities),
        }
        says |= self._attendance()
        self._act("log_session", self.responsible, day, says, recorded_on=recorded_on, channel=channel)
        return says

    def _attendance(self) -> dict[str, Any]:
        drawn = self.random.random()
        if drawn < 0.13:
            reason = self._one(self.programme.absence_reasons)
            return {
                "attendance": "no",
                "minutes": 0,
                "reason": reason,
                "text": self.programme.text_of(reason),
            }
        minutes = self.random.choice((60, 90, 120, 180, 240, 240, 360))
        return {"attendance": "late" if drawn < 0.22 else "yes", "minutes": minutes, "reason": None}

    def _correct(self, said: dict[str, Any], day: date, recorded_on: date, boundary: date) -> None:
        """Correct the session, now and then twice; the new content always differs from the old."""
        for _ in range(2 if self.random.random() < 0.15 else 1):
            if recorded_on > boundary:
                return
            self.sessions += 1
            void = self.random.random() < 0.25
            anew = self._attendance()
            while anew["minutes"] == said["minutes"]:
                anew = self._attendance()
            corrected = {
                "corrects": said["session"],
                "session": f"s{self.sessions}",
                "activity": said["activity"],
            }
            says = corrected | anew | {"void": void}
            self._act("correct_session", self.responsible, day, says, recorded_on=recorded_on)
            if void:
                return
            said, recorded_on = says, step_after(recorded_on)
