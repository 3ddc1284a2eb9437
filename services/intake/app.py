"""The composition root of intake: `python -m services.intake.app web|consume`."""

from typing import Any

from services.intake.consumer import TIMERS, folds
from services.intake.inbound import readers
from services.intake.repository import INDEXES, Referrals
from services.intake.vault import vault_from
from shared.config import Settings
from shared.runtime.parts import Service
from shared.runtime.process import main

REFERRALS = Referrals()


def blueprints(settings: Settings) -> tuple[Any, ...]:
    """The routes. Imported here, because only the web role needs them."""
    from services.intake import api

    return api.blueprints(vault_from(settings.vault_master_key), REFERRALS, settings.reply_organisations)


SERVICE = Service(
    title="Intake",
    source="intake",
    database="intake",
    repository=REFERRALS,
    folds=lambda settings: folds(settings.reply_organisations),
    timers=TIMERS,
    blueprints=blueprints,
    indexes=INDEXES,
    threads=readers,
)

if __name__ == "__main__":
    main(SERVICE)
