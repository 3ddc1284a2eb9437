"""On real processes: an exit recorded late leaves sessions outside, and its correction takes them in again."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from shared.language.days import day_of
from tests.integration.test_marked_texts import AGENCY, PROVIDER, Caller, publish, seen_in
from tests.support.awaiting import until
from tools.stack import Stack

PROGRAMME = "recorded-late"


@pytest.fixture(name="running", scope="module")
def _running(undisturbed: Stack, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    publish(undisturbed, tmp_path_factory.mktemp("programme") / "programme.yaml", PROGRAMME)
    return undisturbed


def test_sessions_count_by_the_days_that_stand(running: Stack) -> None:
    with httpx.Client(timeout=20) as web:
        agency, provider = Caller(running, web, AGENCY), Caller(running, web, PROVIDER)
        owner = {"Authorization": f"Bearer {running.token('urkraft', 'owner')}"}
        at = web.get(f"{running.url('intake-web')}/clock", headers=owner).json()["at"]
        today = day_of(datetime.fromisoformat(at))

        def ago(days: int) -> str:
            return (today - timedelta(days=days)).isoformat()

        def minutes() -> Any:
            url = f"{running.url('outcome-web')}/programmes/{PROGRAMME}/report"
            return web.get(url, headers=owner).json()["figures"]["sessions"]["minutes"]

        person = agency.ask("intake", "/participants", {"name": "Kim Exempel", "personnummer": None}).json()
        referral = {
            "reference": "late",
            "participant_id": person["participant_id"],
            "programme": PROGRAMME,
            "municipality": "2482",
            "provider": PROVIDER,
            "occurred_on": ago(30),
        }
        journey = agency.ask("intake", "/referrals", referral).json()["journey_id"]
        place = f"/journeys/{journey}"
        provider.ask("intake", f"/referrals/{journey}/acceptance", {"occurred_on": ago(29)})
        consent = {"purpose": "sharing", "given": False, "occurred_on": ago(28)}
        provider.ask("intake", f"{place}/consents", consent)
        seen = seen_in(provider.ask("intake", f"{place}/start", {"occurred_on": ago(27)}))
        for days in (20, 10):
            came = {"activity": "work_training", "attendance": "yes", "minutes": 60, "occurred_on": ago(days)}
            seen = seen_in(provider.ask("activity-tracking", f"{place}/sessions", came, seen))
        until(lambda: minutes() == 120, "both sessions count")
        left = {"way": "deceased", "occurred_on": ago(15)}
        seen = seen_in(provider.ask("outcome", f"{place}/exit", left, seen))
        until(lambda: minutes() == 60, "the session after the exit counts no more")
        anew = {"why": "A slip of the hand.", "way": "by_plan", "occurred_on": ago(5)}
        provider.ask("outcome", f"{place}/exit/correction", anew, seen)
        until(lambda: minutes() == 120, "it counts again")
        told = provider.ask("outcome", f"{place}/corrections").json()["corrections"]
        assert [(one["what"], one["said"]["way"], one["why"]) for one in told] == [
            ("exit", "deceased", "A slip of the hand.")
        ]
