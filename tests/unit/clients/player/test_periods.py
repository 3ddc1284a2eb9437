"""The player's own count of a quarter, by provider."""

from datetime import date
from typing import Any

from clients.player.acts import Act
from clients.player.ledger import Ledger
from clients.player.periods import Quarter, by_provider, compare, quarter_of
from tests.support.player_programme import CODES
from tests.unit.clients.player.test_ledger import act, begun, left, offer, session

FIRST = Quarter(date(2017, 1, 1), date(2017, 3, 31))
THIRD = Quarter(date(2017, 7, 1), date(2017, 9, 30))


def counted(acts: list[Act], quarter: Quarter, as_of: str = "2019-01-01") -> dict[Any, Any]:
    ledger = Ledger(CODES)
    for one in acts:
        ledger.do(one)
    return by_provider(ledger, quarter, date.fromisoformat(as_of))


def test_a_quarter_is_three_months() -> None:
    assert quarter_of(date(2017, 2, 28)) == FIRST
    assert quarter_of(date(2017, 9, 30)) == THIRD
    assert quarter_of(date(2016, 12, 31)) == Quarter(date(2016, 10, 1), date(2016, 12, 31))


def test_each_act_counts_in_its_quarter_at_who_accepted_the_person() -> None:
    acts = [*begun(), session("2017-02-01", "s1"), session("2017-04-01", "s2"), left("2017-08-31")]
    first, third = counted(acts, FIRST), counted(acts, THIRD)
    by = next(one.by for one in acts if one.deed == "accept")
    for group in (None, by):
        assert (first["received", group], first["started", group], first["exited", group]) == (1, 1, 0)
        assert (first["session/minutes", group], first["days/answer", group]) == (60, 7.0)
        assert (third["exited", group], third["exit/by_plan", group], third["received", group]) == (1, 1, 0)
        assert third["employed_at_exit/rate", group] == 1.0
        assert third["follow_up/28d/missed", group] == 1


def test_an_offer_counts_on_its_day_and_its_end_on_another() -> None:
    acts = [*begun(), offer("2017-03-30", "h1", "2017-04-10")]
    assert counted(acts, FIRST)["handover/offered", None] == 1
    assert counted(acts, FIRST)["handover/expired", None] == 0
    second = counted(acts, Quarter(date(2017, 4, 1), date(2017, 6, 30)))
    assert second["handover/expired", None] == 1


def test_a_mistake_counts_in_no_quarter() -> None:
    acts = [*begun(), act("mistake", "2017-09-05", reason="wrong_person")]
    assert not [one for one in counted(acts, FIRST).values() if one]


def rows(own: dict[Any, Any], **other: float) -> dict[str, Any]:
    said = [{"figure": figure, "group": group, "value": n} for (figure, group), n in own.items()]
    said += [{"figure": figure, "group": None, "value": n} for figure, n in other.items()]
    return {"period": {"rows": said}}


def test_each_difference_is_named_with_both_values() -> None:
    own = counted(begun(), FIRST)
    assert compare(rows(own), own) == []
    wrong = rows(own)
    for row in wrong["period"]["rows"]:
        row["value"] = 8 if (row["figure"], row["group"]) == ("started", None) else row["value"]
    assert compare(wrong, own) == ["started of all: the report says 8, the player counted 1"]


def test_a_figure_that_the_player_does_not_count_is_a_difference_even_where_it_is_nought() -> None:
    own = counted(begun(), FIRST)
    assert compare(rows(own, brand_new=0), own) == [
        "brand_new of all: the report says 0, the player does not count it"
    ]
