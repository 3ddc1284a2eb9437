"""What is red at three in the morning, and what it says to type."""

from typing import Any

from clients.operator.assessment import Finding, assess, assess_all, unreachable
from clients.operator.trouble import Trouble

LEASES = [{"shard": shard, "holder": "ab", "until": "2016-02-01T00:00:10+00:00"} for shard in range(4)]


def process(**said: Any) -> dict[str, Any]:
    whole = {
        "process": "outcome@host:7",
        "heard_seconds": 1.0,
        "silent": False,
        "lag": 0,
        "trouble": None,
        "stuck": [],
        "failing": 0,
        "halted": None,
    }
    return whole | said


def group(**said: Any) -> dict[str, Any]:
    whole = {
        "group": "outcome",
        "lag": 0,
        "waiting": 0,
        "poison": 0,
        "blocked": 0,
        "unreadable": 0,
        "wait_oldest_seconds": 0.0,
        "requests_open": 0,
        "rebuild": None,
        "processes": [process()],
    }
    return whole | said


def status(*groups: dict[str, Any], outbox: Any = None, timers: Any = None) -> dict[str, Any]:
    return {
        "groups": list(groups) or [group()],
        "outbox": {"pending": 0, "oldest_seconds": 0.0, "leases": LEASES, "refused": []} | (outbox or {}),
        "timers": {"due": 0, "oldest_seconds": 0.0, "planned": 3} | (timers or {}),
    }


def found(*groups: dict[str, Any], **rest: Any) -> list[Finding]:
    return list(assess("outcome", status(*groups, **rest)))


def test_a_service_that_is_well_gives_nothing_to_read() -> None:
    assert found() == []
    assert found(group(lag=999, processes=[process(lag=999)])) == []


def test_a_halt_is_told_with_the_cause_and_cure_that_the_process_gave() -> None:
    (one,) = found(group(processes=[process(halted={"cause": "A bug.", "cure": "Deploy another version."})]))
    assert one.hand
    assert one.what == "outcome@host:7 has halted"
    assert (one.cause, one.cure) == ("A bug.", "Deploy another version.")


def test_poison_names_the_commands_that_list_and_replay_it() -> None:
    (one,) = found(group(poison=2, blocked=40))
    assert one.hand
    assert "2 events fail, 40 wait behind them" in one.what
    assert "journeys parked -g outcome --why poison" in one.cure
    assert "journeys replay --all -g outcome -m" in one.cure


def test_a_wait_needs_a_hand_only_once_healing_has_had_its_time() -> None:
    (young,) = found(group(waiting=3, wait_oldest_seconds=299.0))
    assert not young.hand
    (old,) = found(group(waiting=3, wait_oldest_seconds=301.0))
    assert old.hand
    assert "5 min 01 s" in old.what


def test_a_group_without_a_process_is_red_and_one_gone_among_others_is_not() -> None:
    gone = process(silent=True, heard_seconds=70.0)
    (one,) = found(group(processes=[gone]))
    assert one.hand
    assert one.what == "no process of outcome reports, the last one 1 min 10 s ago"
    assert found(group(processes=[gone, process()])) == []
    assert found(group(processes=[]))[0].what == "no process of outcome reports"


def test_what_a_silent_process_last_said_is_not_told_as_if_it_were_now() -> None:
    gone = process(silent=True, halted={"cause": "x", "cure": "y"}, stuck=["relay"])
    assert found(group(processes=[gone, process()])) == []


def test_a_stuck_thread_is_red() -> None:
    (one,) = found(group(processes=[process(stuck=["relay"])]))
    assert one.hand
    assert "relay has not moved" in one.what


def cut_off(name: str, trouble: str = "_TIMED_OUT", **outbox: Any) -> dict[str, Any]:
    """A service of which two processes ask Kafka in vain, with all that comes of it."""
    asking = process(process=f"{name}@host:7", trouble=trouble, lag=None)
    gone = process(process=f"{name}@host:5", trouble=trouble, lag=None, silent=True)
    stands = group(
        group=name, lag=None, waiting=2, wait_oldest_seconds=900.0, processes=[asking, asking, gone]
    )
    return {**status(stands, outbox=outbox), "kafka": ["kafka-1:9092", "kafka-2:9092"]}


def test_kafka_away_is_one_finding_for_all_with_address_cause_effect_and_cure() -> None:
    told = {
        "intake": cut_off("intake", pending=2, oldest_seconds=90.0),
        "outcome": cut_off("outcome", pending=1, oldest_seconds=61.0),
        "handover": {**status(), "kafka": ["kafka-1:9092", "kafka-2:9092"]},
    }
    (one,) = assess_all(told, {})
    assert one.hand
    assert one.what == "Kafka at kafka-1:9092, kafka-2:9092 does not answer"
    assert one.service == "intake, outcome"
    assert one.cause == "4 processes of intake, outcome asked it in vain (_TIMED_OUT)"
    assert "3 events wait to be published, the oldest for 1 min 30 s" in one.effect
    assert "nothing is lost" in one.cure


def test_kafka_that_refuses_one_service_is_told_as_that() -> None:
    (one,) = assess_all({"intake": cut_off("intake", "TOPIC_AUTHORIZATION_FAILED", pending=1)}, {})
    assert one.what == "Kafka at kafka-1:9092, kafka-2:9092 refuses"
    assert "1 event waits to be published" in one.effect


def test_what_is_not_for_want_of_kafka_is_told_beside_it() -> None:
    lane = {"subject": "journey/j-1", "topic": "journey.outcome.v1", "error": "TooLarge", "behind": 1}
    told = {"outcome": cut_off("outcome", refused=[lane])}
    told["outcome"]["timers"] = {"due": 1, "oldest_seconds": 400.0, "planned": 3}
    whats = [one.what for one in assess_all(told, {})]
    assert len(whats) == 3
    assert whats[1].endswith("1 waits behind it")
    assert whats[2].startswith("1 deadline is past its time")


def test_mongodb_away_is_one_finding_whoever_meets_it() -> None:
    away = {name: Trouble("it answers 503", code="busy") for name in ("intake", "outcome")}
    (one,) = assess_all({"handover": {**status(), "kafka": []}}, away)
    assert one.hand
    assert one.what == "MongoDB does not answer intake, outcome"
    assert "commands are refused" in one.effect
    both = assess_all({}, {**away, "handover": Trouble("ConnectError")})
    assert [one.what for one in both] == [
        "MongoDB does not answer intake, outcome",
        "handover does not answer",
    ]


def test_one_is_told_as_one() -> None:
    assert "1 event fails, 3 wait behind it" in found(group(poison=1, blocked=3))[0].what
    assert "2 events fail, 1 waits behind them" in found(group(poison=2, blocked=1))[0].what
    (unreadable,) = found(group(unreadable=1))
    assert unreadable.hand
    assert unreadable.what == "outcome: 1 event waits for a stored state to be readable"
    (waits,) = found(group(waiting=1, requests_open=1))
    assert (waits.what, waits.cause) == (
        "outcome: 1 event waits for an earlier one",
        "1 request to send again is open",
    )
    (old,) = found(outbox={"pending": 1, "oldest_seconds": 61.0})
    assert old.what == "1 event is not published, the oldest for 1 min 01 s"


def test_an_old_outbox_says_whether_nobody_publishes_or_kafka_refuses() -> None:
    old = {"pending": 7, "oldest_seconds": 61.0}
    (refused,) = found(outbox=old)
    assert refused.cause == "Kafka refuses or does not answer"
    free = [{**LEASES[0], "holder": None}, *LEASES[1:]]
    (nobody,) = found(outbox={**old, "leases": free})
    assert nobody.cause == "nobody publishes shard 0"
    assert found(outbox={"pending": 7, "oldest_seconds": 59.0}) == []


def test_what_kafka_refuses_is_red_with_what_kafka_said() -> None:
    lane = {"subject": "journey/j-1", "topic": "journey.outcome.v1", "error": "TooLarge", "behind": 2}
    (one,) = found(outbox={"refused": [lane]})
    assert one.hand
    assert one.what == "Kafka refuses an event of journey/j-1 for journey.outcome.v1, 2 wait behind it"
    assert one.cause == "TooLarge"


def test_late_deadlines_are_red_after_five_minutes() -> None:
    assert found(timers={"due": 4, "oldest_seconds": 299.0}) == []
    (late,) = found(timers={"due": 4, "oldest_seconds": 400.0})
    assert late.hand


def test_a_rebuild_is_worth_knowing_and_one_that_halted_needs_a_hand() -> None:
    under_way = {"run": 1, "state": "building", "percent": 40.0, "halted": None}
    (going,) = found(group(rebuild=under_way))
    assert (going.hand, going.cure) == (False, "journeys rebuild status outcome")
    (halted,) = found(group(rebuild={**under_way, "halted": {"cause": "c", "cure": "d"}}))
    assert (halted.hand, halted.cure) == (True, "d")


def test_what_needs_a_hand_comes_first() -> None:
    findings = found(group(lag=5000, waiting=1), timers={"due": 4, "oldest_seconds": 400.0})
    assert [one.hand for one in findings] == [True, False, False]
    assert unreachable("intake", "ConnectError").hand
