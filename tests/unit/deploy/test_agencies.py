"""What an agency gets in Kafka that joins while everything runs: its own, and nothing of anybody else's."""

from typing import Any

import pytest
from kafka.admin import ResourceType

from deploy.agencies import ADMINISTRATOR, join, leave
from deploy.declaration import REFERRALS, declared
from deploy.topics import acls_of
from deploy.trouble import CannotApply

NEW = "region-vasterbotten"
SERVICES = {"intake", "activity-tracking", "handover", "outcome"}
NOBODY: Any = None
REPLIES = "inbound.{agency}.replies.v1"


def test_a_new_agency_gets_what_each_of_the_declared_has() -> None:
    with_it = declared().beside([NEW])
    known = {one.name: one for one in with_it.principals}
    example = declared().agencies[0]

    def of(agency: str) -> set[str]:
        return {str(rule).replace(agency, "*") for rule in acls_of(known[agency])}

    assert of(NEW) == of(example)
    assert known[NEW].quotas == known[example].quotas
    topics = {one.name: (one.partitions, one.config) for one in with_it.topics}
    for pattern in (REFERRALS, REPLIES):
        assert topics[pattern.format(agency=NEW)] == topics[pattern.format(agency=example)]


def test_nothing_else_changes_but_what_intake_may_do_with_the_two_topics() -> None:
    before = {one.name: acls_of(one) for one in declared().principals}
    after = {one.name: acls_of(one) for one in declared().beside([NEW]).principals}
    assert set(after) - set(before) == {NEW}
    assert {name for name in before if before[name] != after[name]} == {"intake"}
    gained = {
        (rule.resource_pattern.resource_name, rule.operation.name)
        for rule in after["intake"] - before["intake"]
    }
    assert gained == {(REFERRALS.format(agency=NEW), "READ"), (REPLIES.format(agency=NEW), "WRITE")}
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
            own = {pattern.format(agency=principal.name) for pattern in (REFERRALS, REPLIES)}
            assert names <= own


@pytest.mark.parametrize(
    "unit", [*sorted(SERVICES), "dashboard", ADMINISTRATOR, "", "*", "Norsjö", "a", "x.y", "norsjo\n"]
)
def test_no_agency_takes_the_name_of_a_user_that_is_there(unit: str) -> None:
    for act in (join, leave):
        with pytest.raises(CannotApply, match="no code of a unit"):
            act(NOBODY, unit)


def test_one_that_is_declared_does_not_leave_by_command() -> None:
    with pytest.raises(CannotApply, match=r"topics\.yaml"):
        leave(NOBODY, declared().agencies[0])
