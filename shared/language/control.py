"""The requests between services on the control topic; none is about a person."""

from typing import Annotated

from msgspec import Meta

from shared.language.events import CONTROL_TOPIC, Source
from shared.language.forms import SUBJECT_KEY, SUBJECT_KIND, whole
from shared.language.messages import EVERY_SERVICE, Message, message

LAST = 99_999_999
"""The highest number of an event that can be asked for."""


@message(
    "journey.control.republish-requested.v1",
    topic=CONTROL_TOPIC,
    producers=EVERY_SERVICE,
    consumers=EVERY_SERVICE,
    subject="^(journey|output|participant|programme)/.+$",
    identity="`<asking service>:request/<group>|<source>|<subject>|<seq>:<times>`",
)
class RepublishRequested(Message, frozen=True, kw_only=True):
    """A consumer group has waited a minute for events of one subject; their source sends them again.

    seq, last: the first and the last number that is missing. times: how often this group has asked for them now.
    """

    source: Source
    subject: Annotated[str, Meta(pattern=whole(f"{SUBJECT_KIND}/{SUBJECT_KEY}"))]
    seq: Annotated[int, Meta(ge=1, le=LAST)]
    last: Annotated[int, Meta(ge=1, le=LAST)]
    group: Annotated[
        str, Meta(pattern=r"^[a-z][a-z0-9-]{1,79}$", description="the consumer group that waits")
    ]
    times: Annotated[int, Meta(ge=1)]
