"""Limits per client: how often, for how many, and what is remembered of whom."""

from datetime import UTC, datetime

import pytest

from shared.edge.acting import Held
from shared.edge.callers import BUCKETS, BURST_SECONDS, Admission, Buckets, Proxies, Seats
from shared.language.access import Actor
from shared.language.errors import Forbidden, Later
from shared.runtime.settings import Allowance

FAR = datetime(2100, 1, 1, tzinfo=UTC)


class Clock:
    """Time that a test moves, in seconds."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.at


class Named:
    """Takes `organisation/person` for a token."""

    def show(self, token: str) -> Held:
        organisation, _, person = token.partition("/")
        if not person:
            raise Forbidden("unauthenticated", "Refused.")
        return Held((Actor(person, organisation, "caseworker"),), FAR)


def admission(
    *, person: float = 0, organisation: float = 0, address: float = 0, proxies: tuple[str, ...] = ()
) -> Admission:
    allowance = Allowance(per_person=person, per_organisation=organisation, per_address=address)
    return Admission(Named(), allowance, Proxies(proxies))


def passed(
    admitting: Admission, authorization: str, times: int, peer: str = "192.0.2.1", told: str = ""
) -> int:
    """How many of so many requests were not refused for being too many."""
    count = 0
    for _ in range(times):
        try:
            admitting.admit(authorization, peer, told)
        except Later as later:
            assert later.code == "too-many-requests"
            assert (later.retry_after_seconds or 0) >= 1
            continue
        except Forbidden:
            pass
        count += 1
    return count


def test_a_bucket_lets_a_burst_through_and_then_its_rate() -> None:
    clock = Clock()
    bucket = Buckets(2.0, clock.now)
    burst = int(2 * BURST_SECONDS)
    assert [bucket.take("a") for _ in range(burst)] == [0.0] * burst
    assert bucket.take("a") == 0.5
    assert bucket.take("b") == 0.0
    clock.at += 0.5
    assert bucket.take("a") == 0.0
    assert bucket.take("a") > 0
    clock.at += 1000
    assert sum(bucket.take("a") == 0.0 for _ in range(2 * burst)) == burst


def test_clients_are_remembered_in_a_bounded_number() -> None:
    clock = Clock()
    bucket = Buckets(0.1, clock.now)
    for number in range(3 * BUCKETS):
        bucket.take(str(number))
    assert len(bucket._levels) == BUCKETS


def test_no_limit_is_no_limit() -> None:
    assert passed(admission(), "Bearer a/b", 1000) == 1000


def test_a_person_s_requests_are_limited_and_nobody_else_s_for_it() -> None:
    admitting = admission(person=1)
    assert passed(admitting, "Bearer a/b", 20) == 10
    assert passed(admitting, "Bearer a/c", 20) == 10
    assert passed(admitting, "Bearer c/b", 20) == 10


def test_an_organisation_s_requests_are_limited_whoever_asks() -> None:
    admitting = admission(organisation=1)
    assert sum(passed(admitting, f"Bearer a/{number}", 1) for number in range(20)) == 10
    assert passed(admitting, "Bearer b/1", 20) == 10


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "Basic x", "Bearer  "])
def test_requests_without_a_valid_token_are_limited_by_address(authorization: str) -> None:
    admitting = admission(address=1)
    assert passed(admitting, authorization, 20) == 10
    assert passed(admitting, authorization, 20, peer="192.0.2.2") == 10
    assert passed(admitting, "Bearer a/b", 20) == 20, "valid tokens from there are let in"


def test_an_address_is_what_our_own_proxy_says_and_never_what_a_stranger_says() -> None:
    stranger = admission(address=1)
    assert sum(passed(stranger, "", 1, told=f"198.51.100.{number}") for number in range(20)) == 10
    behind = admission(address=1, proxies=("192.0.2.0/24",))
    assert sum(passed(behind, "", 1, told=f"198.51.100.{number}") for number in range(20)) == 20
    made_up = admission(address=1, proxies=("192.0.2.0/24",))
    told = [f"203.0.113.{number}, 198.51.100.1" for number in range(20)]
    assert sum(passed(made_up, "", 1, told=one) for one in told) == 10


@pytest.mark.parametrize(
    ("peer", "told", "expected"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "198.51.100.7"),
        ("192.0.2.1", "198.51.100.7, 192.0.2.9", "198.51.100.7"),
        ("192.0.2.1", "nonsense", "192.0.2.1"),
        ("192.0.2.1", "x, ", "192.0.2.1"),
        ("198.51.100.7", "203.0.113.1", "198.51.100.7"),
        ("192.0.2.1", "198.51.100.7:51234", "198.51.100.7"),
        ("192.0.2.1", "198.51.100.7:1, 192.0.2.9:567", "198.51.100.7"),
        ("192.0.2.1", "[2001:db8:1:2::6]:5", "2001:db8:1:2::/64"),
        ("192.0.2.1", "[2001:db8:1:2::6]", "2001:db8:1:2::/64"),
        ("192.0.2.1", "[::ffff:198.51.100.7]:5", "198.51.100.7"),
        ("192.0.2.1", "198.51.100.7:x", "192.0.2.1"),
        ("192.0.2.1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:198.51.100.7", "203.0.113.1", "198.51.100.7"),
        ("::ffff:192.0.2.1", "::ffff:198.51.100.7", "198.51.100.7"),
    ],
)
def test_who_the_client_is(peer: str, told: str, expected: str) -> None:
    assert Proxies(["192.0.2.0/24"]).client(peer, told) == expected


def test_seats_are_taken_and_given_back() -> None:
    seats = Seats(Allowance(streams_per_person=2, streams_per_organisation=3))
    one, other = Actor("one", "a", "owner"), Actor("other", "a", "owner")
    first = seats.take(one)
    seats.take(one)
    with pytest.raises(Later):
        seats.take(one)
    seats.take(other)
    with pytest.raises(Later):
        seats.take(other)
    first()
    seats.take(other)
    assert sorted(seats._taken.values()) == [1, 2, 3]
