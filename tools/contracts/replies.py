"""What intake tells an organisation on its own reply topic.

Intake builds these as plain values; the shapes are said here for those who read them, and a test holds what intake
really says to them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from shared.language.events import Code, ExitWay, JourneyId, Organisation, Situation
from shared.language.passage import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalTold:
    """A declined referral: who declined, why, who refused and what follows."""

    by: Organisation
    on: date
    reason: Code
    refused_by: Literal["provider", "participant", "referrer"]
    follows: Literal["refer_elsewhere", "refer_again", "nothing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalTold:
    """A referral that was taken back."""

    on: date
    reason: Code


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitTold:
    """How participation ended, and the situation then, where it is known."""

    on: date
    way: ExitWay
    situation: Situation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpTold:
    """A follow-up that has come due."""

    kind: Code
    status: Literal["due", "answered", "missed"]
    situation: Situation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralStatusChanged:
    """Where a referral stands now; sent to its referrer whenever that changes."""

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
    occurred_on: date
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAccepted:
    """An inbound record led to a referral; `topic`, `partition` and `offset` say which record.

    It comes before every `referral-status-changed` of what the record led to. key, headers: see `RecordRejected`.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRejected:
    """An inbound record led to nothing; `code` is one of the error codes, `errors` names every wrong field.

    reference, key, headers: the record's own, by which its sender finds it again. headers: of `correlation-id`, `ce_id`
    and `ce_source`, a structured event's `id` and `source` too. Repeated only where each is a plain identifier that may
    name nobody; else null, or left out.
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


@dataclass(frozen=True, slots=True)
class ReplyType:
    """A reply. answers_record: it answers one inbound record; otherwise it comes of its own accord."""

    body: type
    answers_record: bool


REPLIES: Mapping[str, ReplyType] = {
    "journey.intake.record-accepted.v1": ReplyType(RecordAccepted, answers_record=True),
    "journey.intake.record-rejected.v1": ReplyType(RecordRejected, answers_record=True),
    "journey.intake.referral-status-changed.v1": ReplyType(ReferralStatusChanged, answers_record=False),
}
