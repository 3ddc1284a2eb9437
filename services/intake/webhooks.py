"""The use cases of an organisation's webhook: put, read, remove. No rule lives here."""

from typing import Protocol

from services.intake.domain.participant import Sealed
from services.intake.domain.webhook import AT_ONCE, WEBHOOKS, Webhook, row_of, webhook_of
from services.intake.sequencing import newest
from shared.language.access import Actor, authorise_somewhere
from shared.language.decision import Change, Row, Subject, Work, subject_of
from shared.language.errors import Conflict, Refused, Unknown
from shared.language.events import Organisation
from shared.language.revisions import Precondition


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

    The first one begins with what is told from now on. One that was set aside goes on. Raises Forbidden; Refused
    `stale-revision`.
    """
    authorise_somewhere(actor, "read_journey", work)
    subject = _subject(actor)
    current = work.revision(subject)
    if asked is not None and asked.revision(current) != current:
        raise Refused("stale-revision", "It has changed since.")
    before = work.row(WEBHOOKS, actor.organisation)
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
    work.save(subject, Change(None, rows=(Row(WEBHOOKS, actor.organisation, row_of(webhook)),)))
    return webhook, secret


def read_webhook(work: Work, actor: Actor) -> Webhook:
    """Where the organisation's own webhook stands. Raises Forbidden, Unknown."""
    authorise_somewhere(actor, "read_journey", work)
    row = work.row(WEBHOOKS, actor.organisation)
    if row is None:
        raise Unknown("webhook")
    return webhook_of(row)


def remove_webhook(work: Work, actor: Actor) -> Webhook:
    """Send nothing more. Raises Forbidden; Conflict `no-webhook`, which a repetition under its key is not told."""
    authorise_somewhere(actor, "read_journey", work)
    row = work.row(WEBHOOKS, actor.organisation)
    if row is None:
        raise Conflict("no-webhook", "The organisation has no webhook.")
    work.save(_subject(actor), Change(None, removes=((WEBHOOKS, actor.organisation),)))
    return webhook_of(row)


def _subject(actor: Actor) -> Subject:
    return subject_of("webhook", actor.organisation)
