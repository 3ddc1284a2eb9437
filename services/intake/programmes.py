"""Check programmes' files, or publish them: `python -m services.intake.programmes check|publish FILE...`.

Publishing makes one immutable version valid for every service. The same rules again change nothing; other rules under
the same version are refused. Organisations that the file names come into the register, as far as it does not hold them.
Checking needs no settings; publishing needs intake's database, and no user in Kafka. `python -m deploy.programmes
publish` runs it, and opens the programme's dashboards.
"""

import sys
from pathlib import Path

from pymongo.client_session import ClientSession

from services.intake.app import SERVICE
from services.intake.domain.programme import VersionTaken, rules_of
from services.intake.handlers import Publication, publish_programme
from services.intake.programme_file import FaultyProgramme, read_programme
from shared.host.connections import connect, create_indexes
from shared.host.settings import EXIT_STATUS, FaultySettings, read_settings
from shared.language.errors import Busy
from shared.language.programmes import Programme
from shared.runtime.settings import Settings
from shared.runtime.transaction import transact

USAGE = "usage: python -m services.intake.programmes check|publish FILE..."


def publish(programme: Programme, settings: Settings) -> Publication:
    """Publish a version. Returns what it came to. Safe to repeat. Raises VersionTaken, or Busy (repeat)."""
    parts = connect(SERVICE, settings)
    create_indexes(parts)

    def work(session: ClientSession) -> Publication:
        unit = parts.unit(session)
        found = publish_programme(unit, programme)
        if found.new:
            parts.published.programmes.store(unit, rules_of(programme))
        unit.flush()
        return found

    try:
        return transact(parts.client, work)
    finally:
        parts.client.close()


def main(arguments: list[str]) -> int:
    """Do what the command line says.

    Returns 0 when it worked, 1 when a file or a version is at fault, 2 on misuse, `EXIT_STATUS` for
    a faulty setting. The first file at fault ends it; those before it are published.
    """
    if len(arguments) < 2 or arguments[0] not in ("check", "publish"):
        print(USAGE, file=sys.stderr)
        return 2
    verb, *names = arguments
    return next((status for status in (_done(verb, one) for one in names) if status), 0)


def _done(verb: str, name: str) -> int:
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
        found = publish(programme, read_settings("intake"))
    except FaultySettings as faulty:
        print(str(faulty), file=sys.stderr)
        return EXIT_STATUS
    except (VersionTaken, Busy) as refused:
        print(str(refused), file=sys.stderr)
        return 1
    print(
        f"{programme.key} is published."
        if found.new
        else f"{programme.key} was already published; its rules did not change."
    )
    if found.registered:
        print(f"{found.registered} organisations of the file came into the register.")
    if found.held_otherwise:
        print(f"Other roles than the file says hold, by the register: {', '.join(found.held_otherwise)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
