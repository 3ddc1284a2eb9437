"""Who a backup brings back is erased again: one that cannot be keeps no other readable, and all are counted."""

import threading
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from confluent_kafka import KafkaException

from services.intake.erasures import Erasures, Unerased
from shared.language.erasures import ErasureKept
from shared.language.errors import Busy
from shared.language.events import ParticipantId
from shared.runtime.parts import Parts
from shared.telemetry.metrics import REGISTRY

AT = datetime(2026, 3, 1, tzinfo=UTC)


class Standing:
    """A collection in which everybody stands who is not erased yet."""

    def __init__(self, *subjects: str) -> None:
        self.subjects = list(subjects)

    def find(self, condition: Any, _: Any) -> list[dict[str, Any]]:
        return [{"_id": one} for one in self.subjects if one in condition["_id"]["$in"]]


class Looking(Erasures):
    """Looks at a list instead of a log. bad: cannot be erased; away: the log fails after so many."""

    def __init__(self, standing: Standing, bad: set[str], away: int = 99) -> None:
        self.standing, self.bad, self.away = standing, bad, away
        self.everybody = list(standing.subjects)
        parts = SimpleNamespace(
            kafka_options={"bootstrap_servers": "127.0.0.1:1"},
            service=SimpleNamespace(database="intake", repository=SimpleNamespace(collection="referrals")),
            client={"intake": {"referrals": standing}},
            stop=threading.Event(),
        )
        super().__init__(cast("Parts", parts))

    def look(self) -> None:
        self._failed = 0
        for number, subject in enumerate(self.everybody):
            if number == self.away:
                raise KafkaException
            self._keep({subject: ErasureKept(participant_id=ParticipantId(subject[12:]), erased_at=AT)})
        if self._failed:
            raise Unerased

    def _erase(self, word: ErasureKept) -> None:
        subject = f"participant/{word.participant_id}"
        if subject in self.bad:
            raise KeyError("a document of another time") if subject.endswith("1") else Busy("first")
        self.standing.subjects.remove(subject)


def everybody(count: int) -> Standing:
    return Standing(*(f"participant/p-{n}" for n in range(count)))


def undone() -> float:
    return REGISTRY.get_sample_value("journey_erasures_undone") or 0.0


def test_one_that_cannot_be_erased_leaves_no_other_readable_and_the_look_is_not_done() -> None:
    looking = Looking(everybody(5), {"participant/p-1", "participant/p-2"})
    assert not looking._looked()
    assert looking.standing.subjects == ["participant/p-1", "participant/p-2"]
    assert undone() == 3, "they are told, though the look has to be made again"
    looking.bad = set()
    assert looking._looked()
    assert (looking.standing.subjects, undone()) == ([], 5)


def test_what_a_look_that_broke_off_has_found_is_told() -> None:
    looking = Looking(everybody(4), set(), away=4 - 1)
    assert not looking._looked()
    looking.away = 99
    assert looking._looked()
    assert undone() == 4
    assert looking._looked()
    assert undone() == 0
