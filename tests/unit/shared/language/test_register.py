"""Who takes part, as plain values: days, roles, organisation numbers."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.language.register import KnownRegister, Membership, Unit, is_organisation_number, overlap
from shared.language.role_map import roles_on

FIRST, LAST = date(2017, 3, 1), date(2017, 6, 30)
DAY = timedelta(days=1)
SHOP = Unit(id="shop", name="Shop", kind="provider", first_day=date(2016, 1, 1))


def member(identity: str = "m-1", *roles: str, first: date = FIRST, last: date | None = LAST) -> Membership:
    return Membership(
        id=identity,
        programme="coactive",
        unit="shop",
        roles=roles or ("provider",),
        first_day=first,
        last_day=last,
    )


@pytest.mark.parametrize(
    ("on", "held"), [(FIRST - DAY, False), (FIRST, True), (LAST, True), (LAST + DAY, False)]
)
def test_a_role_is_held_on_both_its_days_and_between_them(on: date, held: bool) -> None:
    register = KnownRegister([SHOP], [member()])
    assert roles_on(register, "shop", "coactive", on) == (frozenset({"provider"}) if held else frozenset())


def test_a_unit_that_is_not_there_holds_no_role() -> None:
    gone = Unit(id="shop", name="Shop", kind="provider", first_day=FIRST, last_day=FIRST + DAY)
    register = KnownRegister([gone], [member()])
    assert roles_on(register, "shop", "coactive", FIRST + DAY)
    assert not roles_on(register, "shop", "coactive", FIRST + 2 * DAY)
    assert not roles_on(KnownRegister((), [member()]), "shop", "coactive", FIRST)


def test_the_roles_of_several_memberships_add_up_and_another_programme_has_its_own() -> None:
    register = KnownRegister([SHOP], [member(), member("m-2", "owner", first=LAST, last=None)])
    assert roles_on(register, "shop", "coactive", LAST) == {"provider", "owner"}
    assert roles_on(register, "shop", "coactive", LAST + DAY) == {"owner"}
    assert roles_on(register, "shop", "buda", LAST) == frozenset()
    assert register.programmes_of("shop") == {"coactive"}


def test_a_changed_membership_takes_the_place_of_the_earlier() -> None:
    register = KnownRegister([SHOP], [member()])
    register.put_membership(member(last=FIRST))
    assert len(register.memberships("shop", "coactive")) == 1
    assert not roles_on(register, "shop", "coactive", LAST)


def test_holders_of_a_role_are_those_who_ever_held_it_in_every_later_register_too() -> None:
    before = KnownRegister([SHOP], [member()])
    after = before.with_entries([replace(member("m-2", first=LAST), unit="cafe"), member(last=FIRST)])
    assert set(before.holders("coactive", "provider")) == {"shop"}
    assert set(after.holders("coactive", "provider")) == {"shop", "cafe"}
    assert not after.holders("coactive", "owner")
    assert not after.holders("buda", "provider")


spans = st.tuples(st.integers(0, 20), st.none() | st.integers(0, 20)).map(
    lambda found: member(
        first=FIRST + found[0] * DAY,
        last=None if found[1] is None else FIRST + (found[0] + found[1]) * DAY,
    )
)


@given(spans, spans)
def test_two_overlap_when_some_day_lies_in_both(one: Membership, other: Membership) -> None:
    days = [FIRST + number * DAY for number in range(60)]
    assert overlap(one, other) == any(one.holds(on) and other.holds(on) for on in days)
    assert overlap(one, other) == overlap(other, one)


@pytest.mark.parametrize("number", ["2021002114", "5560360793", "8020028711"])
def test_numbers_of_organisations(number: str) -> None:
    assert is_organisation_number(number)


@pytest.mark.parametrize(
    "number", ["2021002115", "9001012385", "202100-2114", "20210021", "", "٢٠٢١٠٠٢١١٤", "5560360793 "]
)
def test_what_is_no_number_of_an_organisation(number: str) -> None:
    assert not is_organisation_number(number)
