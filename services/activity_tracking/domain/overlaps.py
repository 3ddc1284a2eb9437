"""Stretches of one person that share time, at one unit or at two. They are told, and never refused."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from services.activity_tracking.domain.expected import Expected
from services.activity_tracking.domain.held import Held
from services.activity_tracking.domain.sessions import Session
from shared.language.events import JourneyId

Span = tuple[datetime, datetime]


def lie_across(
    register: Mapping[str, tuple[Expected, Session | None]], elsewhere: Iterable[Session]
) -> frozenset[str]:
    """The keys of the stretches at whose time the person attends another one.

    register: by key, each stretch of a unit's register and the newest entry that marks it. elsewhere: how the same
    people are marked at other units. Where somebody was away, they lie across nothing.
    """
    there: dict[JourneyId, list[tuple[str, Span]]] = {}
    for key, (expected, head) in register.items():
        span = _attended(head)
        if span is not None:
            there.setdefault(expected.journey_id, []).append((key, span))
    for one in elsewhere:
        span = _attended(one)
        if span is not None:
            there.setdefault(one.journey_id, []).append(("", span))
    return frozenset(
        key
        for key, (expected, head) in register.items()
        if (span := _span(expected, head)) is not None
        and any(other != key and _meet(span, its) for other, its in there.get(expected.journey_id, ()))
    )


def _span(expected: Expected, head: Session | None) -> Span | None:
    """From when to when the person was there, or is expected; None of who was away."""
    if head is None or head.void:
        return expected.starts_at, expected.ends_at
    return _attended(head)


def _attended(head: Session | None) -> Span | None:
    if head is None or head.void or head.attendance == "no" or head.held is None:
        return None
    held: Held = head.held
    return held.came_at or held.starts_at, held.left_at or held.ends_at


def _meet(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]
