"""Reports of providers, of which intake tells the referrer in its numbered sequence. It never knows what they say."""

from services.intake.domain.journey import Referral
from shared.language.decision import Change, Received, Reply
from shared.language.events import ReportMade
from shared.language.programmes import Programmes
from shared.language.replies import ReportTold


def tell_report(state: Referral | None, received: Received, programmes: Programmes) -> Change[Referral]:
    """Tell the journey's referrer, and nobody else, that a report is there.

    Raises ValueError when there is no referral, which causality rules out.
    """
    fact = received.body
    if state is None or not isinstance(fact, ReportMade):
        raise ValueError(f"{received.type} speaks of a journey that intake never received.")
    told = ReportTold(
        report_id=fact.report,
        journey_id=state.journey_id,
        kind=fact.kind,
        due_on=fact.due_on,
        provider=fact.provider,
        corrects=fact.corrects,
        void=fact.void,
    )
    return Change(state, replies=(Reply(state.passage.referrer, told),))
