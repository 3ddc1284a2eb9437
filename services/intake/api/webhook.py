"""The routes of an organisation's own webhook. The secret is in the answer to putting it, and nowhere else."""

import base64
import re
from typing import Any
from urllib.parse import urlsplit

from flask_smorest import Blueprint
from marshmallow import Schema
from marshmallow import fields as ma

from services.intake import webhooks as use_cases
from services.intake.api.provided import provided
from services.intake.domain.webhook import Webhook
from shared.edge.fields import CommandSchema, Form
from shared.edge.texts import nobody
from shared.edge.use_cases import run
from shared.edge.web import guarded, if_match
from shared.language.errors import Invalid

webhook = Blueprint("webhook", __name__, description="Where an organisation is sent its changes")
ADDRESS = r"^https://[a-z0-9.-]{1,200}(?::[0-9]{1,5})?(?:/[A-Za-z0-9/._~%+=&?-]{0,200})?\Z"
TAKES = "an https address: a host's full name, no port but 443, and a path; no address in numbers, no user, no `#`"
NAME = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")


class PutWebhookBody(CommandSchema):
    """Where to send the organisation's changes."""

    address = ma.String(
        required=True,
        validate=[Form(ADDRESS, TAKES), nobody],
        metadata={"description": "Takes a POST for each change, and answers 2xx within ten seconds."},
    )


class RemoveWebhookBody(CommandSchema):
    """A removal needs no words."""


class WebhookAnswer(Schema):
    """Where the webhook stands."""

    address = ma.String(required=True, metadata={"description": "Where the changes are sent."})
    state = ma.String(required=True, metadata={"description": "sending, failing or set_aside."})
    after = ma.Integer(required=True, metadata={"description": "The last number that was taken."})
    tries = ma.Integer(required=True, metadata={"description": "Failures in a row."})
    last = ma.String(
        required=True, allow_none=True, metadata={"description": "What the last attempt came to."}
    )
    failing_since = ma.String(
        required=True,
        allow_none=True,
        metadata={"format": "date-time", "description": "When the failures in a row began."},
    )
    next_at = ma.String(
        required=True,
        allow_none=True,
        metadata={
            "format": "date-time",
            "description": "When it is tried again; null unless it fails.",
        },
    )


class PutWebhookAnswer(WebhookAnswer):
    """Where the webhook stands, and its secret, which is shown this once."""

    secret = ma.String(
        required=True,
        metadata={"description": "Verifies `webhook-signature` by Standard Webhooks; shown this once."},
    )


@webhook.route("/webhook", methods=["PUT"])
@guarded(None, registrar=True)
@webhook.arguments(PutWebhookBody())
@webhook.response(200, PutWebhookAnswer)
def put_webhook(body: dict[str, Any]) -> dict[str, Any]:
    """Have your organisation's changes sent to an address, with a new secret; one that was set aside goes on."""
    asked = if_match()
    address = _outside(body["address"])
    return run(use_cases.put_webhook, _shown_once, address, provided().vault, asked=asked)


@webhook.route("/webhook", methods=["GET"])
@guarded(None, registrar=True)
@webhook.response(200, WebhookAnswer)
def read_webhook() -> dict[str, Any]:
    """Where your organisation's webhook stands."""
    return run(use_cases.read_webhook, shown)


@webhook.route("/webhook/removal", methods=["POST"])
@guarded(None, registrar=True)
@webhook.arguments(RemoveWebhookBody())
@webhook.response(200, WebhookAnswer)
def remove_webhook(_: dict[str, Any]) -> dict[str, Any]:
    """Send nothing more; what is told later can still be read."""
    return run(use_cases.remove_webhook, shown)


def _outside(address: str) -> str:
    """The address, if it names a host in full, or is the one inside that this process allows. Raises Invalid."""
    at = urlsplit(address)
    named = NAME.fullmatch(at.hostname or "") and at.netloc in (at.hostname, f"{at.hostname}:443")
    if not named and at.netloc != provided().webhook_inside:
        raise Invalid({"address": [f"Takes {TAKES}."]})
    return address


def _shown_once(found: tuple[Webhook, bytes]) -> dict[str, Any]:
    webhook, secret = found
    return {**shown(webhook), "secret": "whsec_" + base64.b64encode(secret).decode()}


def shown(found: Webhook) -> dict[str, Any]:
    """The webhook, without its secret."""
    waits = found.next_at.isoformat() if found.state == "failing" else None
    return {
        "address": found.address,
        "state": found.state,
        "after": found.after,
        "tries": found.tries,
        "last": found.last,
        "failing_since": found.failing_since and found.failing_since.isoformat(),
        "next_at": waits,
    }
