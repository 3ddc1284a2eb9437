"""What outcome's fold is given beside an event, in a service that is kept in memory."""

from collections.abc import Mapping

from services.outcome.domain.journey import Outcome
from shared.language.decision import Subject, key_of
from shared.language.events import JourneyId
from tests.support.fakes import FakeWork


def others_of(memory: FakeWork, subject: Subject) -> Mapping[JourneyId, Outcome]:
    """The other journeys as they are now; as `repository.read_others` finds those that are named."""
    return {JourneyId(key_of(one)): state for one, state in memory.states.items() if one != subject}
