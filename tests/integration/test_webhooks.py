"""Webhooks on a real MongoDB and a real HTTPS server: in order, signed, tried again, set aside, never inside."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from services.intake.domain.webhook import WEBHOOKS
from services.intake.outside import Poster, signature
from services.intake.sending import Courier, Sending
from services.intake.sequencing import CHANGES
from shared.runtime.restored import SEQUENCES
from tests.support.awaiting import until
from tests.support.intake_work import VAULT
from tests.support.receiver import Receiver, receiving
from tests.support.toybench import Bench, bench
from tests.support.webhook_rows import NOW, SECRET, Time, kept, put, told

__all__ = ["bench"]


@pytest.fixture(name="receiver")
def _receiver(tmp_path: Path) -> Iterator[Receiver]:
    with receiving(tmp_path) as found:
        yield found


def courier(bench: Bench, receiver: Receiver, time: Time, **more: Any) -> Courier:
    poster = Poster(inside=receiver.inside, context=receiver.context, **more)
    return Courier(bench.db, VAULT, poster, time.now, lambda: 1.0, bench.stop)


def test_changes_come_signed_in_order_and_go_on_after_a_restart(bench: Bench, receiver: Receiver) -> None:
    told(bench, "af", 25)
    put(bench, "af", f"{receiver.address}/in?of=journeys")
    assert courier(bench, receiver, Time()).turn(kept(bench)) == 20
    assert courier(bench, receiver, Time()).turn(kept(bench)) == 5
    assert receiver.numbers == list(range(1, 26))
    assert (kept(bench).after, kept(bench).state, set(receiver.paths)) == (25, "sending", {"/in?of=journeys"})
    headers, body = receiver.came[0]
    assert headers["webhook-id"] == "af:1"
    assert headers["webhook-signature"] == signature(SECRET, "af:1", int(NOW.timestamp()), body)
    assert json.loads(body) == {
        "n": 1,
        "id": "intake:1",
        "subject": "journey/j",
        "kind": "k",
        "at": "2026",
        "body": {"stage": "received"},
    }
    stored = str(list(bench.db[WEBHOOKS].find()))
    assert "ssss" not in stored


def test_after_a_restore_it_goes_on_above_the_hole(bench: Bench, receiver: Receiver) -> None:
    told(bench, "af", 2)
    bench.db[CHANGES].update_one({"_id": "af:2"}, {"$set": {"n": 1_000_001}})
    put(bench, "af", receiver.address)
    assert courier(bench, receiver, Time()).turn(kept(bench)) == 2
    assert (receiver.numbers, kept(bench).after) == ([1, 1_000_001], 1_000_001)


@pytest.mark.parametrize(("status", "last"), [(500, "refused"), (404, "refused"), (302, "redirected")])
def test_what_is_no_2xx_is_tried_again_and_a_redirect_is_not_followed(
    bench: Bench, receiver: Receiver, status: int, last: str
) -> None:
    told(bench, "af", 2)
    put(bench, "af", receiver.address)
    receiver.answers += [status, status]
    time = Time()
    assert courier(bench, receiver, time).turn(kept(bench)) == 0
    assert (kept(bench).tries, kept(bench).last, kept(bench).next_at) == (1, last, NOW + timedelta(seconds=1))
    time.at += timedelta(seconds=1)
    assert courier(bench, receiver, time).turn(kept(bench)) == 0
    assert kept(bench).next_at == time.at + timedelta(seconds=2)
    assert courier(bench, receiver, time).turn(kept(bench)) == 2
    assert (receiver.numbers, set(receiver.paths)) == ([1, 1, 1, 2], {"/"})
    assert (kept(bench).tries, kept(bench).failing_since, kept(bench).after) == (0, None, 2)


def test_500_for_three_days_sets_it_aside_until_it_is_put_again(bench: Bench, receiver: Receiver) -> None:
    told(bench, "af", 1)
    put(bench, "af", receiver.address)
    receiver.answers += [500, 500, 500]
    time = Time()
    for days in (0, 2.9, 3.0):
        time.at = NOW + timedelta(days=days)
        courier(bench, receiver, time).turn(kept(bench))
    assert (kept(bench).state, kept(bench).aside_at) == ("set_aside", time.at)
    sending = new_sending(bench, receiver, time)
    with ThreadPoolExecutor(1) as workers:
        time.at += timedelta(days=1)
        assert sending.look(workers) == 0
        # As a process leaves it that dies between the two writes.
        due = {"send_at": time.at, "webhook": kept(bench).put}
        bench.db[SEQUENCES].update_one({"_id": "af"}, {"$set": due})
        assert sending.look(workers) == 0
        assert "send_at" not in (bench.db[SEQUENCES].find_one({"_id": "af"}) or {})
        put(bench, "af", receiver.address)
        assert sending.look(workers) == 1
    assert (receiver.numbers, kept(bench).state) == ([1, 1, 1, 1], "sending")


def test_an_answer_that_is_late_counts_as_failed_and_comes_again_under_the_same_id(
    bench: Bench, receiver: Receiver
) -> None:
    told(bench, "af", 1)
    put(bench, "af", receiver.address)
    receiver.free.clear()
    assert courier(bench, receiver, Time(), seconds=0.5).turn(kept(bench)) == 0
    assert kept(bench).last == "late"
    receiver.free.set()
    assert courier(bench, receiver, Time()).turn(kept(bench)) == 1
    assert [headers["webhook-id"] for headers, _ in receiver.came] == ["af:1", "af:1"]
    assert receiver.came[0][1] == receiver.came[1][1]


def test_who_puts_or_removes_meanwhile_wins(bench: Bench, receiver: Receiver) -> None:
    told(bench, "af", 3)
    before = put(bench, "af", receiver.address)
    bench.db[WEBHOOKS].update_one({"_id": "af"}, {"$set": {"put": "w-2"}})
    assert courier(bench, receiver, Time()).turn(before) == 0
    assert (receiver.numbers, kept(bench).after) == ([1], 0)
    bench.db[WEBHOOKS].delete_one({"_id": "af"})
    assert courier(bench, receiver, Time()).turn(before) == 0
    assert bench.db[WEBHOOKS].find_one() is None


def test_an_address_inside_is_never_connected_to(bench: Bench, receiver: Receiver) -> None:
    told(bench, "af", 1)
    put(bench, "af", receiver.address)
    strict = replace(Poster(context=receiver.context))
    assert Courier(bench.db, VAULT, strict, Time().now, lambda: 1.0, bench.stop).turn(kept(bench)) == 0
    assert (kept(bench).last, receiver.came) == ("inside", [])


def test_a_name_that_changes_between_check_and_connect_leads_nowhere_else(receiver: Receiver) -> None:
    """Each request asks once, and connects to what it was told then."""
    answers = [["192.88.99.1"], ["127.0.0.1"]]
    poster = Poster(context=receiver.context, seconds=0.3, resolve=lambda host, port: answers.pop(0))
    assert poster.post(receiver.address, SECRET, "af:1", 1, b"{}")[0] in ("late", "unreachable")
    assert poster.post(receiver.address, SECRET, "af:1", 1, b"{}") == ("inside", None)
    assert (answers, receiver.came) == ([], [])


def test_a_certificate_that_does_not_verify_is_refused(receiver: Receiver) -> None:
    poster = Poster(inside=receiver.inside)
    assert poster.post(receiver.address, SECRET, "af:1", 1, b"{}") == ("untrusted", None)
    assert receiver.came == []


def new_sending(bench: Bench, receiver: Receiver, time: Time) -> Sending:
    parts: Any = SimpleNamespace(
        client=bench.client,
        service=SimpleNamespace(database=bench.database),
        stop=bench.stop,
        settings=SimpleNamespace(webhook_inside=receiver.inside),
    )
    poster = Poster(inside=receiver.inside, context=receiver.context)
    return Sending(parts, VAULT, poster=poster, now=time.now, jitter=lambda: 1.0)


def test_a_slow_webhook_holds_up_no_other(bench: Bench, receiver: Receiver, tmp_path: Path) -> None:
    (tmp_path / "slow").mkdir()
    with receiving(tmp_path / "slow") as slow, ThreadPoolExecutor(2) as workers:
        for organisation, address in (("af", slow.address), ("fk", receiver.address)):
            told(bench, organisation, 2)
            put(bench, organisation, address)
        slow.free.clear()
        poster = Poster(inside=slow.inside, context=slow.context)
        parts: Any = SimpleNamespace(
            client=bench.client,
            service=SimpleNamespace(database=bench.database),
            stop=bench.stop,
            settings=SimpleNamespace(webhook_inside=None),
        )

        def post(address: str, *said: Any) -> Any:
            own = poster if address == slow.address else replace(poster, **trusts(receiver))
            return own.post(address, *said)

        both: Any = SimpleNamespace(post=post)
        sending = Sending(parts, VAULT, poster=both, now=Time().now, jitter=lambda: 1.0)
        assert sending.look(workers) == 2
        until(lambda: kept(bench, "fk").after == 2, "the other organisation's changes taken")
        assert sending.look(workers) == 0, "each organisation has one turn at a time"
        assert (slow.numbers, kept(bench, "af").after) == ([1], 0)
        slow.free.set()
        until(lambda: kept(bench, "af").after == 2, "its own changes taken")


def trusts(receiver: Receiver) -> dict[str, Any]:
    return {"inside": receiver.inside, "context": receiver.context}
