"""Where the platform is and what the player was given to get in: the environment, read once.

STACK_PORT_BASE (8080) and STACK_DIR (.local) name the stack; `STACK_DIR/secrets` holds the issuer's client
secret and the Kafka passwords of the agencies that have a topic.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clients.player.trouble import Trouble

SERVICES: Mapping[str, int] = {"intake": 1, "activity-tracking": 2, "handover": 3, "outcome": 4}
STREAM = 5
CONSUMERS: Mapping[str, int] = {
    "intake-consume": 11,
    "activity-tracking-consume": 12,
    "handover-consume": 13,
    "outcome-consume": 14,
    "outcome-project": 15,
}
BROKER, DATABASE = 20, 22
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """One local stack, seen from outside, and how it is to be played."""

    port_base: int
    folder: Path
    once: bool = False
    fault: str | None = None
    seed: int = 2016

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Surroundings":
        """STACK_PORT_BASE, STACK_DIR, ONCE (1), FAULT (drop-one-event), SEED (2016). Raises Trouble."""
        fault = environment.get("FAULT") or None
        if fault not in (None, "drop-one-event"):
            raise Trouble(f"FAULT={fault} is not known; the one fault is drop-one-event.")
        try:
            return cls(
                port_base=int(environment.get("STACK_PORT_BASE") or 8080),
                folder=Path(environment.get("STACK_DIR") or ".local").resolve(),
                once=environment.get("ONCE") == "1",
                fault=fault,
                seed=int(environment.get("SEED") or 2016),
            )
        except ValueError as error:
            raise Trouble(f"STACK_PORT_BASE and SEED are whole numbers: {error}.") from error

    def port(self, name: str) -> int:
        """The port of a service's web process, of a consumer's health page, or of `issuer` or `stream`."""
        known = {**SERVICES, **CONSUMERS, "issuer": 0, "stream": STREAM}
        return self.port_base + known[name]

    @property
    def kafka(self) -> str:
        """The broker's `host:port`."""
        return f"{HOST}:{self.port_base + BROKER}"

    def secret(self, name: str) -> str:
        """A secret of the stack. Raises Trouble where there is none."""
        path = self.folder / "secrets" / name
        try:
            return path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise Trouble(
                f"There is no secret {name} in {path.parent}: is the stack up and STACK_DIR right?"
            ) from error

    def agencies(self) -> tuple[str, ...]:
        """Whoever has a Kafka password; the agencies with a topic of their own are among them."""
        folder = self.folder / "secrets" / "kafka"
        return tuple(sorted(path.name for path in folder.iterdir())) if folder.is_dir() else ()
