"""The invariants can fail: each on a small history made by hand, in which one thing is wrong."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from shared.language import codec
from shared.language import events as e
from tests.chaos.client import Attempt, Command
from tests.chaos.invariants import INVARIANTS, Group, Idle, Kept, Seen, Shown, check_all, wanted_timers
from tests.chaos.log import Log, Record, link
from tests.support import toy

SUBJECT = "journey/j-1"
JOURNEYS = frozenset({"journey"})
SHOWN = Shown(
    "the exact dashboard", {"one": (4, 4, 9), "other": (3,)}, {"figures.started": 2}, {"figures.started": 2}
)
TRACE = "0123456789abcdef" * 2
LOGGED = "journey.activity-tracking.session-logged.v1"
SOURCE = "activity-tracking"


def record(n: int, *, after: Mapping[str, int] | None = None, offset: int = 0, trace: str = TRACE) -> Record:
    """The nth session of the subject."""
    body = toy.session(n)
    kind = codec.event_type(body)
    headers = codec.encode_headers(
        kind, SUBJECT, n, body.recorded_at, after or {}, f"00-{trace}-{'1' * 16}-01"
    )
    encoded = [(name, text.encode()) for name, text in headers.items()]
    return Record(kind.topic, 0, offset, encoded, codec.encode_body(body))


def log_of(*numbers: int, **options: Any) -> Log:
    """A log that holds these sessions in this order."""
    log = Log()
    log.take_all(record(n, **options) for n in numbers)
    return log


def chain_of(*numbers: int) -> int:
    """The chain over these sessions."""
    chain = 0
    for n in numbers:
        one = record(n)
        chain = link(chain, dict(one.headers)["ce_id"], one.value)
    return chain


def command(status: int | None, *, trace: str = TRACE) -> Command:
    """A client's session, with that lasting answer."""
    made = Command("log_session", "web", "POST", "/", b"", ("a", "b"), "k", trace, LOGGED)
    made.attempts.append(Attempt(0.0, status or 503, "busy"))
    made.status = status
    return made


def sound() -> Seen:
    """Two sessions by one command each, applied by two groups; nothing is wrong."""
    log = Log()
    log.take_all([record(1), record(2, trace="f" * 32)])
    kept = {SUBJECT: Kept({SOURCE: 2}, {SOURCE: chain_of(1, 2)})}
    return Seen(
        log=log,
        groups=[
            Group("handover", "handover", kept, JOURNEYS),
            Group(SOURCE, SOURCE, {SUBJECT: Kept({}, {})}, JOURNEYS),
        ],
        emitted={(SUBJECT, SOURCE): (2, chain_of(1, 2))},
        pending={"handover": 0},
        offsets={"o": [1, 1, 5]},
        commands=[command(201), command(201, trace="f" * 32), command(409, trace="0" * 32)],
        live={"coactive|started": 2},
        recount={"coactive|started": 2},
        recovery=3.0,
        bound=10.0,
        idle=[Idle("handover-consume", 0.1, 80.0)],
        applied={"handover-consume": [(SUBJECT, SOURCE, 1), (SUBJECT, SOURCE, 2)]},
        shown=[SHOWN, replace(SHOWN, dashboard="the indicators", ids={})],
    )


def broken(seen: Seen) -> set[str]:
    """Which invariants are violated."""
    return {name for name, violations in check_all(seen).items() if violations}


def with_kept(kept: Kept, **parked: int) -> Seen:
    """The sound history, with another document in one of its consuming groups."""
    groups = [
        Group("handover", "handover", {SUBJECT: kept}, JOURNEYS, parked),
        Group("figures", None, {SUBJECT: WHOLE}, JOURNEYS),
    ]
    return replace(sound(), groups=groups)


def with_shown(**changed: Any) -> Seen:
    """The sound history, in which one of those who show figures shows something else."""
    return replace(sound(), shown=[SHOWN, replace(SHOWN, **changed)])


WHOLE = Kept({SOURCE: 2}, {SOURCE: chain_of(1, 2)})


def test_a_sound_history_violates_nothing() -> None:
    assert broken(sound()) == set()


def test_what_was_said_more_than_once_is_no_violation() -> None:
    seen = sound()
    seen.log.take_all([record(1, offset=3), record(2, offset=4)])
    assert seen.log.duplicates == 2
    assert broken(seen) == set()


@pytest.mark.parametrize(
    ("seen", "violated"),
    [
        (with_kept(Kept({SOURCE: 1}, {SOURCE: chain_of(1)})), {"G1"}),
        (with_kept(Kept({SOURCE: 3}, {SOURCE: chain_of(1, 2)})), {"G1"}),
        (with_kept(Kept({}, {})), {"G1"}),
        (with_kept(replace(WHOLE, chain={SOURCE: chain_of(2, 1)})), {"G2"}),
        (with_kept(replace(WHOLE, chain={SOURCE: chain_of(1, 2, 2)})), {"G2"}),
        (with_kept(replace(WHOLE, chain=None)), {"G2"}),
        (replace(sound(), log=log_of(1)), {"G1", "G6"}),
        (replace(sound(), pending={"handover": 1}), {"G4"}),
        (with_kept(WHOLE, waiting=1), {"G4"}),
        (with_kept(WHOLE, poison=1), {"G4"}),
        (with_kept(replace(WHOLE, waits=1)), {"G4"}),
        (with_kept(replace(WHOLE, blocked=True)), {"G4"}),
        (replace(sound(), expected_parked={("handover", "poison"): 1}), {"G4"}),
        (replace(sound(), offsets={"o": [4, 5, 3, 9]}), {"G5"}),
        (replace(sound(), commands=[command(None)]), {"G6"}),
        (replace(sound(), commands=[command(409)]), {"G6"}),
        (replace(sound(), commands=[command(201, trace="a" * 32)]), {"G6"}),
        (replace(sound(), inbound={"t:0:1": TRACE}), {"G6"}),
        (replace(sound(), recovery=10.5), {"G7"}),
        (replace(sound(), idle=[Idle("handover-consume", 0.99, 80.0)]), {"G8"}),
        (replace(sound(), idle=[Idle("handover-consume", 0.01, 900.0)]), {"G8"}),
        (replace(sound(), live={"coactive|started": 3}), {"G9"}),
        (replace(sound(), live={}), {"G9"}),
        (replace(sound(), live={"coactive|started": 2, "coactive|exited": 1}), {"G9"}),
        (replace(sound(), due=1), {"G10"}),
        (replace(sound(), timers={(SUBJECT, "expire_handover"): 1}), {"G10"}),
        (replace(sound(), fired={(SUBJECT, "follow_up_due"): 1}), {"G10"}),
        (with_shown(cells={"figures.started": 1}), {"G11"}),
        (with_shown(cells={}), {"G11"}),
        (with_shown(ids={"one": (4, 9, 8)}), {"G11"}),
        (with_shown(dashboard="the indicators", ids={}, cells={}), {"G11"}),
        (with_shown(failed="ValueError"), {"G11"}),
    ],
)
def test_one_wrong_thing_violates_what_forbids_it(seen: Seen, violated: set[str]) -> None:
    assert broken(seen) == violated


@pytest.mark.parametrize(("kinds", "missing"), [({"journey"}, False), ({"journey", "output"}, True)])
def test_only_who_follows_a_kind_of_subjects_must_have_applied_their_events(
    kinds: set[str], missing: bool
) -> None:
    groups = [replace(sound().groups[0], kinds=frozenset(kinds))]
    seen = replace(sound(), emitted={("output/o-1", SOURCE): (1, 7)}, groups=groups)
    said = [one.subject for one in check_all(seen)["G1"]]
    assert (f"output/o-1 of {SOURCE} in handover" in said) == missing


def test_a_first_occurrence_that_comes_too_early_is_a_hole() -> None:
    seen = replace(sound(), log=log_of(2, 1, 2))
    assert broken(seen) >= {"G3"}


def test_two_different_events_of_one_command_are_found_although_both_are_in_order() -> None:
    log = log_of(1, 2)
    assert broken(replace(sound(), log=log, commands=[command(201)])) == {"G6"}


def test_an_effect_applied_before_its_cause_is_found_in_the_lines_of_one_process() -> None:
    log = Log()
    log.take_all([record(1, after={"intake": 1}), record(2, trace="f" * 32)])
    cause, effect = (SUBJECT, "intake", 1), (SUBJECT, SOURCE, 1)
    seen = replace(sound(), log=log)
    assert broken(replace(seen, applied={"handover-consume": [cause, effect]})) == set()
    assert broken(replace(seen, applied={"handover-consume": [effect, cause]})) == {"G4"}
    assert broken(replace(seen, applied={"handover-consume": [effect], "other": [cause]})) == set()


def test_timers_follow_from_what_was_said() -> None:
    def said(**counts: int) -> Counter[tuple[str, str]]:
        names = {e.BY_BODY[body].name.split(".")[2]: e.BY_BODY[body].name for body in e.BY_BODY}
        return Counter({(SUBJECT, names[name.replace("_", "-")]): count for name, count in counts.items()})

    assert +wanted_timers(said(handover_offered=2, handover_accepted=1)) == {(SUBJECT, "expire_handover"): 1}
    assert +wanted_timers(said(handover_offered=2, handover_declined=1, handover_expired=1)) == {}
    assert +wanted_timers(said(referral_received=1)) == {(SUBJECT, "referral_unanswered"): 1}
    assert +wanted_timers(said(referral_received=1, referral_passed_on=2)) == {
        (SUBJECT, "referral_unanswered"): 1
    }
    assert +wanted_timers(said(referral_received=1, referral_accepted=2)) == {}
    assert +wanted_timers(said(journey_exited=1, follow_up_due=1)) == {
        (SUBJECT, "follow_up_due"): 1,
        (SUBJECT, "follow_up_missed"): 1,
    }
    assert (
        +wanted_timers(said(journey_exited=1, follow_up_due=2, follow_up_answered=1, follow_up_missed=1))
        == {}
    )


def test_every_invariant_of_the_suite_is_tried_here() -> None:
    assert set(INVARIANTS) == {f"G{n}" for n in range(1, 12)}


def test_what_kafka_lost_may_be_said_again_later_but_only_by_those_who_lost_it() -> None:
    for lost, violated in (({(SUBJECT, SOURCE)}, set()), (set(), {"G1", "G3"})):
        seen = replace(sound(), log=Log(lost=lost), commands=[])
        seen.log.take_all([record(2, trace="f" * 32), record(1, offset=1)])
        assert broken(seen) == violated


def test_what_kafka_lost_and_nobody_said_again_is_missing() -> None:
    seen = replace(sound(), log=Log(lost={(SUBJECT, SOURCE)}), commands=[])
    seen.log.take(record(2))
    assert broken(seen) == {"G1"}
