"""Publishing a programme: a version, once published, never changes. Source: docs/field.md, Programmes."""

from dataclasses import dataclass, replace
from datetime import datetime

from shared.language.days import day_of
from shared.language.decision import Change
from shared.language.programmes import Programme, ProgrammePublished


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One published version."""

    programme: Programme


def rules_of(programme: Programme) -> Programme:
    """The version without the organisations that its file named."""
    return replace(programme, organisations=())


class VersionTaken(Exception):
    """The one who publishes must act: this version was published with other content."""

    def __init__(self, programme: Programme) -> None:
        super().__init__(
            f"{programme.id} version {programme.version} is already published with other content, and a published"
            f" version never changes; publish this content as version {programme.version + 1} or later."
        )


def publish(published: Published | None, programme: Programme, *, at: datetime) -> Change[Published]:
    """Make a version's rules valid and announce them. The same rules again change nothing. Raises VersionTaken."""
    rules = rules_of(programme)
    if published is None:
        event = ProgrammePublished(occurred_on=day_of(at), recorded_at=at, programme=rules)
        return Change(Published(programme=rules), events=(event,))
    if rules_of(published.programme) != rules:
        raise VersionTaken(programme)
    return Change(published)
