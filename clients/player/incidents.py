"""How often each of the things that go wrong in real life is played, read off the plan itself. Pure."""

from collections import Counter
from collections.abc import Sequence
from datetime import date

from clients.player.acts import Act, Deed, Plan
from clients.player.plan_writer import LATE_DAYS
from clients.player.programme import Programme


def incidents(plan: Plan, programme: Programme) -> Counter[str]:
    """How often each thing that goes wrong in real life is played."""
    found: Counter[str] = Counter()
    by_key: dict[str, list[Act]] = {}
    for step in plan.steps:
        found["record rejected"] += len(step.bad_records)
        for act in step.acts:
            by_key.setdefault(act.plan_key, []).append(act)
    for acts in by_key.values():
        found.update(_incidents_of(acts, programme))
    return found


PLAIN: dict[Deed, str] = {
    "decline": "declined referral",
    "pass_on": "referral passed on",
    "withdraw": "withdrawn referral",
    "withdraw_consent": "consent withdrawn",
    "decline_offer": "handover declined",
    "recall_offer": "handover recalled",
    "erase": "erased",
    "merge": "two handles merged",
    "part": "merge taken back",
    "open_topics": "agency joined",
}


def _incidents_of(acts: Sequence[Act], programme: Programme) -> Counter[str]:
    found: Counter[str] = Counter()
    deeds = [act.deed for act in acts]
    exit_act = next((act for act in acts if act.deed == "record_exit"), None)
    for act in acts:
        says = act.says
        if act.deed in PLAIN:
            found[PLAIN[act.deed]] += 1
        match act.deed:
            case "log_session":
                found["late log"] += (act.recorded_on - act.occurred_on).days >= LATE_DAYS
                found["no-show"] += says["attendance"] == "no"
            case "correct_session":
                found["void correction" if says["void"] else "correction"] += 1
            case "refer":
                found["re-referral"] += says["previous"] is not None
                found["silence passed on"] += len(says["providers"]) > 1 and "pass_on" not in deeds
            case "accept":
                found["referral returned unanswered"] += act.refused
            case "mistake":
                found["mistake after start" if "start" in deeds else "mistake before start"] += 1
            case "record_exit":
                found[{"interrupted": "broken off"}.get(says["way"], says["way"])] += 1
    found["entry corrected"] += max(0, deeds.count("record_entry") - 1)
    if exit_act and exit_act.says["way"] != "deceased" and "mistake" not in deeds:
        found["follow-up never answered"] += len(programme.follow_ups) - deeds.count("answer_follow_up")
    ending = ("accept_offer", "decline_offer", "recall_offer", "record_exit", "withdraw_consent", "mistake")
    of_offers = [act for act in acts if act.deed == "offer" or (act.deed in ending and not act.refused)]
    followed_by: list[Act | None] = [*of_offers[1:], None]
    for offer, following in zip(of_offers, followed_by, strict=False):
        if offer.deed != "offer":
            continue
        deadline: date = offer.says["deadline_on"]
        if following is None or following.recorded_on > deadline:
            found["handover expired"] += 1
        elif following.deed == "record_exit":
            found["exit before answer"] += 1
    return found
