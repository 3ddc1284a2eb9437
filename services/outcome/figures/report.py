"""The report of a programme, built of nothing but summed cells: a pure function, so that anyone can recount it.

Which figures it has, and where each stands, is declared in `declared`. A figure that nothing was counted in is 0, a
rate of nothing is None.
The numbers here are exact; what may be shown outside is `disclosure.publish` of this.
"""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from services.outcome.figures import cells as c
from services.outcome.figures.declared import BROKEN_DOWN, FIGURES, SHARES, STEPS
from services.outcome.figures.figure import (
    Breakdown,
    Figure,
    OfActivities,
    OfFollowUp,
    OfOutputs,
    Section,
    Share,
)
from shared.language.figures import EACH
from shared.language.programmes import Coded, Name, Programme

Report = dict[str, Any]
Cells = Mapping[str, int]

GROUPED_SECTIONS: tuple[Section, ...] = ("exits", "handovers", "sessions", "employed_at_exit")
"""Sections of the report's `figures` whose parts stand together under the section's name."""


def summed(rows: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """The cells of rows {cell, shard, n}, each summed over its shards."""
    cells: Counter[str] = Counter()
    for row in rows:
        cells[row["cell"]] += row["n"]
    return cells


def build(cells: Cells, programme: Programme, as_of: datetime) -> Report:
    """The report as JSON values. cells: the programme's sums; as_of: the moment they were read, UTC.

    Days are whole Swedish calendar days, minutes are minutes, rates lie between 0 and 1.
    """
    places = _municipalities(cells, programme)
    return {
        "programme": programme.id,
        "programme_version": programme.version,
        "name": _name(programme.name),
        "as_of": as_of.isoformat(),
        "figures": _figures(cells, programme),
        "by_gender": {gender: _broken_down(cells, programme, "gender", gender) for gender in c.GENDERS},
        "by_municipality": {place: _broken_down(cells, programme, "municipality", place) for place in places},
        "where_now": _section(cells, "where_now"),
        "outputs": [_output(cells, programme, output, places) for output in programme.outputs],
        "targets": [
            {
                "figure": target.figure,
                "municipality": target.municipality,
                "target": target.at_least,
                "reached": _reached(cells, programme, target.figure, target.municipality),
            }
            for target in programme.targets
        ],
        "steps": [_step(cells, step.code) for step in STEPS],
    }


def _broken_down(cells: Cells, programme: Programme, breakdown: Breakdown, group: str) -> dict[str, int]:
    """The figures of one group: {code: count}."""
    codes = [figure.code_of(key) for figure in BROKEN_DOWN for key in keys(figure, programme)]
    return {code: cells.get(c.grouped(code, breakdown, group), 0) for code in codes}


def keys(figure: Figure, programme: Programme) -> list[str]:
    """What stands for EACH in the code: the programme's follow-ups, activities or outputs; else one empty text."""
    match figure.rule:
        case OfFollowUp():
            return [one.code for one in programme.follow_ups]
        case OfActivities():
            return [one.code for one in programme.activities if not one.special_category]
        case OfOutputs():
            return [one.code for one in programme.outputs]
    return [""]


def _section(cells: Cells, section: Section, key: str = "") -> dict[str, Any]:
    """The figures of one section, each under the name of its part, then the section's rates."""
    counts = {one.part: cells.get(one.code_of(key), 0) for one in FIGURES if one.section == section}
    rates = {one.part: share_of(cells, one, key) for one in SHARES if one.section == section}
    return {**counts, **rates}


def share_of(cells: Cells, share: Share, key: str = "") -> float | None:
    """A figure's share of the others; None where nobody counts in them."""
    whole = sum(cells.get(code.replace(EACH, key), 0) for code in share.among)
    return rate(cells.get(share.figure.replace(EACH, key), 0), whole)


def _output(cells: Cells, programme: Programme, output: Coded, places: Iterable[str]) -> dict[str, Any]:
    cell = c.output_cell(output.code)
    return {
        "output": output.code,
        "name": _name(output.name),
        "reached": cells.get(cell, 0),
        "target": _target(programme, output.code),
        "by_municipality": {place: cells.get(c.grouped(cell, "municipality", place), 0) for place in places},
    }


def _name(name: Name) -> dict[str, str]:
    return {"sv": name.sv, "en": name.en}


def _figures(cells: Cells, programme: Programme) -> dict[str, Any]:
    return {
        **_section(cells, "figures"),
        **{section: _section(cells, section) for section in GROUPED_SECTIONS},
        "follow_ups": {one.code: _section(cells, "follow_ups", one.code) for one in programme.follow_ups},
    }


def rate(part: int, whole: int) -> float | None:
    """The part of the whole, to four decimals; None where there is no whole."""
    return round(part / whole, 4) if whole else None


def _municipalities(cells: Cells, programme: Programme) -> list[str]:
    own = [place.code for place in programme.municipalities]
    seen = {
        cell.partition("@municipality=")[2] for cell, n in cells.items() if n and "@municipality=" in cell
    }
    return own + sorted(seen - set(own))


def _target(programme: Programme, figure: str) -> int | None:
    of_figure = [target for target in programme.targets if target.figure == figure]
    overall = [target.at_least for target in of_figure if target.municipality is None]
    local = [target.at_least for target in of_figure if target.municipality is not None]
    return overall[0] if overall else sum(local) or None


def _reached(cells: Cells, programme: Programme, figure: str, municipality: str | None) -> int:
    is_output = any(output.code == figure for output in programme.outputs)
    counted = c.output_cell(figure) if is_output else figure
    return cells.get(counted if municipality is None else c.grouped(counted, "municipality", municipality), 0)


def _step(cells: Cells, step: str) -> dict[str, Any]:
    prefix = f"days/{step}/"
    histogram = {int(cell[len(prefix) :]): n for cell, n in cells.items() if cell.startswith(prefix) and n}
    return {"step": step, "journeys": sum(histogram.values()), "median_days": median(histogram)}


def median(histogram: Mapping[int, int]) -> float | None:
    """The median of {days: how often}: the mean of the two in the middle where the count is even."""
    count = sum(histogram.values())
    if not count:
        return None
    lower, upper = _nth(histogram, (count - 1) // 2), _nth(histogram, count // 2)
    return (lower + upper) / 2


def _nth(histogram: Mapping[int, int], index: int) -> int:
    seen = 0
    for days in sorted(histogram):
        seen += histogram[days]
        if index < seen:
            return days
    raise IndexError(index)


FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
CSV_COLUMNS = ("programme", "as_of", "section", "group", "figure", "value")


def as_csv(report: Report) -> str:
    """The report as one row per number (RFC 4180): section, group, figure, value; no value where there is none."""
    return _written(report, ",", str)


def as_swedish_csv(report: Report) -> str:
    """The same as an Excel with Swedish settings opens it: semicolons, decimal commas, and a mark that says UTF-8."""
    return f"\ufeff{_written(report, ';', lambda value: str(value).replace('.', ','))}"


def _written(report: Report, delimiter: str, number: Callable[[float], str]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(CSV_COLUMNS)
    for section, group, figure, value in flat(report):
        texts = [harmless(one) for one in (report["programme"], report["as_of"], section, group, figure)]
        writer.writerow([*texts, "" if value is None else number(value)])
    return out.getvalue()


def harmless(text: str | None) -> str:
    """A text that no spreadsheet takes for a formula; nothing where there is none."""
    if text is None:
        return ""
    return f"'{text}" if text.startswith(FORMULA_SIGNS) else text


def flat(report: Report) -> Iterator[tuple[str, str, str, Any]]:
    """Every number of the report as (section, group, figure, value)."""
    for figure, value in report["figures"].items():
        if figure == "follow_ups":
            for code, parts in value.items():
                yield from ((figure, code, part, number) for part, number in parts.items())
        elif isinstance(value, dict):
            yield from ((figure, "", part, number) for part, number in value.items())
        else:
            yield "figures", "", figure, value
    for section in ("by_gender", "by_municipality"):
        for group, row in report[section].items():
            yield from ((section, group, figure, number) for figure, number in row.items())
    yield from (("where_now", "", place, number) for place, number in report["where_now"].items())
    for output in report["outputs"]:
        yield "outputs", "", output["output"], output["reached"]
        yield from (("outputs", place, output["output"], n) for place, n in output["by_municipality"].items())
    for target in report["targets"]:
        yield "targets", target["municipality"] or "", target["figure"], target["target"]
        yield "targets_reached", target["municipality"] or "", target["figure"], target["reached"]
    for step in report["steps"]:
        yield "steps", step["step"], "journeys", step["journeys"]
        yield "steps", step["step"], "median_days", step["median_days"]
