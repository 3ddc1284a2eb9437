"""Rights in Kafka: exact names, so that no principal's name opens what belongs to a longer one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from kafka.admin import ACLResourcePatternType, ResourceType

from deploy.declaration import DECLARATION, Principal, declared
from deploy.topics import acls_of
from deploy.trouble import CannotApply

NAMES = st.from_regex(r"[a-z0-9][a-z0-9-]{1,20}", fullmatch=True)


def may_use(principal: Principal, group: str) -> bool:
    """Whether the access rules of a principal let it use that consumer group."""
    for rule in acls_of(principal):
        named = rule.resource_pattern
        if named.resource_type == ResourceType.GROUP:
            exact = named.pattern_type == ACLResourcePatternType.LITERAL
            if named.resource_name == group if exact else group.startswith(named.resource_name):
                return True
    return False


def with_agencies(folder: Path, *agencies: str, **grants: Any) -> Mapping[str, Principal]:
    """The principals of a declaration with these agencies, and with further grants."""
    document = yaml.safe_load(DECLARATION.read_text(encoding="utf-8"))
    document["agencies"] = list(agencies)
    for name, more in grants.items():
        document["principals"][name] = {**document["principals"].get(name, {}), **more}
    file = folder / "topics.yaml"
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    return {one.name: one for one in declared(file).principals}


def test_an_agency_does_not_reach_the_groups_of_one_whose_name_is_longer(tmp_path: Path) -> None:
    known = with_agencies(tmp_path, "norsjo", "norsjo-kommun")
    for one, other in (("norsjo", "norsjo-kommun"), ("norsjo-kommun", "norsjo")):
        for suffix in ("", ".replies", ".replies-2"):
            assert may_use(known[one], f"{one}{suffix}")
            assert not may_use(known[one], f"{other}{suffix}")
    assert not may_use(known["norsjo"], "norsjo-kommun-replies")


@given(NAMES, NAMES, st.text("abc.-", max_size=5))
def test_no_group_belongs_to_two_agencies(one: str, other: str, suffix: str) -> None:
    mine, theirs = (Principal(name, (), ("t",), (name, f"{name}.*")) for name in (one, other))
    group = f"{one}{suffix}"
    assert one == other or not (may_use(mine, group) and may_use(theirs, group))


@pytest.mark.parametrize(
    "group", ["norsjo*", "forsak*", "intake-inbound", "norsjo-kommun", "norsjo-kommun.x"]
)
def test_a_grant_that_takes_in_another_s_group_is_refused(tmp_path: Path, group: str) -> None:
    further = {"read": ["journey.indicators.v1"], "groups": [group]}
    with pytest.raises(CannotApply, match="a consumer group of"):
        with_agencies(tmp_path, "norsjo", "norsjo-kommun", "forsakringskassan", further=further)


def test_every_topic_is_granted_by_its_whole_name() -> None:
    there = {topic.name for topic in declared().topics}
    for principal in declared().principals:
        assert {*principal.read, *principal.write} <= there
        for rule in acls_of(principal):
            if rule.resource_pattern.resource_type == ResourceType.TOPIC:
                assert rule.resource_pattern.pattern_type == ACLResourcePatternType.LITERAL


def test_nobody_reads_the_published_figures_of_every_programme() -> None:
    assert [one.name for one in declared().principals if "journey.indicators.v1" in one.read] == []


def test_no_user_of_an_earlier_release_is_declared_and_no_unit_takes_its_name() -> None:
    found = declared()
    assert found.former == ("dashboard",)
    assert not {*found.former} & {one.name for one in found.principals}
    assert found.beside(["norsjo"], ["coactive_owner"]).former == found.former


def test_who_was_erased_is_read_by_intake_alone() -> None:
    assert [one.name for one in declared().principals if "journey.erasures.v1" in one.read] == ["intake"]


def test_every_agency_has_quotas_and_its_topics_a_size() -> None:
    found = declared()
    for agency in found.agencies:
        (principal,) = [one for one in found.principals if one.name == agency]
        assert set(principal.quotas) == {"producer_byte_rate", "consumer_byte_rate", "request_percentage"}
        for topic in found.topics:
            if topic.name.startswith(f"inbound.{agency}."):
                # A segment that is written to is never removed: it must be much smaller than the whole.
                assert (
                    int(topic.config["segment.bytes"]) * 8 <= int(topic.config["retention.bytes"]) <= 1 << 30
                )
