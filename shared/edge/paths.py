"""Path parameters: camelCase in addresses, snake_case in views, and the ids among them.

`view_arguments` is the only place that maps one form to the other. It also checks the form of each id, so that no
view and no use case gets a text that cannot be one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from flask import request

from shared.language.decision import ID, Subject, subject_of
from shared.language.errors import Unknown

CAPITAL = re.compile(r"[A-Z]")


@dataclass(frozen=True, slots=True)
class PathId:
    """An id in a path. what: the thing it names, as a refusal says it. form: its pattern.

    subject: the kind of subject that the request is about; its key is the first group of `form`. None: the path names
    the subject elsewhere.
    """

    what: str
    form: re.Pattern[str]
    subject: str | None = None


IDS: Mapping[str, PathId] = {
    "journeyId": PathId("journey", re.compile(rf"(j-{ID})"), "journey"),
    "participantId": PathId("participant", re.compile(rf"(p-{ID})"), "participant"),
    "outputId": PathId("output", re.compile(rf"(o-{ID})"), "output"),
    "sessionId": PathId("session", re.compile(rf"s-{ID}")),
    "handoverId": PathId("handover", re.compile(rf"(j-{ID})\.h[1-9][0-9]{{0,5}}"), "journey"),
    "followUpId": PathId("follow-up", re.compile(rf"(j-{ID})\.[a-z0-9][a-z0-9_-]{{0,39}}"), "journey"),
}
"""Ids by the name of their path parameter."""


def view_arguments(path: Mapping[str, str]) -> dict[str, str]:
    """The path's parameters as a view takes them: `journeyId` is `journey_id`.

    Raises Unknown for a text that cannot be the id it stands for.
    """
    for name, text in path.items():
        if name in IDS and not IDS[name].form.fullmatch(text):
            raise Unknown(IDS[name].what)
    return in_snake_case(path)


def in_snake_case(path: Mapping[str, str]) -> dict[str, str]:
    """The path's parameters by their names in snake_case, whatever their form."""
    return {snake_case(name): text for name, text in path.items()}


def snake_case(name: str) -> str:
    """The name as fields and arguments are written: `journeyId` is `journey_id`."""
    return CAPITAL.sub(lambda found: f"_{found[0].lower()}", name)


def subject_in_path() -> Subject | None:
    """The subject that the request's path names, or None. Its ids have their form (`view_arguments`)."""
    for name, text in (request.view_args or {}).items():
        known = IDS.get(name)
        found = known and known.form.fullmatch(text)
        if known and found and known.subject:
            return subject_of(known.subject, found[1])
    return None
