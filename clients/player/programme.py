"""The parts of the programme's document that the player needs, as `GET /programmes/{id}` answers it.

No fact about CoActive is written twice. Organisations, roles, reasons, deadlines and targets come from the document,
so the player also plays a later version of the programme. Pure.
"""

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class FollowUp:
    """When a follow-up falls after the exit day, and how many days its answer is waited for."""

    code: str
    days: int | None
    months: int | None
    answer_within_days: int

    def due_on(self, exited_on: date) -> date:
        """The follow-up's day. Months: same day of the month or the last of a shorter one (docs/field.md, Days)."""
        if self.days is not None:
            return exited_on + timedelta(days=self.days)
        month = exited_on.month - 1 + (self.months or 0)
        year, month = exited_on.year + month // 12, month % 12 + 1
        return date(year, month, min(exited_on.day, calendar.monthrange(year, month)[1]))

    def answer_by(self, exited_on: date) -> date:
        """The last day on which an answer is taken."""
        return self.due_on(exited_on) + timedelta(days=self.answer_within_days)


@dataclass(frozen=True, slots=True)
class Target:
    """The value of a figure that the programme aims at, in one municipality or in all."""

    figure: str
    at_least: int
    municipality: str | None


@dataclass(frozen=True, slots=True)
class Programme:
    """One programme as a client needs to know it. refers: the role of an agency that refers, and does nothing else.

    open_activities: those whose names reveal nothing of health.
    """

    id: str
    name: Mapping[str, str]
    owner: str
    starts_on: date
    ends_on: date
    municipalities: Mapping[str, str]
    may: Mapping[str, frozenset[str]]
    refers: str
    activities: tuple[str, ...]
    open_activities: tuple[str, ...]
    competences: tuple[str, ...]
    competence_levels: int
    indicators: tuple[str, ...]
    measure_every_months: int
    answer_within_days: int | None
    handover_kinds: tuple[str, ...]
    handover_max_days: int
    follow_ups: tuple[FollowUp, ...]
    outputs: Mapping[str, Mapping[str, str]]
    targets: tuple[Target, ...]
    decline_reasons: tuple[str, ...]
    pass_on_reasons: tuple[str, ...]
    withdraw_reasons: tuple[str, ...]
    mistake_reasons: tuple[str, ...]
    absence_reasons: tuple[str, ...]
    asks_for_text: frozenset[str]
    told_reasons: frozenset[str]
    counted_reasons: frozenset[str]
    report_duties: tuple[Mapping[str, Any], ...]
    handover_decline_reasons: tuple[str, ...]
    recall_reasons: tuple[str, ...]
    exit_reasons: Mapping[str, tuple[str, ...]]

    def those_who_may(self, *actions: str) -> tuple[str, ...]:
        """Organisations that the role map lets do all of these, in the document's order."""
        return tuple(one for one, may in self.may.items() if may.issuperset(actions))

    def text_of(self, reason: str) -> str | None:
        """Words beside a reason of absence, where it asks for them."""
        return "Bussen var inställd." if reason in self.asks_for_text else None

    def reported_within(self, referrer: str) -> int | None:
        """Within how many working days this referrer acknowledges a report of an absence; None: it is told of none."""
        duties = {one.get("referrer"): one for one in self.report_duties if one["kind"] == "deviation"}
        duty = duties.get(referrer) or duties.get(None)
        return None if duty is None else int(duty["within_working_days"])

    def follow_up(self, code: str) -> FollowUp:
        """The follow-up of that code."""
        return next(one for one in self.follow_ups if one.code == code)


def read(document: Mapping[str, Any]) -> Programme:
    """Read a programme's document.

    Raises KeyError naming the field when the document lacks one that the player needs.
    """
    roles = {role["code"]: frozenset(role["may"]) for role in document["roles"]}
    reasons = document["reasons"]
    ways: dict[str, tuple[str, ...]] = {}
    for reason in reasons["exit"]:
        for way in reason["ways"]:
            ways[way] = (*ways.get(way, ()), reason["code"])
    return Programme(
        id=document["id"],
        name=document["name"],
        owner=document["owner"],
        starts_on=_day(document["starts_on"]),
        ends_on=_day(document["ends_on"]),
        municipalities={place["code"]: place["name"] for place in document["municipalities"]},
        may={
            one["id"]: frozenset[str]().union(*(roles[role] for role in one["roles"]))
            for one in document["organisations"]
        },
        refers=next(code for code, may in roles.items() if "refer" in may and "answer_referral" not in may),
        activities=_codes(document["activities"]),
        open_activities=_codes([one for one in document["activities"] if not one.get("special_category")]),
        competences=_codes(document["competences"]),
        competence_levels=document["competence_levels"],
        indicators=_codes(document["progress"]["indicators"]),
        measure_every_months=document["progress"]["every_months"],
        answer_within_days=document.get("answer_within_days"),
        handover_kinds=tuple(document["handover_kinds"]),
        handover_max_days=document["handover_max_days"],
        follow_ups=tuple(
            FollowUp(one["code"], one.get("days"), one.get("months"), one["answer_within_days"])
            for one in document["follow_ups"]
        ),
        outputs={one["code"]: one["name"] for one in document["outputs"]},
        targets=tuple(
            Target(one["figure"], one["at_least"], one.get("municipality")) for one in document["targets"]
        ),
        decline_reasons=_codes(reasons["decline"]),
        pass_on_reasons=_codes([one for one in reasons["decline"] if one["refused_by"] == "provider"]),
        withdraw_reasons=_codes(reasons["withdraw"]),
        mistake_reasons=_codes(reasons["mistake"]),
        absence_reasons=_codes(reasons["absence"]),
        asks_for_text=frozenset(one["code"] for one in reasons["absence"] if one.get("asks_for_text")),
        counted_reasons=frozenset(one["code"] for one in reasons["absence"] if one.get("counts_as_attended")),
        told_reasons=frozenset(one["code"] for one in reasons["absence"] if one.get("told_to_referrer")),
        report_duties=tuple(document.get("report_duties", ())),
        handover_decline_reasons=_codes(reasons["handover_decline"]),
        recall_reasons=_codes(reasons["recall"]),
        exit_reasons=ways,
    )


def _codes(among: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(one["code"] for one in among)


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)
