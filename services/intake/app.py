"""The composition root of intake: `python -m services.intake.app web|consume`."""

from services.intake.api import blueprints
from services.intake.consumer import TIMERS, folds
from services.intake.inbound import readers
from services.intake.repository import INDEXES, Referrals
from services.intake.vault import vault_from
from shared.runtime.process import Service, main

REFERRALS = Referrals()

SERVICE = Service(
    title="Intake",
    source="intake",
    database="intake",
    repository=REFERRALS,
    folds=lambda settings: folds(settings.reply_organisations),
    timers=TIMERS,
    blueprints=lambda settings: blueprints(
        vault_from(settings.vault_master_key), REFERRALS, settings.reply_organisations
    ),
    indexes=INDEXES,
    threads=readers,
)

if __name__ == "__main__":
    main(SERVICE)
