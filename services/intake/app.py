"""The composition root of intake: `python -m services.intake.app web|consume`."""

from typing import Any

from services.intake.consumer import TIMERS, folds
from services.intake.erasures import Erasures
from services.intake.inbound import readers
from services.intake.repository import INDEXES, Referrals
from services.intake.vault import vault_from
from shared.host.process import main
from shared.runtime.parts import Parts, Runnable, Service
from shared.runtime.settings import Settings

REFERRALS = Referrals()


def blueprints(settings: Settings) -> tuple[Any, ...]:
    """The routes. Imported here, because only the web role needs them."""
    from services.intake import api

    vault = vault_from(settings.vault_master_key, settings.vault_retired_keys)
    return api.blueprints(vault, REFERRALS, settings.reply_organisations)


def threads(parts: Parts) -> list[tuple[str, Runnable]]:
    """What runs beside the consumer: the agencies' topics are read, and erasures kept."""
    return [*readers(parts), ("erasures", Erasures(parts))]


SERVICE = Service(
    title="Intake",
    source="intake",
    database="intake",
    repository=REFERRALS,
    folds=lambda settings: folds(settings.reply_organisations),
    timers=TIMERS,
    blueprints=blueprints,
    indexes=INDEXES,
    threads=threads,
)

if __name__ == "__main__":
    main(SERVICE)
