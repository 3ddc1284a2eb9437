"""What each audience of a programme gets in Kafka: its own topic to read, and nothing else."""

from typing import Any

import pytest
from kafka.admin import ResourceType

from deploy.dashboards import AUDIENCES, close, names, open_for
from deploy.declaration import DASHBOARD, VIEWER, declared
from deploy.topics import acls_of
from deploy.trouble import CannotApply

NOBODY: Any = None


def test_each_audience_reads_its_own_topic_and_outcome_alone_writes_it() -> None:
    opened = [*names("coactive"), *names("co_op")]
    found = {one.name: one for one in declared().beside(dashboards=opened).principals}
    before = {one.name: acls_of(one) for one in declared().principals}
    for name in opened:
        viewer = found[VIEWER.format(dashboard=name)]
        assert (viewer.read, viewer.write) == ((DASHBOARD.format(dashboard=name),), ())
        topics = {
            rule.resource_pattern.resource_name
            for rule in acls_of(viewer)
            if rule.resource_pattern.resource_type == ResourceType.TOPIC
        }
        assert topics == {DASHBOARD.format(dashboard=name)}
        assert viewer.quotas
    changed = {name for name in before if before[name] != acls_of(found[name])}
    assert changed == {"outcome"}
    gained = acls_of(found["outcome"]) - before["outcome"]
    assert {rule.operation.name for rule in gained} == {"WRITE"}
    assert {rule.resource_pattern.resource_name for rule in gained} == {
        DASHBOARD.format(dashboard=name) for name in opened
    }


def test_agencies_and_dashboards_come_together() -> None:
    both = declared().beside(["norsjo"], names("coactive"))
    assert both.agencies == (*declared().agencies, "norsjo")
    assert len(both.dashboards) == len(AUDIENCES)
    one_by_one = declared().beside(["norsjo"]).beside(dashboards=names("coactive"))
    assert {one.name: one for one in both.principals} == {one.name: one for one in one_by_one.principals}
    assert set(map(str, both.topics)) == set(map(str, one_by_one.topics))


@pytest.mark.parametrize("programme", ["", "*", "Co", "a.b", "co\n", "å"])
def test_what_is_no_programme_or_audience_gets_nothing(programme: str) -> None:
    with pytest.raises(CannotApply, match="no code of a programme"):
        open_for(NOBODY, programme)
    with pytest.raises(CannotApply):
        close(NOBODY, programme or "coactive", "press")
