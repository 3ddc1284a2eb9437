"""Load: parties of many journeys give commands over HTTP and over Kafka, a few at a time, in the order of each journey.

A journey is one client's, so that its commands follow one another; between journeys nothing is ordered. A command
that meets no lasting answer is repeated with its key when its journey's turn comes again, while others go on.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from tests.chaos.client import Actor, Client, Command, Records

AGENCY: Actor = ("arbetsformedlingen-skelleftea", "caseworker")
OPERATOR: Actor = ("plattform", "operator")
PROVIDERS = ("urkraft", "second-hand-skelleftea", "kafe-solrosen")
PART_ENDED = (403, 404)
PAUSE_SECONDS = 0.25
MOST_MINUTES = 3
"""Of one session: a journey has hundreds on its one day, and a day has 1,440."""
DAYS = 2_000_000
"""Last days of consents are drawn from so many: the same again would rightly lead to no event."""
I, A, H, O = "intake-web", "activity-tracking-web", "handover-web", "outcome-web"  # noqa: E741 - read as a table
EVENT = {
    "refer": "journey.intake.referral-received.v1",
    "accept": "journey.intake.referral-accepted.v1",
    "consent": "journey.intake.consent-given.v1",
    "start": "journey.intake.journey-started.v1",
    "log_session": "journey.activity-tracking.session-logged.v1",
    "log_sessions": "journey.activity-tracking.session-logged.v1",
    "correct_session": "journey.activity-tracking.session-corrected.v1",
    "log_output": "journey.activity-tracking.output-logged.v1",
    "offer": "journey.handover.handover-offered.v1",
    "accept_offer": "journey.handover.handover-accepted.v1",
    "decline_offer": "journey.handover.handover-declined.v1",
    "entry": "journey.outcome.entry-recorded.v1",
    "exit": "journey.outcome.journey-exited.v1",
}
OF_THE_JOURNEY = frozenset(EVENT) - {"log_sessions", "log_output"}
"""Deeds whose answers carry the vector of the journey itself."""
MIX: Mapping[str, float] = {
    "log_session": 8,
    "log_sessions": 1.5,
    "correct_session": 2,
    "log_output": 0.5,
    "offer": 2,
    "answer": 4,
    "entry": 1,
    "consent": 0.7,
    "exit": 0.4,
}


def reference(chance: random.Random) -> str:
    """A reference of the sender's own, of letters alone: digits might read as a personnummer, and be refused."""
    return "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=14))


@dataclass(slots=True)
class Journey:
    """What its parties know of one journey."""

    stage: str = "unknown"
    participant: str = ""
    journey: str = ""
    responsible: str = ""
    offer: str = ""
    offered_to: str = ""
    sessions: list[str] = field(default_factory=list)
    minutes: int = 0
    entered: bool = False
    seen: dict[str, int] = field(default_factory=dict)
    pending: Command | None = None
    again_at: float = 0.0

    def learn(self, command: Command) -> None:
        """Take in what a lasting answer says."""
        if command.deed in OF_THE_JOURNEY:
            for source, seq in command.seen.items():
                self.seen[source] = max(seq, self.seen.get(source, 0))
        if not 200 <= (command.status or 0) < 300:
            return
        answer = command.answer
        match command.deed:
            case "register":
                self.stage, self.participant = "registered", answer["participant_id"]
            case "refer":
                self.stage, self.journey = "referred", answer["journey_id"]
            case "accept":
                self.stage, self.responsible = "accepted", command.actor[0]
            case "consent" if self.stage == "accepted":
                self.stage = "consented"
            case "start":
                self.stage = "started"
            case "log_session" | "correct_session":
                self.sessions, self.minutes = [*self.sessions[-4:], answer["session_id"]], answer["minutes"]
            case "offer":
                self.offer = answer["handover_id"]
            case "accept_offer":
                self.offer, self.responsible = "", self.offered_to
            case "decline_offer":
                self.offer = ""
            case "entry":
                self.entered = True
            case "exit":
                self.stage = "exited"


class Party(threading.Thread):
    """One client thread with journeys of its own.

    journeys: how many it keeps under way. pace_seconds: pause between two commands. today: the business day, as the
    platform's clock has it. mix: {deed: weight}.
    """

    def __init__(
        self,
        *,
        name: str,
        client: Client,
        records: Records,
        chance: random.Random,
        today: date,
        journeys: int,
        pace_seconds: float,
        mix: Mapping[str, float],
        bulk_rows: int,
        stop: threading.Event,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.failed: BaseException | None = None
        self._client = client
        self._records = records
        self._chance = chance
        self._today = today
        self._wanted = journeys
        self._pace = pace_seconds
        self._mix = dict(mix)
        self._bulk_rows = bulk_rows
        self._stopping = stop
        self._journeys: list[Journey] = []
        self._used: list[Command] = []
        self._said = chance.randrange(DAYS)

    def run(self) -> None:
        """Give commands until told to stop."""
        try:
            while not self._stopping.wait(self._pace):
                self._step()
        except BaseException as error:  # noqa: BLE001 - reported by whoever waits for this thread
            self.failed = error
        finally:
            self._client.close()

    def begin(self, count: int, within: float = 60.0) -> list[Journey]:
        """Bring so many journeys to their start, in the caller's thread. Raises TimeoutError."""
        journeys = [Journey() for _ in range(count)]
        deadline = time.monotonic() + within
        for journey in journeys:
            while journey.stage != "started":
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{count} journeys did not start within {within:.0f} s")
                self._advance(journey)
        return journeys

    def _step(self) -> None:
        now = time.monotonic()
        ready = [one for one in self._journeys if one.again_at <= now]
        under_way = [one for one in self._journeys if one.stage != "exited"]
        if len(under_way) < self._wanted and (not ready or self._chance.random() < 0.3):
            journey = self._come() or Journey()
            self._journeys = [*under_way, journey]
        elif ready:
            journey = self._chance.choice(ready)
        else:
            return
        if journey.pending is None and self._used and self._chance.random() < 0.03:
            self._repeat()
            return
        self._advance(journey)

    def _come(self) -> Journey | None:
        """Somebody who left comes back, now and then: the same person, on another journey."""
        left = [one.participant for one in self._journeys if one.stage == "exited"]
        again = left and self._chance.random() < 0.5
        return Journey(stage="registered", participant=left[0]) if again else None

    def _advance(self, journey: Journey) -> None:
        command = journey.pending or self._next(journey)
        if command is None:
            return
        if journey.pending is None:
            self._records.begun(command)
            journey.pending = command
        if self._client.send(command):
            journey.pending = None
            journey.learn(command)
            # A row that was refused may be taken when its file comes again: only what is wholly in is repeated.
            if (
                command.method == "POST"
                and command.status is not None
                and command.status < 300
                and _whole(command)
            ):
                self._used = [*self._used[-30:], command]
        else:
            journey.again_at = time.monotonic() + PAUSE_SECONDS

    def _repeat(self) -> None:
        """A client that never saw its answer asks again: it must be given the same one, and nothing more happens.

        Where somebody else's act has ended its part since, it is refused: no stored answer passes over a right.
        """
        before = self._chance.choice(self._used)
        again = Command(
            before.deed, before.process, before.method, before.path, before.body, before.actor, before.key,
            before.trace, None, before.media,
        )  # fmt: skip
        self._records.begun(again)
        if self._client.send(again) and not _same(before, again):
            was, now = f"{before.status} {before.answer}", f"{again.status} {again.answer}"
            raise AssertionError(f"{before.deed} was answered {was}, and on repetition {now}")

    # --- what comes next for a journey ---------------------------------------------------------------

    def _next(self, journey: Journey) -> Command | None:
        on = self._today.isoformat()
        match journey.stage:
            case "unknown":
                number = self._chance.randrange(10**9)
                body = {"name": f"Kim Exempel {number}", "personnummer": None}
                return self._client.command("register", I, "/participants", body, AGENCY, None)
            case "registered":
                return self._say("refer", I, "/referrals", AGENCY, journey, **self._referral(journey))
            case "referred":
                actor = (PROVIDERS[0], "supervisor")
                return self._say("accept", I, f"/referrals/{journey.journey}/acceptance", actor, journey)
            case "accepted":
                return self._consent(journey)
            case "consented":
                return self._say("start", I, f"/journeys/{journey.journey}/start", self._by(journey), journey)
            case "started":
                deeds, weights = list(self._mix), list(self._mix.values())
                return self._deed(self._chance.choices(deeds, weights)[0], journey, on)
        return None

    def _deed(self, deed: str, journey: Journey, on: str) -> Command | None:
        way = f"/journeys/{journey.journey}"
        by = self._by(journey)
        body: dict[str, Any]
        match deed:
            case "log_session":
                body = {**self._session(), "occurred_on": on}
                return self._say("log_session", A, f"{way}/sessions", by, journey, **body)
            case "correct_session" if journey.sessions:
                path = f"{way}/sessions/{journey.sessions[-1]}/correction"
                # Saying the same again would rightly lead to no event.
                anew = {**self._session(), "minutes": journey.minutes % MOST_MINUTES + 1}
                return self._say("correct_session", A, path, by, journey, occurred_on=on, **anew)
            case "log_sessions":
                return self._many(journey, on)
            case "log_output":
                body = {
                    "output": "workplace_carved",
                    "quantity": self._chance.randint(1, 9),
                    "municipality": "2482",
                }
                actor = (PROVIDERS[0], "supervisor")
                return self._client.command(
                    "log_output", A, "/programmes/coactive/outputs", body, actor, EVENT["log_output"]
                )
            case "offer" if not journey.offer:
                journey.offered_to = self._chance.choice(
                    [one for one in PROVIDERS if one != journey.responsible]
                )
                body = {
                    "kind": "provider_to_provider",
                    "to_organisation": journey.offered_to,
                    "deadline_on": (self._today + timedelta(days=10)).isoformat(),
                }
                return self._say("offer", H, f"{way}/handovers", by, journey, **body)
            case "answer" if journey.offer:
                yes = self._chance.random() < 0.7
                actor = (journey.offered_to, "supervisor")
                path = f"/handovers/{journey.offer}/{'acceptance' if yes else 'decline'}"
                body = {} if yes else {"reason": "no_capacity"}
                return self._say("accept_offer" if yes else "decline_offer", H, path, actor, journey, **body)
            case "entry" if not journey.entered:
                gender = self._chance.choice(["woman", "man", None])
                body = {"gender": gender, "employment": "unemployed", "isced": 3}
                return self._say("entry", O, f"{way}/entry", by, journey, **body)
            case "consent":
                return self._consent(journey)
            case "exit" if not journey.offer:
                body = {"way": "by_plan", "reason": "goal_reached", "situation": "employed"}
                return self._say("exit", O, f"{way}/exit", by, journey, **body)
        return None

    def session(self, journey: Journey) -> Command:
        """A session that nothing but its key would keep from being logged twice; not yet sent."""
        command = self._deed("log_session", journey, self._today.isoformat())
        assert command is not None, "a session can always be logged"
        return command

    def _by(self, journey: Journey) -> Actor:
        return (journey.responsible, "supervisor")

    def _say(
        self,
        deed: str,
        process: str,
        path: str,
        actor: Actor,
        journey: Journey,
        /,
        **body: Any,
    ) -> Command:
        method = "PUT" if deed == "entry" else "POST"
        return self._client.command(
            deed, process, path, body, actor, EVENT[deed], method=method, vector=journey.seen
        )

    def _referral(self, journey: Journey) -> dict[str, Any]:
        return {
            "reference": reference(self._chance),
            "participant_id": journey.participant,
            "programme": "coactive",
            "municipality": "2482",
            "provider": PROVIDERS[0],
        }

    def _consent(self, journey: Journey) -> Command:
        last = self._today + timedelta(days=700 + self._different() % DAYS)
        body = {
            "purpose": "sharing",
            "given": True,
            "organisations": list(PROVIDERS),
            "last_day": last.isoformat(),
        }
        return self._say(
            "consent", I, f"/journeys/{journey.journey}/consents", self._by(journey), journey, **body
        )

    def _session(self) -> dict[str, Any]:
        return {
            "activity": "work_training",
            "attendance": self._chance.choice(["yes", "late"]),
            "minutes": self._chance.randint(1, MOST_MINUTES),
        }

    def _different(self) -> int:
        """Another number each time: saying the same again would rightly lead to no event."""
        self._said += 1
        return self._said

    def _many(self, journey: Journey, on: str) -> Command | None:
        same = [
            one
            for one in self._journeys
            if one.stage == "started" and one.responsible == journey.responsible and one.pending is None
        ]
        rows = [
            {
                **self._session(),
                "journey_id": self._chance.choice(same).journey,
                "reference": reference(self._chance),
                "occurred_on": on,
            }
            for _ in range(self._bulk_rows)
        ]
        text = "".join(json.dumps(row) + "\n" for row in rows).encode()
        return self._client.command(
            "log_sessions", A, "/sessions", text, self._by(journey), EVENT["log_sessions"],
            media="application/x-ndjson",
        )  # fmt: skip


def _same(before: Command, again: Command) -> bool:
    """Whether a repetition was answered as before, but for what is no longer its caller's: each row for itself."""
    if again.status in PART_ENDED:
        return True
    if before.deed == "log_sessions" and before.status == again.status:
        rows = zip(before.answer["results"], again.answer["results"], strict=True)
        return all(now["status"] in PART_ENDED or now == was for was, now in rows)
    return (again.status, again.answer) == (before.status, before.answer)


def _whole(command: Command) -> bool:
    return command.deed != "log_sessions" or all(row["status"] == 201 for row in command.answer["results"])
