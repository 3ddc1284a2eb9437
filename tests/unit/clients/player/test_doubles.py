"""Who was registered twice without a number, and who only looked so: the plan, and the player's own count."""

from datetime import timedelta
from typing import Any

import pytest

from clients.player.acts import Act, Plan
from clients.player.cohort import Person
from clients.player.ledger import Ledger
from clients.player.scenario import build
from tests.support.player_programme import CODES, INBOUND
from tests.unit.clients.player.test_ledger import act, begun, left, referral, report


def merge(*names: str, on: str = "2018-01-31", deed: Any = "merge") -> Act:
    one, other = names
    return act(deed, on, "double", "af", person=one, other=other, why="A slip of the key.")


def again(way: str = "w2") -> list[Act]:
    """Somebody registered later, in the other municipality, who begins and goes on."""
    return [
        referral("2017-10-02", way, place="2417"),
        act("accept", "2017-10-03", way),
        act("start", "2017-10-09", way),
    ]


COUNTS = ("received", "started", "active", "exited", "re_referred")


def counts(acts: list[Act]) -> list[int]:
    figures = report(acts)["figures"]
    return [*(figures[name] for name in COUNTS), figures["exits"]["restated"]]


def test_two_names_are_one_person_from_the_merge_until_it_is_taken_back() -> None:
    two = [*begun(), left("2017-08-31"), *again()]
    assert counts(two) == [2, 2, 1, 1, 0, 0]
    for names in (("p-w1", "p-w2"), ("p-w2", "p-w1")):
        one = [*two, merge(*names)]
        assert counts(one) == [1, 1, 1, 0, 0, 1]
        assert report(one)["by_municipality"]["2417"]["started"] == 0, "where the first began"
        assert counts([*one, merge(*names, deed="part")]) == counts(two)


def test_links_join_more_than_two_and_one_that_goes_leaves_the_others() -> None:
    three = [*begun(), left("2017-08-31"), *again(), left("2017-12-01", of="w2"), *again("w3")]
    linked = [*three, merge("p-w1", "p-w2"), merge("p-w3", "p-w2")]
    assert (counts(three)[0], counts(linked)[0]) == (3, 1)
    assert counts([*linked, merge("p-w1", "p-w2", deed="part")])[0] == 2


@pytest.fixture(params=(1, 7, 2016), scope="module", name="plan")
def _plan(request: pytest.FixtureRequest) -> Plan:
    return build(CODES, request.param, inbound=INBOUND)


def acts(plan: Plan) -> list[Act]:
    return [one for step in plan.steps for one in step.acts]


def test_merged_are_two_whom_one_agency_registered_without_a_number_with_one_telephone(plan: Plan) -> None:
    registered: dict[str, tuple[str, Person]] = {
        one.says["person"].key: (one.by, one.says["person"]) for one in acts(plan) if one.deed == "register"
    }
    for one in acts(plan):
        if one.deed in ("merge", "part"):
            (by, first), (by_too, second) = (registered[one.says[name]] for name in ("person", "other"))
            assert by == by_too == one.by
            assert (first.personnummer, second.personnummer) == (None, None)
            assert first.phone == second.phone and first.name != second.name


def test_the_first_journey_has_ended_before_the_second_begins_and_both_are_known_by_then(plan: Plan) -> None:
    day = {(one.deed, one.says["person"]): one for one in acts(plan) if one.deed == "refer"}
    ended = {one.plan_key: one.recorded_on for one in acts(plan) if one.deed == "record_exit"}
    for one in acts(plan):
        if one.deed == "merge":
            first, second = (day["refer", one.says[name]] for name in ("person", "other"))
            assert ended[first.plan_key] < second.recorded_on < one.recorded_on


def test_a_merge_that_is_taken_back_has_stood_for_a_step_at_least(plan: Plan) -> None:
    merged = {one.says["other"]: one.recorded_on for one in acts(plan) if one.deed == "merge"}
    parted = {one.says["other"]: one.recorded_on for one in acts(plan) if one.deed == "part"}
    assert len(merged) > len(parted) >= 3
    for name, on in parted.items():
        assert merged[name] + timedelta(days=14) <= on


def test_each_merge_and_each_undo_moves_the_count_of_persons_by_one(plan: Plan) -> None:
    ledger, moved = Ledger(CODES), []
    for one in acts(plan):
        before = len(ledger.persons())
        if not one.refused:
            ledger.do(one)
        if one.deed in ("merge", "part"):
            moved.append((one.deed, len(ledger.persons()) - before))
    assert set(moved) == {("merge", -1), ("part", 1)}


def test_who_is_erased_was_not_merged(plan: Plan) -> None:
    erased = {one.says["person"] for one in acts(plan) if one.deed == "erase"}
    merged = {one.says[name] for one in acts(plan) if one.deed == "merge" for name in ("person", "other")}
    assert erased and not erased & merged
