"""Offers, answers, recalls, deadlines, consent, exit and mistake in any order: the promises that always hold.

Never two open offers; each offer ends once; responsibility moves once per acceptance and by nothing else. A refused
command leaves nothing behind. All readers of the events agree, in whichever order they arrive.
"""

from copy import deepcopy
from datetime import date, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.handover.consumer import FOLDS, TIMERS
from services.handover.domain import offers
from services.handover.domain.journey import Journey, Offer, offer_of
from shared.language.days import day_of, days_after
from shared.language.errors import Conflict, Refused
from shared.language.events import (
    Fact,
    HandoverAccepted,
    HandoverDeclined,
    HandoverExpired,
    HandoverOffered,
    HandoverRecalled,
)
from shared.language.passage import Passage, begin, follow
from tests.support.fakes import FakeWork, noon
from tests.support.published import FakeProgrammes, roles_of
from tests.support.small_programme import (
    EMPLOYER,
    PROVIDER,
    RECEIVER,
    SMALL_PROGRAMME,
    SUBJECT,
    TO_START,
    consent,
    consent_withdrawn,
    exited,
    mistake,
    ready,
    referral,
)

BEGAN_ON = date(2016, 6, 15)
PARTIES = st.sampled_from([PROVIDER, RECEIVER, EMPLOYER])
ENDS = (HandoverAccepted, HandoverDeclined, HandoverExpired, HandoverRecalled)


class Handovers(RuleBasedStateMachine):
    """One journey, everything that can happen to its offers."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = FakeWork(FakeProgrammes(SMALL_PROGRAMME), noon(BEGAN_ON))
        self.foreign: list[Fact] = []
        self.moves: list[str] = []
        self.final: str | None = None

    @initialize()
    def start(self) -> None:
        self._hear(*TO_START, consent(PROVIDER, RECEIVER, EMPLOYER))

    # --- what can happen --------------------------------------------------------------------------

    @rule(to=PARTIES, days=st.integers(-1, 61))
    def offer(self, to: str, days: int) -> None:
        command = offers.OfferHandover(
            kind="provider_to_employer" if to == EMPLOYER else "provider_to_provider",
            to_organisation=to,
            deadline_on=days_after(self.today, days),
        )
        responsible = self.journey.passage.responsible

        def decide(journey: Journey) -> Any:
            return offers.offer(
                journey,
                command,
                programme=SMALL_PROGRAMME,
                roles=roles_of(SMALL_PROGRAMME, self.memory.at.date()),
                by=responsible,
                at=self.memory.at,
            )

        if self._command(decide):
            assert to != responsible
            assert 0 <= days <= 60

    @precondition(lambda self: self.journey.offered)
    @rule(data=st.data())
    def accept(self, data: st.DataObject) -> None:
        asked = self._any_offer(data)
        was_open = asked.status == "open"

        def decide(journey: Journey) -> Any:
            command = offers.AcceptHandover()
            return offers.accept(journey, asked, command, by=asked.to_organisation, at=self.memory.at)

        if self._command(decide) and was_open:
            self.moves.append(asked.to_organisation)

    @precondition(lambda self: self.journey.offered)
    @rule(data=st.data())
    def decline(self, data: st.DataObject) -> None:
        asked = self._any_offer(data)
        command = offers.DeclineHandover(reason="no_capacity")
        self._command(
            lambda journey: offers.decline(
                journey, asked, command, programme=SMALL_PROGRAMME, at=self.memory.at
            )
        )

    @precondition(lambda self: self.journey.offered)
    @rule(data=st.data())
    def recall(self, data: st.DataObject) -> None:
        asked = self._any_offer(data)
        command = offers.RecallHandover(reason="other_receiver")
        self._command(
            lambda journey: offers.recall(
                journey, asked, command, programme=SMALL_PROGRAMME, at=self.memory.at
            )
        )

    @rule(days=st.integers(1, 40), timers=st.booleans())
    def time_passes(self, days: int, timers: bool) -> None:
        self.memory.at += timedelta(days=days)
        if timers:
            self.memory.fire_due(TIMERS)

    @rule()
    def timers_fire(self) -> None:
        self.memory.fire_due(TIMERS)

    @rule(covered=st.sets(PARTIES))
    def consent_changes(self, covered: set[str]) -> None:
        given = consent(*sorted(covered), last_day=self.today + timedelta(days=400))
        self._hear(given if covered else consent_withdrawn(self.today))

    @rule()
    def becomes_ready(self) -> None:
        self._hear(ready())

    @precondition(lambda self: self.final is None)
    @rule(crossed=st.booleans(), deceased=st.booleans())
    def exits(self, crossed: bool, deceased: bool) -> None:
        """The exit names who was responsible where it was recorded: crossed, it missed the last move."""
        heard = self.moves[:-1] if crossed else self.moves
        self.final = heard[-1] if heard else PROVIDER
        way = "deceased" if deceased else "by_plan"
        self._hear(exited(self.today, organisation=self.final, way=way))  # type: ignore[arg-type]

    @precondition(lambda self: self.journey.offered > 1)
    @rule()
    def was_a_mistake(self) -> None:
        self._hear(mistake(self.today))

    # --- what always holds ------------------------------------------------------------------------

    @invariant()
    def at_most_one_offer_is_open_and_everything_agrees_on_it(self) -> None:
        if SUBJECT not in self.memory.states:
            return
        standing = [one for one in self.offers if one.status == "open"]
        assert standing == ([self.journey.open] if self.journey.open else [])
        known = self.journey.passage.offer
        assert [one.handover_id for one in standing] == ([known.handover] if known else [])
        assert list(self.memory.timers) == [f"{one.handover_id}:expiry" for one in standing]

    @invariant()
    def an_open_offer_stands_on_its_ground(self) -> None:
        if SUBJECT in self.memory.states and self.journey.open is not None:
            assert self.journey.passage.active
            assert self.journey.open.from_organisation == self.journey.passage.responsible
            covered = self.journey.passage.consents["sharing"].organisations
            assert self.journey.open.to_organisation in covered

    @invariant()
    def each_offer_is_made_once_and_ends_at_most_once(self) -> None:
        made: list[str] = []
        ended: list[str] = []
        for event in self.memory.events:
            if isinstance(event, HandoverOffered):
                assert len(made) == len(ended)
                made.append(event.handover)
            else:
                assert isinstance(event, ENDS)
                assert event.handover == made[-1]
                ended.append(event.handover)
        assert len(set(made)) == len(made)
        assert len(set(ended)) == len(ended)
        if SUBJECT in self.memory.states:
            counted = self.journey
            assert counted.offered == len(made)
            assert counted.accepted + counted.declined + counted.expired + counted.recalled == len(ended)

    @invariant()
    def responsibility_moves_by_acceptances_alone(self) -> None:
        if SUBJECT in self.memory.states:
            moved = self.moves[-1] if self.moves else PROVIDER
            assert self.journey.passage.responsible == (self.final or moved)
            accepted = [event for event in self.memory.events if isinstance(event, HandoverAccepted)]
            assert [event.to_organisation for event in accepted] == self.moves

    def teardown(self) -> None:
        """Another service, which hears all the others before or after all of handover, ends where we do."""
        if SUBJECT not in self.memory.states:
            return
        mine = self.memory.events
        started = len(TO_START)
        last = self._read([*self.foreign, *mine])
        first = self._read([*self.foreign[:started], *mine, *self.foreign[started:]])
        assert last == self.journey.passage
        assert first == last

    # --- doing ------------------------------------------------------------------------------------

    @property
    def journey(self) -> Journey:
        journey: Journey = self.memory.get(SUBJECT)
        return journey

    @property
    def offers(self) -> list[Offer]:
        return [offer_of(row) for (name, _), row in self.memory.table.items() if name == "offers"]

    @property
    def today(self) -> date:
        return day_of(self.memory.at)

    def _any_offer(self, data: st.DataObject) -> Offer:
        return data.draw(st.sampled_from(sorted(self.offers, key=lambda one: -one.number)[:3]))

    def _hear(self, *events: Fact) -> None:
        self.foreign.extend(events)
        self.memory.apply_fact(FOLDS, SUBJECT, events)

    def _command(self, decide: Any) -> bool:
        before = deepcopy(self.journey)
        try:
            change, _ = decide(self.journey)
        except Refused as refused:
            assert self.journey == before
            assert isinstance(refused, Conflict) or refused.code == "invalid-fields"
            return False
        assert len(change.events) <= 1
        self.memory.save(SUBJECT, change)
        return True

    def _read(self, events: list[Fact]) -> Passage:
        passage = begin(referral())
        for event in events[1:]:
            passage = follow(passage, event)
        return passage


TestHandovers = Handovers.TestCase
TestHandovers.settings = settings(max_examples=60, stateful_step_count=30)
