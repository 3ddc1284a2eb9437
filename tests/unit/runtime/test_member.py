"""What a member of a group tells of a Kafka that it cannot reach."""

import socket

import structlog

from shared.runtime.member import Member


def test_a_broker_that_is_not_there_is_told_and_not_at_each_try() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        options = {"bootstrap_servers": f"127.0.0.1:{port}", "reconnect_backoff_max_ms": 100}
        with structlog.testing.capture_logs() as told:
            member = Member(options, "toys", ["t"], wait_seconds=0.1)
            try:
                while not told:
                    assert member.poll(1) == {}
                for _ in range(5):
                    member.poll(1)
            finally:
                member.close()
    names = [one["error"] for one in told]
    assert {one["event"] for one in told} == {"kafka-said"}
    assert "_TRANSPORT" in names
    assert len(names) == len(set(names))
