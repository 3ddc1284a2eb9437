"""The composition root of handover: `python -m services.handover.app web|consume`."""

from services.handover.api import BLUEPRINTS
from services.handover.consumer import FOLDS, TIMERS
from services.handover.repository import INDEXES, Handovers
from shared.runtime.process import Service, main

SERVICE = Service(
    title="Handover",
    source="handover",
    database="handover",
    repository=Handovers(),
    folds=lambda settings: FOLDS,
    timers=TIMERS,
    blueprints=lambda settings: BLUEPRINTS,
    indexes=INDEXES,
)

if __name__ == "__main__":
    main(SERVICE)
