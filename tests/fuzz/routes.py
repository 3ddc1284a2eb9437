"""Every operation of the four services: who may give it, on a journey at which stage, and what it makes of that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared.edge.described import operations
from shared.edge.openapi import document_of
from tests.fuzz.world import OPERATOR, OWNER, PROVIDER, REFERRER, TODAY, Journey, Who, World, day
from tests.support.bad_input import Baseline
from tests.support.every_command import PROGRAMME, STEPS, Handles
from tools.contracts.services import application, services

REGISTRAR = Who(REFERRER.organisation, "registrar")
AFTER_START = ("started", "ready", "offered")
NEVER = frozenset(
    {"move_clock", "accept_topic", "skip_record", "start_rebuild", "swap_rebuild", "abandon_rebuild"}
)
"""Given by nobody who may: they would change the surroundings of all that follows."""


@dataclass(frozen=True, slots=True)
class Needs:
    """stages: at one of which the journey must stand; becomes: its stage afterwards. by: `responsible` or a caller."""

    by: Who | str
    stages: tuple[str, ...] = ()
    becomes: str = ""


NEEDS: Mapping[str, Needs] = {
    "register_participant": Needs(REFERRER),
    "erase_participant": Needs(REFERRER, ("declined", "withdrawn"), "erased"),
    "refer": Needs(REFERRER, ("registered",), "received"),
    "write_contents": Needs(REFERRER, ("received",)),
    "read_contents": Needs(REFERRER, ("received",)),
    "accept_referral": Needs(PROVIDER, ("received",), "accepted"),
    "decline_referral": Needs(PROVIDER, ("received",), "declined"),
    "withdraw_referral": Needs(REFERRER, ("received",), "withdrawn"),
    "register_mistake": Needs(REFERRER, ("received", "accepted"), "mistake"),
    "record_consent": Needs(PROVIDER, ("accepted",), "consented"),
    "withdraw_consent": Needs(PROVIDER, ("consented",), "accepted"),
    "start_journey": Needs(PROVIDER, ("consented",), "started"),
    "plan_activity": Needs("responsible", AFTER_START),
    "plan_pause": Needs("responsible", AFTER_START),
    "agree_extent": Needs("responsible", AFTER_START),
    "mark_attendance": Needs("responsible", AFTER_START),
    "mark_stretches": Needs("responsible", AFTER_START),
    "close_unit": Needs(PROVIDER),
    "correct_closure": Needs(PROVIDER),
    "list_open_registers": Needs(PROVIDER),
    "list_closures": Needs(PROVIDER),
    "make_group": Needs(PROVIDER),
    "correct_group": Needs(PROVIDER),
    "join_group": Needs("responsible", AFTER_START),
    "list_groups": Needs(PROVIDER),
    "list_group_corrections": Needs(PROVIDER),
    "list_closure_corrections": Needs(PROVIDER),
    "set_goal": Needs("responsible", AFTER_START),
    "reach_goal": Needs("responsible", AFTER_START),
    "log_session": Needs("responsible", AFTER_START),
    "correct_session": Needs("responsible", AFTER_START),
    "log_sessions": Needs("responsible", AFTER_START),
    "measure_progress": Needs("responsible", AFTER_START),
    "validate_competence": Needs("responsible", AFTER_START),
    "declare_ready": Needs("responsible", ("started",), "ready"),
    "acknowledge_report": Needs(REFERRER, AFTER_START),
    "send_report": Needs("responsible", AFTER_START),
    "list_referrer_reports": Needs(REFERRER),
    "read_referrer_report": Needs(REFERRER, AFTER_START),
    "log_output": Needs(PROVIDER),
    "correct_output": Needs(PROVIDER),
    "offer_handover": Needs("responsible", ("ready", "started"), "offered"),
    "accept_handover": Needs(Who("skellefte-tra", "supervisor"), ("offered",), "handed_over"),
    "decline_handover": Needs(Who("skellefte-tra", "supervisor"), ("offered",), "ready"),
    "recall_handover": Needs("responsible", ("offered",), "ready"),
    "record_entry": Needs(PROVIDER, ("accepted", "consented", *AFTER_START)),
    "record_exit": Needs("responsible", ("started", "ready"), "exited"),
    "answer_follow_up": Needs(PROVIDER, ("exited",)),
    "correct_participant": Needs(REFERRER, ("received", "accepted")),
    "correct_referral": Needs(REFERRER, ("received",)),
    "correct_acceptance": Needs(PROVIDER, ("accepted", "consented")),
    "correct_decline": Needs(PROVIDER, ("declined",)),
    "correct_withdrawal": Needs(REFERRER, ("withdrawn",)),
    "correct_mistake": Needs(REFERRER, ("mistake",)),
    "correct_consent": Needs(PROVIDER, ("consented",)),
    "correct_start": Needs("responsible", AFTER_START),
    "correct_plan": Needs("responsible", AFTER_START),
    "correct_pause": Needs("responsible", AFTER_START),
    "correct_extent": Needs("responsible", AFTER_START),
    "correct_goal": Needs("responsible", AFTER_START),
    "correct_reached": Needs("responsible", AFTER_START),
    "correct_progress": Needs("responsible", AFTER_START),
    "correct_competence": Needs("responsible", AFTER_START),
    "correct_ready": Needs("responsible", ("ready",)),
    "correct_handover_acceptance": Needs(Who("skellefte-tra", "supervisor"), ("handed_over",)),
    "correct_exit": Needs("responsible", ("exited",)),
    "list_corrections": Needs(PROVIDER, ("accepted", "consented", *AFTER_START, "exited")),
    "list_merges": Needs(REFERRER, ("received", "accepted")),
    "list_candidates": Needs(REFERRER, ("received", "accepted")),
    "merge_participants": Needs(REFERRER, ("received", "accepted")),
    "part_participants": Needs(REFERRER, ("received", "accepted")),
    "list_participant_corrections": Needs(REFERRER, ("received", "accepted")),
    "list_output_corrections": Needs(PROVIDER),
    "read_participant": Needs(REFERRER, ("received", "accepted")),
    "read_report": Needs(OWNER),
    "list_received": Needs(Who("skellefte-tra", "supervisor")),
    "list_outputs": Needs(PROVIDER),
    "list_referrals": Needs(REFERRER),
    "list_changes": Needs(REFERRER),
    "put_webhook": Needs(REGISTRAR),
    "read_webhook": Needs(REGISTRAR),
    "remove_webhook": Needs(REGISTRAR),
    "list_follow_ups": Needs(PROVIDER),
    "read_handover": Needs(PROVIDER, ("offered", "handed_over")),
    "read_follow_up": Needs(PROVIDER, ("exited",)),
}
"""Of what is not named here, a reading of a journey is its referrer's, and an operator's route an operator's."""


DAYS = {
    "offer_handover": 20, "accept_handover": 15, "decline_handover": 15, "recall_handover": 15, "record_exit": 10,
}  # fmt: skip
"""How many days ago these happen: after what brought the journey there."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation as its document describes it."""

    process: str
    method: str
    path: str
    identity: str
    action: str
    said: Mapping[str, Any]
    document: Mapping[str, Any]

    @property
    def needs(self) -> Needs:
        """What it takes."""
        if self.action in ("operate", "keep_register"):
            return Needs(OPERATOR)
        return NEEDS.get(self.identity, Needs(REFERRER, ("received", "accepted", "started", "exited")))

    @property
    def schema(self) -> Mapping[str, Any] | None:
        """The schema of its JSON body, where it has one."""
        content = self.said.get("requestBody", {}).get("content", {})
        found: Mapping[str, Any] | None = content.get("application/json", {}).get("schema")
        return found

    @property
    def query(self) -> list[str]:
        """Names of its query's parameters."""
        return [one["name"] for one in self.said.get("parameters", ()) if one.get("in") == "query"]


def all_operations() -> Iterator[Operation]:
    """Those of all four services, in their documents' order."""
    for name in services():
        document = document_of(application(name))
        process = f"{name.replace('_', '-')}-web"
        for method, path, said in operations(document):
            yield Operation(process, method, path, said["operationId"], said["x-action"], said, document)


BASELINES = {step.operation: step.baseline for step in STEPS}


@dataclass(slots=True)
class Known:
    """What the answers so far named, by journey."""

    things: dict[tuple[str, str], str]

    def of(self, journey: str, name: str) -> str:
        """The journey's newest thing of that name."""
        return self.things.get((journey, name), self.things.get(("", name), "unknown"))

    def learn(self, journey: str, answer: Any) -> None:
        """Take in the ids that an answer names."""
        if isinstance(answer, dict):
            for name in ("session_id", "goal", "handover_id", "output_id", "closure_id", "group_id"):
                if isinstance(answer.get(name), str):
                    self.things[journey, name] = self.things["", name] = answer[name]


def baseline(world: World, operation: Operation, journey: Journey, known: Known) -> Baseline:
    """The operation as it would succeed on that journey; only the path, where nothing more is known of it."""
    handles = Handles(TODAY, defaultdict(lambda: "0"))
    handles.names |= dict.fromkeys(("whole", "declined", "withdrawn", "mistaken"), journey.journey or "j-x")
    handles.names |= {
        "run": world.name(),
        "person": journey.participant,
        "goal": known.of(journey.journey, "goal"),
        "pause": "u1",
        "extent": "e1",
        "session": known.of(journey.journey, "session_id"),
        "output": known.of(journey.journey, "output_id"),
        "closure": known.of(journey.journey, "closure_id"),
        "unit_group": known.of(journey.journey, "group_id"),
        "parked": "0" * 32,
    }
    offer = journey.handover or known.of(journey.journey, "handover_id")
    handles.names |= dict.fromkeys(("first", "second", "third"), offer)
    path = {
        "journeyId": journey.journey,
        "participantId": journey.participant,
        "handoverId": offer,
        "followUpId": f"{journey.journey}.28d",
        "reportId": f"{journey.journey}.r1",
        "programmeId": "coactive",
        "kind": "journey",
        "key": journey.journey,
        "group": "figures",
        "topic": "journey.intake.v1",
        "purpose": "sharing",
        "action": "start_journey",
        "parkedId": "0" * 32,
        "goal": handles.names["goal"],
        "plan": "a1",
        "pause": "u1",
        "extent": "e1",
        "competence": "shop_work",
        "level": "2",
        "round": "1",
        "sessionId": handles.names["session"],
        "outputId": handles.names["output"],
        "closureId": handles.names["closure"],
        "groupId": handles.names["unit_group"],
        "unitId": "hotell-statt",
        "membershipId": "hotell-statt@coactive",
        "legalPersonId": "butiksbolaget",
    }
    make = BASELINES.get(operation.identity)
    if make is None:
        return Baseline(path=path)
    found = make(handles)
    body = {name: "coactive" if value == PROGRAMME else value for name, value in found.body.items()}
    if operation.identity == "record_consent":
        body["organisations"] = ["skellefte-tra", "kafe-solrosen"]
    if operation.identity == "refer":
        body["provider"] = PROVIDER.organisation
    if operation.identity == "log_session":
        body["reference"] = world.name()
    if operation.identity in DAYS:
        body["occurred_on"] = day(DAYS[operation.identity])
    return Baseline(
        path={**path, **{name: value for name, value in found.path.items() if value != PROGRAMME}},
        body=body,
        text=found.text,
        headers=found.headers,
    )
