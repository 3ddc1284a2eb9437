"""What a member of a group tells of a Kafka that it cannot reach."""

import socket
from typing import Any

import pytest
import structlog

from shared.runtime.member import Member, _arrived


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


class Odd:
    """A message as librdkafka hands it on, whose headers it cannot decode."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def topic(self) -> str:
        return "t"

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return 7

    def value(self) -> None:
        """No value at all."""

    def headers(self) -> Any:
        raise self.error


@pytest.mark.parametrize(
    "error", [SystemError(), UnicodeDecodeError("utf-8", b"\xff", 0, 1, ""), ValueError(), TypeError()]
)
def test_headers_that_the_library_cannot_read_are_marked_and_the_record_arrives(error: Exception) -> None:
    came = _arrived(Odd(error))  # type: ignore[arg-type]
    assert (came.offset, came.headers, came.value, came.readable) == (7, [], b"", False)
