"""How often the database is asked which programmes there are."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from shared.runtime.programmes import FRESH_SECONDS, PublishedProgrammes
from tests.support.small_programme import SMALL_PROGRAMME


class Collection:
    """Documents, and how often somebody looked for several of them."""

    def __init__(self) -> None:
        self.documents: list[Mapping[str, Any]] = []
        self.finds = 0

    def find(self, *_: Any, **__: Any) -> Iterator[Mapping[str, Any]]:
        self.finds += 1
        return iter(self.documents)

    def find_one(self, where: Mapping[str, Any]) -> Mapping[str, Any] | None:
        return next((one for one in self.documents if one["_id"] == where["_id"]), None)

    def add(self, version: int) -> None:
        programme = replace(SMALL_PROGRAMME, version=version)
        self.documents.append({"_id": programme.key, "body": msgspec.to_builtins(programme)})


def test_what_was_published_is_asked_for_once_a_second() -> None:
    collection, at = Collection(), [0.0]
    programmes = PublishedProgrammes({"programmes": collection}, lambda: at[0])  # type: ignore[dict-item]
    assert not programmes.every_version()
    collection.add(1)
    assert [one.version for one in programmes.every_version()] == [1], "nothing is not remembered"
    collection.add(2)
    for _ in range(50):
        assert programmes.all_latest()[SMALL_PROGRAMME.id].version == 1
        assert len(programmes.every_version()) == 1
    assert collection.finds == 2
    at[0] += FRESH_SECONDS
    assert programmes.all_latest()[SMALL_PROGRAMME.id].version == 2
    assert len(programmes.every_version()) == 2
    assert collection.finds == 3
