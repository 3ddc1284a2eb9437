"""Putting a backup back: checked whole before anything is removed, then every service's database from it.

The four databases go back together, always: a service that alone stood at an earlier moment would give out numbers of
events again that the others have applied, and they would skip what it says. An audit that is still there is kept.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, cast

from bson import decode_file_iter, json_util
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.collection import Collection

from deploy.backup.surroundings import AUDITS, CannotDo, Client
from deploy.backup.taking import BATCH, MANIFEST, Kept
from deploy.database import DATABASES

PIECE = 1 << 20


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
    """Replace the services' databases by the backup's, and fill the audits that are empty. Blocks; may be repeated.

    Raises CannotDo before anything is changed, if the backup is not whole.
    """
    moment, kept = read_manifest(folder)
    check_files(folder, kept)
    say(f"The backup is whole; it is of {moment}.")
    for database in DATABASES:
        for name in client[database].list_collection_names():
            client[database].drop_collection(name)
    for database in (*DATABASES, *AUDITS):
        mine = [one for one in kept if one.database == database]
        if database in AUDITS and any(client[database][one.collection].find_one() for one in mine):
            say(f"{database} holds rows of its own and was kept as it is.")
            continue
        for one in mine:
            _put_back(client[database][one.collection], folder, one)
        say(f"{database}: {sum(one.documents for one in mine)} documents.")


def _put_back(collection: Collection[dict[str, Any]], folder: Path, kept: Kept) -> None:
    if collection.name not in collection.database.list_collection_names():
        collection.database.create_collection(collection.name)
    with gzip.open(folder / kept.file, "rb") as packed:
        for batch in _batches(cast(IO[bytes], packed)):
            collection.insert_many(batch, ordered=False)
    if indexes := json_util.loads(kept.indexes):
        collection.database.command("createIndexes", collection.name, indexes=indexes)


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
