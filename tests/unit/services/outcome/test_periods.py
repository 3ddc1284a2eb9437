"""Every figure by its day, provider and municipality, counted a second time with pen and paper."""

import statistics
from collections import Counter
from datetime import date, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from services.outcome.figures.declared import FIGURES
from services.outcome.figures.period import BYS, By, Period, build
from shared.language import events as e
from tests.support.fakes import noon
from tests.support.outcome_programme import (
    PROGRAMME,
    REFERRED_ON,
    SHOP,
    TODAY,
    acceptance,
    arrived,
    referral,
    start,
)
from tests.support.published import register_of
from tests.support.random_journeys import RandomJourney, Truth, arrivals
from tests.unit.services.outcome.test_figures import SEEDS, Ledger, output


@given(st.lists(SEEDS, min_size=15, max_size=15), SEEDS)
@settings(max_examples=60)
def test_the_days_agree_with_a_plain_recount(seeds: list[int], order: int) -> None:
    journeys = [RandomJourney(number, Random(seed)) for number, seed in enumerate(seeds)]
    ledger, random = Ledger(), Random(order)
    for journey in journeys:
        ledger.take(arrivals(journey, random))
    expected: Counter[tuple[str, str, str, str]] = Counter()
    for truth in (journey.truth for journey in journeys if not journey.truth.mistake):
        for on, code, amount in days_of(truth):
            if amount:
                expected[on.isoformat(), truth.provider, truth.municipality, code] += amount
    assert {one: n for one, n in ledger.days.items() if n} == expected


@given(
    st.lists(SEEDS, min_size=8, max_size=8), st.integers(0, 300), st.integers(0, 300), st.sampled_from(BYS)
)
@settings(max_examples=60)
def test_the_report_of_a_period_agrees_with_a_plain_recount(
    seeds: list[int], from_: int, to: int, by: By
) -> None:
    journeys = [RandomJourney(number, Random(seed)) for number, seed in enumerate(seeds)]
    ledger, random = Ledger(), Random(from_)
    for journey in journeys:
        ledger.take(arrivals(journey, random))
    first, last = (REFERRED_ON + timedelta(days=one) for one in sorted((from_, to)))
    days = [
        {"day": day, "provider": provider, "municipality": place, "n": {code: n}}
        for (day, provider, place, code), n in ledger.days.items()
        if first.isoformat() <= day <= last.isoformat()
    ]
    rows = build(days, PROGRAMME, register_of(PROGRAMME), Period(first, last, by), noon(TODAY))["period"][
        "rows"
    ]
    found = {(row["group"], row["figure"]): row["value"] for row in rows}
    counted = [journey.truth for journey in journeys if not journey.truth.mistake]
    dated = [(truth, one) for truth in counted for one in days_of(truth) if first <= one[0] <= last]
    for group in {None, *(_group(truth, one[0], by) for truth, one in dated)}:
        within = [one for truth, one in dated if group in (None, _group(truth, one[0], by))]
        for figure in FIGURES:
            for key in ("28d", "6m", "shop_work", "swedish"):
                code = figure.code.replace("{}", key)
                if figure.dated and figure.section != "outputs":
                    assert found.get((group, code), 0) == sum(n for _, name, n in within if name == code), (
                        code
                    )
        known = [name for _, name, _ in within if name == "employed_at_exit/known"]
        employed = [name for _, name, _ in within if name == "employed_at_exit_employed"]
        share = round(len(employed) / len(known), 4) if known else None
        assert found.get((group, "employed_at_exit/rate")) == share
        waits = [int(name.rpartition("/")[2]) for _, name, _ in within if name.startswith("days/exit/")]
        assert found.get((group, "days/exit")) == (statistics.median(waits) if waits else None)


def _group(truth: Truth, on: date, by: By) -> str:
    """What a day of a journey is counted under."""
    if by == "week":
        return f"{on:%G-W%V}"
    if by == "month":
        return f"{on:%Y-%m}"
    return str(getattr(truth, by)) or "none"


@given(SEEDS)
@settings(max_examples=200)
def test_all_periods_together_are_the_figures_as_they_are_now(seed: int) -> None:
    random = Random(seed)
    ledger = Ledger().take(arrivals(RandomJourney(1, random), random))
    sums: Counter[str] = Counter()
    for (_, _, _, code), amount in ledger.days.items():
        sums[code] += amount
    undated = {one.code for one in FIGURES if not one.dated}
    now = {cell: n for cell, n in ledger.cells.items() if "@" not in cell and cell not in undated}
    assert {code: n for code, n in sums.items() if n and not code.startswith("activity/")} == now


def test_a_period_by_week_and_by_month_names_each_by_the_calendar() -> None:
    days = [
        {"day": on, "provider": SHOP, "municipality": "2417", "n": {"session/minutes": minutes}}
        for on, minutes in (("2016-01-03", 60), ("2016-01-04", 30), ("2016-01-31", 20), ("2016-02-01", 10))
    ]

    def minutes(by: By) -> dict[str | None, float | None]:
        whole = Period(date(2016, 1, 1), date(2016, 2, 29), by)
        found = build(days, PROGRAMME, register_of(PROGRAMME), whole, noon(TODAY))
        rows = found["period"]["rows"]
        return {one["group"]: one["value"] for one in rows if one["figure"] == "session/minutes"}

    assert minutes("month") == {None: 120, "2016-01": 110, "2016-02": 10}
    assert minutes("week") == {None: 120, "2015-W53": 60, "2016-W01": 30, "2016-W04": 20, "2016-W05": 10}


def test_what_an_activity_reached_of_what_was_planned_is_told_and_none_that_reveals_health() -> None:
    n = {"activity/swedish/marked_minutes": 45, "activity/swedish/planned_minutes": 60}
    days = [{"day": TODAY.isoformat(), "provider": SHOP, "municipality": "2417", "n": n}]
    found = build(days, PROGRAMME, register_of(PROGRAMME), Period(TODAY, TODAY), noon(TODAY))
    values = {one["figure"]: one["value"] for one in found["period"]["rows"]}
    assert (values["activity/swedish/reached"], values["activity/shop_work/reached"]) == (0.75, None)
    assert not [one for one in values if "pain_school" in one]


def test_the_stories_are_rich_enough_to_prove_something() -> None:
    journeys = [RandomJourney(number, Random(number)) for number in range(400)]
    truths = [one.truth for one in journeys]
    assert len({one.provider for one in truths}) == 3
    recounted = [
        one
        for one in journeys
        if any(isinstance(s.body, e.SessionsRecounted) for s in one.said["activity-tracking"])
    ]
    assert sum(one.truth.mistake for one in recounted) > 5
    assert sum(not one.truth.mistake for one in recounted) > 5


def test_an_output_counts_on_its_day_at_who_logged_it() -> None:
    ledger = Ledger().take([output(5, organisation=SHOP), output(2, e.OutputCorrected, replaced_quantity=5)])
    assert ledger.days == {(TODAY.isoformat(), SHOP, "2417", "output/workplace_carved"): 2}


def days_of(truth: Truth) -> list[tuple[date, str, int]]:
    """What one participant counts on each day. Source: docs/field.md, "Who is counted", "Results" and "Handover"."""
    return [
        *((on, code, 1) for on, code in _acts(truth) if on is not None),
        *_results(truth),
        *_handovers(truth),
        *_sessions(truth),
        *_waits(truth),
    ]


def _acts(truth: Truth) -> list[tuple[date | None, str]]:
    acts = [
        (truth.referred_on, "received"),
        (truth.declined_on, "declined"),
        (truth.withdrawn_on, "withdrawn"),
        (truth.accepted_on, "accepted"),
        (truth.started_on, "started"),
        (truth.ready_on, "ready"),
        (truth.exited_on, "exited"),
        (truth.exited_on, f"exit/{truth.way}"),
    ]
    if truth.returns:
        acts.append((truth.referred_on, "re_referred"))
    if truth.complete:
        acts.append((truth.entry_on, "entries_complete"))
    return acts


def _results(truth: Truth) -> list[tuple[date, str, int]]:
    found: list[tuple[date, str, int]] = []
    if truth.exited_on and truth.way != "deceased":
        found.append((truth.exited_on, f"employed_at_exit/{'known' if truth.situation else 'missing'}", 1))
        if truth.situation == "employed":
            found.append((truth.exited_on, "employed_at_exit_employed", 1))
    for kind, status in truth.asked.items():
        on = truth.asked_on[kind]
        found.append((on, f"follow_up/{kind}/due", 1))
        if status != "due":
            found.append((on, f"follow_up/{kind}/{status}", 1))
        if truth.answers.get(kind) == "employed":
            found.append((on, f"employed_{kind}", 1))
    return found


def _handovers(truth: Truth) -> list[tuple[date, str, int]]:
    found: list[tuple[date, str, int]] = []
    moved: list[date] = []
    for answer, offered_on, ended_on, beside in truth.handovers:
        left = truth.exited_on
        if left is not None and offered_on > left:
            continue
        found.append((offered_on, "handover/offered", 1))
        if answer == "open":
            continue
        if left is not None and ended_on > left:
            found.append((left, "handover/recalled", 1))
            continue
        found.append((ended_on, f"handover/{answer}", 1))
        if answer == "accepted" and not beside:
            moved.append(ended_on)
            found.append((ended_on, f"days/handover/{(ended_on - offered_on).days}", 1))
    if moved:
        found.append((min(moved), "handed_over", 1))
    return found


def _sessions(truth: Truth) -> list[tuple[date, str, int]]:
    found: list[tuple[date, str, int]] = []
    for on, (attendance, minutes, planned, activity) in zip(truth.session_days, truth.sessions, strict=True):
        found.append((on, "session/logged", 1))
        counted = {"minutes": minutes}
        if planned is not None:
            counted |= {"planned_minutes": planned, "marked_minutes": minutes}
            found += [(on, f"session/{name}", n) for name, n in counted.items() if name != "minutes"]
        if activity is not None:
            found += [(on, f"activity/{activity}/{name}", n) for name, n in counted.items()]
        if attendance == "no":
            found.append((on, "session/missed", 1))
            continue
        found += [(on, "session/attended", 1), (on, "session/minutes", minutes)]
        if attendance == "late":
            found.append((on, "session/late", 1))
    return found


def _waits(truth: Truth) -> list[tuple[date, str, int]]:
    spans = [
        ("answer", truth.referred_on, truth.accepted_on),
        ("start", truth.accepted_on, truth.started_on),
        ("ready", truth.started_on, truth.ready_on),
        ("exit", truth.started_on, truth.exited_on),
    ]
    return [(last, f"days/{step}/{(last - first).days}", 1) for step, first, last in spans if first and last]


def test_sessions_follow_a_corrected_municipality_though_it_is_heard_of_before_they_are_recounted() -> None:
    session = e.SessionLogged(
        occurred_on=TODAY,
        recorded_at=noon(TODAY),
        session=e.SessionId("s-1"),
        organisation=SHOP,
        attendance="late",
        minutes=90,
    )
    elsewhere = e.ReferralCorrected(
        occurred_on=TODAY, recorded_at=noon(TODAY), municipality="2417", provider=SHOP
    )
    day = {"on": TODAY, "logged": 1, "attended": 1, "late": 1, "missed": 0, "minutes": 90}
    none = dict.fromkeys(("logged", "attended", "late", "missed", "minutes"), 0)
    gone = e.SessionsOfDay(counted=False, **day)  # type: ignore[arg-type]
    come = e.SessionsOfDay(counted=True, **day)  # type: ignore[arg-type]
    said = {"occurred_on": TODAY, "recorded_at": noon(TODAY)}
    facts = [
        *(referral(), acceptance(), start(), session, elsewhere),
        e.SessionsRecounted(**said, **none, days=(gone,)),  # type: ignore[arg-type]
        e.SessionsRecounted(**said, **{n: day[n] for n in none}, days=(come,)),  # type: ignore[arg-type]
    ]
    days = Ledger().take([arrived(one) for one in facts]).days
    minutes = {where: n for (_, _, where, code), n in days.items() if code == "session/minutes" and n}
    assert minutes == {"2417": 90}
