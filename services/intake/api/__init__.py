"""HTTP of intake: `schemas` (what goes in and out), `routes` (people, referrals, programmes), `corrections`."""

from typing import Any

from services.intake import handlers
from services.intake.vault import vault_from
from shared.runtime.settings import Settings


def blueprints(settings: Settings, referrals: handlers.Referrals) -> tuple[Any, ...]:
    """The routes."""
    vault = vault_from(settings.vault_master_key, settings.vault_retired_keys)
    return blueprints_with(vault, referrals)


def blueprints_with(vault: handlers.Vault, referrals: handlers.Referrals) -> tuple[Any, ...]:
    """The routes with this vault.

    Imported here, because only the web role needs them.
    """
    from services.intake.api import corrections, routes

    corrected = (corrections.people(vault), corrections.blueprint())
    return (*routes.blueprints(vault, referrals), *corrected)
