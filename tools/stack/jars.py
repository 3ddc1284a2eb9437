"""Kafka's jars: a committed list of coordinates and checksums, fetched once and checked every time.

`python -m tools.stack lock-jars` is the only place that resolves dependencies; a start only
fetches what the lock names. A jar whose SHA-256 differs from the lock's is never put on the classpath.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.stack.trouble import Trouble

LOCK = Path(__file__).with_name("kafka-jars.lock")
KAFKA = "org.apache.kafka:kafka_2.13:4.1.1"
# Kafka's own distribution adds this one; without it the broker logs nothing. It goes in by itself:
# all it depends on is there already, and resolved together its older versions would win.
LOGGING = "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3"


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Shared by all stacks and clones of this user."""
    return Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "journey-stack" / "jars"


def classpath(environment: Mapping[str, str], say: Callable[[str], None]) -> str:
    """Java's classpath for the broker: KAFKA_HOME's jars if that is set, else the locked ones.

    Blocks while jars are fetched the first time (43 MB). Raises Trouble without a network, or for
    a jar that is not the locked one.
    """
    if home := environment.get("KAFKA_HOME"):
        libs = Path(home) / "libs"
        if not any(libs.glob("kafka_*.jar")):
            raise Trouble(
                f"KAFKA_HOME={home} has no Kafka in it (no libs/kafka_*.jar): correct it or unset it."
            )
        return f"{libs}/*"
    locked = [line.split() for line in LOCK.read_text(encoding="utf-8").splitlines()]
    folder = cache_folder(environment)
    missing = [entry for entry in locked if not _is_right(_path(folder, entry[0]), entry[1])]
    if missing:
        say(f"Fetching {len(missing)} jars of Apache Kafka (once; kept in {folder})")
        _fetch(folder, missing)
    return ":".join(str(_path(folder, coordinate)) for coordinate, _ in locked)


def write_lock(environment: Mapping[str, str] = os.environ) -> int:
    """Resolve Kafka's dependencies anew and write the lock; returns the number of jars. Needs the network."""
    from jgo.maven import MavenContext

    context = MavenContext(repo_cache=cache_folder(environment))
    inputs, transitive = context.resolver.resolve([context.create_dependency(KAFKA)])
    lines = sorted(
        f"{found.groupId}:{found.artifactId}:{found.version} {_sha256(found.artifact.resolve())}"
        for found in (*inputs, *transitive, context.create_dependency(LOGGING))
    )
    LOCK.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(lines)


def _path(folder: Path, coordinate: str) -> Path:
    group, artifact, version = coordinate.split(":")
    return folder.joinpath(*group.split("."), artifact, version, f"{artifact}-{version}.jar")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _is_right(path: Path, sha256: str) -> bool:
    return path.exists() and _sha256(path) == sha256


def _fetch(folder: Path, entries: list[list[str]]) -> None:
    # Imported here, since it takes a third of a second and most starts fetch nothing.
    from jgo.maven import MavenContext

    logging.getLogger("jgo").setLevel(logging.CRITICAL)
    context = MavenContext(repo_cache=folder, timeout=30)

    def fetch(entry: list[str]) -> None:
        coordinate, sha256 = entry
        path = _path(folder, coordinate)
        path.unlink(missing_ok=True)  # a download that was cut off
        try:
            context.create_dependency(coordinate).artifact.resolve()
        except (OSError, RuntimeError) as error:
            raise Trouble(
                f"{coordinate} cannot be fetched: connect this machine to the network (or set a proxy), or set "
                f"KAFKA_HOME to an unpacked Apache Kafka 4.1, and start again ({type(error).__name__})."
            ) from error
        if not _is_right(path, sha256):
            path.unlink()
            raise Trouble(
                f"{coordinate} came with another checksum than the lock's: do not use this network."
            )

    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(fetch, entries):
            pass
