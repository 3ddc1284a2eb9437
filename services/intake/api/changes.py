"""The route by which an organisation reads what it was told, in the order of its numbers."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, validate
from marshmallow import fields as ma

from services.intake import changes as use_case
from shared.edge.fields import LONGEST_PAGE, Number, QuerySchema
from shared.edge.use_cases import run
from shared.edge.web import guarded

changes = Blueprint("changes", __name__, description="What an organisation was told, numbered")
MOST = 2**53 - 1


class ChangesArguments(QuerySchema):
    """After which number, and how many."""

    after = Number(
        load_default=0,
        validate=validate.Range(0, MOST),
        metadata={"description": "The last number that you have; 0 for the beginning."},
    )
    limit = Number(
        load_default=100,
        validate=validate.Range(1, LONGEST_PAGE),
        metadata={"description": f"How many changes at the most: 1 to {LONGEST_PAGE}."},
    )


class ChangeAnswer(Schema):
    """One change: the same record that the organisation's topic and its webhook give."""

    n = ma.Integer(required=True, metadata={"description": "Its number in your sequence: 1, 2, 3 and on."})
    id = ma.String(required=True, metadata={"description": "The message's identity, as `ce_id` on a topic."})
    subject = ma.String(required=True, metadata={"description": "What it concerns, such as journey/j-…."})
    kind = ma.String(required=True, metadata={"description": "The message's type; a schema has its name."})
    at = ma.String(required=True, metadata={"format": "date-time", "description": "When it was decided."})
    body = ma.Dict(required=True, metadata={"description": "What the schema of its kind says."})


class ChangesAnswer(Schema):
    """Changes in order, without a hole. next: the number to ask after next time."""

    changes = ma.List(ma.Nested(ChangeAnswer), required=True, metadata={"description": "In order."})
    next = ma.Integer(required=True, metadata={"description": "The number to ask after next time."})


@changes.route("/changes", methods=["GET"])
@guarded("read_journey")
@changes.arguments(ChangesArguments(), location="query")
@changes.response(200, ChangesAnswer)
def list_changes(asked: dict[str, Any]) -> dict[str, Any]:
    """What your organisation was told after a number; the same sequence as on its topic and by its webhook."""

    def show(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {"changes": [shown(one) for one in found], "next": found[-1]["n"] if found else asked["after"]}

    return run(use_case.list_changes, show, after=asked["after"], limit=asked["limit"])


def shown(change: Mapping[str, Any]) -> dict[str, Any]:
    """A change as it is given."""
    plain = {name: change[name] for name in ("n", "id", "subject", "kind", "at")}
    return {**plain, "body": json.loads(change["body"])}
