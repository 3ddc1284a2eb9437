"""The player's own count, held against cases small enough to count by hand."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from clients.player.acts import Act, Deed
from clients.player.ledger import Ledger, compare, flat
from tests.support.player_programme import CODES

ENTRY: dict[str, Any] = {
    "gender": "woman",
    "born_on": date(1980, 1, 1),
    "employment": "unemployed",
    "isced": 3,
}


def act(deed: Deed, on: str, way: str = "w1", by: str = "kafe", **says: Any) -> Act:
    day = date.fromisoformat(on)
    return Act(plan_key=way, deed=deed, by=by, duty="caseworker", occurred_on=day, recorded_on=day, says=says)


def referral(
    on: str = "2017-01-03",
    way: str = "w1",
    previous: str | None = None,
    *,
    person: str = "",
    place: str = "2482",
) -> Act:
    says: dict[str, Any] = {
        "municipality": place,
        "previous": previous,
        "reference": way,
        "person": person or f"p-{way}",
    }
    says |= {"provider": None, "providers": ()}
    return act("refer", on, way, "af", **says)


def session(on: str, name: str, attendance: str = "yes", minutes: int = 60, way: str = "w1") -> Act:
    return act("log_session", on, way, session=name, attendance=attendance, minutes=minutes)


def begun(way: str = "w1") -> list[Act]:
    return [
        referral(way=way),
        act("accept", "2017-01-10", way),
        act("consent", "2017-01-12", way, purpose="sharing", given=True),
        act("start", "2017-01-17", way),
        act("record_entry", "2017-01-20", way, **ENTRY),
    ]


def left(
    on: str = "2017-08-31", way: str = "by_plan", situation: str | None = "employed", *, of: str = "w1"
) -> Act:
    day = date.fromisoformat(on)
    says = {"way": way, "situation": situation}
    return Act(
        plan_key=of,
        deed="record_exit",
        by="kafe",
        duty="caseworker",
        occurred_on=day,
        recorded_on=day,
        says=says,
    )


def report(acts: list[Act], as_of: str = "2019-01-01") -> Any:
    """The player's own report, in a programme that waits for answers for ever."""
    ledger = Ledger(replace(CODES, answer_within_days=None))
    for one in acts:
        ledger.do(one)
    return ledger.report(date.fromisoformat(as_of))


def test_nothing_done_is_nought_everywhere() -> None:
    figures = flat(report([]))
    assert {value for name, value in figures.items() if not name.endswith(".target")} <= {0, None}


def test_a_journey_counts_in_each_stage_that_it_reached() -> None:
    figures = report(begun())["figures"]
    reached = {
        name: figures[name] for name in ("received", "accepted", "started", "active", "exited", "ready")
    }
    assert reached == {"received": 1, "accepted": 1, "started": 1, "active": 1, "exited": 0, "ready": 0}
    assert figures["entries_complete"] == 1


def test_a_journey_registered_by_mistake_counts_nowhere() -> None:
    acts = [
        *begun(),
        session("2017-02-01", "s1"),
        left(),
        act("mistake", "2017-09-05", reason="wrong_person"),
    ]
    figures = flat(report(acts))
    assert {value for name, value in figures.items() if not name.endswith(".target")} <= {0, None}


def again(on: str, way: str = "w2", place: str = "2417") -> list[Act]:
    """The person of the first journey begins again."""
    return [
        referral(on, way, "w1", person="p-w1", place=place),
        act("accept", on, way),
        act("start", on, way),
    ]


def test_who_comes_back_is_one_person_and_the_earlier_result_is_withdrawn_until_the_next() -> None:
    acts = [*begun(), left("2017-08-31"), *again("2017-10-02")]
    figures = report(acts)["figures"]
    counts = ("received", "started", "active", "exited", "re_referred")
    assert [figures[name] for name in counts] == [1, 1, 1, 0, 1]
    assert (figures["exits"]["restated"], figures["employed_at_exit"]["employed"]) == (1, 0)
    assert figures["follow_ups"]["28d"]["due"] == 0
    last = report([*acts, left("2018-01-31", "interrupted", "student", of="w2")])
    figures = last["figures"]
    assert [figures[name] for name in counts] == [1, 1, 0, 1, 1]
    assert (figures["exits"]["interrupted"], figures["exits"]["by_plan"]) == (1, 0)
    assert last["by_gender"]["woman"]["exited"] == 1, "by the first one's entry"
    assert last["by_municipality"]["2482"]["exited"] == 1, "where the person began"


def test_of_two_journeys_at_once_the_one_that_goes_on_says_where_the_person_is() -> None:
    both = [*begun(), *again("2017-03-01")]
    counts = ("started", "active", "exited")
    for first, last in (("w1", "w2"), ("w2", "w1")):
        one = [*both, left("2017-05-31", of=first)]
        assert [report(one)["figures"][name] for name in counts] == [1, 1, 0]
        ended = report([*one, left("2017-08-31", "moved", None, of=last)])["figures"]
        assert [ended[name] for name in counts] == [1, 0, 1]
        assert (ended["exits"]["moved"], ended["exits"]["restated"]) == (1, 1)


def test_a_mistaken_return_leaves_the_first_result_as_it_was() -> None:
    acts = [*begun(), left("2017-08-31")]
    mistaken = [*acts, *again("2017-10-02"), act("mistake", "2017-10-05", "w2", reason="wrong_person")]
    assert flat(report(mistaken)) == flat(report(acts))


def test_who_has_not_begun_is_where_the_standing_referral_is() -> None:
    refused = [referral(), act("decline", "2017-01-10", reason="no_place")]
    both = [*refused, referral("2017-02-01", "w2", person="p-w1")]
    found = report(both)
    assert (found["figures"]["received"], found["figures"]["declined"]) == (1, 0)
    assert found["where_now"]["received"] == 1


def test_steps_are_whole_days_and_an_even_count_takes_the_mean_of_the_two_in_the_middle() -> None:
    acts = [*begun(), referral("2017-01-03", "w2"), act("accept", "2017-01-13", "w2")]
    steps = {row["step"]: row for row in report(acts)["steps"]}
    assert steps["answer"] == {"step": "answer", "journeys": 2, "median_days": 8.5}
    assert steps["start"] == {"step": "start", "journeys": 1, "median_days": 7.0}
    assert steps["exit"] == {"step": "exit", "journeys": 0, "median_days": None}


def test_sessions_follow_their_corrections() -> None:
    acts = [
        *begun(),
        session("2017-02-01", "s1", "yes", 60),
        session("2017-02-02", "s2", "late", 90),
        session("2017-02-03", "s3", "no", 0),
        session("2017-02-06", "s4", "yes", 240),
        act(
            "correct_session",
            "2017-02-01",
            corrects="s1",
            session="s5",
            attendance="yes",
            minutes=120,
            void=False,
        ),
        act(
            "correct_session",
            "2017-02-06",
            corrects="s4",
            session="s6",
            attendance="yes",
            minutes=0,
            void=True,
        ),
    ]
    assert report(acts)["figures"]["sessions"] == {
        "logged": 3,
        "attended": 2,
        "late": 1,
        "missed": 1,
        "corrected": 2,
        "minutes": 210,
        "planned_minutes": 0,
        "marked_minutes": 0,
        "reached": None,
        "registers": 0,
        "registers_open": 0,
    }


def offer(on: str, name: str, until: str) -> Act:
    return act("offer", on, offer=name, to_organisation="bageri", deadline_on=date.fromisoformat(until))


def test_an_offer_stands_through_its_last_day_and_expires_the_day_after() -> None:
    acts = [*begun(), offer("2017-05-02", "h1", "2017-05-16")]
    assert report(acts, "2017-05-16")["figures"]["handovers"]["expired"] == 0
    assert report(acts, "2017-05-17")["figures"]["handovers"]["expired"] == 1


def test_every_answer_to_an_offer_is_counted_once() -> None:
    acts = [
        *begun(),
        offer("2017-05-02", "h1", "2017-05-16"),
        act("decline_offer", "2017-05-05", by="bageri", offer="h1", reason="no_capacity"),
        offer("2017-05-09", "h2", "2017-05-23"),
        act("recall_offer", "2017-05-12", offer="h2", reason="other_receiver"),
        offer("2017-05-16", "h3", "2017-05-30"),
        act("withdraw_consent", "2017-05-19", purpose="sharing"),
        offer("2017-05-23", "h4", "2017-06-06"),
        act("accept_offer", "2017-05-26", by="bageri", offer="h4"),
        offer("2017-06-06", "h5", "2017-06-20"),
        left("2017-06-09"),
    ]
    figures = report(acts)["figures"]
    assert figures["handovers"] == {"offered": 5, "accepted": 1, "declined": 1, "expired": 0, "recalled": 3}
    assert figures["handed_over"] == 1
    handover = next(row for row in report(acts)["steps"] if row["step"] == "handover")
    assert handover == {"step": "handover", "journeys": 1, "median_days": 3.0}


def test_an_exit_after_the_deadline_leaves_the_offer_expired() -> None:
    acts = [*begun(), offer("2017-05-02", "h1", "2017-05-16"), left("2017-05-19")]
    assert report(acts)["figures"]["handovers"] | {"offered": 1} == {
        "offered": 1,
        "accepted": 0,
        "declined": 0,
        "expired": 1,
        "recalled": 0,
    }


@pytest.mark.parametrize(
    ("as_of", "due", "missed", "stage"),
    [
        ("2017-09-27", (0, 0), (0, 0), "exited"),
        ("2017-09-28", (1, 0), (0, 0), "exited"),
        ("2017-10-28", (1, 0), (0, 0), "exited"),
        ("2017-10-29", (1, 0), (1, 0), "exited"),
        ("2018-02-27", (1, 0), (1, 0), "exited"),
        ("2018-02-28", (1, 1), (1, 0), "exited"),
        ("2018-04-14", (1, 1), (1, 0), "exited"),
        ("2018-04-15", (1, 1), (1, 1), "closed"),
    ],
)
def test_follow_ups_fall_due_and_are_missed_by_the_calendar(
    as_of: str, due: tuple[int, int], missed: tuple[int, int], stage: str
) -> None:
    """Exit 31 Aug 2017: due 28 Sep and, a shorter month, 28 Feb; waited for 30 and 45 days."""
    found = report([*begun(), left()], as_of)
    follow_ups = found["figures"]["follow_ups"]
    assert (follow_ups["28d"]["due"], follow_ups["6m"]["due"]) == due
    assert (follow_ups["28d"]["missed"], follow_ups["6m"]["missed"]) == missed
    assert found["where_now"][stage] == 1


def test_rates_leave_out_those_who_did_not_answer_and_say_how_many() -> None:
    acts = [
        *begun(),
        left(situation=None),
        act("answer_follow_up", "2017-10-03", follow_up="28d", situation="employed"),
    ]
    figures = report(acts)["figures"]
    assert figures["employed_at_exit"] == {
        "employed": 0,
        "known": 0,
        "missing": 1,
        "rate": None,
        "missing_share": 1.0,
    }
    assert figures["follow_ups"]["28d"] == {
        "due": 1,
        "answered": 1,
        "missed": 0,
        "employed": 1,
        "rate": 1.0,
        "missing_share": 0.0,
    }
    assert figures["follow_ups"]["6m"]["missing_share"] == 1.0


def test_the_deceased_are_asked_nothing_and_closed_at_once() -> None:
    found = report([*begun(), left(way="deceased", situation=None)], "2019-01-01")
    assert found["figures"]["exits"]["deceased"] == 1
    assert found["figures"]["employed_at_exit"]["missing"] == 0
    assert found["figures"]["follow_ups"]["28d"]["due"] == 0
    assert found["where_now"]["closed"] == 1


def test_a_group_follows_the_last_entry() -> None:
    acts = [*begun(), act("record_entry", "2017-02-01", **(ENTRY | {"gender": "non_binary", "isced": None}))]
    found = report(acts)
    assert found["by_gender"]["woman"]["started"] == 0
    assert found["by_gender"]["non_binary"]["started"] == 1
    assert found["figures"]["entries_complete"] == 0
    assert found["by_municipality"]["2482"]["received"] == 1


def test_who_comes_back_is_counted_as_re_referred() -> None:
    found = report([*begun(), referral("2018-01-02", "w2", previous="w1")])
    assert (found["figures"]["received"], found["figures"]["re_referred"]) == (2, 1)


def test_outputs_follow_their_corrections() -> None:
    acts = [
        act("log_output", "2017-03-07", "o1", output="workplace_carved", quantity=3, municipality="2482"),
        act("log_output", "2017-03-07", "o2", output="workplace_carved", quantity=2, municipality="2417"),
        act("correct_output", "2017-03-14", "o1", quantity=1),
        act("correct_output", "2017-03-14", "o2", quantity=0),
    ]
    row = next(row for row in report(acts)["outputs"] if row["output"] == "workplace_carved")
    assert (row["reached"], row["by_municipality"]) == (1, {"2482": 1, "2417": 0})


def test_a_report_that_says_the_same_agrees_whatever_it_is_called() -> None:
    own = report([*begun(), left()])
    said = {
        **own,
        "programme": "coactive",
        "programme_version": 3,
        "name": {"sv": "x"},
        "as_of": "2019-01-01",
    }
    said["outputs"] = [{**row, "target": 40, "name": {"sv": "x"}} for row in own["outputs"]]
    assert compare(said, own) == []


@pytest.mark.parametrize("part", ["figures", "by_gender", "where_now", "targets", "steps", "outputs"])
def test_a_single_difference_is_named_with_both_values(part: str) -> None:
    acts = [*begun(), session("2017-02-01", "s1"), left()]
    acts.append(
        act("log_output", "2017-03-07", "o1", output="workplace_carved", quantity=3, municipality="2482")
    )
    own = report(acts)
    figures = {name: value for name, value in flat(own).items() if name.startswith(part) and value}
    assert figures
    for name, value in figures.items():
        differences = compare(changed(own, name), own)
        assert [one for one in differences if one.startswith(f"{name}: ")], name
        assert all(str(value) in one for one in differences if one.startswith(f"{name}: "))


def changed(own: Any, figure: str) -> Any:
    """The same report with one figure a hundred higher."""

    def within(value: Any, path: str) -> Any:
        if isinstance(value, dict):
            return {name: within(inner, f"{path}.{name}" if path else name) for name, inner in value.items()}
        if isinstance(value, list):
            return [
                {name: within(inner, f"{path}.{row_name(row)}.{name}") for name, inner in row.items()}
                for row in value
            ]
        return value + 100 if path == figure else value

    def row_name(row: Any) -> str:
        place = row.get("municipality")
        return (
            row.get("step") or row.get("output") or (f"{row['figure']}.{place}" if place else row["figure"])
        )

    return within(own, "")


def test_a_figure_that_only_the_report_has_is_a_difference_unless_it_is_nought() -> None:
    own = report(begun())
    said = {**own, "by_municipality": {**own["by_municipality"], "0180": {"started": 2, "exited": 0}}}
    assert compare(said, own) == ["by_municipality.0180.started: the report says 2, the player counted None"]
