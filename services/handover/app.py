"""The composition root of handover: `python -m services.handover.app web|consume`."""

from pathlib import Path

from services.handover import api
from services.handover.consumer import FOLDS, TIMERS
from services.handover.repository import INDEXES, Handovers
from shared.host.process import main
from shared.runtime.parts import Service

SERVICE = Service(
    title="Handover",
    purpose=(
        "Överlämnar en deltagare från en organisation till en annan.",
        "Hands a participant over from one organisation to another.",
    ),
    examples=Path(__file__).with_name("examples.json"),
    source="handover",
    database="handover",
    repository=Handovers(),
    folds=FOLDS,
    timers=TIMERS,
    blueprints=api.blueprints,
    indexes=INDEXES,
)

if __name__ == "__main__":
    main(SERVICE)
