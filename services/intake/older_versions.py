"""Puts into the register whom older versions of programmes name, once. Versions published since name nobody."""

import functools

from pymongo.client_session import ClientSession

from services.intake.domain.programme import rules_of
from services.intake.members import register_members
from shared.language.programmes import Programme
from shared.runtime.parts import Parts
from shared.runtime.transaction import transact


def register_older(parts: Parts) -> None:
    """Make entries of the register of what every published version says, and leave the version its rules alone.

    A version at a time, in one transaction each; safe to repeat. Raises Busy (repeat), PyMongoError.
    """
    for programme in parts.published.programmes.every_version():
        if programme.organisations:
            transact(parts.client, functools.partial(_register, parts, programme))


def _register(parts: Parts, programme: Programme, session: ClientSession) -> None:
    unit = parts.unit(session)
    register_members(unit, programme)
    parts.published.programmes.store(unit, rules_of(programme))
    unit.flush()
