"""The report of a period: which days, which groups, in which form, and for whom."""

import csv
import io
from collections.abc import Iterable
from typing import Any

import pytest

from services.outcome.api import blueprints
from services.outcome.figures.cells import DAYS
from services.outcome.figures.declared import FIGURES
from services.outcome.figures.period import COLUMNS
from shared.language.figures import EACH
from tests.support.fakes import Caller, FakeWork, noon
from tests.support.outcome_programme import BAKERY, OWNER, PROGRAMME, SHOP, TODAY
from tests.support.published import FakeProgrammes

BLUEPRINTS = blueprints()
REPORT = "/programmes/small/report"
QUARTER = f"{REPORT}?from=2016-04-01&to=2016-06-30"


@pytest.fixture(name="memory")
def _memory() -> FakeWork:
    """A store with what counts on five days, two of them beyond the second quarter of 2016."""
    memory = FakeWork(FakeProgrammes(PROGRAMME), noon(TODAY))
    for shard, (day, provider, place, n) in enumerate(
        (
            ("2016-03-31", SHOP, "2482", {"started": 100}),
            ("2016-04-01", SHOP, "2482", {"started": 2, "session/minutes": 90, "days/start/4": 2}),
            ("2016-04-01", "", "2417", {"received": 1}),
            ("2016-05-02", BAKERY, "2417", {"started": 1, "days/start/9": 1, "follow_up/28d/due": 2}),
            ("2016-06-30", SHOP, "0180", {"employed_28d": 1, "follow_up/28d/answered": 3}),
            ("2016-07-01", SHOP, "2482", {"started": 1000}),
        )
    ):
        key = f"small|{day}|{provider}|{place}"
        row = {"programme": "small", "day": day, "provider": provider, "municipality": place, "n": n}
        memory.table[DAYS, f"{key}|{shard % 4}"] = {"key": key, "shard": shard % 4, **row}
    memory.table[DAYS, "other|2016-05-01|shop|2482|0"] = {
        "programme": "other", "day": "2016-05-01", "provider": SHOP, "municipality": "2482", "n": {"started": 9}
    }  # fmt: skip
    return memory


@pytest.fixture(name="caller")
def _caller(memory: FakeWork) -> Caller:
    return Caller(memory, BLUEPRINTS, OWNER).become(OWNER, "analyst")


def values(rows: Iterable[dict[str, Any]], figure: str) -> dict[str | None, float | None]:
    return {row["group"]: row["value"] for row in rows if row["figure"] == figure}


def test_both_days_of_a_period_are_part_of_it_and_no_other(caller: Caller) -> None:
    report = caller.get(QUARTER).json
    assert (report["period"]["from"], report["period"]["to"], report["period"]["by"]) == (
        "2016-04-01",
        "2016-06-30",
        None,
    )
    rows = report["period"]["rows"]
    assert values(rows, "started") == {None: 3}
    assert values(rows, "received") == {None: 1}
    assert values(rows, "session/minutes") == {None: 90}
    assert values(rows, "follow_up/28d/rate") == {None: 0.3333}
    assert values(rows, "follow_up/6m/rate") == {None: None}
    assert values(rows, "days/start") == {None: 4.0}
    assert report["figures"] is None
    assert report["targets"] is None


def test_each_reading_of_a_period_is_noted_with_its_days_and_one_of_the_whole_is_not(caller: Caller) -> None:
    caller.become(OWNER, "analyst", "reader")
    noted = caller.commands.readings
    assert caller.get(REPORT).status_code == 200
    assert noted == []
    for asked in (QUARTER, f"{REPORT}?from=2016-04-01&to=2016-04-01&by=municipality&format=csv"):
        assert caller.get(asked).status_code == 200
    assert [(one.person, one.action, one.subject, one.came_to) for one in noted] == [
        ("reader", "read_report", "programme/small/2016-04-01/2016-06-30/all", "given"),
        ("reader", "read_report", "programme/small/2016-04-01/2016-04-01/municipality", "given"),
    ]
    noted.clear()
    assert caller.get("/programmes/19900101-2385/report?from=2016-04-01&to=2016-04-01").status_code == 404
    assert [(one.subject, one.came_to) for one in noted] == [(None, "not-found")]


def test_a_report_as_it_is_now_has_no_period(caller: Caller) -> None:
    report = caller.get(REPORT).json
    assert report["period"] is None
    assert report["figures"]["started"] == 0


def test_a_period_by_provider_names_those_who_may_be_one_and_whoever_was(caller: Caller) -> None:
    rows = caller.get(f"{QUARTER}&by=provider").json["period"]["rows"]
    assert values(rows, "started") == {None: 3, SHOP: 2, BAKERY: 1, "none": 0}
    assert values(rows, "received") == {None: 1, SHOP: 0, BAKERY: 0, "none": 1}
    names = {row["group"]: row["group_name"] for row in rows}
    assert names == {None: None, SHOP: "Shop", BAKERY: "Bakery", "none": None}


def test_a_period_by_municipality_names_the_programmes_own_and_gives_others_by_their_code(
    caller: Caller,
) -> None:
    rows = caller.get(f"{QUARTER}&by=municipality").json["period"]["rows"]
    assert values(rows, "started") == {None: 3, "2482": 2, "2417": 1, "0180": 0}
    names = {row["group"]: row["group_name"] for row in rows}
    assert names == {None: None, "2482": "Skellefteå", "2417": "Norsjö", "0180": None}


def test_every_figure_with_a_day_has_a_row_that_can_be_read_alone(caller: Caller) -> None:
    rows = {row["figure"]: row for row in caller.get(QUARTER).json["period"]["rows"]}
    for figure in FIGURES:
        each = ("shop_work",) if figure.section == "activities" else ("workplace_carved",)
        for key in ("28d", "6m") if "{when}" in figure.name.sv else each:
            code = figure.code.replace(EACH, key)
            assert (code in rows) == figure.dated
    assert rows["handover/offered"]["label"] == {"sv": "Överlämningar: Erbjudna", "en": "Handovers: Offered"}
    assert rows["employed_6m"]["label"] == {"sv": "I arbete 6 månader", "en": "In work 6 månader"}
    assert rows["output/workplace_carved"]["label"]["en"] == "workplace_carved"
    assert not [row for row in rows.values() if "{" in row["label"]["sv"] + row["label"]["en"]]


def test_a_swedish_excel_opens_the_rows_of_a_period(caller: Caller) -> None:
    answer = caller.get(f"{QUARTER}&by=provider&format=csv-sv")
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.data.startswith(b"\xef\xbb\xbfprogramme;as_of;from;to;by;group")
    lines = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")), delimiter=";"))
    assert tuple(lines[0]) == COLUMNS
    (started,) = [one for one in lines if (one["figure"], one["group"]) == ("started", SHOP)]
    assert (started["from"], started["to"], started["by"]) == ("2016-04-01", "2016-06-30", "provider")
    assert (started["group_name"], started["label_sv"], started["value"]) == ("Shop", "Startade", "2")
    (rate,) = [one for one in lines if (one["figure"], one["group"]) == ("follow_up/28d/rate", "")]
    assert rate["value"] == "0,3333"
    plain = caller.get(f"{QUARTER}&by=provider&format=csv").text
    assert plain.splitlines()[0] == ",".join(COLUMNS)
    assert len(plain.splitlines()) == len(lines) + 1


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("from=2016-04-01", {"to": ["Is missing; a period has from and to, each a day as yyyy-mm-dd."]}),
        ("to=2016-04-01", {"from": ["Is missing; a period has from and to, each a day as yyyy-mm-dd."]}),
        (
            "by=provider",
            {
                "from": ["Is missing; a period has from and to, each a day as yyyy-mm-dd."],
                "to": ["Is missing; a period has from and to, each a day as yyyy-mm-dd."],
            },
        ),
        ("from=2016-04-02&to=2016-04-01", {"from": ["Lies after to; takes a day up to 2016-04-01."]}),
        ("from=2016-4-2&to=2016-04-01", {"from": ["Takes a day as yyyy-mm-dd, from 1900-01-01 on."]}),
        (
            "from=2016-04-01&to=2016-04-01&by=gender",
            {"by": ["Must be one of: provider, municipality, week, month."]},
        ),
        (
            "from=2016-04-01&to=2016-04-01&by=provider&by=provider",
            {"by": ["Takes one value; it is there more than once."]},
        ),
    ],
)
def test_a_period_that_cannot_be_is_refused_by_name(
    caller: Caller, query: str, errors: dict[str, list[str]]
) -> None:
    answer = caller.get(f"{REPORT}?{query}")
    assert (answer.status_code, answer.json["code"]) == (422, "invalid-fields")
    assert answer.json["errors"] == errors


def test_a_period_is_for_those_who_may_read_the_report(memory: FakeWork) -> None:
    answer = Caller(memory, BLUEPRINTS, SHOP).get(QUARTER)
    assert answer.status_code == 403


def test_a_period_of_many_days_is_read_in_pages(caller: Caller, memory: FakeWork) -> None:
    for number in range(5001):
        key = f"small|2016-05-03|p{number:04}|2482"
        row = {"programme": "small", "day": "2016-05-03", "provider": "p", "municipality": "2482"}
        memory.table[DAYS, f"{key}|0"] = {"key": key, "shard": 0, "n": {"ready": 1}, **row}
    assert values(caller.get(QUARTER).json["period"]["rows"], "ready") == {None: 5001}
