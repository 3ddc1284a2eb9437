"""Cohorts of any shape, ended ones too, as the projector would count them: many people alike, and a few odd ones."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from services.outcome.figures import cells as c
from services.outcome.figures.report import build
from tests.support.fakes import noon
from tests.support.figure_cells import EMPLOYED_AT_EXIT, PLACES, WAYS_OUT, employed_at, follow_up_cell
from tests.support.outcome_programme import PROGRAMME, TODAY

LEFT = ("exited", "closed")
ACTIVE = ("started", "ready")


@dataclass(frozen=True, slots=True)
class Kind:
    """Journeys that agree in everything that is counted. `answers`: at 28 days and at six months."""

    gender: str
    municipality: str
    stage: str
    way: str
    employed: bool | None
    was_ready: bool
    handed_over: bool
    again: bool
    answers: tuple[str, str]

    def figures(self) -> list[str]:
        """The figures that such a journey counts in, once each."""
        started = self.stage in (*ACTIVE, *LEFT)
        left = self.stage in LEFT
        at = dict(zip(("28d", "6m"), self.answers, strict=True)) if left and self.way != "deceased" else {}
        counted = {
            "received": True,
            "declined": self.stage == "declined",
            "withdrawn": self.stage == "withdrawn",
            "accepted": started or self.stage == "accepted",
            "started": started,
            "active": self.stage in ACTIVE,
            "ready": self.stage == "ready" or (left and self.was_ready),
            "handed_over": started and self.handed_over,
            "exited": left,
            "re_referred": self.again,
            EMPLOYED_AT_EXIT: left and self.way != "deceased" and self.employed is True,
            **{employed_at(code): answer == "employed" for code, answer in at.items()},
        }
        return [figure for figure, counts in counted.items() if counts]

    def details(self) -> list[str]:
        """The cells that are not broken down."""
        figures = self.figures()
        found = [f"where/{self.stage}"]
        steps = {"answer": "accepted", "start": "started", "ready": "ready", "exit": "exited"}
        found += [c.days_cell(step, 7) for step, figure in steps.items() if figure in figures]
        if "accepted" in figures and self.gender != "not_known":
            found.append("entries_complete")
        if "handed_over" in figures:
            found += ["handover/offered", "handover/accepted", c.days_cell("handover", 3)]
        if self.stage in LEFT:
            found.append(f"exit/{self.way}")
            if self.way != "deceased":
                found.append(
                    "employed_at_exit/missing" if self.employed is None else "employed_at_exit/known"
                )
                for code, answer in zip(("28d", "6m"), self.answers, strict=True):
                    found += [follow_up_cell(code, "due")] if answer != "early" else []
                    found += [follow_up_cell(code, "missed")] if answer == "missed" else []
                    found += [follow_up_cell(code, "answered")] if answer in ("employed", "other") else []
        return found


def report_of(cohort: Mapping[Kind, int]) -> dict[str, Any]:
    """The exact report on so many journeys of each kind."""
    cells: Counter[str] = Counter()
    for kind, people in cohort.items():
        for figure in kind.figures():
            cells[figure] += people
            cells[c.grouped(figure, "gender", kind.gender)] += people
            cells[c.grouped(figure, "municipality", kind.municipality)] += people
        for cell in kind.details():
            cells[cell] += people
    return build(cells, PROGRAMME, noon(TODAY))


def _kinds(*stages: str) -> st.SearchStrategy[Kind]:
    answer = st.sampled_from(("employed", "other", "missed", "early"))
    return st.builds(
        Kind,
        gender=st.sampled_from(("woman", "woman", "man", "man", "non_binary", "not_known")),
        municipality=st.sampled_from(("2482", "2482", "2417")),
        stage=st.sampled_from(stages),
        way=st.sampled_from(("by_plan", "by_plan", *WAYS_OUT)),
        employed=st.sampled_from((True, False, None)),
        was_ready=st.booleans(),
        handed_over=st.booleans(),
        again=st.booleans(),
        answers=st.tuples(answer, answer),
    )


PEOPLE = st.one_of(st.integers(1, 6), st.integers(1, 90))
UNDER_WAY = st.dictionaries(_kinds(*PLACES), PEOPLE, max_size=14)
ENDED = st.dictionaries(_kinds(*LEFT, *LEFT, "declined", "withdrawn"), PEOPLE, max_size=14)
COHORTS = st.one_of(UNDER_WAY, ENDED).map(report_of)
