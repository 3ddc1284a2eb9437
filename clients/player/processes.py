"""The processes of a local stack, found from outside by the ports on which they listen, as any tool would."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from clients.player.surroundings import BROKER, CONSUMERS, DATABASE, SERVICES, Surroundings

LISTENING = "0A"


def processes(surroundings: Surroundings) -> Mapping[str, int]:
    """The id of each process of the stack that listens now, by its name."""
    ports = {surroundings.port(name): name for name in (*SERVICES, *CONSUMERS, "stream", "issuer")}
    ports |= {surroundings.port_base + BROKER: "broker", surroundings.port_base + DATABASE: "database"}
    return {ports[port]: process for port, process in listeners(ports)}


def listeners(ports: Collection[int]) -> Iterator[tuple[int, int]]:
    """Each of these ports on which somebody listens, with the id of the process."""
    text = Path("/proc/net/tcp").read_text(encoding="ascii")
    rows = [line.split() for line in text.splitlines()[1:]]
    listening = {
        f"socket:[{row[9]}]": int(row[1].partition(":")[2], 16) for row in rows if row[3] == LISTENING
    }
    wanted = {name: port for name, port in listening.items() if port in ports}
    for folder in Path("/proc").glob("[0-9]*/fd"):
        yield from ((wanted[name], int(folder.parent.name)) for name in wanted.keys() & set(_held(folder)))


def _held(folder: Path) -> Iterator[str]:
    """What a process has open; nothing of one that is not ours, or has just ended."""
    with suppress(OSError):
        for one in folder.iterdir():
            with suppress(OSError):
                yield str(one.readlink())
