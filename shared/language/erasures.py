"""The log of erasures: what intake keeps for itself in Kafka, so that a restored database is erased again."""

from datetime import datetime

from shared.language.events import ERASURES_TOPIC, HandleId, ParticipantId
from shared.language.messages import Message, message


@message(
    "journey.intake.erasure-kept.v1",
    topic=ERASURES_TOPIC,
    producers=("intake",),
    consumers=("intake",),
    subject="^(participant|handle)/.+$",
    identity="`intake:notice/<type>/<subject>`, one per erased identity",
)
class ErasureKept(Message, frozen=True, kw_only=True):
    """An identity was erased, and is to stay erased whatever a backup brings back.

    handle: of the organisation that erased what it had brought; absent: the person, and with it every identity of
    theirs. erased_at: UTC, of the first time.
    """

    participant_id: ParticipantId
    erased_at: datetime
    handle: HandleId | None = None
