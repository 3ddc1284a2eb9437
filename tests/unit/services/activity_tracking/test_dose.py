"""What a week or a month came to, against a naive sum of its days."""

from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.activity_tracking.domain.dose import Agreed, doses, period_of
from services.activity_tracking.domain.extents import Extent, extent_on
from services.activity_tracking.domain.journey import Minutes, SessionCounts
from shared.language.events import JourneyId
from tests.support.fakes import noon

FIRST = date(2015, 12, 20)
DAYS = st.integers(min_value=0, max_value=90).map(lambda number: FIRST + timedelta(days=number))
MINUTES = st.tuples(*(st.integers(min_value=0, max_value=400) for _ in range(3)))
HELD = st.dictionaries(DAYS, st.dictionaries(st.sampled_from(["shop", "guidance", ""]), MINUTES), max_size=30)


def extent(number: int, on: date, percent: int, *, void: bool = False) -> Extent:
    return Extent(
        extent=f"e{number}",
        journey_id=JourneyId("j"),
        number=number,
        organisation="shop",
        from_on=on,
        percent=percent,
        recorded_at=noon(on),
        void=void,
    )


def counts(of_day: dict[str, tuple[int, int, int]]) -> SessionCounts:
    """The day's counts; the activity without a name is one that reveals health."""
    whole = [sum(one[place] for one in of_day.values()) for place in range(3)]
    named = {code: Minutes(*one) for code, one in of_day.items() if code}
    return SessionCounts(
        minutes=whole[0], planned_minutes=whole[1], marked_minutes=whole[2], activities=named
    )


@given(
    HELD,
    st.lists(st.tuples(DAYS, st.integers(min_value=1, max_value=100)), max_size=5),
    st.sets(DAYS, max_size=20),
    *(DAYS for _ in range(4)),
    st.sampled_from([20, 38, 40]),
)
@settings(max_examples=150)
def test_each_week_and_month_is_what_a_naive_sum_says(
    held: dict[date, Any],
    series: list[tuple[date, int]],
    paused: set[date],
    first: date,
    last: date,
    started: date,
    today: date,
    full_week: int,
) -> None:
    first, last = sorted((first, last))
    extents = [extent(number, *one) for number, one in enumerate(series)]
    agreed = Agreed(
        counts=lambda day: day >= started,
        pauses=lambda day: day in paused,
        percent=lambda day: extent_on(day, extents),
        full_week_hours=full_week,
    )
    days = {day: counts(one) for day, one in held.items()}
    for each, form in (("week", "%G-W%V"), ("month", "%Y-%m")):
        found = doses(each, first, last, days, agreed, today)  # type: ignore[arg-type]
        every = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        assert [one.period for one in found] == sorted({day.strftime(form) for day in every})
        for one in found:
            mine = [d for d in every if d.strftime(form) == one.period and started <= d <= today]
            open_days = [day for day in mine if day not in paused]
            minutes = sum(said[0] for day in mine for said in held.get(day, {}).values())
            guided = sum(held.get(day, {}).get("guidance", (0, 0, 0))[1] for day in mine)
            hidden = sum(held.get(day, {}).get("", (0, 0, 0))[2] for day in mine)
            assert (one.whole.minutes, one.days) == (minutes, len(open_days))
            assert one.activities.get("guidance", Minutes()).planned == guided
            assert one.activities.get(None, Minutes()).marked == hidden
            if open_days:
                assert one.reached_percent is not None
                attended = sum(said[0] for day in open_days for said in held.get(day, {}).values())
                reached = 100 * attended / (full_week * 60 / 7 * len(open_days))
                assert abs(one.reached_percent - reached) <= 0.0501
            told = [p for day in open_days if (p := _newest(series, day)) is not None]
            if told:
                assert one.agreed_percent is not None
                assert abs(one.agreed_percent - sum(told) / len(told)) <= 0.0501
            else:
                assert one.agreed_percent is None


def _newest(series: list[tuple[date, int]], day: date) -> int | None:
    best: tuple[date, int] | None = None
    for on, percent in series:
        if on <= day and (best is None or on >= best[0]):
            best = (on, percent)
    return None if best is None else best[1]


def test_the_extent_of_a_day_is_the_newest_that_has_begun() -> None:
    first, second = date(2016, 6, 6), date(2016, 9, 1)
    series = [
        *(extent(1, second, 75), extent(2, first, 25), extent(3, second, 80)),
        extent(4, second, 100, void=True),
    ]
    days = (date(2016, 6, 5), first, date(2016, 8, 31), second, date(2020, 2, 29))
    assert [extent_on(day, series) for day in days] == [None, 25, 25, 80, 80]


def test_the_first_days_of_january_lie_in_the_week_they_belong_to() -> None:
    days = (date(2016, 1, 3), date(2016, 1, 4), date(2018, 12, 31))
    assert [period_of("week", day) for day in days] == ["2015-W53", "2016-W01", "2019-W01"]
    assert period_of("month", date(2016, 2, 29)) == "2016-02"
