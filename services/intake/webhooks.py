"""The use cases of an organisation's webhook: put, read, remove. No rule lives here."""

from typing import Any, Protocol

from services.intake.domain.participant import Sealed
from services.intake.domain.webhook import AT_ONCE, WEBHOOKS, Webhook, row_of, webhook_of
from services.intake.sequencing import newest
from shared.language.access import Actor, authorise_registrar
from shared.language.decision import Change, Row, Subject, Work, subject_of
from shared.language.errors import Conflict, Refused, Unknown
from shared.language.events import Organisation
from shared.language.revisions import Precondition
from shared.runtime.restored import SEQUENCES


class SealsSecrets(Protocol):
    """Makes and seals the secret of a webhook."""

    def new_secret(self) -> bytes:
        """A random one."""

    def seal_secret(self, organisation: Organisation, secret: bytes) -> Sealed:
        """Encrypt it for this organisation."""


def put_webhook(
    work: Work,
    actor: Actor,
    address: str,
    vault: SealsSecrets,
    *,
    asked: Precondition | None,
) -> tuple[Webhook, bytes]:
    """Send the organisation's changes to this address, from where the last one stood. Returns it with its new secret.

    The first one begins with what is told from now on. One that was set aside goes on. For the organisation's own
    registrar (docs/decisions, 52). Raises Forbidden; Refused `stale-revision`.
    """
    authorise_registrar(actor, work)
    subject = _subject(actor)
    current = work.revision(subject)
    if asked is not None and asked.revision(current) != current:
        raise Refused("stale-revision", "It has changed since.")
    before = work.row(WEBHOOKS, actor.organisation)
    head = _head(work, actor)
    secret = vault.new_secret()
    webhook = Webhook(
        organisation=actor.organisation,
        address=address,
        secret=vault.seal_secret(actor.organisation, secret),
        put=work.new_id("w"),
        put_by=actor.person,
        after=newest(work, actor.organisation) if before is None else before["after"],
        next_at=AT_ONCE,
    )
    # The head is written in the same transaction: whatever is numbered meanwhile finds the webhook, or is found by it.
    due = {**head, "webhook": webhook.put, "send_at": AT_ONCE}
    rows = (Row(WEBHOOKS, actor.organisation, row_of(webhook)), Row(SEQUENCES, actor.organisation, due))
    work.save(subject, Change(None, rows=rows))
    return webhook, secret


def read_webhook(work: Work, actor: Actor) -> Webhook:
    """Where the organisation's own webhook stands. Raises Forbidden, Unknown."""
    authorise_registrar(actor, work)
    row = work.row(WEBHOOKS, actor.organisation)
    if row is None:
        raise Unknown("webhook")
    return webhook_of(row)


def remove_webhook(work: Work, actor: Actor) -> Webhook:
    """Send nothing more. Raises Forbidden; Conflict `no-webhook`, which a repetition under its key is not told."""
    authorise_registrar(actor, work)
    row = work.row(WEBHOOKS, actor.organisation)
    if row is None:
        raise Conflict("no-webhook", "The organisation has no webhook.")
    head = {name: one for name, one in _head(work, actor).items() if name not in ("webhook", "send_at")}
    change = Change(
        None, rows=(Row(SEQUENCES, actor.organisation, head),), removes=((WEBHOOKS, actor.organisation),)
    )
    work.save(_subject(actor), change)
    return webhook_of(row)


def _head(work: Work, actor: Actor) -> dict[str, Any]:
    """The head of the organisation's sequence, without its key."""
    row = work.row(SEQUENCES, actor.organisation) or {"n": 0, "ts": 0}
    return {name: one for name, one in row.items() if name != "_id"}


def _subject(actor: Actor) -> Subject:
    return subject_of("webhook", actor.organisation)
