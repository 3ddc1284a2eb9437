"""What is pure of the play: requests as routes want them, when all is quiet, whom the saboteur picks."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from clients.player.acts import Act, Plan
from clients.player.idle import parked, unfinished
from clients.player.requests import Handles, bulk_row, request
from clients.player.saboteur import SAID_THERE, victim
from clients.player.scenario import build
from tests.support.player_programme import CODES, INBOUND

PLAN = build(CODES, 2016, inbound=INBOUND)
ROUTES = {
    "intake": {
        "POST /register/units",
        "POST /register/memberships",
        "POST /participants",
        "POST /participants/{id}/erasure",
        "POST /participants/{id}/merge",
        "POST /participants/{id}/separation",
        "POST /referrals",
        "POST /referrals/{id}/acceptance",
        "POST /referrals/{id}/decline",
        "POST /referrals/{id}/withdrawal",
        "POST /journeys/{id}/consents",
        "POST /journeys/{id}/consents/sharing/withdrawal",
        "POST /journeys/{id}/start",
        "POST /journeys/{id}/mistake",
    },
    "activity-tracking": {
        "POST /journeys/{id}/activities",
        "POST /journeys/{id}/activities/{id}/correction",
        "POST /journeys/{id}/groups",
        "POST /groups",
        "POST /groups/{id}/correction",
        "POST /journeys/{id}/pauses",
        "POST /closures",
        "POST /journeys/{id}/goals",
        "POST /journeys/{id}/goals/{id}/reached",
        "POST /journeys/{id}/sessions",
        "POST /journeys/{id}/sessions/{id}/correction",
        "POST /journeys/{id}/progress",
        "POST /journeys/{id}/competences",
        "POST /journeys/{id}/readiness",
        "POST /programmes/coactive/outputs",
        "POST /programmes/coactive/outputs/{id}/correction",
    },
    "handover": {
        "POST /journeys/{id}/handovers",
        "POST /handovers/{id}/acceptance",
        "POST /handovers/{id}/decline",
        "POST /handovers/{id}/recall",
    },
    "outcome": {"PUT /journeys/{id}/entry", "POST /journeys/{id}/exit", "POST /follow-ups/{id}/answer"},
}
"""All routes that change something, but for the sheet of sessions and the registers. Source: issue 3, point 6."""


def acts(plan: Plan) -> list[Act]:
    """All that is said over HTTP, or as a sheet or a record that says the same; no visit to a register."""
    found = (act for step in plan.steps for act in step.acts if act.channel != "command")
    return [act for act in found if act.deed != "mark_register"]


class Answers:
    """Gives every act's answer an id of its own, as the platform would."""

    def __init__(self) -> None:
        self.handles = Handles()
        self.number = 0

    def to(self, act: Act) -> None:
        """Answer one act."""
        if act.refused:
            return
        self.number += 1
        ids = ("participant_id", "journey_id", "session_id", "handover_id", "output_id", "group_id")
        names = (*ids, "plan", "goal")
        self.handles.keep(act, dict.fromkeys(names, f"~{self.number}"))


def test_the_play_uses_every_route_that_changes_something() -> None:
    answers, used = Answers(), {service: set[str]() for service in ROUTES}
    for act in acts(PLAN):
        said = request(act, answers.handles, CODES.id)
        assert "//" not in said.path and not said.path.endswith("/")
        used[said.service].add(f"{said.method} {re.sub(r'~[0-9]+[.0-9a-z]*', '{id}', said.path)}")
        answers.to(act)
    assert used == ROUTES


def test_nothing_but_the_registration_says_who_somebody_is() -> None:
    answers = Answers()
    names = {act.says["person"].name for act in acts(PLAN) if act.deed == "register"}
    for act in acts(PLAN):
        said = str(request(act, answers.handles, CODES.id).body)
        if act.deed != "register":
            assert not any(name in said for name in names), act
        answers.to(act)


def test_a_row_of_a_sheet_has_the_columns_of_the_bulk_route_and_no_handle_of_the_plan() -> None:
    sheets = [act for act in acts(PLAN) if act.channel == "csv"]
    assert sheets
    handles = Handles(journeys={act.plan_key: f"j-{act.plan_key}" for act in sheets})
    columns = {name for act in sheets for name in bulk_row(act, handles)}
    assert columns == {
        "journey_id",
        "reference",
        "activity",
        "occurred_on",
        "attendance",
        "minutes",
        "reason",
    }


def test_handles_keep_the_furthest_that_was_seen_of_each_source() -> None:
    handles = Handles()
    handles.saw("w1", {"intake": 3, "outcome": 2})
    handles.saw("w1", {"intake": 2, "outcome": 4})
    assert handles.vectors == {"w1": {"intake": 3, "outcome": 4}}


AT = datetime(2017, 1, 3, 12, tzinfo=UTC)
QUIET: dict[str, Any] = {
    "clock": "2017-01-03T12:00:00+00:00",
    "lag": 0,
    "outbox_pending": 0,
    "timers_due": 0,
    "waiting": 0,
    "parked": 0,
}


def test_a_platform_that_has_done_everything_is_quiet() -> None:
    assert unfinished({"handover-consume": QUIET}, AT) == []
    assert parked({"handover-consume": QUIET}) == []


@pytest.mark.parametrize("what", ["lag", "outbox_pending", "timers_due", "waiting"])
def test_whatever_is_left_to_do_is_named_with_who_has_it(what: str) -> None:
    assert unfinished({"handover-consume": {**QUIET, what: 3}}, AT) == [f"handover-consume has {what} 3"]


def test_a_clock_that_lags_behind_is_not_quiet_yet() -> None:
    late = {**QUIET, "clock": "2016-12-30T12:00:00+00:00"}
    assert unfinished({"handover-consume": late}, AT) == [
        "handover-consume has its clock at " + late["clock"]
    ]


def test_events_set_aside_are_named() -> None:
    assert parked({"outcome-project": {**QUIET, "parked": 2}}) == ["outcome-project has parked 2 events"]


@pytest.mark.parametrize("seed", [1, 7, 2016])
def test_the_saboteur_takes_the_last_session_of_a_journey_that_counts(seed: int) -> None:
    plan = build(CODES, seed, inbound=INBOUND)
    chosen = victim(plan)
    own = [act for act in acts(plan) if act.plan_key == chosen.plan_key]
    assert [act for act in own if act.deed in SAID_THERE][-1] is chosen
    assert chosen.deed == "log_session" and chosen.says["attendance"] in ("yes", "late")
    assert "mistake" not in {act.deed for act in own}
