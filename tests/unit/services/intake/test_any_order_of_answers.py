"""Yes, no, silence and withdrawal of three providers in any order: one of them takes the person on, or nobody does."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.domain.journey import Referral
from shared.language import events as e
from shared.language.errors import Conflict, Unknown
from shared.language.events import BY_BODY
from shared.language.passage import begin, follow
from tests.support.asked_referrals import (
    DAYS,
    FIRST,
    SECOND,
    THIRD,
    held,
    memory,
    no,
    pass_days,
    readers,
    refer,
    shown,
    to_referrer,
    withdraw,
    yes,
)

PROVIDERS = (FIRST, SECOND, THIRD)
STEPS = st.one_of(
    st.tuples(st.sampled_from(("yes", "no", "person")), st.sampled_from(PROVIDERS)),
    st.tuples(st.just("days"), st.integers(1, DAYS + 1)),
    st.just(("withdraw", "")),
)
NAMED: st.SearchStrategy[list[str]] = st.permutations(PROVIDERS).flatmap(
    lambda order: st.integers(0, 3).map(lambda count: list(order[:count]))
)
"""In order; none: any."""


def step(work: Any, journey: e.JourneyId, what: str, who: Any) -> None:
    match what:
        case "yes":
            yes(work, journey, who)
        case "no":
            no(work, journey, who)
        case "person":
            no(work, journey, who, "participant_declined")
        case "days":
            pass_days(work, who)
        case _:
            withdraw(work, journey)


@given(named=NAMED, steps=st.lists(STEPS, max_size=12))
@settings(max_examples=250)
def test_whatever_is_answered_in_whatever_order(named: list[str], steps: list[tuple[str, Any]]) -> None:
    work = memory()
    journey = refer(work, *named)
    for what, who in steps:
        before: Referral = held(work, journey)
        said = len(work.events)
        try:
            step(work, journey, what, who)
        except (Conflict, Unknown):
            assert (held(work, journey), len(work.events)) == (before, said)
        now = held(work, journey)
        passage, asking = now.passage, now.asking

        # Nobody is asked twice, and nobody but those who were named.
        ended = [one.provider for one in asking.ended]
        assert len(set(ended)) == len(ended)
        assert not named or ended == list(named[: len(ended)])
        # Exactly one answers for the person: a provider that said yes, or else the referrer.
        assert passage.responsible == (passage.provider or passage.referrer)
        assert not (passage.provider and passage.declined_on)
        # While it waits, somebody is asked, has a last day and a timer; afterwards nobody and none.
        waits = passage.stage == "received"
        assert waits == bool(work.timers) == (asking.answer_by is not None)
        if waits:
            open_to = readers(work, journey)
            assert open_to == ({passage.named_provider} if named else set(PROVIDERS) - set(ended))
        # Who said no to another's asking reads nothing more of it.
        for one in readers(work, journey):
            assert not now.was_passed_by(one)
        assert shown(work, journey)["overdue"] is False

    # The other services fold the events to the same passage.
    story = [one for one in work.events if BY_BODY[type(one)].subject == "journey"]
    first = story[0]
    assert isinstance(first, e.ReferralReceived)
    folded = begin(first)
    for fact in story[1:]:
        folded = follow(folded, fact)
    assert folded == held(work, journey).passage
    # The referrer was told the newest of it.
    assert to_referrer(work)[-1].stage == folded.stage
