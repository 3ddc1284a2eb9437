"""What intake publishes, in memory: programmes, and the register that their files make."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from services.intake.domain.register import named_by, with_first_day
from shared.language.access import Known
from shared.language.errors import Unready
from shared.language.programmes import Programme, ProgrammeKey
from shared.language.register import KnownRegister, Register
from shared.language.role_map import RoleMap
from shared.runtime.published import KnownAt


def register_of(*programmes: Programme) -> KnownRegister:
    """The register that the programmes' files make; an older version was published before it could have an effect."""
    register = KnownRegister()
    for identity in {one.id for one in programmes}:
        versions = sorted((one for one in programmes if one.id == identity), key=lambda one: one.version)
        for unit, membership in named_by([(one, one.starts_on) for one in versions]):
            known = register.unit(unit.id)
            register.put(unit if known is None else with_first_day(known, unit))
            register.put(membership)
    return register


def roles_of(programme: Programme, on: date) -> RoleMap:
    """The role map that the programme's file makes, on that day."""
    return RoleMap(programme, register_of(programme), on)


class FakeProgrammes:
    """Published programmes, and the register that their files make. Satisfies `programmes.Programmes`."""

    def __init__(self, *programmes: Programme) -> None:
        self._by_key = {programme.key: programme for programme in programmes}
        self.register = register_of(*programmes)

    def get(self, key: ProgrammeKey) -> Programme:
        """That version, or Unready."""
        if key not in self._by_key:
            raise Unready(key)
        return self._by_key[key]

    def latest(self, programme: str) -> Programme | None:
        """The newest version, or None."""
        versions = [one for one in self._by_key.values() if one.id == programme]
        return max(versions, key=lambda one: one.version, default=None)

    def all_latest(self) -> Mapping[str, Programme]:
        """The newest version of each."""
        return {one.id: one for one in self.every_version()}

    def every_version(self) -> Collection[Programme]:
        """All versions of all, the older first."""
        return sorted(self._by_key.values(), key=lambda one: one.version)


@dataclass(frozen=True)
class FakePublished:
    """Satisfies `shared.runtime.published.PublishedHere`."""

    programmes: FakeProgrammes

    @property
    def register(self) -> Register:
        """Who the programmes name."""
        return self.programmes.register

    def known(self, at: datetime) -> Known:
        """What a right rests on at that moment."""
        return KnownAt(self.programmes, self.register, at)
