"""Which facts of intake's own log an action leads to, and which organisation did what such a fact tells. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.language import events as e
from shared.language.codec import event_type
from shared.language.events import Fact, Organisation
from shared.language.programmes import Action

TOLD_HERE: Mapping[Action, Collection[type[Fact]]] = {
    "refer": (e.ReferralReceived,),
    "withdraw_referral": (e.ReferralWithdrawn, e.ReferralCorrected),
    "answer_referral": (e.ReferralAccepted, e.ReferralDeclined, e.ReferralPassedOn),
    "record_consent": (e.ConsentGiven, e.ConsentRefused, e.ConsentWithdrawn),
    "start_journey": (e.JourneyStarted,),
    "register_mistake": (e.JourneyRegisteredByMistake,),
}
"""What intake itself says of a journey, by the action that leads to it."""

HERE = "intake"
ELSEWHERE: Mapping[Action, str] = {
    "log_activity": "activity-tracking: GET /journeys/{journeyId}/sessions",
    "log_output": "activity-tracking: GET /programmes/{programmeId}/outputs",
    "acknowledge_report": "activity-tracking: GET /reports/{reportId}",
    "offer_handover": "handover: GET /journeys/{journeyId}/handovers",
    "recall_handover": "handover: GET /journeys/{journeyId}/handovers",
    "answer_handover": "handover: GET /journeys/{journeyId}/handovers",
    "record_entry": "outcome: GET /journeys/{journeyId}",
    "record_exit": "outcome: GET /journeys/{journeyId}",
    "answer_follow_up": "outcome: GET /follow-ups/{followUpId}",
}
"""Where other services tell what the action leads to; intake's database does not hold it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """That something was done. what: the event's type. organisation: None where the log does not name one.

    recorded_at: UTC. correction: `replaces` or `voids`, where an earlier fact was said anew or taken back.
    """

    what: str
    organisation: Organisation | None
    recorded_at: datetime
    correction: str | None


def told_by(action: Action) -> str | None:
    """Who tells what the action leads to; None: it leads to no fact of a journey."""
    return HERE if action in TOLD_HERE else ELSEWHERE.get(action)


def act_of(fact: Fact, action: Action, organisation: Organisation | None) -> Act | None:
    """What the fact tells of the action; None where it is another's, or nobody acted.

    organisation: whose request led to the event, as the log names it.
    """
    if not isinstance(fact, tuple(TOLD_HERE.get(action, ()))):
        return None
    if isinstance(fact, e.ReferralPassedOn) and fact.why == "silent":
        return None
    return Act(
        what=event_type(fact).name,
        organisation=organisation,
        recorded_at=fact.recorded_at,
        correction=getattr(fact, "correction", None),
    )
