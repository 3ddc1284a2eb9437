"""How much of a journey each organisation sees: the kind of handover decides, whichever fact arrived first."""

from datetime import date
from itertools import permutations

import pytest

from shared.language import events as e
from shared.language.access import View, view
from shared.language.passage import Passage, begin, follow
from tests.support.small_programme import (
    EMPLOYER,
    EXITED_ON,
    JOURNEY,
    PROVIDER,
    READY_ON,
    RECEIVER,
    REFERRER,
    TO_START,
    TODAY,
    consent,
    exited,
    recorded,
    referral,
)


def passage(*facts: e.Fact) -> Passage:
    found = begin(referral())
    for fact in facts:
        found = follow(found, fact)
    return found


def offered(to: str, kind: e.HandoverKind) -> e.HandoverOffered:
    return e.HandoverOffered(
        occurred_on=READY_ON,
        recorded_at=recorded(READY_ON),
        handover=e.HandoverId(f"{JOURNEY}.h1"),
        kind=kind,
        from_organisation=PROVIDER,
        to_organisation=to,
        deadline_on=TODAY,
    )


def accepted(to: str, kind: e.HandoverKind) -> e.HandoverAccepted:
    return e.HandoverAccepted(
        occurred_on=READY_ON,
        recorded_at=recorded(READY_ON),
        handover=e.HandoverId(f"{JOURNEY}.h1"),
        kind=kind,
        from_organisation=PROVIDER,
        to_organisation=to,
        offered_on=READY_ON,
    )


LAPSED = consent(EMPLOYER, RECEIVER, last_day=date(2016, 3, 1))
STARTED = TO_START[1:]
STORIES: dict[str, tuple[tuple[e.Fact, ...], dict[str, View]]] = {
    "received": ((), {REFERRER: "whole", PROVIDER: "outside"}),
    "started": (STARTED, {PROVIDER: "whole", REFERRER: "outside", EMPLOYER: "nothing"}),
    "consent covers the agency": ((*STARTED, consent(REFERRER)), {PROVIDER: "whole", REFERRER: "whole"}),
    "offered to an employer": (
        (*STARTED, offered(EMPLOYER, "provider_to_employer")),
        {EMPLOYER: "training", PROVIDER: "whole"},
    ),
    "offered to a school": ((*STARTED, offered(EMPLOYER, "provider_to_education")), {EMPLOYER: "training"}),
    "offered to a provider": ((*STARTED, offered(RECEIVER, "provider_to_provider")), {RECEIVER: "whole"}),
    "offered, consent lapsed": (
        (*STARTED, LAPSED, offered(EMPLOYER, "provider_to_employer")),
        {EMPLOYER: "nothing"},
    ),
    "offered to a provider, consent lapsed": (
        (*STARTED, LAPSED, offered(RECEIVER, "provider_to_provider")),
        {RECEIVER: "outside"},
    ),
    "an employer's yes": (
        (*STARTED, accepted(EMPLOYER, "provider_to_employer")),
        {EMPLOYER: "training", PROVIDER: "outside"},
    ),
    "a provider's yes": ((*STARTED, accepted(RECEIVER, "provider_to_provider")), {RECEIVER: "whole"}),
    "the agency's yes as employer": (
        (*STARTED, accepted(REFERRER, "provider_to_employer")),
        {REFERRER: "outside"},
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_who_sees_how_much(story: str) -> None:
    facts, expected = STORIES[story]
    found = passage(*facts)
    assert {who: view(who, found, TODAY) for who in expected} == expected


@pytest.mark.parametrize("exit_of", [PROVIDER, EMPLOYER])
def test_an_exit_that_crosses_a_handover_leaves_every_reader_with_the_same(exit_of: str) -> None:
    before = passage(*STARTED)
    crossing = (accepted(EMPLOYER, "provider_to_employer"), exited(EXITED_ON, organisation=exit_of))
    ends = {repr(follow(follow(before, one), other)) for one, other in permutations(crossing)}
    assert len(ends) == 1
    after = follow(follow(before, crossing[1]), crossing[0])
    assert view(exit_of, after, TODAY) == ("whole" if exit_of == PROVIDER else "training")
