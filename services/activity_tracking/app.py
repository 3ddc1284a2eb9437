"""The composition root of activity tracking: `python -m services.activity_tracking.app web|consume`."""

from pathlib import Path

from services.activity_tracking import api
from services.activity_tracking.consumer import FOLDS, TIMER_USE_CASES, TIMERS
from services.activity_tracking.inbound import readers
from services.activity_tracking.repository import INDEXES, Activities, read_beside
from shared.host.process import main
from shared.language.events import (
    HandoverAccepted,
    JourneyExited,
    JourneyRegisteredByMistake,
    JourneyStarted,
    ReferralAccepted,
    ReferralCorrected,
    ReferralWithdrawn,
)
from shared.runtime.fold import Enrich
from shared.runtime.parts import Service

SERVICE = Service(
    title="Activity tracking",
    purpose=(
        "Följer vad deltagaren gör på vägen: plan, mål, tillfällen, mätningar och kompetenser.",
        "Follows what a participant does on the way: plan, goals, sessions, measurements and competences.",
    ),
    examples=Path(__file__).with_name("examples.json"),
    source="activity-tracking",
    database="activity_tracking",
    repository=Activities(),
    folds=FOLDS,
    timers=TIMERS,
    timer_use_cases=TIMER_USE_CASES,
    blueprints=api.blueprints,
    indexes=INDEXES,
    threads=readers,
    enrich=Enrich(
        frozenset(
            {
                ReferralAccepted,
                ReferralCorrected,
                ReferralWithdrawn,
                JourneyStarted,
                JourneyRegisteredByMistake,
                HandoverAccepted,
                JourneyExited,
            }
        ),
        read_beside,
    ),
)

if __name__ == "__main__":
    main(SERVICE)
