"""Whatever is recorded through a route can be said anew or taken back, and figures and everybody's states follow."""

from typing import Any

import pytest

from services.outcome.figures.state import RECENT
from tests.support.house import ACTIVITY_TRACKING, HANDOVERS, INTAKE, OUTCOMES
from tests.support.told import AGENCY, CAFE, SHOP, Told, referred, started

WHY = "Typed on the wrong line."
PLACE, REFERRAL = "/journeys/{journey}", "/referrals/{journey}"


def post(told: Told, service: str, path: str, who: str = SHOP, /, **body: Any) -> Any:
    answer = told.house.ask(service, "POST", path.format(journey=told.journey), who, body)
    return answer.json | {"status_code": answer.status_code}


def done(told: Told, service: str, path: str, who: str = SHOP, /, **body: Any) -> Any:
    answer = post(told, service, path, who, **body)
    assert answer["status_code"] < 300, answer
    return answer


def anew(told: Told, service: str, path: str, who: str = SHOP, /, **body: Any) -> Any:
    return done(told, service, f"{path}/correction", who, why=WHY, **body)


def corrections(told: Told, service: str, who: str = SHOP) -> list[dict[str, Any]]:
    path = PLACE.format(journey=told.journey)
    found: list[dict[str, Any]] = told.house.done(service, "GET", f"{path}/corrections", who)["corrections"]
    return found


def stages(told: Told) -> set[str]:
    """Where the journey stands, in all four services."""
    key = f"journey/{told.journey}"
    states: list[Any] = [room.memory.states[key] for room in told.house.rooms.values()]  # type: ignore[index]
    return {one.passage.stage for one in states}


def test_a_referral_to_the_wrong_place_and_shop_is_said_anew() -> None:
    told = referred()
    assert told.cells()["received@municipality=2482"] == 1
    said = anew(told, INTAKE, REFERRAL, AGENCY, municipality="2417", provider=CAFE, occurred_on="2016-02-03")
    assert (said["municipality"], said["named_provider"], said["referred_on"]) == ("2417", CAFE, "2016-02-03")
    assert told.cells()["received@municipality=2417"] == 1
    assert "received@municipality=2482" not in told.cells()
    assert post(told, INTAKE, f"{REFERRAL}/acceptance", SHOP)["status_code"] == 404
    done(told, INTAKE, f"{REFERRAL}/acceptance", CAFE)
    (kept,) = corrections(told, INTAKE, AGENCY)
    assert (kept["what"], kept["why"], kept["said"]["municipality"]) == ("referral", WHY, "2482")


def test_whom_an_answered_referral_named_stays() -> None:
    told = started()
    body = {"why": WHY, "municipality": "2417", "provider": CAFE}
    refused = post(told, INTAKE, f"{REFERRAL}/correction", AGENCY, **body)
    assert (refused["status_code"], set(refused["errors"])) == (422, {"provider"})
    anew(told, INTAKE, REFERRAL, AGENCY, municipality="2417", provider=SHOP)
    assert told.cells()["started@municipality=2417"] == 1


def test_a_decline_by_a_slip_is_none() -> None:
    told = referred()
    done(told, INTAKE, f"{REFERRAL}/decline", reason="no_place")
    assert told.cells()["declined"] == 1
    anew(told, INTAKE, f"{REFERRAL}/decline", reason="other_need")
    assert stages(told) == {"declined"}
    anew(told, INTAKE, f"{REFERRAL}/decline", void=True)
    assert stages(told) == {"received"}
    assert "declined" not in told.cells()
    done(told, INTAKE, f"{REFERRAL}/acceptance")
    assert [one["said"]["reason"] for one in corrections(told, INTAKE)] == ["no_place", "other_need"]


def test_an_acceptance_by_a_slip_is_none_until_the_person_has_started() -> None:
    told = referred()
    done(told, INTAKE, f"{REFERRAL}/acceptance", occurred_on="2016-02-10")
    anew(told, INTAKE, f"{REFERRAL}/acceptance", occurred_on="2016-02-05")
    assert told.cells()["days/answer/4"] == 1
    anew(told, INTAKE, f"{REFERRAL}/acceptance", void=True)
    assert stages(told) == {"received"}
    assert told.responsible == AGENCY
    late = started()
    refused = post(late, INTAKE, f"{REFERRAL}/acceptance/correction", why=WHY, void=True)
    assert (refused["status_code"], refused["code"]) == (409, "wrong-stage")


def test_a_withdrawal_by_a_slip_is_none() -> None:
    told = referred()
    done(told, INTAKE, f"{REFERRAL}/acceptance")
    done(told, INTAKE, f"{REFERRAL}/withdrawal", AGENCY, reason="other_effort")
    anew(told, INTAKE, f"{REFERRAL}/withdrawal", AGENCY, void=True)
    assert stages(told) == {"accepted"}
    assert "withdrawn" not in told.cells()


def test_a_start_on_the_wrong_day_or_of_the_wrong_person() -> None:
    told = started()
    anew(told, INTAKE, f"{PLACE}/start", occurred_on="2016-02-12")
    assert told.cells()["days/start/4"] == 1
    came = {"activity": "work_training", "attendance": "yes", "minutes": 60, "occurred_on": "2016-03-01"}
    done(told, ACTIVITY_TRACKING, f"{PLACE}/sessions", **came)
    anew(told, INTAKE, f"{PLACE}/start", void=True)
    assert stages(told) == {"accepted"}
    assert {"started", "session/logged"}.isdisjoint(told.cells())
    done(told, INTAKE, f"{PLACE}/start", occurred_on="2016-02-20")
    assert told.cells()["session/minutes"] == 60


def test_a_start_that_others_have_gone_on_from_stays() -> None:
    told = started()
    done(told, OUTCOMES, f"{PLACE}/exit", way="moved", occurred_on="2016-03-01")
    refused = post(told, INTAKE, f"{PLACE}/start/correction", why=WHY, void=True)
    assert (refused["status_code"], refused["code"]) == (409, "wrong-stage")
    late = post(told, INTAKE, f"{PLACE}/start/correction", why=WHY, occurred_on="2016-03-02")
    assert set(late["errors"]) == {"occurred_on"}


def test_a_mistake_by_a_slip_lets_the_journey_count_again_as_it_stood() -> None:
    told = started()
    done(told, OUTCOMES, f"{PLACE}/exit", way="by_plan", occurred_on="2016-04-01")
    before = told.cells()
    done(told, INTAKE, f"{PLACE}/mistake", AGENCY, reason="wrong_person")
    assert told.cells() == {}
    anew(told, INTAKE, f"{PLACE}/mistake", AGENCY, void=True)
    assert stages(told) == {"exited"}
    told.house.pass_to(told.house.today)
    assert told.cells() == {**before, "follow_up/28d/due": 1}


def test_a_consent_that_was_never_given_opens_nothing() -> None:
    told = started()
    anew(told, INTAKE, f"{PLACE}/consents/sharing", given=False, occurred_on="2016-02-08")
    offer = {"kind": "provider_to_provider", "to_organisation": CAFE, "deadline_on": "2016-06-20"}
    assert post(told, HANDOVERS, f"{PLACE}/handovers", **offer)["code"] == "consent-missing"
    kept = corrections(told, INTAKE)[0]
    assert (kept["what"], kept["said"]["organisations"]) == ("consent/sharing", [CAFE])
    anew(told, INTAKE, f"{PLACE}/consents/sharing", void=True)
    assert post(told, INTAKE, f"{PLACE}/consents/sharing/withdrawal")["status_code"] == 404


def test_a_corrected_consent_that_uncovers_an_open_offer_recalls_it() -> None:
    told = started()
    offer = {"kind": "provider_to_provider", "to_organisation": CAFE, "deadline_on": "2016-06-20"}
    done(told, HANDOVERS, f"{PLACE}/handovers", **offer)
    anew(told, INTAKE, f"{PLACE}/consents/sharing", given=False)
    assert told.cells()["handover/recalled"] == 1


def test_what_was_planned_and_aimed_at_wrongly() -> None:
    told = started()
    done(told, ACTIVITY_TRACKING, f"{PLACE}/activities", activity="placement", first_on="2016-03-01")
    activity = f"{PLACE}/activities/a1"
    anew(told, ACTIVITY_TRACKING, activity, activity="work_training", first_on="2016-03-02")
    assert anew(told, ACTIVITY_TRACKING, activity, void=True)["void"] is True
    assert post(told, ACTIVITY_TRACKING, f"{activity}/correction", why=WHY, void=True)["status_code"] == 404
    done(told, ACTIVITY_TRACKING, f"{PLACE}/goals", text="Svenska")
    anew(told, ACTIVITY_TRACKING, f"{PLACE}/goals/g1", text="Svenska för bageriet")
    done(told, ACTIVITY_TRACKING, f"{PLACE}/goals/g1/reached")
    assert anew(told, ACTIVITY_TRACKING, f"{PLACE}/goals/g1/reached", void=True)["reached_on"] is None
    done(told, ACTIVITY_TRACKING, f"{PLACE}/goals/g1/reached", occurred_on="2016-06-01")
    overview = told.house.done(ACTIVITY_TRACKING, "GET", f"/journeys/{told.journey}", SHOP)
    assert (overview["goals"][0]["text"], overview["open_goals"]) == ("Svenska för bageriet", 0)
    assert [one["what"] for one in corrections(told, ACTIVITY_TRACKING)] == [
        "activity/a1",
        "activity/a1",
        "goal/g1",
        "goal/g1/reached",
    ]


def test_readiness_on_the_wrong_day_or_too_early() -> None:
    told = started()
    done(told, ACTIVITY_TRACKING, f"{PLACE}/readiness", occurred_on="2016-03-01")
    anew(told, ACTIVITY_TRACKING, f"{PLACE}/readiness", occurred_on="2016-03-15")
    assert told.cells()["days/ready/29"] == 1
    anew(told, ACTIVITY_TRACKING, f"{PLACE}/readiness", void=True)
    assert stages(told) == {"started"}
    assert "ready" not in told.cells()


def test_a_round_of_progress_answered_on_the_wrong_line() -> None:
    told = started()
    answers = {"network": 3}
    done(told, ACTIVITY_TRACKING, f"{PLACE}/progress", round=2, answers=answers, occurred_on="2016-03-01")
    anew(told, ACTIVITY_TRACKING, f"{PLACE}/progress/2", answers={"network": 5})
    overview = told.house.done(ACTIVITY_TRACKING, "GET", f"/journeys/{told.journey}", SHOP)
    assert overview["progress"][0]["answers"] == {"network": 5}
    kept = corrections(told, ACTIVITY_TRACKING)[0]
    assert (kept["what"], kept["said"]["answers"], kept["organisation"]) == ("progress/2", answers, SHOP)
    anew(told, ACTIVITY_TRACKING, f"{PLACE}/progress/2", void=True)
    overview = told.house.done(ACTIVITY_TRACKING, "GET", f"/journeys/{told.journey}", SHOP)
    assert (overview["last_round"], overview["last_measured_on"]) == (0, None)
    done(told, ACTIVITY_TRACKING, f"{PLACE}/progress", round=2, answers=answers, occurred_on="2016-04-01")


def test_a_competence_at_the_wrong_level() -> None:
    told = started()
    done(told, ACTIVITY_TRACKING, f"{PLACE}/competences", competence="woodwork", level=2)
    place = f"{PLACE}/competences/woodwork/2"
    assert anew(told, ACTIVITY_TRACKING, place, occurred_on="2016-05-01")["validated_on"] == "2016-05-01"
    assert anew(told, ACTIVITY_TRACKING, place, void=True)["void"] is True
    done(told, ACTIVITY_TRACKING, f"{PLACE}/competences", competence="woodwork", level=2)


def test_a_session_outside_participation_can_be_taken_back() -> None:
    told = started()
    came = {"activity": "work_training", "attendance": "yes", "minutes": 60, "occurred_on": "2016-05-01"}
    session = done(told, ACTIVITY_TRACKING, f"{PLACE}/sessions", **came)["session_id"]
    done(told, OUTCOMES, f"{PLACE}/exit", way="moved", occurred_on="2016-04-01")
    assert "session/minutes" not in told.cells()
    done(told, ACTIVITY_TRACKING, f"{PLACE}/sessions/{session}/correction", void=True, why=WHY)
    assert {"session/minutes", "session/logged"}.isdisjoint(told.cells())
    assert told.cells()["session/corrected"] == 1


def test_how_a_handover_was_answered_is_said_anew_and_that_it_was_stays() -> None:
    told = started()
    offer = {"kind": "provider_to_provider", "to_organisation": CAFE, "deadline_on": "2016-06-20"}
    done(told, HANDOVERS, f"{PLACE}/handovers", **offer, occurred_on="2016-03-01")
    first = "/handovers/{journey}.h1"
    done(told, HANDOVERS, f"{first}/decline", CAFE, reason="no_capacity", occurred_on="2016-03-04")
    anew(told, HANDOVERS, f"{first}/decline", CAFE, reason="no_match", occurred_on="2016-03-03")
    done(told, HANDOVERS, f"{PLACE}/handovers", **offer, occurred_on="2016-04-01")
    second = "/handovers/{journey}.h2"
    done(told, HANDOVERS, f"{second}/acceptance", CAFE, occurred_on="2016-04-08")
    anew(told, HANDOVERS, f"{second}/acceptance", CAFE, occurred_on="2016-04-06")
    assert (told.cells()["days/handover/5"], told.cells()["handover/accepted"]) == (1, 1)
    refused = post(told, HANDOVERS, f"{second}/acceptance/correction", CAFE, why=WHY, void=True)
    assert (refused["status_code"], set(refused["errors"])) == (422, {"void"})
    assert post(told, HANDOVERS, f"{second}/decline/correction", CAFE, why=WHY, reason="no_match")[
        "code"
    ] == ("offer-closed")
    assert [one["what"] for one in corrections(told, HANDOVERS, CAFE)] == ["handover/h1", "handover/h2"]


def test_an_exit_by_a_slip_is_none_and_everybody_goes_on() -> None:
    told = started()
    done(told, OUTCOMES, f"{PLACE}/exit", way="deceased", occurred_on="2016-04-01")
    assert (stages(told), told.cells()["exit/deceased"]) == ({"closed"}, 1)
    anew(told, OUTCOMES, f"{PLACE}/exit", void=True)
    assert stages(told) == {"started"}
    assert {"exited", "exit/deceased"}.isdisjoint(told.cells())
    offer = {"kind": "provider_to_provider", "to_organisation": CAFE, "deadline_on": "2016-06-20"}
    done(told, HANDOVERS, f"{PLACE}/handovers", **offer)


@pytest.mark.parametrize(
    "body", [{"void": True, "way": "moved"}, {"way": "moved", "why": None}, {"way": "moved"}]
)
def test_a_correction_says_why_and_one_thing(body: dict[str, Any]) -> None:
    told = started()
    done(told, OUTCOMES, f"{PLACE}/exit", way="by_plan", occurred_on="2016-04-01")
    said = {"why": WHY, **body} if "void" in body else body
    refused = post(told, OUTCOMES, f"{PLACE}/exit/correction", **said)
    assert (refused["status_code"], set(refused["errors"])) == (422, {"void" if "void" in body else "why"})


def test_who_sees_from_outside_is_told_that_something_was_corrected_and_not_what_it_said() -> None:
    told = started()
    anew(told, INTAKE, f"{PLACE}/consents/sharing", given=False)
    done(told, OUTCOMES, f"{PLACE}/exit", way="by_plan", situation="employed", occurred_on="2016-04-01")
    anew(told, OUTCOMES, f"{PLACE}/exit", way="interrupted", occurred_on="2016-04-01")
    (whole,), (outside,) = corrections(told, OUTCOMES), corrections(told, OUTCOMES, AGENCY)
    assert (whole["said"]["situation"], whole["why"]) == ("employed", WHY)
    assert (outside["what"], outside["said"], outside["why"], outside["person"]) == ("exit", None, None, None)


def test_a_mistake_by_a_slip_after_the_closing_lets_the_same_know_who_it_is_for_as_long() -> None:
    told = started()
    done(told, OUTCOMES, f"{PLACE}/exit", way="deceased", occurred_on="2016-04-01")
    parts = told.house.rooms[INTAKE].memory.table["parts", told.journey]
    done(told, INTAKE, f"{PLACE}/mistake", AGENCY, reason="wrong_person")
    assert told.house.rooms[INTAKE].memory.table["parts", told.journey]["until"] == ""
    anew(told, INTAKE, f"{PLACE}/mistake", AGENCY, void=True)
    assert told.house.rooms[INTAKE].memory.table["parts", told.journey] == parts
    assert stages(told) == {"closed"}


def test_a_follow_up_asked_before_a_mistake_by_a_slip_falls_with_the_exit() -> None:
    told = started()
    done(told, OUTCOMES, f"{PLACE}/exit", way="by_plan", occurred_on="2016-04-01")
    told.house.pass_to(told.house.today)
    done(told, INTAKE, f"{PLACE}/mistake", AGENCY, reason="wrong_person")
    anew(told, INTAKE, f"{PLACE}/mistake", AGENCY, void=True)
    anew(told, OUTCOMES, f"{PLACE}/exit", void=True)
    assert not [cell for cell in told.cells() if cell.startswith("follow_up/")]


def test_a_handover_is_not_answered_after_the_exit_by_correcting_its_day() -> None:
    told = started()
    offer = {"kind": "provider_to_provider", "to_organisation": CAFE, "deadline_on": "2016-06-20"}
    done(told, HANDOVERS, f"{PLACE}/handovers", **offer, occurred_on="2016-03-01")
    first = "/handovers/{journey}.h1/acceptance"
    done(told, HANDOVERS, first, CAFE, occurred_on="2016-03-04")
    done(told, OUTCOMES, f"{PLACE}/exit", CAFE, way="moved", occurred_on="2016-04-01")
    late = post(told, HANDOVERS, f"{first}/correction", CAFE, why=WHY, occurred_on="2016-04-02")
    assert (late["status_code"], set(late["errors"])) == (422, {"occurred_on"})
    anew(told, HANDOVERS, first, CAFE, occurred_on="2016-03-05")
    assert told.cells()["days/handover/4"] == 1


def test_what_was_planned_before_a_withdrawal_can_be_mended() -> None:
    told = referred()
    done(told, INTAKE, f"{REFERRAL}/acceptance", occurred_on="2016-02-08")
    done(told, ACTIVITY_TRACKING, f"{PLACE}/goals", text="Bo hos grannen")
    done(told, ACTIVITY_TRACKING, f"{PLACE}/activities", activity="placement", first_on="2016-03-01")
    done(told, INTAKE, f"{REFERRAL}/withdrawal", AGENCY, reason="other_effort")
    anew(told, ACTIVITY_TRACKING, f"{PLACE}/goals/g1", void=True)
    anew(told, ACTIVITY_TRACKING, f"{PLACE}/activities/a1", void=True)


def test_a_journey_stays_handed_over_however_many_offers_came_to_nothing_after() -> None:
    told = started()
    offer = {"kind": "provider_to_provider", "deadline_on": "2016-06-20", "occurred_on": "2016-03-01"}
    done(told, HANDOVERS, f"{PLACE}/handovers", **offer, to_organisation=CAFE)
    done(told, HANDOVERS, "/handovers/{journey}.h1/acceptance", CAFE, occurred_on="2016-03-01")
    anew(
        told,
        INTAKE,
        f"{PLACE}/consents/sharing",
        CAFE,
        given=True,
        organisations=[SHOP],
        last_day="2018-01-01",
    )
    for number in range(2, RECENT + 4):
        done(told, HANDOVERS, f"{PLACE}/handovers", CAFE, **offer, to_organisation=SHOP)
        done(told, HANDOVERS, f"/handovers/{{journey}}.h{number}/decline", reason="no_capacity")
    cells = told.cells()
    assert (cells["handed_over"], cells["days/handover/0"], cells["handover/declined"]) == (1, 1, RECENT + 2)


def test_who_said_a_thing_first_does_not_come_to_see_what_another_made_of_it() -> None:
    told = started()
    done(told, ACTIVITY_TRACKING, f"{PLACE}/goals", text="Svenska")
    offer = {"kind": "provider_to_provider", "to_organisation": CAFE, "deadline_on": "2016-06-20"}
    done(told, HANDOVERS, f"{PLACE}/handovers", **offer)
    done(told, HANDOVERS, "/handovers/{journey}.h1/acceptance", CAFE)
    for text in ("Bo hos sin mor", "Svenska för bageriet"):
        anew(told, ACTIVITY_TRACKING, f"{PLACE}/goals/g1", CAFE, text=text)
    seen = [one["said"] and one["said"]["text"] for one in corrections(told, ACTIVITY_TRACKING)]
    assert seen == ["Svenska", None]
    assert [one["said"]["text"] for one in corrections(told, ACTIVITY_TRACKING, CAFE)] == [
        "Svenska",
        "Bo hos sin mor",
    ]
