"""An employer or a school sees that the person came, when, and what was trained; before its yes and after it."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from tests.support.house import ACTIVITY_TRACKING, INTAKE, OUTCOMES, House, house
from tests.support.page_server import read_programme

AGENCY = "primarvarden-skelleftea"
CLINIC = "psykiatrin-skelleftea"
SHOP = "second-hand-skelleftea"
EMPLOYER = "skellefte-tra"
SCHOOL = "skelleftea-folkhogskola"
TODAY = date(2016, 6, 1)
HANDOVER = "handover"

SECRETS = (
    "Sluta dricka",  # a goal in the participant's own words
    "handles_health",  # an answer of the progress measure
    '"ill"',  # why somebody did not come
    "health_effort",  # an activity whose name reveals health
    "internal-7",  # the provider's own reference of a session
    "PRIM-1",  # the referrer's own reference
    AGENCY,
    CLINIC,
    "medical_to_vocational",
    "illness",
    "recorded_on",  # that the answers at entry are there
)
HEALTH_MINUTES = 47
"""Of the health effort alone, so that it can be found again wherever it is shown or summed up."""


def made(kind: str, to: str, *, today: date = TODAY) -> tuple[House, str]:
    """A journey from a clinic to a shop, with one of every entry, and an offer of that kind."""
    world = house(read_programme(), today=today)
    person = world.done(INTAKE, "POST", "/participants", AGENCY, {"name": "Kim", "personnummer": None})
    journey = world.done(
        INTAKE,
        "POST",
        "/referrals",
        AGENCY,
        {
            "reference": "PRIM-1",
            "participant_id": person["participant_id"],
            "programme": "coactive",
            "municipality": "2482",
            "provider": CLINIC,
            "occurred_on": "2016-02-01",
        },
    )["journey_id"]
    on = {"occurred_on": "2016-02-10"}
    world.done(INTAKE, "POST", f"/referrals/{journey}/acceptance", CLINIC, on)
    consent = {"purpose": "sharing", "given": True, "organisations": [SHOP, EMPLOYER, SCHOOL]}
    world.done(
        INTAKE, "POST", f"/journeys/{journey}/consents", CLINIC, {**consent, "last_day": "2016-07-01", **on}
    )
    world.done(INTAKE, "POST", f"/journeys/{journey}/start", CLINIC, on)
    health = {"activity": "health_effort", "attendance": "yes", "minutes": HEALTH_MINUTES}
    path = f"/journeys/{journey}"
    world.done(ACTIVITY_TRACKING, "POST", f"{path}/sessions", CLINIC, {**health, **on})
    planned = {"activity": "health_effort", "first_on": "2016-02-11"}
    world.done(ACTIVITY_TRACKING, "POST", f"{path}/activities", CLINIC, planned)
    woodwork = {"competence": "woodwork", "level": 1}
    world.done(ACTIVITY_TRACKING, "POST", f"{path}/competences", CLINIC, woodwork)
    entry = {"gender": "woman", "born_on": "1980-01-01", "employment": "unemployed", "isced": 3}
    world.done(OUTCOMES, "PUT", f"{path}/entry", CLINIC, entry)
    offer(world, journey, CLINIC, SHOP, "medical_to_vocational", occurred_on="2016-02-15")
    world.done(HANDOVER, "POST", f"/handovers/{journey}.h1/acceptance", SHOP, {"occurred_on": "2016-02-20"})
    world.done(ACTIVITY_TRACKING, "POST", f"{path}/goals", SHOP, {"text": "Sluta dricka"})
    answers = {"round": 1, "answers": {"handles_health": 2}}
    world.done(ACTIVITY_TRACKING, "POST", f"{path}/progress", SHOP, answers)
    day = {"occurred_on": "2016-03-01"}
    came = {"activity": "work_training", "attendance": "late", "minutes": 180, "reference": "internal-7"}
    world.done(ACTIVITY_TRACKING, "POST", f"{path}/sessions", SHOP, {**came, **day})
    ill = {"activity": "language_practice", "attendance": "no", "minutes": 0, "reason": "ill"}
    world.done(ACTIVITY_TRACKING, "POST", f"{path}/sessions", SHOP, {**ill, "occurred_on": "2016-03-02"})
    competence = {"competence": "woodwork", "level": 2}
    world.done(ACTIVITY_TRACKING, "POST", f"{path}/competences", SHOP, competence)
    offer(world, journey, SHOP, to, kind)
    return world, journey


def offer(world: House, journey: str, by: str, to: str, kind: str, **said: str) -> None:
    body = {"kind": kind, "to_organisation": to, "deadline_on": "2016-07-15", **said}
    world.done(HANDOVER, "POST", f"/journeys/{journey}/handovers", by, body)


def everything(world: House, journey: str, who: str) -> Iterator[tuple[str, Any]]:
    """What every route shows the organisation of the journey."""
    for service, path in (
        (INTAKE, f"/referrals/{journey}"),
        (INTAKE, "/referrals?part=responsible"),
        (ACTIVITY_TRACKING, f"/journeys/{journey}"),
        (ACTIVITY_TRACKING, f"/journeys/{journey}/sessions"),
        (HANDOVER, f"/journeys/{journey}/handovers"),
        (HANDOVER, f"/handovers/{journey}.h2"),
        (HANDOVER, "/handovers?status=open"),
        (HANDOVER, "/handovers?status=accepted"),
        (OUTCOMES, f"/journeys/{journey}"),
        (OUTCOMES, "/follow-ups?status=answered"),
    ):
        answer = world.ask(service, "GET", path, who)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        yield f"{service} {path}", answer


def assert_training_alone(world: House, journey: str, who: str) -> None:
    for route, answer in everything(world, journey, who):
        for secret in SECRETS:
            assert secret not in answer.text, f"{route} shows {secret}"
        assert str(HEALTH_MINUTES) not in answer.text, f"{route} shows the health effort"
        assert str(HEALTH_MINUTES + 180) not in answer.text, f"{route} sums the health effort up"
    sessions = world.done(ACTIVITY_TRACKING, "GET", f"/journeys/{journey}/sessions", who)["sessions"]
    seen = [
        (one["occurred_on"], one["attendance"], one["minutes"], one["activity"])
        for one in sessions
        if one["organisation"] != who
    ]
    assert seen == [
        ("2016-03-01", "late", 180, "work_training"),
        ("2016-03-02", "no", 0, "language_practice"),
    ]
    shown = world.done(ACTIVITY_TRACKING, "GET", f"/journeys/{journey}", who)
    assert [(one["competence"], one["level"]) for one in shown["competences"]] == [
        ("woodwork", 1),
        ("woodwork", 2),
    ]


KINDS = [("provider_to_employer", EMPLOYER), ("provider_to_education", SCHOOL)]


@pytest.mark.parametrize(("kind", "to"), KINDS)
def test_before_and_after_its_yes_it_sees_the_training_alone(kind: str, to: str) -> None:
    world, journey = made(kind, to)
    assert_training_alone(world, journey, to)
    before = world.done(INTAKE, "GET", f"/referrals/{journey}", to)
    assert before["participant_id"] is None
    world.done(HANDOVER, "POST", f"/handovers/{journey}.h2/acceptance", to, {})
    assert_training_alone(world, journey, to)
    assert world.done(INTAKE, "GET", f"/referrals/{journey}", to)["participant_id"] is not None
    after = world.done(OUTCOMES, "GET", f"/journeys/{journey}", to)
    assert (after["responsible"], after["entry"]) == (to, None)


def test_without_consent_an_employer_sees_that_there_is_an_offer_and_no_more() -> None:
    world, journey = made(*KINDS[0])
    world.pass_to(date(2016, 7, 2))
    for route, answer in everything(world, journey, EMPLOYER):
        for secret in (*SECRETS, "work_training", "woodwork", "180"):
            assert secret not in answer.text, f"{route} shows {secret}"


def test_a_workplace_sees_what_it_recorded_itself() -> None:
    world, journey = made(*KINDS[0])
    world.done(HANDOVER, "POST", f"/handovers/{journey}.h2/acceptance", EMPLOYER, {})
    path = f"/journeys/{journey}"
    own = {"activity": "health_effort", "attendance": "no", "minutes": 0, "reason": "transport"}
    logged = world.done(
        ACTIVITY_TRACKING, "POST", f"{path}/sessions", EMPLOYER, {**own, "occurred_on": "2016-06-01"}
    )
    assert logged["reason"] == "transport"
    world.done(ACTIVITY_TRACKING, "POST", f"{path}/goals", EMPLOYER, {"text": "Truckkort"})
    measured = {"round": 2, "answers": {"network": 5}}
    world.done(ACTIVITY_TRACKING, "POST", f"{path}/progress", EMPLOYER, measured)
    ready = world.done(ACTIVITY_TRACKING, "POST", f"{path}/readiness", EMPLOYER, {})
    assert (ready["open_goals"], ready["last_round"], ready["session_counts"]) == (None, None, None)
    shown = world.done(ACTIVITY_TRACKING, "GET", path, EMPLOYER)
    assert [one["text"] for one in shown["goals"]] == ["Truckkort"]
    assert [one["answers"] for one in shown["progress"]] == [{"network": 5}]
    sessions = world.done(ACTIVITY_TRACKING, "GET", f"{path}/sessions", EMPLOYER)["sessions"]
    assert [one["reason"] for one in sessions] == [None, None, "transport"]


def test_a_workplace_finds_nothing_out_by_trying() -> None:
    world, journey = made(*KINDS[0])
    path = f"/journeys/{journey}"
    hidden = world.done(ACTIVITY_TRACKING, "GET", f"{path}/sessions", SHOP)["sessions"]
    world.done(HANDOVER, "POST", f"/handovers/{journey}.h2/acceptance", EMPLOYER, {})
    for session in hidden:
        correction = f"{path}/sessions/{session['session_id']}/correction"
        answer = world.ask(ACTIVITY_TRACKING, "POST", correction, EMPLOYER, {"void": True})
        assert (answer.status_code, answer.json["code"]) == (403, "not-your-journey")
    reached = world.ask(ACTIVITY_TRACKING, "POST", f"{path}/goals/g1/reached", EMPLOYER, {})
    assert reached.status_code == 404
    told = []
    for guess in range(1, 6):
        measured = {"round": 1, "answers": {"handles_health": guess}}
        refused = world.ask(ACTIVITY_TRACKING, "POST", f"{path}/progress", EMPLOYER, measured).json
        told.append({name: value for name, value in refused.items() if name not in ("instance", "trace_id")})
    assert all(one == told[0] for one in told)
    again = {"competence": "woodwork", "level": 1}
    validated = world.done(ACTIVITY_TRACKING, "POST", f"{path}/competences", EMPLOYER, again)
    assert (validated["level"], validated["validated_by"]) == (1, None)
    assert world.ask(HANDOVER, "GET", f"/handovers/{journey}.h1", EMPLOYER).status_code == 404


def test_a_workplace_corrects_no_judgement_but_its_own() -> None:
    world, journey = made(*KINDS[0])
    path = f"/journeys/{journey}/readiness"
    world.done(ACTIVITY_TRACKING, "POST", path, SHOP, {"occurred_on": "2016-03-02"})
    world.done(HANDOVER, "POST", f"/handovers/{journey}.h2/acceptance", EMPLOYER, {})
    slip = {"why": "A slip.", "void": True}
    refused = world.ask(ACTIVITY_TRACKING, "POST", f"{path}/correction", EMPLOYER, slip)
    assert (refused.status_code, refused.json["code"]) == (403, "not-your-journey")
    other, journey = made(*KINDS[0])
    path = f"/journeys/{journey}/readiness"
    other.done(HANDOVER, "POST", f"/handovers/{journey}.h2/acceptance", EMPLOYER, {})
    other.done(ACTIVITY_TRACKING, "POST", path, EMPLOYER, {})
    other.done(ACTIVITY_TRACKING, "POST", f"{path}/correction", EMPLOYER, slip)
    (kept,) = other.done(ACTIVITY_TRACKING, "GET", f"/journeys/{journey}/corrections", EMPLOYER)[
        "corrections"
    ]
    assert (kept["what"], kept["why"]) == ("readiness", "A slip.")


def test_an_employer_records_the_exit_and_answers_follow_ups_and_sees_no_answer_of_others() -> None:
    world, journey = made(*KINDS[0])
    world.done(HANDOVER, "POST", f"/handovers/{journey}.h2/acceptance", EMPLOYER, {})
    left = {"way": "by_plan", "reason": "goal_reached", "situation": "employed"}
    shown = world.done(OUTCOMES, "POST", f"/journeys/{journey}/exit", EMPLOYER, left)
    assert (shown["exit"]["situation"], shown["entry"]) == ("employed", None)
    world.pass_to(date(2016, 6, 29))
    assert [one["kind"] for one in world.done(OUTCOMES, "GET", "/follow-ups", EMPLOYER)["follow_ups"]] == [
        "28d"
    ]
    said = {"situation": "employed"}
    own = world.done(OUTCOMES, "POST", f"/follow-ups/{journey}.28d/answer", EMPLOYER, said)
    assert own["situation"] == "employed"
    world.pass_to(date(2016, 12, 1))
    world.done(OUTCOMES, "POST", f"/follow-ups/{journey}.6m/answer", AGENCY, {"situation": "inactive"})
    for route, answer in everything(world, journey, EMPLOYER):
        assert "inactive" not in answer.text, route
    guesses = {
        world.ask(
            OUTCOMES, "POST", f"/follow-ups/{journey}.6m/answer", EMPLOYER, {"situation": guess}
        ).status_code
        for guess in ("employed", "student", "unemployed", "inactive")
    }
    assert guesses == {409}
    assert world.done(OUTCOMES, "GET", f"/follow-ups/{journey}.28d", EMPLOYER)["situation"] == "employed"


def test_why_an_offer_was_recalled_is_not_the_employers_to_know() -> None:
    world, journey = made(*KINDS[0])
    path = f"/handovers/{journey}.h2"
    world.done(HANDOVER, "POST", f"{path}/recall", SHOP, {"reason": "participant_wish"})
    ended = world.done(HANDOVER, "GET", path, EMPLOYER)
    assert (ended["status"], ended["reason"]) == ("recalled", None)
    assert world.done(HANDOVER, "GET", path, SHOP)["reason"] == "participant_wish"


def test_another_provider_and_the_agency_see_what_they_saw_before() -> None:
    world, journey = made(*KINDS[0])
    whole = world.done(ACTIVITY_TRACKING, "GET", f"/journeys/{journey}", SHOP)
    assert [one["text"] for one in whole["goals"]] == ["Sluta dricka"]
    outside = world.done(ACTIVITY_TRACKING, "GET", f"/journeys/{journey}", AGENCY)
    assert [one["text"] for one in outside["goals"]] == [None]
    assert outside["session_counts"]["minutes"] == HEALTH_MINUTES + 180
    assert world.done(INTAKE, "GET", f"/referrals/{journey}", AGENCY)["reference"] == "PRIM-1"
