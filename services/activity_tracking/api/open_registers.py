"""The route of a unit's registers that nobody has filled in."""

from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema
from marshmallow import fields as ma

from services.activity_tracking import counting
from services.activity_tracking.api.fields import day_field, day_said, said
from services.activity_tracking.domain.counted import CountedRegister, open_place
from shared.edge.fields import PageArguments, cursor_field, exactly
from shared.edge.use_cases import paged, run
from shared.edge.web import guarded
from shared.language.forms import SUBJECT_KEY

open_registers = Blueprint("open-registers", __name__, description="Registers that nobody has filled in")


class OpenRegisterArguments(PageArguments):
    """Between which days, both included, and which page; the cursor is the place of a register."""

    from_ = day_field(
        data_key="from", metadata={"description": "The first day; left out: a year before the last."}
    )
    to = day_field(metadata={"description": "The last day; left out: today."})
    cursor = cursor_field(exactly(f"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}:{SUBJECT_KEY}"))


class OpenRegisterAnswer(Schema):
    """A day of the caller's unit with lines that nobody has marked, of one programme and municipality."""

    day = day_said()
    programme = ma.String()
    municipality = ma.String()
    expected = ma.Integer(metadata={"description": "Lines that plans expect."})
    not_marked = ma.Integer()


class OpenRegisterPageAnswer(Schema):
    """A page of a unit's registers that are not filled in, the earliest first."""

    registers = ma.List(ma.Nested(OpenRegisterAnswer))
    next_cursor = ma.String(allow_none=True)


def show_open(entry: CountedRegister) -> dict[str, Any]:
    """A register that is not filled in."""
    document = said(entry)
    return {name: document[name] for name in ("day", "programme", "municipality", "expected", "not_marked")}


@open_registers.route("/attendance/open", methods=["GET"])
@guarded("log_activity", somewhere=True)
@open_registers.arguments(OpenRegisterArguments(), location="query")
@open_registers.response(200, OpenRegisterPageAnswer)
def list_open_registers(page: dict[str, Any]) -> dict[str, Any]:
    """The days of the caller's unit with lines that nobody has marked; today's as it stands now."""
    limit, after = page["limit"], page["after"]
    show = paged("registers", show_open, open_place, limit)
    return run(counting.list_open, show, page.get("from_"), page.get("to"), after=after, limit=limit)
