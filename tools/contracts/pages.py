"""The pages of the reference: each is written whole from the code, and nothing of it by hand but its introduction."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shared.host.settings import EXIT_STATUS
from tools.contracts import indexes, tables
from tools.contracts.settings import settings

REFERENCE = Path("docs/reference")
ALERTS = Path("docs/operations/alerts.md")
NOTE = "<!-- Written by `make contracts` from the code; a test fails when it is stale. -->"


@dataclass(frozen=True, slots=True)
class Page:
    """One generated page. made: its parts, in order."""

    title: str
    introduction: str
    made: tuple[Callable[[], str], ...]

    def text(self) -> str:
        """The page as Markdown."""
        parts = "\n".join(make() for make in self.made)
        return f"# {self.title}\n\n{NOTE}\n\n{self.introduction.strip()}\n\n{parts}"


PAGES: dict[Path, Page] = {
    REFERENCE / "routes.md": Page(
        "Routes",
        """
One place decides who may call a route, by three questions that must all be answered yes. Does the person's
**duty** include the action? Does the programme's **role map** let the organisation do it? Does the organisation
have the **part** in this journey that the action needs? No token, no answer. *Use case*: the function in
the service's folder.

Every path stands under `/v1`. Each service shows its routes at `/v1/docs` and serves OpenAPI 3.1 at
`/v1/openapi.json`.
""",
        (tables.routes,),
    ),
    REFERENCE / "events.md": Page(
        "Events",
        """
Each event is a CloudEvent 1.0 in Kafka's binary mode on the topic of the service that says it; the key is
the subject. *Acted on by*: the consumer group, and the fold in its service's folder. The group `figures` is
outcome's projector. The AsyncAPI document is [asyncapi.yaml](asyncapi.yaml); a link leads to the event's
JSON Schema.
""",
        (tables.events,),
    ),
    REFERENCE / "messages.md": Page(
        "Messages",
        """
What leaves the platform beside the [events](events.md): each is a CloudEvent 1.0 in Kafka's binary mode, defined once
in `shared/language`. More of the [replies](replies.md), and of the [published figures](indicators.md). The AsyncAPI
document is [asyncapi.yaml](asyncapi.yaml); a link leads to the message's JSON Schema.
""",
        (tables.messages,),
    ),
    REFERENCE / "replies.md": Page(
        "Replies",
        """
Intake tells an organisation, in one numbered sequence of its own: the answer to each record that
it sent, and every change of where a referral stands. Records say referrals or marks. The answer to
a record comes before all that is told of what it led to. Schemas are in [asyncapi.yaml](asyncapi.yaml).
""",
        (tables.replies,),
    ),
    REFERENCE / "indicators.md": Page(
        "Published figures",
        """
The compacted topic `journey.indicators.v1` holds one record for each published figure of a programme, under
the key `<programme>|<cell>`. The newest record of a key counts. Small numbers are hidden
([disclosure.md](../disclosure.md)); exact figures are in the report. The same records of one programme are on
`dashboard.<programme>_<audience>.v1`, for each audience: `owner`, `funder`, `public`. Only these have readers outside.

Figures are declared once, in outcome; the tables below are their declarations. `<code>` is the code of a
follow-up or an output, `{when}` the follow-up's name. *In a period*: whether a day places it in a period, or why
not.
""",
        (tables.indicator_fields, tables.figures, tables.shares),
    ),
    REFERENCE / "errors.md": Page(
        "Error codes",
        """
Every refusal is a problem document (RFC 9457) with a stable `code`, every wrong field at once in `errors`,
and a trace id.
""",
        (tables.errors,),
    ),
    REFERENCE / "metrics.md": Page(
        "Metrics",
        """
Each process serves them at `/metrics` on its health port. What cannot be known now is absent, never 0.
""",
        (tables.metrics,),
    ),
    REFERENCE / "indexes.md": Page(
        "Indexes",
        """
MongoDB's indexes beside the one on `_id` that every collection has. Each is declared with a comment that
says what it serves.
""",
        (indexes.indexes,),
    ),
    REFERENCE / "settings.md": Page(
        "Settings",
        f"""
A process of a service, and a command of it, reads its settings from the environment; `shared/host/variables.py`
declares them. A variable that is set to nothing counts as not set. A process that lacks one, or is given a value
that it cannot read or that production refuses, names them all in one message and ends with status {EXIT_STATUS}.
`every process` includes the command `services.intake.programmes`; `deploy.programmes publish` runs it.

[The operators' command](../../deploy/README.md#the-operators-command) reads settings of its own. What the commands that
set up Kafka and MongoDB read stands at the head of `deploy/topics.py`, `deploy/database.py`,
`deploy/programmes.py` and `deploy/preparation.py`.
""",
        (settings,),
    ),
    ALERTS: Page(
        "Alerts",
        """
Written from `deploy/prometheus/rules.yml`. `urgent`: journeys stand still or callers are refused now.
`soon`: in working hours. What to type, and what it does: [the runbook](README.md).
""",
        (tables.alerts,),
    ),
}
