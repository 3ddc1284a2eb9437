"""The bodies and answers of the operators' routes."""

from marshmallow import Schema, validate
from marshmallow import fields as ma

from shared.edge.fields import CommandSchema, Form, PageArguments, StrictBoolean, cursor_field, exactly
from shared.edge.texts import line_field
from shared.language.forms import GROUP, PARKED_ID
from shared.operations.parked import REASONS

# --- what comes in ---------------------------------------------------------------------------------------


def reason_field() -> ma.String:
    """Why an operator changes something, in words that name nobody."""
    return line_field(3, 300, required=True)


class ReasonBody(CommandSchema):
    """Why; it goes into the audit row."""

    reason = reason_field()


class RepublishBody(CommandSchema):
    """Why, and from which of the subject's numbers on."""

    reason = reason_field()
    from_seq = ma.Integer(strict=True, load_default=1, validate=validate.Range(1, 99_999_999))


class PassOverBody(CommandSchema):
    """Why, and which record of the topic: the one at which the group stands."""

    reason = reason_field()
    partition = ma.Integer(required=True, strict=True, validate=validate.Range(0, 99_999))
    offset = ma.Integer(required=True, strict=True, validate=validate.Range(0, (1 << 53) - 1))


class ParkedPageArguments(PageArguments):
    """Filters and page of parked events."""

    group = ma.String(validate=Form(exactly(GROUP), "the name of a consumer group, as `status` tells it"))
    reason = ma.String(validate=validate.OneOf(REASONS))
    cursor = cursor_field(rf"^[0-9]{{1,15}}\.{PARKED_ID}\Z")


class AuditPageArguments(PageArguments):
    """The page of the audit rows."""

    cursor = cursor_field(r"^[0-9]{1,15}\.[a-z0-9-]{1,40}\Z")


# --- what goes out ---------------------------------------------------------------------------------------


class OverAnswer(Schema):
    """The group and the topic that a halt is over, which an operator may accept as it is now."""

    group = ma.String()
    topic = ma.String()


class HaltAnswer(Schema):
    """Why a process refuses to go on, and what ends that."""

    cause = ma.String()
    cure = ma.String()
    over = ma.Nested(OverAnswer, allow_none=True)


class ProcessAnswer(Schema):
    """The state of one process. heard_seconds: since its last report; failing: events in a row that failed.

    lag: null when unknown; trouble: then the error of Kafka, where that is the reason.
    """

    process = ma.String()
    role = ma.String()
    host = ma.String()
    pid = ma.Integer()
    heard_seconds = ma.Float()
    silent = ma.Boolean()
    lag = ma.Integer(allow_none=True)
    trouble = ma.String(allow_none=True)
    stuck = ma.List(ma.String())
    failing = ma.Integer()
    halted = ma.Nested(HaltAnswer, allow_none=True)


class RebuildingAnswer(Schema):
    """A rebuild that is under way."""

    run = ma.Integer()
    state = ma.String()
    percent = ma.Float()
    halted = ma.Nested(HaltAnswer, allow_none=True)


class GroupAnswer(Schema):
    """The state of one consumer group. lag: events in the log not yet applied, or null when unknown.

    unreadable: events of subjects whose stored state this release cannot read.
    """

    group = ma.String()
    lag = ma.Integer(allow_none=True)
    waiting = ma.Integer()
    poison = ma.Integer()
    blocked = ma.Integer()
    unreadable = ma.Integer()
    wait_oldest_seconds = ma.Float()
    requests_open = ma.Integer()
    rebuild = ma.Nested(RebuildingAnswer, allow_none=True)
    processes = ma.List(ma.Nested(ProcessAnswer))


class LeaseAnswer(Schema):
    """Which process (`host:pid:…`) publishes one shard of the outbox; none, when the last lease has run out."""

    shard = ma.Integer()
    holder = ma.String(allow_none=True)
    until = ma.String(metadata={"format": "date-time"}, allow_none=True)


class RefusedAnswer(Schema):
    """An ordered key in quarantine: its first event, what Kafka said of it, how often, and how many wait behind it."""

    topic = ma.String()
    subject = ma.String()
    event = ma.String()
    type = ma.String()
    error = ma.String(allow_none=True)
    at = ma.Float(allow_none=True)
    times = ma.Integer(allow_none=True)
    behind = ma.Integer()


class OutboxAnswer(Schema):
    """The unpublished events."""

    pending = ma.Integer()
    oldest_seconds = ma.Float()
    leases = ma.List(ma.Nested(LeaseAnswer))
    refused = ma.List(ma.Nested(RefusedAnswer))


class TimersAnswer(Schema):
    """Deadlines and reminders: those past their time, and all that are planned."""

    due = ma.Integer()
    oldest_seconds = ma.Float()
    planned = ma.Integer()


class StatusAnswer(Schema):
    """The state of the service. kafka: the configured addresses of the brokers."""

    at = ma.String(metadata={"format": "date-time"})
    clock = ma.String(metadata={"format": "date-time"})
    kafka = ma.List(ma.String())
    groups = ma.List(ma.Nested(GroupAnswer))
    outbox = ma.Nested(OutboxAnswer)
    timers = ma.Nested(TimersAnswer)


class ParkedAnswer(Schema):
    """One parked event. seconds: how long it has been parked; needs: the programme version that it waits for."""

    parked_id = ma.String()
    group = ma.String()
    subject = ma.String()
    source = ma.String(allow_none=True)
    seq = ma.Integer(allow_none=True)
    type = ma.String(allow_none=True)
    reason = ma.String(validate=validate.OneOf(REASONS))
    needs = ma.String(allow_none=True)
    error = ma.String()
    at = ma.String(metadata={"format": "date-time"})
    seconds = ma.Integer()


class ParkedPageAnswer(Schema):
    """A page of parked events, the longest parked first."""

    parked = ma.List(ma.Nested(ParkedAnswer))
    next_cursor = ma.String(allow_none=True)


class MissingAnswer(Schema):
    """Events that have not come, from `seq` to `last`."""

    source = ma.String()
    subject = ma.String()
    seq = ma.Integer()
    last = ma.Integer()


class FactsAnswer(Schema):
    """The content of the event. withheld: fields that it has and an operator may not see."""

    shown = ma.Dict(keys=ma.String(), values=ma.Raw())
    withheld = ma.List(ma.String())
    unreadable = ma.String(allow_none=True)


class StandsAnswer(Schema):
    """The state of the subject in that group. missing: the events that have to be applied before its parked ones."""

    applied = ma.Dict(keys=ma.String(), values=ma.Integer())
    blocked = ma.Boolean()
    parked = ma.Integer()
    missing = ma.List(ma.Nested(MissingAnswer))


class ParkedDetailAnswer(ParkedAnswer):
    """One parked event in full, without what concerns a person."""

    time = ma.String(metadata={"format": "date-time"}, allow_none=True)
    trace_id = ma.String(allow_none=True)
    after = ma.Dict(keys=ma.String(), values=ma.Integer())
    facts = ma.Nested(FactsAnswer, allow_none=True)
    stands = ma.Nested(StandsAnswer, allow_none=True)


class FailsAtAnswer(Schema):
    """The event that still fails."""

    source = ma.String()
    seq = ma.Integer()
    error = ma.String()


class CameToAnswer(Schema):
    """The outcome of a replay or a skip in one group."""

    group = ma.String()
    applied = ma.Integer()
    still_parked = ma.Integer()
    fails_at = ma.Nested(FailsAtAnswer, allow_none=True)


class MendedAnswer(Schema):
    """The outcome of a replay or a skip."""

    subject = ma.String()
    groups = ma.List(ma.Nested(CameToAnswer))


class RepublishedAnswer(Schema):
    """The republished events. more: the archive has further events after `to_seq`."""

    subject = ma.String()
    events = ma.Integer()
    from_seq = ma.Integer()
    to_seq = ma.Integer()
    more = ma.Boolean()


class MovedAnswer(Schema):
    """The offset of a group in one partition before, and the one from which it reads on."""

    partition = ma.Integer()
    stood_at = ma.Integer()
    reads_from = ma.Integer()


class AcceptedAnswer(Schema):
    """A topic that a group reads as it is now, once its halted processes are restarted."""

    group = ma.String()
    topic = ma.String()
    moved = ma.List(ma.Nested(MovedAnswer))


class PassedOverAnswer(Schema):
    """One record that a group was moved past, and the offset from which it reads on."""

    group = ma.String()
    topic = ma.String()
    partition = ma.Integer()
    offset = ma.Integer()
    reads_from = ma.Integer()


class SwapBody(CommandSchema):
    """Why, and whether the caller accepts that the two differ."""

    reason = reason_field()
    accept_differences = StrictBoolean(load_default=False)


class ProgressAnswer(Schema):
    """The progress of a rebuild: applied offsets of those in the log. parked: by reason."""

    done = ma.Integer()
    of = ma.Integer()
    lag = ma.Integer()
    percent = ma.Float()
    a_second = ma.Integer()
    parked = ma.Dict(keys=ma.String(), values=ma.Integer())


class DifferenceAnswer(Schema):
    """One subject that differs, and the differing fields; `_id`: only one of the two has it."""

    subject = ma.String()
    fields_ = ma.List(ma.String(), data_key="fields", attribute="fields")


class CounterAnswer(Schema):
    """One counter that differs."""

    counter = ma.String()
    live = ma.Integer()
    rebuilt = ma.Integer()


class CountersAnswer(Schema):
    """The counters of one collection, compared."""

    same = ma.Integer()
    different = ma.Integer()
    first = ma.List(ma.Nested(CounterAnswer))


class ComparedAnswer(Schema):
    """The result of a comparison. elsewhere: subjects of which the two groups have applied different events.

    counters: null when the two did not have the same offsets, so that their counters could not be compared.
    """

    at = ma.String(metadata={"format": "date-time"})
    asked_at = ma.String(metadata={"format": "date-time"})
    same_place = ma.Boolean()
    same = ma.Integer()
    different = ma.Integer()
    only_live = ma.Integer()
    only_rebuilt = ma.Integer()
    elsewhere = ma.Integer()
    first = ma.List(ma.Nested(DifferenceAnswer))
    counters = ma.Dict(keys=ma.String(), values=ma.Nested(CountersAnswer), allow_none=True)
    differs = ma.Boolean()


class RebuildAnswer(Schema):
    """A projection's latest rebuild. state: building, swapping, swapped or abandoned."""

    group = ma.String()
    run = ma.Integer()
    state = ma.String(validate=validate.OneOf(("building", "swapping", "swapped", "abandoned")))
    reason = ma.String()
    began_at = ma.String(metadata={"format": "date-time"})
    ended_at = ma.String(metadata={"format": "date-time"}, allow_none=True)
    compare_asked_at = ma.String(metadata={"format": "date-time"}, allow_none=True)
    progress = ma.Nested(ProgressAnswer, allow_none=True)
    compared = ma.Nested(ComparedAnswer, allow_none=True)
    halted = ma.Nested(HaltAnswer, allow_none=True)


class AuditAnswer(Schema):
    """One act of an operator."""

    at = ma.String(metadata={"format": "date-time"})
    person = ma.String()
    organisation = ma.String()
    did = ma.String()
    subject = ma.String()
    reason = ma.String()
    came_to = ma.Dict(keys=ma.String(), values=ma.Raw())


class AuditPageAnswer(Schema):
    """A page of what operators did, the latest first."""

    audit = ma.List(ma.Nested(AuditAnswer))
    next_cursor = ma.String(allow_none=True)
