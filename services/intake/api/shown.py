"""A referral as its reader sees it: which of its fields an answer shows to whom."""

from typing import Any

import msgspec

from services.intake.domain.journey import asked_of, standing
from services.intake.seeing import Seen

HIDDEN_FROM_WORKPLACES = (
    "reference",
    "participant_id",
    "referrer",
    "named_provider",
    "provider",
    "previous_journey",
    "refusal",
    "withdrawal",
    "exit",
)


def show_referral(seen: Seen) -> dict[str, Any]:
    """A referral as its reader sees it.

    An employer or a school is not told who referred and took the person on, why, and on whose earlier word: a clinic's
    name tells of health. It has the handle once it is responsible, to read whom it employs.
    """
    found, who = seen.referral, seen.reader
    if found.was_passed_by(who.organisation):
        return _as_it_declined(seen)
    passage = found.passage
    whole = {
        **msgspec.to_builtins(standing(found)),
        "participant_id": found.handles.get(who.organisation),
        "municipality": passage.municipality,
        "referrer": passage.referrer,
        "named_provider": passage.named_provider,
        "previous_journey": passage.previous_journey,
        "consents": msgspec.to_builtins(passage.consents),
        "also_referred": msgspec.to_builtins(seen.also),
        "answer_by": None if found.asking.answer_by is None else found.asking.answer_by.isoformat(),
        "overdue": found.asking.overdue(seen.today),
    }
    if who.organisation != passage.referrer:
        whole["asked"] = [one for one in whole["asked"] if one["provider"] == who.organisation]
    if not who.works_there:
        return whole
    hidden = dict.fromkeys(HIDDEN_FROM_WORKPLACES)
    own = passage.responsible == who.organisation
    ended = {"exit": whole["exit"], "participant_id": whole["participant_id"]} if own else {}
    asked = [{**one, "situation": None} for one in whole["follow_ups"]]
    nothing: dict[str, Any] = {"consents": {}, "also_referred": [], "asked": []}
    return {**whole, **hidden, **nothing, "follow_ups": asked, **ended}


def _as_it_declined(seen: Seen) -> dict[str, Any]:
    """The referral for who said no and was followed by another: as its no left it, and nothing of what came after."""
    found, mine = seen.referral, seen.reader.organisation
    passage, no = found.passage, found.asking.said_no(mine)
    assert no is not None, "it was passed by"
    told = [one for one in msgspec.to_builtins(asked_of(found)) if one["provider"] == mine]
    names = ("responsible", "provider", "accepted_on", "started_on", "ready_on", "withdrawal", "exit")
    return {
        **dict.fromkeys((*names, "previous_journey", "answer_by")),
        "journey_id": found.journey_id,
        "reference": found.reference,
        "programme": passage.programme,
        "programme_version": passage.programme_version,
        "participant_id": found.handles.get(mine),
        "municipality": passage.municipality,
        "referrer": passage.referrer,
        "responsible": passage.referrer,
        "named_provider": mine,
        "stage": "declined",
        "referred_on": passage.referred_on.isoformat(),
        "refusal": {
            "by": mine,
            "on": no.ended_on.isoformat(),
            "reason": no.reason,
            "refused_by": no.refused_by,
            "follows": no.follows,
        },
        "follow_ups": [],
        "consents": {},
        "also_referred": [],
        "asked": told,
        "overdue": False,
    }
