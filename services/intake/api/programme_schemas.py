"""Programmes on the wire: the pages of them, and one version whole."""

from typing import Any

import msgspec
from marshmallow import Schema
from marshmallow import fields as ma

from shared.edge.fields import PageArguments, cursor_field, exactly
from shared.language.forms import CODE
from shared.language.programmes import Programme


class ProgrammePageArguments(PageArguments):
    """Which page of the programmes; the cursor is a programme's code."""

    cursor = cursor_field(exactly(CODE))


class ProgrammeAnswer(Schema):
    """A version of a programme, as published: the rules of `programmes/*.yaml`. Who takes part, the register says."""

    id = ma.String(required=True)
    version = ma.Integer(required=True)
    name = ma.Dict(required=True)
    owner = ma.String(required=True)
    starts_on = ma.String(required=True, metadata={"format": "date"}, allow_none=True)
    ends_on = ma.String(required=True, metadata={"format": "date"}, allow_none=True)
    municipalities = ma.List(ma.Dict(), required=True)
    roles = ma.List(ma.Dict(), required=True)
    activities = ma.List(ma.Dict(), required=True)
    competences = ma.List(ma.Dict(), required=True)
    competence_levels = ma.Integer(required=True)
    progress = ma.Dict(required=True)
    handover_kinds = ma.List(ma.String(), required=True)
    handover_max_days = ma.Integer(required=True)
    follow_ups = ma.List(ma.Dict(), required=True)
    outputs = ma.List(ma.Dict(), required=True)
    targets = ma.List(ma.Dict(), required=True)
    reasons = ma.Dict(required=True)
    parts_end_after_months = ma.Integer(required=True)
    reads_after_months = ma.Integer(required=True)
    late_days = ma.Integer(required=True)
    report_duties = ma.List(ma.Dict(), required=True)
    answer_within_days = ma.Integer(required=True, allow_none=True)


class ProgrammePageAnswer(Schema):
    """A page of the newest versions of the programmes, by their codes."""

    programmes = ma.List(ma.Nested(ProgrammeAnswer), required=True)
    next_cursor = ma.String(required=True, allow_none=True)


def show_programme(programme: Programme) -> dict[str, Any]:
    """A version of a programme, whole."""
    told: dict[str, Any] = msgspec.to_builtins(programme)
    return told
