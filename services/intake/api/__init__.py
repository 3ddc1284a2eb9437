"""HTTP of intake: `schemas` (what goes in and out), `routes` (people, referrals, programmes), `corrections`."""

from collections.abc import Collection
from typing import Any

from services.intake import handlers
from services.intake.vault import vault_from
from shared.language.events import Organisation
from shared.runtime.settings import Settings


def blueprints(settings: Settings, referrals: handlers.Referrals) -> tuple[Any, ...]:
    """The routes."""
    vault = vault_from(settings.vault_master_key, settings.vault_retired_keys)
    return blueprints_with(vault, referrals, settings.reply_organisations)


def blueprints_with(
    vault: handlers.Vault, referrals: handlers.Referrals, answered: Collection[Organisation]
) -> tuple[Any, ...]:
    """The routes with this vault. answered: the organisations that have a reply topic.

    Imported here, because only the web role needs them.
    """
    from services.intake.api import corrections, routes

    corrected = (corrections.people(vault), corrections.blueprint(answered))
    return (*routes.blueprints(vault, referrals, answered), *corrected)
