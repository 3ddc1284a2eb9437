"""Carries the plan out: the clock from step to step, and at each step everything that is recorded that day.

Acts of one journey keep their order, and each request carries the vector of the answers before it. So every service
answers from the state that the player has already seen. Different journeys go side by side. Nothing is counted that
the platform has not confirmed.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime

from clients.player import idle, referrer_check, requests, saboteur, sheets, silences
from clients.player.acts import Act, BadRecord, Plan, Step
from clients.player.candidates import require_candidate
from clients.player.inbound import PATIENCE_SECONDS, Agency
from clients.player.joining import Joining
from clients.player.ledger import Ledger, compare
from clients.player.programme import Programme
from clients.player.reports import read_report
from clients.player.requests import Handles
from clients.player.rounds import LAST, Rounds
from clients.player.surroundings import SERVICES, Surroundings
from clients.player.trouble import Trouble
from clients.player.wire import Answer, Wire

THREADS = 8
OPERATOR = ("plattform", "operator")
"""Who drives the clock of the local stack."""
REFUSED: Mapping[str, tuple[int, ...]] = {"accept": (404, 409), "accept_offer": (409,)}
"""How what comes too late is refused; who was only asked sees the referral no more once it was answered."""
SAY_WHO_IS_ONE = frozenset({"merge", "part"})
OF_NO_JOURNEY = SAY_WHO_IS_ONE | {
    *("register", "erase", "register_unit", "begin_membership"),
    *("close_unit", "make_group", "correct_group"),
}


class Play:
    """One play of one plan on one stack.

    done: how many requests had to be sent again (`repeated`), bad records were told of (`rejected`), and days there
    were on which the report was compared meanwhile (`looks`). dropped: the event that the saboteur removed, if any;
    joining: of the agency that joined on the way, if any; differences: what was wrong then, referrals on which a
    referrer is told something untrue, and parked events.
    """

    def __init__(
        self,
        surroundings: Surroundings,
        wire: Wire,
        programme: Programme,
        plan: Plan,
        agencies: Iterable[str],
    ) -> None:
        self.surroundings, self.wire, self.programme, self.plan = surroundings, wire, programme, plan
        self.agencies = {one: Agency(surroundings, one) for one in agencies}
        self.handles = Handles()
        self.ledger = Ledger(programme)
        self.done: Counter[str] = Counter()
        self.dropped: str | None = None
        self.joining: Joining | None = None
        self.differences: list[str] = []
        self._victim = saboteur.victim(plan) if surroundings.fault else None
        self._counting = threading.Lock()
        self._numbers: dict[str, int] = {}
        self._awaited: list[Act] = []
        self.rounds = Rounds(wire, self.handles, self.ledger, programme, surroundings.seed)

    def run(self, seen: Callable[[Step], None]) -> None:
        """Play all steps; `seen` is called after each. Blocks. Raises Trouble when it cannot go on."""
        with ThreadPoolExecutor(THREADS, thread_name_prefix="player") as pool:
            try:
                for step in self.plan.steps:
                    self._step(step, pool)
                    seen(step)
                self.differences += self.rounds.differences(self.agencies, self.plan.steps[-1].at, pool)
                self.differences += referrer_check.differences(self, pool)
                self.differences += idle.parked(idle.look(self.wire, pool))
                self.differences += self.joining.differences() if self.joining else []
            except BaseException:
                self.wire.give_up()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            finally:
                for agency in self.agencies.values():
                    agency.close()

    def _step(self, step: Step, pool: ThreadPoolExecutor) -> None:
        self._move_clock(step.at, pool)
        if self.rounds.fall_due(step.at):
            # What is said anew now must meet the report that was made, and not the timer that is to make it.
            idle.wait_until_idle(self.wire, pool, step.at)
        self.differences += silences.differences(self.wire, self.handles, self.ledger, step.on, pool)
        by_key: dict[str, list[Act]] = {}
        rows: list[Act] = []
        for act in (one for one in step.acts if one.deed != LAST):
            if act.channel == "csv":
                rows.append(act)
            elif act is not self._victim:
                by_key.setdefault(act.plan_key, []).append(act)
        list(pool.map(self._one_journey, by_key.values()))
        self._send_sheets(rows)
        self._await_journeys()
        for record in step.bad_records:
            self._offer_bad(record)
        if by_key or rows or step.bad_records or self._victim in step.acts:
            idle.wait_until_idle(self.wire, pool, step.at)
        if self._victim in step.acts:
            self._lose(self._victim)
            idle.wait_until_idle(self.wire, pool, step.at)
        self.ledger.expire(step.on)
        for act in self.rounds.make(step, pool):
            self._count(act)
        if any(act.deed in SAY_WHO_IS_ONE for act in step.acts):
            idle.wait_until_idle(self.wire, pool, step.at)
            self._look(step.on)

    def _look(self, on: date) -> None:
        """Hold the report of that day against the count of that day."""
        self.done["looks"] += 1
        found = compare(read_report(self.wire, self.programme), self.ledger.report(on))
        self.differences += [f"on {on}, {one}" for one in found]

    def _move_clock(self, at: datetime, pool: ThreadPoolExecutor) -> None:
        def move(service: str) -> None:
            answer = self.wire.ask(
                service,
                "POST",
                "/clock",
                actor=OPERATOR,
                body={"at": at.isoformat()},
                key=f"clock-{at:%Y%m%d}",
            )
            if answer.status != 200:
                raise Trouble(f"{service} does not let its clock be set: {answer.status} {answer.body!r}.")
            if datetime.fromisoformat(answer.body["at"]) != at:
                raise Trouble(
                    f"The clock of {service} stands at {answer.body['at']}, after {at:%Y-%m-%d}: this stack "
                    "has been played already. `make down reset` gives an empty one."
                )

        list(pool.map(move, SERVICES))

    # --- what one journey does in a step --------------------------------------------------------------

    def _one_journey(self, acts: list[Act]) -> None:
        for act in acts:
            if act.channel == "command":
                self._open_topics(act)
            elif act.channel == "inbound":
                self._refer_over_topic(act)
            else:
                self._do(act)

    def _do(self, act: Act) -> Answer:
        if act.deed == "merge":
            require_candidate(self.wire, act, self.handles)
        said = requests.request(act, self.handles, self.programme.id)
        headers = {}
        if act.deed == "record_entry" and act.plan_key in self.handles.entry_revisions:
            headers["If-Match"] = self.handles.entry_revisions[act.plan_key]
        answer = self._ask(act, said, headers)
        if answer.status in (412, 428) and answer.tries > 1:
            headers["If-Match"] = self._entry_revision(act)
            answer = self._ask(act, said, headers)
        self._confirm(act, said, answer)
        return answer

    def _ask(self, act: Act, said: requests.Request, headers: dict[str, str]) -> Answer:
        return self.wire.ask(
            said.service,
            said.method,
            said.path,
            actor=(act.by, act.duty),
            body=said.body,
            headers=headers,
            key=self._key(act) if said.method == "POST" else None,
            # Who holds no part any more, and says that it has seen the journey, is let wait for a part.
            vector=None if act.refused and act.deed == "accept" else self.handles.vectors.get(act.plan_key),
        )

    def _entry_revision(self, act: Act) -> str:
        """The revision to rest on when the answer to an entry was lost on its way."""
        path = f"/journeys/{self.handles.journeys[act.plan_key]}"
        return self.wire.ask("outcome", "GET", path, actor=(act.by, act.duty)).headers.get("etag", "")

    def _key(self, act: Act) -> str:
        """One name per act, the same in every repetition."""
        with self._counting:
            number = self._numbers[act.plan_key] = self._numbers.get(act.plan_key, 0) + 1
        return f"{self.surroundings.seed}-{act.plan_key}-{number}-{act.deed}"

    def _confirm(self, act: Act, said: requests.Request, answer: Answer) -> None:
        if act.refused:
            if answer.status not in REFUSED[act.deed]:
                raise Trouble(
                    f"{_told(act, said)} should have been refused, but the answer was {answer.status}."
                )
        elif answer.status >= 300:
            raise Trouble(
                f"{_told(act, said)} was refused: {answer.status} {json.dumps(answer.body, default=str)}"
            )
        else:
            self.handles.keep(act, answer.body)
            if act.deed == "record_entry" and "etag" in answer.headers:
                self.handles.entry_revisions[act.plan_key] = answer.headers["etag"]
        if act.deed not in OF_NO_JOURNEY:
            self.handles.saw(act.plan_key, answer.vector)
        self._count(act, answer.tries)

    def _count(self, act: Act, tries: int = 1) -> None:
        with self._counting:
            self.done["repeated"] += tries - 1
            if act.refused:
                self.ledger.commands += 1
            else:
                self.ledger.do(act)

    # --- sheets, topics ------------------------------------------------------------------------------

    def _send_sheets(self, rows: list[Act]) -> None:
        """The sessions of providers that send theirs as CSV, one sheet per provider."""
        for provider in sorted({act.by for act in rows}):
            own = [act for act in rows if act.by == provider]
            lines = [requests.bulk_row(act, self.handles) for act in own]
            results, again = sheets.send(
                self.wire,
                "/sessions",
                lines,
                actor=(provider, own[0].duty),
                key=f"{self.surroundings.seed}-sheet-{provider}-{own[0].recorded_on}",
            )
            self.done["repeated"] += again
            for act, result in zip(own, results, strict=True):
                if "session_id" not in result:
                    raise Trouble(f"A row of {provider}'s sheet was refused: {result!r}.")
                self.handles.keep(act, result)
                self._count(act)

    def _open_topics(self, act: Act) -> None:
        """Let an agency join, whose first record then comes over its own topic."""
        self.joining = Joining(self.surroundings, act.says["unit"])
        self.agencies[act.says["unit"]] = Agency(self.surroundings, act.says["unit"], self.joining.password)
        self._count(act)

    def _refer_over_topic(self, act: Act) -> None:
        body = requests.referral(act, self.handles, self.programme.id)
        self.agencies[act.by].publish(json.dumps(body, default=str).encode())
        with self._counting:
            self._awaited.append(act)

    def _await_journeys(self) -> None:
        """Learn from the reply topics which journeys the referrals of this step have become."""
        awaited, self._awaited = self._awaited, []
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while awaited:
            for by in sorted({act.by for act in awaited}):
                self.agencies[by].read()
            for act in list(awaited):
                reply = self.agencies[act.by].journeys.get(act.says["reference"])
                if reply is not None:
                    self.handles.journeys[act.plan_key] = str(reply["journey_id"])
                    self._count(act)
                    awaited.remove(act)
                    if self.joining and act.by == self.joining.unit:
                        self.joining.answered()
            if awaited and time.monotonic() > ends_at:
                raise Trouble(
                    f"{awaited[0].by} has had no reply to {len(awaited)} referrals over its topic, "
                    f"and {_rejections(self.agencies)}"
                )

    def _offer_bad(self, record: BadRecord) -> None:
        """Send what must be rejected, and hold the platform to saying so of just that record."""
        agency = self.agencies[record.by]
        value = record.value
        if not isinstance(value, bytes):
            participant = (
                {"participant_id": self.handles.participants[record.by, record.participant]}
                if record.participant
                else {}
            )
            value = json.dumps({**value, **participant}).encode()
        position = agency.publish(value)
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while position not in agency.rejections:
            agency.read()
            if time.monotonic() > ends_at:
                raise Trouble(f"{record.by} sent {position} ({record.why}) and heard of no rejection.")
        with self._counting:
            self.done["rejected"] += 1
            self.ledger.commands += 1

    # --- the fault -----------------------------------------------------------------------------------

    def _lose(self, act: Act) -> None:
        """Do the act so that its event is lost. What its answer shows is forgotten: nobody will ever see it."""
        seen = dict(self.handles.vectors[act.plan_key])

        def log() -> tuple[str, int]:
            answer = self._do(act)
            return self.handles.journeys[act.plan_key], answer.vector[saboteur.SOURCE]

        self.dropped = saboteur.lose(self.surroundings, log)
        self.handles.vectors[act.plan_key] = seen


def _told(act: Act, said: requests.Request) -> str:
    return f"{said.method} {said.path} of {act.by} on {act.recorded_on} ({act.deed} in {act.plan_key})"


def _rejections(agencies: dict[str, Agency]) -> str:
    said = [str(body) for agency in agencies.values() for body in agency.rejections.values()]
    return f"{len(said)} rejections, the last: {said[-1]}." if said else "no rejection either."
