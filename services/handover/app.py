"""The composition root of handover: `python -m services.handover.app web|consume`."""

from typing import Any

from services.handover.consumer import FOLDS, TIMERS
from services.handover.repository import INDEXES, Handovers
from shared.host.process import main
from shared.runtime.parts import Service
from shared.runtime.settings import Settings


def blueprints(settings: Settings) -> tuple[Any, ...]:
    """The routes. Imported here, because only the web role needs them."""
    from services.handover.api import BLUEPRINTS

    return BLUEPRINTS


SERVICE = Service(
    title="Handover",
    source="handover",
    database="handover",
    repository=Handovers(),
    folds=lambda settings: FOLDS,
    timers=TIMERS,
    blueprints=blueprints,
    indexes=INDEXES,
)

if __name__ == "__main__":
    main(SERVICE)
