"""What an agency gets in Kafka that joins while everything runs: its own, and nothing of anybody else's."""

from datetime import date, timedelta
from typing import Any

import pytest
from kafka.admin import ResourceType

from deploy.agencies import ADMINISTRATOR, join, leave
from deploy.declaration import REFERRALS, declared
from deploy.register import check_takes_part
from deploy.topics import acls_of
from deploy.trouble import CannotApply
from shared.language.register import KnownRegister, Membership, Unit

NEW = "region-vasterbotten"
SERVICES = {"intake", "activity-tracking", "handover", "outcome"}
NOBODY: Any = None
REPLIES = "inbound.{agency}.replies.v1"
ATTENDANCE = "inbound.{agency}.attendance.v1"


def test_a_new_agency_gets_what_each_of_the_declared_has() -> None:
    with_it = declared().beside([NEW])
    known = {one.name: one for one in with_it.principals}
    example = declared().agencies[0]

    def of(agency: str) -> set[str]:
        return {str(rule).replace(agency, "*") for rule in acls_of(known[agency])}

    assert of(NEW) == of(example)
    assert known[NEW].quotas == known[example].quotas
    topics = {one.name: (one.partitions, one.config) for one in with_it.topics}
    for pattern in (REFERRALS, ATTENDANCE, REPLIES):
        assert topics[pattern.format(agency=NEW)] == topics[pattern.format(agency=example)]


def test_nothing_else_changes_but_what_two_services_may_do_with_its_topics() -> None:
    before = {one.name: acls_of(one) for one in declared().principals}
    after = {one.name: acls_of(one) for one in declared().beside([NEW]).principals}
    assert set(after) - set(before) == {NEW}
    assert {name for name in before if before[name] != after[name]} == {
        "intake",
        "activity-tracking",
    }
    gained = {
        (name, rule.resource_pattern.resource_name, rule.operation.name)
        for name in ("intake", "activity-tracking")
        for rule in after[name] - before[name]
    }
    assert gained == {
        ("intake", REFERRALS.format(agency=NEW), "READ"),
        ("intake", REPLIES.format(agency=NEW), "WRITE"),
        ("activity-tracking", ATTENDANCE.format(agency=NEW), "READ"),
    }
    assert declared().beside(declared().agencies) == declared()


def test_whoever_joins_nobody_outside_reads_what_is_said_of_a_journey() -> None:
    found = declared().beside([NEW, "journey", "norsjo"])
    for principal in found.principals:
        if principal.name not in SERVICES:
            names = {
                rule.resource_pattern.resource_name
                for rule in acls_of(principal)
                if rule.resource_pattern.resource_type == ResourceType.TOPIC
            }
            own = {pattern.format(agency=principal.name) for pattern in (REFERRALS, ATTENDANCE, REPLIES)}
            assert names <= own


@pytest.mark.parametrize(
    "unit", [*sorted(SERVICES), "dashboard", ADMINISTRATOR, "", "*", "Norsjö", "a", "x.y", "norsjo\n"]
)
def test_no_agency_takes_the_name_of_a_user_that_is_there(unit: str) -> None:
    for act in (join, leave):
        with pytest.raises(CannotApply, match="no code of a unit"):
            act(NOBODY, unit)


TODAY, DAY = date(2026, 11, 28), timedelta(days=1)


def register(last_day: date | None = None, *memberships: date | None) -> KnownRegister:
    """NEW as a unit, with a membership for each last day."""
    held = [
        Membership(
            id=f"{NEW}-{n}",
            programme=f"p{n}",
            unit=NEW,
            roles=("referrer",),
            first_day=date(2020, 1, 1),
            last_day=last,
        )
        for n, last in enumerate(memberships)
    ]
    unit = Unit(
        id=NEW,
        name="Region Västerbotten",
        kind="social_services",
        first_day=date(2020, 1, 1),
        last_day=last_day,
    )
    return KnownRegister([unit], held)


@pytest.mark.parametrize(
    "known",
    [
        register(None, None),
        register(TODAY, TODAY),
        register(None, TODAY - DAY, None),
        register(None, TODAY + DAY),
    ],
)
def test_who_takes_part_today_or_later_may_join(known: KnownRegister) -> None:
    check_takes_part(known, NEW, TODAY)


@pytest.mark.parametrize(
    ("known", "field"),
    [
        (KnownRegister(), "unit_id: the register holds no unit"),
        (register(TODAY - DAY, None), "last_day: .* ended on 2026-11-27"),
        (register(None), "memberships: .* no programme"),
        (register(None, TODAY - DAY, TODAY - 2 * DAY), "memberships: .* ended on 2026-11-27"),
    ],
)
def test_who_takes_no_part_is_refused_by_the_field_that_says_so(known: KnownRegister, field: str) -> None:
    with pytest.raises(CannotApply, match=field):
        check_takes_part(known, NEW, TODAY)


def test_one_that_is_declared_does_not_leave_by_command() -> None:
    with pytest.raises(CannotApply, match=r"topics\.yaml"):
        leave(NOBODY, declared().agencies[0])
