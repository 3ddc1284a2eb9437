"""Taking a backup: every collection of every service as it was at one moment, in one folder.

MongoDB reads all of it from one snapshot, so states, outbox, offsets, timers and audit rows agree with one another,
and commands go on meanwhile. The manifest is written last: a folder without one is no backup.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from bson import json_util
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.errors import OperationFailure

from deploy.backup.surroundings import AUDITS, CannotDo, Client
from deploy.database import DATABASES
from shared.runtime.restored import RESTORED

MANIFEST = "manifest.json"
BATCH = 1000
SNAPSHOT_GONE = frozenset({239, 246})
"""MongoDB's codes: the snapshot is too old, or not available for a collection."""


@dataclass(frozen=True)
class Kept:
    """One collection in a backup. indexes: as MongoDB lists them, in its extended JSON."""

    database: str
    collection: str
    documents: int
    sha256: str
    indexes: str

    @property
    def file(self) -> str:
        """Its file's name, within the folder."""
        return f"{self.database}.{self.collection}.bson.gz"


def take(client: Client, folder: Path, say: Callable[[str], None]) -> datetime:
    """Write all databases into a new folder, which nobody else may read. Blocks.

    Returns a moment (UTC) of which the backup holds all that was acknowledged.
    Raises CannotDo when the folder holds something, or the snapshot is gone before all is read.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if any(folder.iterdir()):
        raise CannotDo(f"{folder} is not empty: name a new folder.")
    folder.chmod(0o700)
    names = [
        (one, name)
        for one in (*DATABASES, *AUDITS)
        for name in sorted(client[one].list_collection_names())
        if name != RESTORED
    ]
    if not any(name == "offsets" for _, name in names):
        raise CannotDo("These databases hold nothing of the services: is MONGODB_HOST right?")
    moment: datetime = client.admin.command("hello")["lastWrite"]["majorityWriteDate"]
    try:
        with client.start_session(snapshot=True) as session:
            kept = [_write(client, session, database, name, folder) for database, name in names]
    except OperationFailure as error:
        if error.code not in SNAPSHOT_GONE:
            raise
        raise CannotDo(
            "MongoDB no longer holds the moment that was being read. Take it again; if it takes longer than five "
            "minutes, let MongoDB hold more: setParameter minSnapshotHistoryWindowInSeconds."
        ) from error
    document = {"moment": moment.isoformat(), "collections": [vars(one) for one in kept]}
    with _private(folder / MANIFEST) as file:
        file.write(json.dumps(document, indent=1).encode())
    say(
        f"{sum(one.documents for one in kept)} documents of {len(kept)} collections, as of {moment.isoformat()}."
    )
    return moment


def _write(client: Client, session: ClientSession, database: str, name: str, folder: Path) -> Kept:
    codec = CodecOptions(document_class=RawBSONDocument)
    collection: Collection[Any] = client[database].get_collection(name, codec_options=codec)
    indexes = json_util.dumps([one for one in collection.list_indexes() if dict(one)["name"] != "_id_"])
    count, digest = 0, hashlib.sha256()
    path = folder / Kept(database, name, 0, "", "").file
    with _private(path) as plain, gzip.GzipFile(fileobj=plain, mode="wb", compresslevel=1, mtime=0) as packed:
        for document in collection.find(session=session, batch_size=BATCH):
            packed.write(document.raw)
            digest.update(document.raw)
            count += 1
    return Kept(database, name, count, digest.hexdigest(), indexes)


def _private(path: Path) -> IO[bytes]:
    path.touch(mode=0o600, exist_ok=False)
    return path.open("wb")
