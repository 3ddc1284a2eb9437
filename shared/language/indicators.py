"""Published figures as they go over Kafka: one record a cell, small counts hidden."""

from datetime import date, datetime
from typing import Annotated

from msgspec import Meta

from shared.language.events import INDICATORS_TOPIC, Code
from shared.language.messages import Message, message


@message(
    "journey.outcome.indicator-published.v1",
    topic=INDICATORS_TOPIC,
    producers=("outcome",),
    consumers=("dashboards of owners and funders",),
    subject="^indicator/.+$",
    key="`<programme>|<cell>`; the newest record of a key counts",
    identity="`outcome:<subject>:<sequence>`",
    numbered=True,
)
class IndicatorPublished(Message, frozen=True, kw_only=True):
    """One cell of a programme's figures at its present value; a hidden cell is marked as hidden.

    Only cells that pass disclosure control are published: see docs/disclosure.md.
    """

    programme: Code
    cell: Annotated[str, Meta(description="path of the figure in the report, such as `figures.started`")]
    value: Annotated[
        int | float | None,
        Meta(
            description="count, share (0 to 1) or days; null where it is hidden or there is nothing to count"
        ),
    ]
    hidden: bool
    few: Annotated[bool, Meta(description="hidden because it is under five; else it would give another away")]
    holds_on: Annotated[
        date | None,
        Meta(description="the Swedish day that the figure holds for; absent before there was one"),
    ] = None
    published_at: Annotated[datetime, Meta(description="when it was published, UTC")]
