"""The composition root of activity tracking: `python -m services.activity_tracking.app web|consume`."""

from services.activity_tracking import api
from services.activity_tracking.consumer import FOLDS, TIMERS
from services.activity_tracking.repository import INDEXES, Activities, read_days
from shared.host.process import main
from shared.language.events import (
    JourneyExited,
    JourneyRegisteredByMistake,
    JourneyStarted,
    ReferralCorrected,
)
from shared.runtime.fold import Enrich
from shared.runtime.parts import Service

SERVICE = Service(
    title="Activity tracking",
    source="activity-tracking",
    database="activity_tracking",
    repository=Activities(),
    folds=lambda settings: FOLDS,
    timers=TIMERS,
    blueprints=api.blueprints,
    indexes=INDEXES,
    enrich=Enrich(
        frozenset({ReferralCorrected, JourneyStarted, JourneyRegisteredByMistake, JourneyExited}), read_days
    ),
)

if __name__ == "__main__":
    main(SERVICE)
