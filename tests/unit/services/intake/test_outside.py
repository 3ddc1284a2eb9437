"""Which addresses are outside, and what a receiver verifies."""

import base64
import hashlib
import hmac

import pytest

from services.intake.domain.webhook import pause_seconds
from services.intake.outside import Poster, is_outside, signature


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946"])
def test_an_ordinary_address_is_outside(address: str) -> None:
    assert is_outside(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "192.0.2.1", "198.18.0.1", "203.0.113.9", "224.0.0.1", "239.1.1.1", "240.0.0.1"),
        *("255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:8.8.8.8", "2002:7f00:1::", "2001:0:4136:e378::1", "64:ff9b::7f00:1"),
        *("64:ff9b:1::1", "fec0::1", "2001:db8::1", "::127.0.0.1", "4000::1", "localhost", ""),
    ],
)
def test_an_address_inside_or_one_that_stands_for_another_is_refused(address: str) -> None:
    assert not is_outside(address)


@pytest.mark.parametrize("places", [["127.0.0.1"], ["93.184.216.34", "10.0.0.1"], []])
def test_a_name_of_which_one_address_is_inside_is_not_connected_to(places: list[str]) -> None:
    poster = Poster(resolve=lambda host, port: places)
    assert poster.post("https://agency.example/x", b"s", "a:1", 1, b"{}") == ("inside", None)


def test_a_name_that_is_not_known_is_told() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    poster = Poster(resolve=unknown)
    assert poster.post("https://agency.example/x", b"s", "a:1", 1, b"{}") == ("unresolved", None)


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """The example of the specification's own library: github.com/standard-webhooks/standard-webhooks."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    identity, at = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330
    assert signature(secret, identity, at, body) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    expected = hmac.new(secret, b"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330." + body, hashlib.sha256)
    assert signature(secret, identity, at, body).endswith(base64.b64encode(expected.digest()).decode())


def test_pauses_double_from_a_second_to_an_hour_and_differ() -> None:
    assert [pause_seconds(n, 1.0) for n in (1, 2, 3, 12, 13, 500)] == [1, 2, 4, 2048, 3600, 3600]
    assert [pause_seconds(n, 0.0) for n in (1, 2, 500)] == [0.5, 1, 1800]
