"""The composition root of activity tracking: `python -m services.activity_tracking.app web|consume`."""

from services.activity_tracking.api import BLUEPRINTS
from services.activity_tracking.consumer import FOLDS, TIMERS
from services.activity_tracking.repository import INDEXES, Activities
from shared.runtime.process import Service, main

SERVICE = Service(
    title="Activity tracking",
    source="activity-tracking",
    database="activity_tracking",
    repository=Activities(),
    folds=lambda settings: FOLDS,
    timers=TIMERS,
    blueprints=lambda settings: BLUEPRINTS,
    indexes=INDEXES,
)

if __name__ == "__main__":
    main(SERVICE)
