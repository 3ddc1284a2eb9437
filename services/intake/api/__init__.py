"""HTTP of intake: `schemas` (what goes in and out), `routes` (people, referrals, programmes), `contents` (what
referrals say) and `corrections`.

Further `merging` (who is the same person), `register` and `role_map` (who takes part), and `rights` (who could do what
on a day). `changes` tells what was told, numbered, and `provided` what routes need beside a `Work`.
"""

from typing import Any

from services.intake.handlers import Referrals
from services.intake.numbers import Numbers, numbers_from
from services.intake.vault import AesGcmVault, vault_from
from shared.runtime.settings import Settings


def blueprints() -> tuple[Any, ...]:
    """The routes. Imported here, because only the web role needs them."""
    from services.intake.api import (
        contents,
        corrections,
        merging,
        register,
        register_bulk,
        rights,
        role_map,
        routes,
        waiting,
    )

    return (
        *(routes.participants, routes.referrals, routes.journeys, routes.programmes),
        *(role_map.role_maps, rights.rights_of_days),
        *_told(),
        waiting.waiting,
        contents.referral_contents,
        merging.merges,
        *(corrections.corrected_participants, corrections.corrections),
        *(register.legal_persons, register.units, register.memberships, register_bulk.imports),
    )


def provides(settings: Settings, referrals: Referrals) -> Any:
    """What the routes need, with the vault and the keys of these settings. Raises Halt for keys that are none."""
    from services.intake.api.provided import Provided

    vault, numbers = keys_of(settings)
    return Provided(vault=vault, numbers=numbers, referrals=referrals, webhook_inside=settings.webhook_inside)


def keys_of(settings: Settings) -> tuple[AesGcmVault, Numbers]:
    """The vault and the hashes of numbers, by the keys of these settings. Raises Halt for keys that are none."""
    vault = vault_from(settings.vault_master_key, settings.vault_retired_keys)
    return vault, numbers_from(settings.number_keys or ())


def _told() -> tuple[Any, ...]:
    """The routes of what organisations are told."""
    from services.intake.api import changes, webhook

    return (changes.changes, webhook.webhook)
