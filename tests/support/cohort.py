"""A made-up cohort whose figures move with the day: for looking at the page, and for testing what it shows.

Seeded, so that a day always gives the same figures. Counts as the projector would, from a few dates per person.
"""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from services.outcome.figures import cells as c
from shared.language.days import months_after
from tests.support.figure_cells import EMPLOYED_AT_EXIT, WAYS_OUT, employed_at, follow_up_cell


@dataclass(frozen=True, slots=True)
class Person:
    """One journey's dates; None is never."""

    gender: str
    municipality: str
    received_on: date
    refusal: str | None
    answered_on: date
    started_on: date
    ready_on: date
    exited_on: date
    way: str
    situation: str | None
    handed_over: bool
    later: tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class Cohort:
    """So many people, referred one after another from a day on."""

    people: tuple[Person, ...]
    first_on: date

    def cells_on(self, day: date) -> dict[str, int]:
        """The projector's cells as they would stand at the end of the day."""
        cells: Counter[str] = Counter()
        for person in self.people:
            if person.received_on <= day:
                _count(cells, person, day)
        months = max(0, (day - self.first_on).days // 30)
        for output, pace in (("workplace_carved", 1.3), ("manager_trained", 2.1)):
            north = int(months * pace * 0.3)
            cells[c.output_cell(output)] = int(months * pace)
            cells[c.grouped(c.output_cell(output), "municipality", "2417")] = north
            cells[c.grouped(c.output_cell(output), "municipality", "2482")] = int(months * pace) - north
        for place, month in (("2482", 14), ("2417", 26)):
            made = int(months >= month)
            cells[c.output_cell("social_enterprise_established")] += made
            cells[c.grouped(c.output_cell("social_enterprise_established"), "municipality", place)] = made
        return dict(cells)


def make_cohort(
    seed: int = 7, people: int = 190, first_on: date = date(2016, 2, 1), days: int = 720
) -> Cohort:
    """A cohort of the size of CoActive."""
    chance = random.Random(seed)
    return Cohort(tuple(_person(chance, first_on, days) for _ in range(people)), first_on)


def _person(chance: random.Random, first_on: date, days: int) -> Person:
    received_on = first_on + timedelta(days=chance.randrange(days))
    answered_on = received_on + timedelta(days=1 + int(chance.expovariate(1 / 6)))
    started_on = answered_on + timedelta(days=3 + int(chance.expovariate(1 / 14)))
    ready_on = started_on + timedelta(days=90 + int(chance.expovariate(1 / 120)))
    answers: list[str | None] = ["employed", "employed", "student", "unemployed", "inactive", None]
    return Person(
        gender=chance.choices(c.GENDERS, (52, 44, 2, 6))[0],
        municipality=chance.choices(("2482", "2417"), (7, 3))[0],
        received_on=received_on,
        refusal=chance.choices((None, "declined", "withdrawn"), (82, 12, 6))[0],
        answered_on=answered_on,
        started_on=started_on,
        ready_on=ready_on,
        exited_on=ready_on + timedelta(days=20 + int(chance.expovariate(1 / 60))),
        way=chance.choices(WAYS_OUT, (78, 16, 5, 1))[0],
        situation=chance.choice(answers),
        handed_over=chance.random() < 0.6,
        later=(chance.choice(answers), chance.choice(answers)),
    )


def _count(cells: Counter[str], person: Person, day: date) -> None:
    for figure in _reached(person, day):
        cells[figure] += 1
        cells[c.grouped(figure, "gender", person.gender)] += 1
        cells[c.grouped(figure, "municipality", person.municipality)] += 1
    cells[f"where/{_place(person, day)}"] += 1
    if person.refusal is not None:
        return
    for step, begun_on, done_on in (
        ("answer", person.received_on, person.answered_on),
        ("start", person.answered_on, person.started_on),
        ("ready", person.started_on, person.ready_on),
        ("exit", person.started_on, person.exited_on),
    ):
        if done_on <= day:
            cells[c.days_cell(step, (done_on - begun_on).days)] += 1
    if person.started_on <= day:
        cells["entries_complete"] += person.gender != "not_known"
        weeks = (min(day, person.exited_on) - person.started_on).days // 7
        for part, share in (
            ("logged", 1.0),
            ("attended", 0.86),
            ("late", 0.09),
            ("missed", 0.14),
            ("corrected", 0.02),
        ):
            cells[f"session/{part}"] += round(2 * weeks * share)
        cells["session/minutes"] += round(2 * weeks * 0.86) * 180
    if person.ready_on <= day:
        _count_handover(cells, person)
    if person.exited_on <= day:
        _count_exit(cells, person, day)


def _count_handover(cells: Counter[str], person: Person) -> None:
    refusals = ("declined", "expired", "recalled")
    answer = "accepted" if person.handed_over else refusals[person.ready_on.toordinal() % 3]
    cells["handover/offered"] += 1
    cells[f"handover/{answer}"] += 1
    if person.handed_over:
        cells[c.days_cell("handover", 2 + person.ready_on.day % 9)] += 1


def _count_exit(cells: Counter[str], person: Person, day: date) -> None:
    cells[f"exit/{person.way}"] += 1
    if person.way == "deceased":
        return
    cells["employed_at_exit/known" if person.situation else "employed_at_exit/missing"] += 1
    for code, situation, due_on, ends_on in _follow_ups(person):
        if due_on <= day:
            cells[follow_up_cell(code, "due")] += 1
            if ends_on <= day:
                cells[follow_up_cell(code, "answered" if situation else "missed")] += 1


def _follow_ups(person: Person) -> list[tuple[str, str | None, date, date]]:
    first, second = person.exited_on + timedelta(days=28), months_after(person.exited_on, 6)
    return [
        ("28d", person.later[0], first, first + timedelta(days=31 if person.later[0] is None else 9)),
        ("6m", person.later[1], second, second + timedelta(days=46 if person.later[1] is None else 12)),
    ]


def _reached(person: Person, day: date) -> list[str]:
    if person.refusal is not None:
        return ["received", *([person.refusal] if person.answered_on <= day else [])]
    dates: Mapping[str, date] = {
        "received": person.received_on,
        "accepted": person.answered_on,
        "started": person.started_on,
        "ready": person.ready_on,
        "exited": person.exited_on,
    }
    figures = [figure for figure, on in dates.items() if on <= day]
    if person.started_on <= day < person.exited_on:
        figures.append("active")
    if person.handed_over and person.ready_on <= day:
        figures.append("handed_over")
    if person.exited_on <= day and person.way != "deceased":
        if person.situation == "employed":
            figures.append(EMPLOYED_AT_EXIT)
        figures += [
            employed_at(code)
            for code, answer, _, ends_on in _follow_ups(person)
            if answer == "employed" and ends_on <= day
        ]
    return figures


def _place(person: Person, day: date) -> str:
    if person.refusal is not None:
        return person.refusal if person.answered_on <= day else "received"
    last_on = _follow_ups(person)[1][3]
    stages = [
        ("closed", person.exited_on if person.way == "deceased" else last_on),
        ("exited", person.exited_on),
        ("ready", person.ready_on),
        ("started", person.started_on),
        ("accepted", person.answered_on),
    ]
    return next((stage for stage, on in stages if on <= day), "received")
