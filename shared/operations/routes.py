"""The operators' routes, the same at every service: parked events, and the orders that mend them.

Every order has a reason, and leaves an audit row with person and time. No answer shows a participant, free text or a
code that may tell of health.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import current_app
from flask_smorest import Blueprint
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from shared.edge.web import actor, guarded, own_key
from shared.language import forms
from shared.language.decision import Subject, subject_of
from shared.language.errors import Busy, Unknown
from shared.operations.acceptance import Acceptance
from shared.operations.audit import AuditRows
from shared.operations.mending import Mending, Order
from shared.operations.parked import REASONS, ParkedEvents
from shared.operations.passing import PassingOver
from shared.operations.rebuild import Rebuilds
from shared.operations.shapes import (
    AcceptedAnswer,
    AuditPageAnswer,
    AuditPageArguments,
    MendedAnswer,
    ParkedDetailAnswer,
    ParkedPageAnswer,
    ParkedPageArguments,
    PassedOverAnswer,
    PassOverBody,
    ReasonBody,
    RepublishBody,
    RepublishedAnswer,
    StatusAnswer,
)
from shared.operations.status import Status
from shared.runtime.groups import Group
from shared.runtime.kafka import Logs, Partition
from shared.runtime.parts import Parts
from shared.runtime.seals import Seals

EXTENSION = "operations"


@dataclass(frozen=True, slots=True)
class Operations:
    """The parts that the routes of one web process use."""

    status: Status
    parked: ParkedEvents
    mending: Mending
    audit: AuditRows
    rebuilds: Rebuilds
    acceptance: Acceptance
    passing: PassingOver
    seals: Seals


def operations_of(parts: Parts, groups: Mapping[str, Group]) -> Operations:
    """Everything the routes need, on this process's connections. groups: those of the service, by name."""
    database = parts.client[parts.service.database]
    return Operations(
        Status(database, groups, parts.clock, parts.settings.kafka_servers),
        ParkedEvents(database, groups),
        Mending(parts, groups),
        AuditRows(parts.client, parts.service.database),
        Rebuilds(parts.client, parts.service.database, groups),
        Acceptance(database),
        PassingOver(database, Logs(parts.kafka_options)),
        Seals(parts.client, parts.service.database),
    )


# --- the routes ------------------------------------------------------------------------------------------


def blueprint() -> Blueprint:
    """The routes of one service. They find their `Operations` in the application's extensions."""
    routes = Blueprint("operations", __name__, description="What operators can see and mend")

    @routes.route("/operations/status", methods=["GET"])
    @guarded(None, operator=True)
    @routes.response(200, StatusAnswer)
    def read_status() -> dict[str, Any]:
        """How this service stands: its groups and processes, halts with cause and cure, outbox, leases, timers."""
        with reading():
            return here().status.read(_now())

    @routes.route("/operations/parked", methods=["GET"])
    @guarded(None, operator=True)
    @routes.arguments(ParkedPageArguments, location="query")
    @routes.response(200, ParkedPageAnswer)
    def list_parked(page: dict[str, Any]) -> dict[str, Any]:
        """The parked events of this service, the longest parked first."""
        groups = list(here().mending.groups)
        if page.get("group", groups[0]) not in groups:
            raise Unknown("group here")
        with reading():
            return here().parked.page(
                groups=[page["group"]] if "group" in page else groups,
                reasons=[page["reason"]] if "reason" in page else REASONS,
                after=page["after"],
                limit=page["limit"],
                at=_now(),
            )

    @routes.route("/operations/parked/<string:parkedId>", methods=["GET"])
    @guarded(None, operator=True)
    @routes.response(200, ParkedDetailAnswer)
    def read_parked(parked_id: str) -> dict[str, Any]:
        """One parked event: its position, its reason, and the events that it waits for; nothing of a person."""
        with reading():
            return here().parked.detail(_parked_id(parked_id), _now())

    @routes.route("/operations/parked/<string:parkedId>/replay", methods=["POST"])
    @guarded(None, operator=True)
    @routes.arguments(ReasonBody)
    @routes.response(200, MendedAnswer)
    def replay_parked(body: dict[str, Any], parked_id: str) -> dict[str, Any]:
        """Apply the parked events of this event's subject in its group, in order, by the rules of this version."""
        order = ordered(body)
        return here().mending.replay(order, _parked_id(parked_id))

    @routes.route("/operations/parked/<string:parkedId>/skip", methods=["POST"])
    @guarded(None, operator=True)
    @routes.arguments(ReasonBody)
    @routes.response(200, MendedAnswer)
    def skip_parked(body: dict[str, Any], parked_id: str) -> dict[str, Any]:
        """Count this event as applied, without its effect, and fold what waited behind it."""
        order = ordered(body)
        return here().mending.skip(order, _parked_id(parked_id))

    @routes.route("/operations/subjects/<string:kind>/<string:key>/replay", methods=["POST"])
    @guarded(None, operator=True)
    @routes.arguments(ReasonBody)
    @routes.response(200, MendedAnswer)
    def replay_subject(body: dict[str, Any], kind: str, key: str) -> dict[str, Any]:
        """Apply the parked events of the subject, in every group of this service that knows it."""
        order = ordered(body)
        return here().mending.replay_subject(order, _subject(kind, key))

    @routes.route("/operations/subjects/<string:kind>/<string:key>/republish", methods=["POST"])
    @guarded(None, operator=True)
    @routes.arguments(RepublishBody)
    @routes.response(200, RepublishedAnswer)
    def republish_subject(body: dict[str, Any], kind: str, key: str) -> dict[str, Any]:
        """Publish this service's events of the subject again, in order; readers that have applied them skip them."""
        order = ordered(body)
        return here().mending.republish(order, _subject(kind, key), body["from_seq"])

    @routes.route("/operations/groups/<string:group>/topics/<string:topic>/acceptance", methods=["POST"])
    @guarded(None, operator=True)
    @routes.arguments(ReasonBody)
    @routes.response(200, AcceptedAnswer)
    def accept_topic(body: dict[str, Any], group: str, topic: str) -> dict[str, Any]:
        """Make a group that has halted over this topic read it from where it begins now."""
        order = ordered(body)

        def work(session: ClientSession) -> dict[str, Any]:
            came = here().acceptance.accept(session, group, topic)
            here().mending.audit(
                order, session, "accept", f"topic/{topic}", {"group": group, "moved": came["moved"]}
            )
            return came

        return here().mending.once(order, work)

    @routes.route("/operations/groups/<string:group>/topics/<string:topic>/skip", methods=["POST"])
    @guarded(None, operator=True)
    @routes.arguments(PassOverBody)
    @routes.response(200, PassedOverAnswer)
    def skip_record(body: dict[str, Any], group: str, topic: str) -> dict[str, Any]:
        """Move a group past the one record at which it stands, without its effect and without an answer."""
        order, at, offset = ordered(body), Partition(topic, body["partition"]), body["offset"]
        with reading():
            here().passing.check(group, at, offset)

        def work(session: ClientSession) -> dict[str, Any]:
            came = here().passing.skip(session, group, at, offset)
            subject = f"record/{topic}:{at.partition}:{offset}"
            here().mending.audit(order, session, "pass-over", subject, came)
            return came

        return here().mending.once(order, work)

    @routes.route("/operations/audit", methods=["GET"])
    @guarded(None, operator=True)
    @routes.arguments(AuditPageArguments, location="query")
    @routes.response(200, AuditPageAnswer)
    def list_operations(page: dict[str, Any]) -> dict[str, Any]:
        """The acts of operators here, the latest first."""
        with reading():
            return here().audit.page(after=page["after"], limit=page["limit"])

    return routes


def here() -> Operations:
    """The `Operations` of this application."""
    found: Operations = current_app.extensions[EXTENSION]
    return found


@contextmanager
def reading() -> Iterator[None]:
    """Reading, with a database out of reach told as Busy."""
    try:
        yield
    except PyMongoError as error:
        raise Busy(f"The database did not answer: {type(error).__name__}.") from error


def _now() -> datetime:
    """Real time: what operators do is dated by it, whatever a driven clock says."""
    return datetime.now(UTC)


def ordered(body: dict[str, Any]) -> Order:
    """The order that the request makes. Raises Refused for headers that cannot be read."""
    key, fingerprint = own_key()
    return Order(actor(), body["reason"], key, fingerprint, _now())


def _parked_id(text: str) -> str:
    if not re.fullmatch(forms.PARKED_ID, text):
        raise Unknown("parked event")
    return text


def _subject(kind: str, key: str) -> Subject:
    if kind not in forms.SUBJECT_KINDS or not re.fullmatch(forms.SUBJECT_KEY, key):
        raise Unknown("subject")
    return subject_of(kind, key)
