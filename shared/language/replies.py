"""Intake's messages to an organisation, numbered in its own sequence: 1, 2, 3 ….

They are the same on its topic `inbound.<organisation>.replies.v1`, where it has one, in `GET /changes` and by webhook.
The answer to a record comes before every `referral-status-changed` that the record causes.
"""

from datetime import date, datetime
from typing import Any, Literal

import msgspec

from shared.language.events import (
    Code,
    ExitWay,
    JourneyId,
    Organisation,
    ReportId,
    ReportKind,
    Situation,
)
from shared.language.messages import Message, message
from shared.language.passage import Stage

REPLIES_TOPIC = "inbound.{organisation}.replies.v1"
AGENCY = ("the agency that refers",)
PARTIES = ("organisations with a part in the journey",)
KEY = "the organisation: all of its changes are in one order"
SEQUENCE = "its number among the organisation's changes; records of before there were numbers lack it"
RECORD = "one record of `inbound.<organisation>.referrals.v1`"


class RefusalTold(msgspec.Struct, frozen=True, kw_only=True):
    """A declined referral: who declined, why, who refused and what follows."""

    by: Organisation
    on: date
    reason: Code
    refused_by: Literal["provider", "participant", "referrer"]
    follows: Literal["refer_elsewhere", "refer_again", "nothing"]


class AskedTold(msgspec.Struct, frozen=True, kw_only=True):
    """A provider that was asked, and what it answered; `answer` is null while it is awaited.

    asked_on: null in referrals from before it was kept. answered_on: of a silence, the day after its last.
    """

    provider: Organisation
    asked_on: date | None
    answer_by: date | None = None
    answer: Literal["accepted", "declined", "silent"] | None = None
    answered_on: date | None = None
    reason: Code | None = None
    refused_by: Literal["provider", "participant", "referrer"] | None = None
    follows: Literal["refer_elsewhere", "refer_again", "nothing"] | None = None


class WithdrawalTold(msgspec.Struct, frozen=True, kw_only=True):
    """A referral that was taken back."""

    on: date
    reason: Code


class ExitTold(msgspec.Struct, frozen=True, kw_only=True):
    """How participation ended, and the situation then, where it is known."""

    on: date
    way: ExitWay
    situation: Situation | None


class FollowUpTold(msgspec.Struct, frozen=True, kw_only=True):
    """A follow-up that has come due."""

    kind: Code
    status: Literal["due", "answered", "missed"]
    situation: Situation | None


class Standing(Message, frozen=True, kw_only=True):
    """The status of a referral, as its referrer reads it over HTTP and gets it in messages.

    A day is null until its fact is known. asked: at most 51, in the order in which they were asked.
    """

    journey_id: JourneyId
    reference: str
    programme: Code
    programme_version: int
    stage: Stage
    responsible: Organisation
    provider: Organisation | None
    referred_on: date
    accepted_on: date | None
    started_on: date | None
    ready_on: date | None
    refusal: RefusalTold | None
    withdrawal: WithdrawalTold | None
    exit: ExitTold | None
    follow_ups: tuple[FollowUpTold, ...]
    asked: tuple[AskedTold, ...] = ()


@message(
    "journey.intake.referral-status-changed.v1",
    topic=REPLIES_TOPIC,
    key=KEY,
    sequence=SEQUENCE,
    producers=("intake",),
    consumers=AGENCY,
    subject="^journey/.+$",
    identity="`intake:reply/<subject>:<count>`, the count of the subject's replies",
)
class ReferralStatusChanged(Standing, frozen=True, kw_only=True):
    """The present status of a referral, sent to its referrer at every change.

    occurred_on, recorded_at: of the fact that changed it; the Swedish day and UTC.
    """

    occurred_on: date
    recorded_at: datetime


@message(
    "journey.intake.journey-moved.v1",
    topic=REPLIES_TOPIC,
    key=KEY,
    sequence=SEQUENCE,
    producers=("intake",),
    consumers=PARTIES,
    subject="^journey/.+$",
    identity="`intake:reply/<subject>:<count>`, the count of the subject's replies",
)
class JourneyMoved(Message, frozen=True, kw_only=True):
    """A journey in which the organisation has a part has moved; what it may know of it, it reads over HTTP.

    For the provider, who is asked or responsible, and the receiver of an offer. occurred_on, recorded_at: of the fact
    that moved it; the Swedish day and UTC.
    """

    journey_id: JourneyId
    programme: Code
    programme_version: int
    stage: Stage
    occurred_on: date
    recorded_at: datetime


@message(
    "journey.intake.report-told.v1",
    topic=REPLIES_TOPIC,
    key=KEY,
    sequence=SEQUENCE,
    producers=("intake",),
    consumers=AGENCY,
    subject="^journey/.+$",
    identity="`intake:reply/<subject>:<count>`, the count of the subject's replies",
)
class ReportTold(Message, frozen=True, kw_only=True):
    """A provider's report is there for its referrer, who reads it at activity tracking and acknowledges it.

    due_on: the last day for that. corrects: the report whose place it takes; void: there is nothing to report any more.
    Why somebody was away, only the report says.
    """

    report_id: ReportId
    journey_id: JourneyId
    kind: ReportKind
    due_on: date
    provider: Organisation
    corrects: ReportId | None = None
    void: bool = False


@message(
    "journey.intake.record-accepted.v1",
    topic=REPLIES_TOPIC,
    key=KEY,
    sequence=SEQUENCE,
    producers=("intake",),
    consumers=AGENCY,
    subject="^journey/.+$",
    identity="`intake:<topic>:<partition>:<offset>` of the record",
    answers=RECORD,
)
class RecordAccepted(Message, frozen=True, kw_only=True):
    """An inbound record led to a referral; `topic`, `partition` and `offset` say which record.

    referral_id, journey_id: the same. reference, key, headers: see `RecordRejected`.
    """

    status: Literal["accepted"]
    topic: str
    partition: int
    offset: int
    reference: str
    key: str | None
    headers: dict[str, str]
    referral_id: JourneyId
    journey_id: JourneyId
    stage: Stage


@message(
    "journey.intake.record-rejected.v1",
    topic=REPLIES_TOPIC,
    key=KEY,
    sequence=SEQUENCE,
    producers=("intake",),
    consumers=AGENCY,
    subject=r"^record/inbound\..+$",
    identity="`intake:<topic>:<partition>:<offset>` of the record",
    answers=RECORD,
)
class RecordRejected(Message, frozen=True, kw_only=True):
    """An inbound record changed nothing; `code` is one of the error codes, `errors` names every wrong field.

    reference, key, headers: the record's own, by which its sender finds it again. Each is repeated only where it is a
    plain identifier that cannot name anybody; else it is null, or left out. headers: `correlation-id`, `ce_id` and
    `ce_source`, and a structured event's `id` and `source`.
    """

    status: Literal["rejected"]
    topic: str
    partition: int
    offset: int
    reference: str | None
    key: str | None
    headers: dict[str, str]
    code: str
    detail: str
    errors: dict[str, Any]
