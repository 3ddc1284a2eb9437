"""Path parameters: camelCase in addresses, snake_case in views, and the ids among them.

`view_arguments` is the only place that maps one form to the other. It also checks the form of each id, so that no
view and no use case gets a text that cannot be one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from flask import request

from shared.language import forms
from shared.language.decision import Subject, subject_of
from shared.language.errors import Unknown

CAPITAL = re.compile(r"[A-Z]")


@dataclass(frozen=True, slots=True)
class PathId:
    """An id in a path. what: the thing it names, as a refusal says it. form: its pattern.

    subject: the kind of subject that the request is about; its key stands before the first dot. None: the path names
    the subject elsewhere.
    """

    what: str
    form: str
    subject: str | None = None

    def fits(self, text: str) -> bool:
        """Whether the text can be such an id."""
        return re.fullmatch(self.form, text) is not None


IDS: Mapping[str, PathId] = {
    "journeyId": PathId("journey", forms.JOURNEY_ID, "journey"),
    "participantId": PathId("participant", forms.HANDLE, "handle"),
    "outputId": PathId("output", forms.OUTPUT_ID, "output"),
    "closureId": PathId("closure", forms.CLOSURE_ID, "closure"),
    "groupId": PathId("group", forms.GROUP_ID, "group"),
    "sessionId": PathId("session", forms.SESSION_ID),
    "handoverId": PathId("handover", forms.HANDOVER_ID, "journey"),
    "reportId": PathId("report", forms.REPORT_ID, "journey"),
    "followUpId": PathId("follow-up", forms.FOLLOW_UP_ID, "journey"),
    "legalPersonId": PathId("legal-person", forms.ORGANISATION, "legal-person"),
    "unitId": PathId("unit", forms.ORGANISATION, "unit"),
    "membershipId": PathId("membership", forms.SUBJECT_KEY, "membership"),
}
"""Ids by the name of their path parameter."""


def view_arguments(path: Mapping[str, str]) -> dict[str, str]:
    """The path's parameters as a view takes them: `journeyId` is `journey_id`.

    Raises Unknown for a text that cannot be the id it stands for.
    """
    for name, text in path.items():
        if name in IDS and not IDS[name].fits(text):
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
        if known and known.subject and known.fits(text):
            return subject_of(known.subject, text.partition(".")[0])
    return None
