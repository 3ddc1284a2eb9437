"""How each act is said over HTTP: service, method, path and body. Pure.

The platform's own ids are filled in from `Handles`, which the answers fill.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clients.player.acts import Act


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, without who asks. changes: a resource that exists, so that If-Match must name it."""

    service: str
    method: str
    path: str
    body: Mapping[str, Any]


@dataclass(slots=True)
class Handles:
    """The platform's ids by the plan's handles, and what each journey's answers have shown.

    participants: by organisation and person, since each organisation has a handle of its own.
    """

    participants: dict[tuple[str, str], str] = field(default_factory=dict)
    journeys: dict[str, str] = field(default_factory=dict)
    sessions: dict[tuple[str, str], str] = field(default_factory=dict)
    goals: dict[tuple[str, str], str] = field(default_factory=dict)
    plans: dict[tuple[str, str], str] = field(default_factory=dict)
    offers: dict[tuple[str, str], str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    vectors: dict[str, dict[str, int]] = field(default_factory=dict)
    entry_revisions: dict[str, str] = field(default_factory=dict)

    def saw(self, plan_key: str, vector: Mapping[str, int]) -> None:
        """Keep the furthest that any answer about the journey has shown, per source."""
        known = self.vectors.setdefault(plan_key, {})
        for source, seq in vector.items():
            known[source] = max(seq, known.get(source, 0))

    def keep(self, act: Act, body: Any) -> None:
        """Keep the ids that an answer gives."""
        says = act.says
        match act.deed:
            case "register":
                self.participants[act.by, says["person"].key] = body["participant_id"]
            case "refer":
                self.journeys[act.plan_key] = body["journey_id"]
            case "plan_activity" | "join_group":
                self.plans[act.plan_key, says["plan"]] = body["plan"]
            case "set_goal":
                self.goals[act.plan_key, says["goal"]] = body["goal"]
            case "log_session" | "correct_session":
                self.sessions[act.plan_key, says["session"]] = body["session_id"]
            case "offer":
                self.offers[act.plan_key, says["offer"]] = body["handover_id"]
            case "log_output":
                self.outputs[act.plan_key] = body["output_id"]
            case "make_group":
                self.groups[act.plan_key] = body["group_id"]
            case _:
                pass


def request(act: Act, handles: Handles, programme: str) -> Request:
    """The request that says the act."""
    says = act.says
    on = {"occurred_on": act.occurred_on}
    journey = handles.journeys.get(act.plan_key, "")

    def post(service: str, path: str, **body: Any) -> Request:
        return Request(service, "POST", path, {**body, **on})

    match act.deed:
        case "register":
            person = says["person"]
            contact = {"phone": person.phone, "email": None}
            body = {"name": person.name, "personnummer": person.personnummer, "contact": contact}
            return Request("intake", "POST", "/participants", body)
        case "erase":
            return Request(
                "intake",
                "POST",
                f"/participants/{handles.participants[act.by, says['person']]}/erasure",
                {},
            )
        case "register_unit" | "begin_membership" | "open_topics":
            return _registering(act, programme)
        case "merge" | "part":
            return _merging(act, handles)
        case "refer":
            return Request("intake", "POST", "/referrals", referral(act, handles, programme))
        case "accept":
            return post("intake", f"/referrals/{journey}/acceptance")
        case "decline" | "pass_on":
            return post("intake", f"/referrals/{journey}/decline", reason=says["reason"])
        case "withdraw":
            return post("intake", f"/referrals/{journey}/withdrawal", reason=says["reason"])
        case "consent":
            return post("intake", f"/journeys/{journey}/consents", **says)
        case "withdraw_consent":
            return post("intake", f"/journeys/{journey}/consents/{says['purpose']}/withdrawal")
        case "start":
            return post("intake", f"/journeys/{journey}/start")
        case "mistake":
            return post("intake", f"/journeys/{journey}/mistake", reason=says["reason"])
        case "plan_activity":
            return post("activity-tracking", f"/journeys/{journey}/activities", **_said(says, "plan"))
        case "plan_pause":
            return Request("activity-tracking", "POST", f"/journeys/{journey}/pauses", says)
        case "set_goal":
            return post("activity-tracking", f"/journeys/{journey}/goals", text=says["text"])
        case "reach_goal":
            goal = handles.goals[act.plan_key, says["goal"]]
            return post("activity-tracking", f"/journeys/{journey}/goals/{goal}/reached")
        case "log_session":
            return post("activity-tracking", f"/journeys/{journey}/sessions", **_said(says, "session"))
        case "correct_session":
            corrected = handles.sessions[act.plan_key, says["corrects"]]
            path = f"/journeys/{journey}/sessions/{corrected}/correction"
            return post("activity-tracking", path, **_said(says, "session", "corrects"))
        case "measure":
            return post("activity-tracking", f"/journeys/{journey}/progress", **says)
        case "validate":
            return post("activity-tracking", f"/journeys/{journey}/competences", **says)
        case "judge_ready":
            return post("activity-tracking", f"/journeys/{journey}/readiness")
        case "log_output":
            return post("activity-tracking", f"/programmes/{programme}/outputs", **says)
        case "correct_output":
            path = f"/programmes/{programme}/outputs/{handles.outputs[act.plan_key]}/correction"
            return post("activity-tracking", path, **says)
        case "offer":
            return post("handover", f"/journeys/{journey}/handovers", **_said(says, "offer"))
        case "accept_offer":
            return post("handover", f"/handovers/{handles.offers[act.plan_key, says['offer']]}/acceptance")
        case "decline_offer":
            path = f"/handovers/{handles.offers[act.plan_key, says['offer']]}/decline"
            return post("handover", path, reason=says["reason"])
        case "recall_offer":
            path = f"/handovers/{handles.offers[act.plan_key, says['offer']]}/recall"
            return post("handover", path, reason=says["reason"])
        case "record_entry":
            return Request("outcome", "PUT", f"/journeys/{journey}/entry", {**_said(says), **on})
        case "record_exit":
            return post("outcome", f"/journeys/{journey}/exit", **_said(says))
        case "answer_follow_up":
            path = f"/follow-ups/{journey}.{says['follow_up']}/answer"
            return post("outcome", path, situation=says["situation"])
        case "close_unit":
            return Request("activity-tracking", "POST", "/closures", says)
        case "make_group" | "correct_group" | "join_group" | "leave_group":
            return _grouping(act, handles, programme)
        case "mark_register":
            raise ValueError("What is said of a register follows from who is on it.")


def _registering(act: Act, programme: str) -> Request:
    if act.deed == "register_unit":
        return Request("intake", "POST", "/register/units", act.says)
    if act.deed == "begin_membership":
        return Request("intake", "POST", "/register/memberships", {**act.says, "programme": programme})
    raise ValueError("Topics are opened by a command, not by HTTP.")


def _grouping(act: Act, handles: Handles, programme: str) -> Request:
    says, journey = act.says, handles.journeys.get(act.plan_key, "")
    body: Mapping[str, Any]
    match act.deed:
        case "make_group":
            path, body = "/groups", {**says, "programme": programme}
        case "correct_group":
            path, body = f"/groups/{handles.groups[act.plan_key]}/correction", says
        case "join_group":
            group = {"group": handles.groups[says["group"]], "occurred_on": act.occurred_on}
            path, body = f"/journeys/{journey}/groups", {**_said(says, "plan", "activity", "hours"), **group}
        case _:
            plan = handles.plans[act.plan_key, says["plan"]]
            path, body = f"/journeys/{journey}/activities/{plan}/correction", _said(says, "plan")
    return Request("activity-tracking", "POST", path, body)


def _merging(act: Act, handles: Handles) -> Request:
    one, other = (handles.participants[act.by, act.says[name]] for name in ("person", "other"))
    way = "merge" if act.deed == "merge" else "separation"
    body = {"participant_id": other, "why": act.says["why"]}
    return Request("intake", "POST", f"/participants/{one}/{way}", body)


def referral(act: Act, handles: Handles, programme: str) -> dict[str, Any]:
    """The body of a referral, the same by HTTP and over an inbound topic."""
    says = act.says
    body = {
        "reference": says["reference"],
        "participant_id": handles.participants[act.by, says["person"]],
        "programme": programme,
        "municipality": says["municipality"],
        "provider": says["provider"],
        "providers": says["providers"] or None,
        "previous_journey": handles.journeys[says["previous"]] if says["previous"] else None,
        "occurred_on": act.occurred_on,
    }
    return _said(body)


def bulk_row(act: Act, handles: Handles) -> dict[str, str]:
    """A session as a row of the CSV that `POST /sessions` takes."""
    row = {
        "journey_id": handles.journeys[act.plan_key],
        "occurred_on": act.occurred_on,
        **_said(act.says, "session"),
    }
    return {name: str(value) for name, value in row.items()}


def _said(says: Mapping[str, Any], *without: str) -> dict[str, Any]:
    """What is known: fields without an answer are left out, and so are the plan's own handles."""
    return {name: value for name, value in says.items() if name not in without and value is not None}
