"""Putting a backup back: checked whole before anything is removed, then every service's database from it.

The four databases always go back together. A service restored alone would give out event numbers again that the
others have applied, and they would skip its new events. What an audit still holds is kept.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any, cast

from bson import decode_file_iter, json_util
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from deploy.backup.numbers import raise_floor
from deploy.backup.surroundings import AUDITS, CannotDo, Client, require_stopped
from deploy.backup.taking import BATCH, MANIFEST, Kept
from deploy.database import DATABASES
from shared.runtime.restored import MARK, RESTORED

PIECE = 1 << 20
DUPLICATE = 11000
"""MongoDB's code for a key that is there already."""


def read_manifest(folder: Path) -> tuple[str, Sequence[Kept]]:
    """The backup's moment, and what is in it. Raises CannotDo for a folder that is none."""
    try:
        document = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return str(document["moment"]), [Kept(**one) for one in document["collections"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CannotDo(f"{folder} holds no whole backup: its {MANIFEST} cannot be read.") from error


def check_files(folder: Path, kept: Sequence[Kept]) -> None:
    """Read every file to its end. Raises CannotDo for one that is missing or not as it was written."""
    for one in kept:
        digest = hashlib.sha256()
        try:
            with gzip.open(folder / one.file, "rb") as packed:
                while piece := packed.read(PIECE):
                    digest.update(piece)
        except (OSError, EOFError) as error:
            raise CannotDo(
                f"{one.file} cannot be read: {error}. Nothing was changed; use another backup."
            ) from error
        if digest.hexdigest() != one.sha256:
            raise CannotDo(f"{one.file} is not as it was written. Nothing was changed; use another backup.")


def restore(client: Client, folder: Path, say: Callable[[str], None]) -> None:
    """Replace the services' databases by the backup's, and add to the audits what they lack. Blocks; may be repeated.

    What organisations are told afterwards has numbers above all that can have been given since the backup.
    Each of the databases is marked: no service starts on it until `check` or `new-log` takes the mark away.
    Raises CannotDo before any document is changed, if the backup is not whole or a process of a service runs.
    """
    moment, kept = read_manifest(folder)
    check_files(folder, kept)
    say(f"The backup is whole; it is of {moment}.")
    for database in DATABASES:
        _mark(client, database, moment, whole=False)
    # Once more: what was started since the first look did not meet the mark.
    require_stopped(client)
    for database in DATABASES:
        for name in client[database].list_collection_names():
            if name != RESTORED:
                client[database].drop_collection(name)
    for database in (*DATABASES, *AUDITS):
        mine = [one for one in kept if one.database == database]
        written = sum(_put_back(client[database][one.collection], folder, one) for one in mine)
        held = "its own rows were kept, and of the backup's " if database in AUDITS else ""
        say(f"{database}: {held}{written} documents were written.")
    floor = raise_floor(client, datetime.fromisoformat(moment))
    say(f"What organisations are told from now on has numbers above {floor}.")
    for database in DATABASES:
        _mark(client, database, moment, whole=True)


def require_whole(client: Client) -> None:
    """Raise CannotDo where a restore was begun and not ended."""
    if any(client[database][RESTORED].find_one({"whole": False}) for database in DATABASES):
        raise CannotDo("A restore was begun and not ended: run it again.")


def unmark(client: Client) -> None:
    """Let the services start: the databases agree with the log. Blocks."""
    for database in DATABASES:
        client[database].drop_collection(RESTORED)


def _mark(client: Client, database: str, moment: str, *, whole: bool) -> None:
    client[database][RESTORED].replace_one({"_id": MARK}, {"moment": moment, "whole": whole}, upsert=True)


def _put_back(collection: Collection[dict[str, Any]], folder: Path, kept: Kept) -> int:
    """Write what is not there yet, and the indexes. Returns how many documents were written."""
    written = 0
    if collection.name not in collection.database.list_collection_names():
        collection.database.create_collection(collection.name)
    with gzip.open(folder / kept.file, "rb") as packed:
        for batch in _batches(cast(IO[bytes], packed)):
            written += _inserted(collection, batch)
    if indexes := json_util.loads(kept.indexes):
        collection.database.command("createIndexes", collection.name, indexes=indexes)
    return written


def _inserted(collection: Collection[dict[str, Any]], batch: list[Any]) -> int:
    """How many of the batch were not there before. A document that is there already is left as it is."""
    try:
        collection.insert_many(batch, ordered=False)
        return len(batch)
    except BulkWriteError as error:
        if any(one["code"] != DUPLICATE for one in error.details["writeErrors"]):
            raise
        return int(error.details["nInserted"])


def _batches(packed: IO[bytes]) -> Iterator[list[Any]]:
    codec: CodecOptions[Any] = CodecOptions(document_class=RawBSONDocument)
    batch: list[Any] = []
    for document in decode_file_iter(packed, codec):
        batch.append(document)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
