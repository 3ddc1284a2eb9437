"""Puts into the register whom older versions of programmes name, once. Versions published since name nobody.

The stored versions stay as they are, so that a process of the release before still reads them.
"""

import functools
from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from pymongo.client_session import ClientSession

from services.intake.members import register_members
from shared.language.codec import read_body
from shared.language.days import day_of, days_after
from shared.language.decision import ARCHIVE, event_id, subject_of
from shared.language.programmes import Programme
from shared.runtime.parts import Parts
from shared.runtime.transaction import transact
from shared.runtime.unit import Unit

PUBLISHED = "journey.intake.programme-published.v1"


def register_older(parts: Parts) -> None:
    """Make entries of the register of whom each programme's versions name; whom it holds already stays as it is.

    A programme at a time, in one transaction each; safe to repeat. Raises Busy (repeat), PyMongoError.
    """
    versions: defaultdict[str, list[Programme]] = defaultdict(list)
    for programme in parts.published.programmes.every_version():
        versions[programme.id].append(programme)
    for found in versions.values():
        if any(one.organisations for one in found):
            transact(parts.client, functools.partial(_register, parts, found))


def _register(parts: Parts, versions: Sequence[Programme], session: ClientSession) -> None:
    unit = parts.unit(session)
    naming = [(one, _published_on(unit, one)) for one in versions if one.organisations]
    register_members(unit, naming)
    unit.flush()


def _published_on(unit: Unit, programme: Programme) -> date:
    """The day on which the version was published, by the archive; else yesterday: by now it holds."""
    row = unit.row(ARCHIVE, event_id(subject_of("programme", programme.key), 1))
    if row is None:
        return days_after(day_of(unit.at), -1)
    return read_body(PUBLISHED, bytes(row["body"])).occurred_on
