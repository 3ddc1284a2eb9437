"""The player's own count of every figure of the report, from what it did itself. Pure.

The second opinion: nothing here is read from the platform. `compare` names each figure on which the two
disagree. Source of the figures: docs/field.md, Who is counted.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import date
from fractions import Fraction
from typing import Any

from clients.player import registers
from clients.player.acts import Act
from clients.player.course import STAGES, Course, begin
from clients.player.persons import Counted, Pair, persons
from clients.player.programme import Programme

GENDERS = ("woman", "man", "non_binary", "not_known")
WAYS = ("by_plan", "interrupted", "moved", "deceased")
RATE_TOLERANCE = 0.0001
"""Rates are rounded to four decimals; their numerators and denominators are compared exactly."""
NOT_FIGURES = frozenset({"programme", "programme_version", "name", "as_of", "published_at"})
Report = Mapping[str, Any]


class Ledger:
    """Everything that was done and confirmed, by journey and by output.

    closed: when which provider is closed. groups: what was said of each last.
    """

    def __init__(self, programme: Programme) -> None:
        self.programme = programme
        self.courses: dict[str, Course] = {}
        self.outputs: dict[str, dict[str, Any]] = {}
        self.closed: defaultdict[str, list[tuple[date, date]]] = defaultdict(list)
        self.groups: dict[str, Mapping[str, Any]] = {}
        self.merged: set[Pair] = set()
        self.commands = 0

    def do(self, act: Act) -> None:
        """Take in one act that the platform has confirmed; those of one journey in their order."""
        self.commands += 1
        match act.deed:
            case (
                "register" | "erase" | "register_unit" | "begin_membership" | "open_topics" | "mark_register"
            ):
                pass
            case "close_unit":
                self.closed[act.by].append((act.says["first_on"], act.says["last_on"]))
            case "make_group" | "correct_group":
                self.groups[act.plan_key] = {**self.groups.get(act.plan_key, {}), **act.says}
            case "merge":
                self.merged.add((act.says["person"], act.says["other"]))
            case "part":
                self.merged.remove((act.says["person"], act.says["other"]))
            case "refer":
                self.courses[act.plan_key] = begin(act, self.programme)
            case "log_output":
                self.outputs[act.plan_key] = {**act.says, "by": act.by, "on": act.occurred_on}
            case "correct_output":
                self.outputs[act.plan_key]["quantity"] = act.says["quantity"]
            case _:
                self.courses[act.plan_key].do(act)

    def report(self, as_of: date) -> Report:
        """Every figure as it should stand on that day, in the shape of `GET /programmes/{id}/report`."""
        programme = self.programme
        self.expire(as_of)
        counted = self.persons()
        outputs = [self._output(code) for code in programme.outputs]
        return {
            "figures": _figures(counted, programme, as_of, self.registers(as_of)),
            "by_gender": {
                one: _by_group([person for person in counted if person.gender == one], programme, as_of)
                for one in GENDERS
            },
            "by_municipality": {
                one: _by_group([person for person in counted if person.municipality == one], programme, as_of)
                for one in programme.municipalities
            },
            "where_now": {
                stage: sum(one.now.stage(programme, as_of) == stage for one in counted) for stage in STAGES
            },
            "outputs": outputs,
            "targets": [
                {
                    "figure": target.figure,
                    "municipality": target.municipality,
                    "target": target.at_least,
                    "reached": self._reached(target.figure, target.municipality, counted, as_of),
                }
                for target in programme.targets
            ],
            "steps": _steps(counted),
        }

    def expire(self, today: date) -> None:
        """Let offers and silences end whose last day lies before today."""
        for one in self.courses.values():
            one.expire(today)

    def registers(self, as_of: date) -> dict[tuple[str, date, str], bool]:
        """The registers of the days before, by provider, day and municipality, and whether each has an open line."""
        return registers.counted(self.courses, self.groups, self.closed, as_of)

    def persons(self) -> list[Counted]:
        """The persons who count, as far as a human has said who is one."""
        return persons(self.courses.values(), self.merged)

    def _output(self, code: str) -> dict[str, Any]:
        by_place = dict.fromkeys(self.programme.municipalities, 0)
        for one in self.outputs.values():
            if one["output"] == code:
                by_place[one["municipality"]] += one["quantity"]
        return {"output": code, "reached": sum(by_place.values()), "by_municipality": by_place}

    def _reached(self, figure: str, municipality: str | None, counted: list[Counted], as_of: date) -> int:
        if figure in self.programme.outputs:
            output = self._output(figure)
            reached: int = output["by_municipality"][municipality] if municipality else output["reached"]
            return reached
        among = [one for one in counted if municipality in (None, one.municipality)]
        return _by_group(among, self.programme, as_of)[figure]


def _figures(
    counted: list[Counted], programme: Programme, as_of: date, kept: Mapping[tuple[str, date, str], bool]
) -> dict[str, Any]:
    whole = _by_group(counted, programme, as_of)
    courses = [course for one in counted for course in one.courses]
    sessions = [one for course in courses for one in course.sessions.values()]
    attended = [one for one in sessions if one.attendance in ("yes", "late")]
    offers = [one for course in courses for one in course.offers.values()]
    ended = [one.now for one in counted if one.now.exited_on]
    left = [one for one in ended if one.way != "deceased"]
    known = [one for one in left if one.situation is not None]
    employed = sum(one.situation == "employed" for one in known)
    return {
        **{name: whole[name] for name in COUNTS},
        "exits": {
            **{way: sum(one.way == way for one in ended) for way in WAYS},
            "restated": sum(one.exited_on is not None for one in courses) - len(ended),
        },
        "entries_complete": sum(one.complete for one in counted),
        "handovers": {
            "offered": len(offers),
            **{
                status: sum(one.status == status for one in offers)
                for status in ("accepted", "declined", "expired", "recalled")
            },
        },
        "sessions": {
            "logged": len(sessions),
            "attended": len(attended),
            "late": sum(one.attendance == "late" for one in sessions),
            "missed": sum(one.attendance == "no" for one in sessions),
            "corrected": sum(one.corrections for one in courses),
            "minutes": sum(one.counted for one in sessions),
            "planned_minutes": sum(one.planned or 0 for one in sessions),
            "marked_minutes": sum(one.marked for one in sessions),
            "reached": _rate(sum(one.marked for one in sessions), sum(one.planned or 0 for one in sessions)),
            "registers": len(kept),
            "registers_open": sum(kept.values()),
        },
        "employed_at_exit": {
            "employed": employed,
            "known": len(known),
            "missing": len(left) - len(known),
            "rate": _rate(employed, len(known)),
            "missing_share": _rate(len(left) - len(known), len(left)),
        },
        "follow_ups": {
            one.code: _follow_up(counted, programme, as_of, one.code) for one in programme.follow_ups
        },
    }


COUNTS: dict[str, Callable[[Counted], bool]] = {
    "received": lambda one: True,
    "declined": lambda one: one.entry.declined_on is not None,
    "withdrawn": lambda one: one.entry.withdrawn_on is not None,
    "accepted": lambda one: one.entry.accepted_on is not None,
    "started": lambda one: one.entry.started_on is not None,
    "active": lambda one: one.now.started_on is not None and one.now.exited_on is None,
    "ready": lambda one: one.now.ready_on is not None,
    "handed_over": lambda one: any(offer.status == "accepted" for offer in one.now.offers.values()),
    "exited": lambda one: one.now.exited_on is not None,
    "re_referred": lambda one: one.again_on is not None,
}
"""Which persons each figure counts."""


def _by_group(group: list[Counted], programme: Programme, as_of: date) -> dict[str, int]:
    """The counts that the report gives of all, by gender and by municipality."""
    found = {name: sum(map(counts, group)) for name, counts in COUNTS.items()}
    found["employed_at_exit_employed"] = sum(
        one.now.situation == "employed" for one in group if one.now.exited_on and one.now.way != "deceased"
    )
    for follow_up in programme.follow_ups:
        found[f"employed_{follow_up.code}"] = sum(
            one.now.follow_up(follow_up.code, programme, as_of) == "answered"
            and one.now.answers[follow_up.code] == "employed"
            for one in group
        )
    return found


def _follow_up(counted: list[Counted], programme: Programme, as_of: date, code: str) -> dict[str, Any]:
    statuses = [one.now.follow_up(code, programme, as_of) for one in counted]
    answered, missed = statuses.count("answered"), statuses.count("missed")
    employed = sum(one.now.answers.get(code) == "employed" for one in counted)
    return {
        "due": len(statuses) - statuses.count(None),
        "answered": answered,
        "missed": missed,
        "employed": employed,
        "rate": _rate(employed, answered),
        "missing_share": _rate(missed, answered + missed),
    }


def _steps(counted: list[Counted]) -> list[dict[str, Any]]:
    """Whole days of each step, and their median. Source: docs/field.md, Questions of a steering group."""
    first, now = [one.entry for one in counted], [one.now for one in counted]
    offers = [offer for one in counted for course in one.courses for offer in course.offers.values()]
    days = {
        "answer": [_days(one.referred_on, one.accepted_on) for one in first],
        "start": [_days(one.accepted_on, one.started_on) for one in first],
        "ready": [_days(one.started_on, one.ready_on) for one in now],
        "handover": [_days(offer.offered_on, offer.answered_on) for offer in offers],
        "exit": [_days(one.started_on, one.exited_on) for one in now],
    }
    steps = []
    for step, among in days.items():
        known = sorted(one for one in among if one is not None)
        steps.append({"step": step, "journeys": len(known), "median_days": _median(known)})
    return steps


def _days(first: date | None, last: date | None) -> int | None:
    return (last - first).days if first and last else None


def _median(values: list[int]) -> float | None:
    if not values:
        return None
    middle = len(values) // 2
    return float(values[middle]) if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def _rate(part: int, whole: int) -> float | None:
    return float(Fraction(part, whole)) if whole else None


# --- the comparison -----------------------------------------------------------------------------------


def compare(report: Report, own: Report) -> list[str]:
    """Each figure on which the report and the player's own count differ, with both values; none means right.

    A figure that only one of them has is a difference unless it is nought or empty there.
    """
    theirs, ours = flat(report), flat(own)
    differences = []
    for figure in sorted(theirs.keys() | ours.keys()):
        said, counted = theirs.get(figure), ours.get(figure)
        both = figure in theirs and figure in ours
        if not (_agree(figure, said, counted) if both else not said and not counted):
            differences.append(f"{figure}: the report says {said}, the player counted {counted}")
    return differences


def _agree(figure: str, said: float | None, counted: float | None) -> bool:
    if figure.endswith((".rate", ".missing_share", ".reached")) and said is not None and counted is not None:
        return abs(said - counted) <= RATE_TOLERANCE
    return said == counted


def flat(report: Report) -> dict[str, float | None]:
    """`{"figures.sessions.logged": 12, …}`: lists by what names their rows, labels left out."""
    found: dict[str, float | None] = {}
    _flatten("", {name: value for name, value in report.items() if name not in NOT_FIGURES}, found)
    return found


def _flatten(path: str, value: Any, found: dict[str, float | None]) -> None:
    match value:
        case Mapping():
            for name, inner in value.items():
                _flatten(f"{path}.{name}" if path else name, inner, found)
        case list():
            for row in value:
                _flatten(f"{path}.{_row_name(row)}", _figures_of(row), found)
        case bool() | str():
            pass
        case _:
            found[path] = value


def _row_name(row: Mapping[str, Any]) -> str:
    if "figure" in row:
        return f"{row['figure']}.{row['municipality']}" if row.get("municipality") else str(row["figure"])
    return str(row.get("output") or row.get("step"))


def _figures_of(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A row of outputs repeats its target, which is in `targets` already."""
    return {
        name: value
        for name, value in row.items()
        if name != "name" and not ("output" in row and name == "target")
    }
