"""Who takes part, as plain values: days, roles, organisation numbers."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from shared.language.register import KnownRegister, Membership, Unit
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
