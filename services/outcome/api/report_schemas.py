"""The shape of the report on the wire: its parts follow from the declarations of the figures."""

from typing import Any, cast

from marshmallow import Schema, validate
from marshmallow import fields as ma

from services.outcome.figures.declared import FIGURES, SHARES
from services.outcome.figures.figure import Figure, Section, Share
from services.outcome.figures.period import BYS, NO_PROVIDER, By, Period
from services.outcome.figures.report import GROUPED_SECTIONS, Report
from shared.edge.fields import Day, QuerySchema
from shared.language.errors import Invalid


class ReportArguments(QuerySchema):
    """Which figures: as they are now, or of a period. How they are written; Accept decides where `format` does not.

    csv: by RFC 4180. csv-sv: for an Excel with Swedish settings, with semicolons, decimal commas and a mark of UTF-8.
    """

    from_ = Day(data_key="from", metadata={"description": "first day of the period; goes with `to`"})
    to = Day(metadata={"description": "last day of the period, which is part of it; goes with `from`"})
    by = ma.String(
        validate=validate.OneOf(BYS),
        metadata={"description": "breaks the period down; goes with `from` and `to`"},
    )
    format = ma.String(
        validate=validate.OneOf(["json", "csv", "csv-sv"]),
        metadata={
            "description": "csv: by RFC 4180; csv-sv: for an Excel with Swedish settings, with semicolons, decimal"
            " commas and a byte order mark; where it is not given Accept decides, and JSON comes first"
        },
    )


def wanted_period(wanted: dict[str, Any]) -> Period | None:
    """The period that is asked for; None: the figures as they are now. Raises Invalid, naming the parameter."""
    first, last, by = wanted.get("from_"), wanted.get("to"), wanted.get("by")
    if first is None and last is None and by is None:
        return None
    if first is None or last is None:
        missing = [name for name, day in (("from", first), ("to", last)) if day is None]
        raise Invalid(
            {name: ["Is missing; a period has from and to, each a day as yyyy-mm-dd."] for name in missing}
        )
    if first > last:
        raise Invalid({"from": [f"Lies after to; takes a day up to {last.isoformat()}."]})
    return Period(first, last, cast(By | None, by))


def _meaning(one: Figure | Share) -> str:
    """What it means, for whichever follow-up or output."""
    return one.means.en.replace("{when}", "of its day").replace("{what}", "of its kind")


def _counts(section: Section) -> dict[str, Any]:
    parts: dict[str, Any] = {
        one.part: ma.Integer(metadata={"description": _meaning(one)})
        for one in FIGURES
        if one.section == section
    }
    shares = {
        one.part: ma.Float(allow_none=True, metadata={"description": _meaning(one)})
        for one in SHARES
        if one.section == section
    }
    return {**parts, **shares}


def _part(section: Section, name: str) -> Any:
    return ma.Nested(Schema.from_dict(_counts(section), name=name))


Figures = Schema.from_dict(
    {
        **_counts("figures"),
        **{
            section: _part(section, f"Figures{section.title().replace('_', '')}")
            for section in GROUPED_SECTIONS
        },
        "follow_ups": ma.Dict(keys=ma.String(), values=_part("follow_ups", "FiguresOfFollowUp")),
    },
    name="Figures",
)


class Label(Schema):
    """What something is called, in Swedish and in English."""

    sv = ma.String()
    en = ma.String()


class PeriodRow(Schema):
    """One figure of a period, of everybody or of one group."""

    figure = ma.String(metadata={"description": "its code, as in the report"})
    label = ma.Nested(Label)
    counts = ma.String(
        metadata={
            "description": "persons, journeys, handovers, sessions, minutes, outputs; share: 0 to 1; median_days"
        }
    )
    group = ma.String(
        allow_none=True,
        metadata={
            "description": "provider, municipality, week as 2016-W23, or month as 2016-06; null: all together; "
            f"{NO_PROVIDER}: no provider yet"
        },
    )
    group_name = ma.String(
        allow_none=True, metadata={"description": "as the programme calls it; null where it names it nowhere"}
    )
    value = ma.Raw(
        allow_none=True, metadata={"type": "number", "description": "null where there is nothing to count"}
    )


class PeriodAnswer(Schema):
    """What the programme reached from one day to another, both included."""

    from_ = ma.String(data_key="from", attribute="from", metadata={"format": "date"})
    to = ma.String(metadata={"format": "date"})
    by = ma.String(allow_none=True, validate=validate.OneOf(BYS))
    rows = ma.List(ma.Nested(PeriodRow))


class ReportAnswer(Schema):
    """A programme's figures: exact counts, days and minutes; rates between 0 and 1, null where nothing is counted.

    Either as they are now, and `period` is null; or those of a period, and everything that says how things are now is.
    """

    programme = ma.String()
    programme_version = ma.Integer()
    name = ma.Dict(keys=ma.String(), values=ma.String())
    as_of = ma.String(metadata={"format": "date-time"})
    figures = ma.Nested(Figures, allow_none=True)
    by_gender = ma.Dict(
        keys=ma.String(), values=ma.Dict(keys=ma.String(), values=ma.Integer()), allow_none=True
    )
    by_municipality = ma.Dict(
        keys=ma.String(), values=ma.Dict(keys=ma.String(), values=ma.Integer()), allow_none=True
    )
    where_now = ma.Nested(Schema.from_dict(_counts("where_now"), name="WhereNow"), allow_none=True)
    outputs = ma.List(ma.Dict(keys=ma.String()), allow_none=True)
    targets = ma.List(ma.Dict(keys=ma.String()), allow_none=True)
    steps = ma.List(ma.Dict(keys=ma.String()), allow_none=True)
    period = ma.Nested(PeriodAnswer, allow_none=True)


def show_report(found: Report) -> dict[str, Any]:
    """A programme's figures as they are now, or those of a period."""
    return {**NO_FIGURES, **found}


NO_FIGURES: dict[str, None] = dict.fromkeys(
    ("figures", "by_gender", "by_municipality", "where_now", "outputs", "targets", "steps", "period")
)
"""The parts of a report that it may lack: it has the figures as they are now, or those of a period."""
