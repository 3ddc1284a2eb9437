"""Check a programme's file, or publish it: `python -m services.intake.programmes check|publish FILE`.

Publishing makes one immutable version valid for every service. The same content again does nothing; other content under
the same version is refused. Needs intake's settings (the database) for publishing, and none for checking.
"""

import sys
from pathlib import Path

from pymongo.client_session import ClientSession

from services.intake.app import SERVICE
from services.intake.domain.programme import VersionTaken, rules_of
from services.intake.handlers import publish_programme
from services.intake.programme_file import FaultyProgramme, read_programme
from shared.host.connections import connect, create_indexes
from shared.host.settings import EXIT_STATUS, FaultySettings, read_settings
from shared.language.errors import Busy
from shared.language.programmes import Programme
from shared.runtime.settings import Settings
from shared.runtime.transaction import transact

USAGE = "usage: python -m services.intake.programmes check|publish FILE"


def publish(programme: Programme, settings: Settings) -> bool:
    """Publish a version. Returns whether it was new. Safe to repeat. Raises VersionTaken, or Busy (repeat)."""
    parts = connect(SERVICE, settings)
    create_indexes(parts)

    def work(session: ClientSession) -> bool:
        unit = parts.unit(session)
        new = publish_programme(unit, programme)
        if new:
            parts.published.programmes.store(unit, rules_of(programme))
        unit.flush()
        return new

    try:
        return transact(parts.client, work)
    finally:
        parts.client.close()


def main(arguments: list[str]) -> int:
    """Do what the command line says.

    Returns 0 when it worked, 1 when the file or the version is at fault, 2 on misuse, `EXIT_STATUS` for
    a faulty setting.
    """
    if len(arguments) != 2 or arguments[0] not in ("check", "publish"):
        print(USAGE, file=sys.stderr)
        return 2
    verb, name = arguments
    try:
        programme = read_programme(Path(name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        print(f"{name} cannot be read: {error}.", file=sys.stderr)
        return 1
    except FaultyProgramme as faulty:
        for fault in faulty.faults:
            print(f"{name}:{fault}", file=sys.stderr)
        return 1
    if verb == "check":
        print(f"{programme.key} is in order.")
        return 0
    try:
        new = publish(programme, read_settings("intake"))
    except FaultySettings as faulty:
        print(str(faulty), file=sys.stderr)
        return EXIT_STATUS
    except (VersionTaken, Busy) as refused:
        print(str(refused), file=sys.stderr)
        return 1
    print(
        f"{programme.key} is published."
        if new
        else f"{programme.key} was already published; nothing changed."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
