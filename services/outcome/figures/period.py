"""What a programme reached in a period, by provider or by municipality: the sum of its days. Pure.

Every figure stands here by the day that its declaration names; one that says how things stand now is in no period.
The numbers are exact, for those who may read the report, and are never published. Two periods that differ by a day
would together show what one person did.
"""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, get_args

from services.outcome.figures import cells as c
from services.outcome.figures.declared import FIGURES, SECTIONS, SHARES, STEPS
from services.outcome.figures.report import harmless, keys, median, rate
from shared.language.figures import EACH
from shared.language.programmes import Name, Programme
from shared.language.register import Register

By = Literal["provider", "municipality", "week", "month"]
BYS: tuple[By, ...] = get_args(By)

NO_PROVIDER = "none"
"""The group of what is counted at no provider: referrals that nobody has answered and that name nobody."""
Sums = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Period:
    """From the first day to the last, both included; by: how it is broken down, where it is."""

    first: date
    last: date
    by: By | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """A figure of a period: its code and label, what it counts, and its value from a group's sums."""

    code: str
    label: Name
    counts: str
    value: Callable[[Sums], float | None]


def build(
    days: Iterable[Mapping[str, Any]],
    programme: Programme,
    register: Register,
    period: Period,
    as_of: datetime,
) -> dict[str, Any]:
    """The period as JSON values, one row per figure and group. days: rows {provider, municipality, n: {code: amount}}.

    register: names the providers. `group` None: all groups together. Rates lie between 0 and 1; a rate or a median of
    nothing is None.
    """
    whole: Counter[str] = Counter()
    groups: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for day in days:
        whole.update(day["n"])
        if period.by is not None:
            groups[_group(day, period.by)].update(day["n"])
    named = list(_named(programme))
    among: list[tuple[str | None, str | None, Sums]] = [(None, None, whole)]
    among += [
        (code or NO_PROVIDER, name, groups[code])
        for code, name in _groups(programme, register, period.by, groups)
    ]
    return {
        "programme": programme.id,
        "programme_version": programme.version,
        "name": _texts(programme.name),
        "as_of": as_of.isoformat(),
        "period": {
            "from": period.first.isoformat(),
            "to": period.last.isoformat(),
            "by": period.by,
            "rows": [
                {
                    "figure": one.code,
                    "label": _texts(one.label),
                    "counts": one.counts,
                    "group": group,
                    "group_name": name,
                    "value": one.value(sums),
                }
                for group, name, sums in among
                for one in named
            ],
        },
    }


def _group(day: Mapping[str, Any], by: By) -> str:
    """The group that a day counts in: `2016-W53` by week (ISO 8601), `2016-06` by month."""
    if by == "month":
        return str(day["day"])[:7]
    if by == "week":
        year, week, _ = date.fromisoformat(day["day"]).isocalendar()
        return f"{year}-W{week:02}"
    return str(day[by])


def _groups(
    programme: Programme, register: Register, by: By | None, seen: Iterable[str]
) -> list[tuple[str, str | None]]:
    """Codes and names: the programme's municipalities, or the providers, weeks or months that something counted in.

    What was counted elsewhere comes last, without a name. Providers at which nothing was counted are left out: a
    programme may have thousands.
    """
    names: dict[str, str | None] = {}
    if by == "municipality":
        names = {one.code: one.name for one in programme.municipalities}
    if by == "provider":
        units = [found for one in seen if (found := register.unit(one)) is not None]
        names = {one.id: one.name for one in sorted(units, key=lambda one: one.name)}
    return [*names.items(), *((code, None) for code in sorted(set(seen) - set(names)))]


def _named(programme: Programme) -> Iterator[Named]:
    """Every figure of a period, in the order of the report: counts, rates, days between steps."""
    for figure in FIGURES:
        if figure.dated:
            for key in keys(figure, programme):
                code = figure.code_of(key)
                label = label_of(figure.name, programme, key, figure.section)
                yield Named(code, label, figure.counts, lambda sums, code=code: sums.get(code, 0))  # type: ignore[misc]
    for share in SHARES:
        for key in keys(_BY_CODE[share.figure], programme):
            part = share.figure.replace(EACH, key)
            among = [code.replace(EACH, key) for code in share.among]
            label = label_of(share.name, programme, key)
            yield Named(share.code.replace(EACH, key), label, "share", _share(part, among))
    for step in STEPS:
        yield Named(f"days/{step.code}", step.name, "median_days", _median(step.code))


_BY_CODE = {one.code: one for one in FIGURES}


def _share(part: str, among: list[str]) -> Callable[[Sums], float | None]:
    return lambda sums: rate(sums.get(part, 0), sum(sums.get(code, 0) for code in among))


def _median(step: str) -> Callable[[Sums], float | None]:
    prefix = c.days_cell(step, 0)[:-1]

    def of(sums: Sums) -> float | None:
        return median(
            {int(code.removeprefix(prefix)): n for code, n in sums.items() if code.startswith(prefix) and n}
        )

    return of


def label_of(name: Name, programme: Programme, key: str = "", section: str = "") -> Name:
    """A figure's name that can be read alone: with its section, and the name of its follow-up, activity or output."""
    follow_ups = {one.code: one.name for one in programme.follow_ups}
    named = {one.code: one.name for one in (*programme.outputs, *programme.activities)}

    def said(lang: Literal["sv", "en"]) -> str:
        text: str = getattr(name, lang)
        if key in follow_ups:
            text = text.replace("{when}", getattr(follow_ups[key], lang).lower())
        if key in named:
            text = text.replace("{what}", getattr(named[key], lang))
        return f"{getattr(SECTIONS[section], lang)}: {text}" if section in SECTIONS else text

    return Name(sv=said("sv"), en=said("en"))


COLUMNS = (
    "programme",
    "as_of",
    "from",
    "to",
    "by",
    "group",
    "group_name",
    "figure",
    "label_sv",
    "label_en",
    "counts",
    "value",
)


def as_csv(found: Mapping[str, Any], *, swedish: bool = False) -> str:
    """The period as one line per row (RFC 4180). swedish: as an Excel with Swedish settings opens it."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";" if swedish else ",")
    writer.writerow(COLUMNS)
    period = found["period"]
    for row in period["rows"]:
        texts = (
            *(found["programme"], found["as_of"], period["from"], period["to"], period["by"]),
            *(row["group"], row["group_name"], row["figure"], row["label"]["sv"], row["label"]["en"]),
            row["counts"],
        )
        value = "" if row["value"] is None else str(row["value"])
        writer.writerow([*map(harmless, texts), value.replace(".", ",") if swedish else value])
    return f"\ufeff{out.getvalue()}" if swedish else out.getvalue()


def _texts(name: Name) -> dict[str, str]:
    return {"sv": name.sv, "en": name.en}
