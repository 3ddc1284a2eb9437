"""G9: the figures, counted anew from the log with the projector's own rules and nothing of its storage."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from services.outcome.figures.projection import FOLDS, project
from shared.language import codec
from shared.language.codec import Envelope
from shared.language.decision import Received, Subject, key_of
from shared.language.events import BY_BODY
from shared.language.programmes import Programme, ProgrammeKey
from tests.chaos.log import Log

TYPES = {BY_BODY[body].name for body in FOLDS}


class NoProgrammes:
    """The projector's rules ask for none."""

    def get(self, key: ProgrammeKey) -> Programme:
        """Nothing may ask."""
        raise LookupError(key)

    def latest(self, programme: str) -> Programme | None:
        """Nothing may ask."""
        raise LookupError(programme)

    def all_latest(self) -> Mapping[str, Programme]:
        """Nothing may ask."""
        raise LookupError

    def every_version(self) -> Collection[Programme]:
        """Nothing may ask."""
        raise LookupError


class Recount:
    """Cells counted from first occurrences, each after its causes, in memory."""

    def __init__(self) -> None:
        self.cells: Counter[str] = Counter()
        self._states: dict[str, Any] = {}
        self._applied: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self._waiting: defaultdict[str, list[tuple[Envelope, bytes]]] = defaultdict(list)
        self._programmes = NoProgrammes()

    def take(self, log: Log, genders: Mapping[str, Mapping[str, Any]]) -> None:
        """Count what the log took in since it was asked last. genders: by journey, what no event may carry."""
        first, log.first = log.first, []
        for envelope, value in first:
            self._waiting[envelope.subject].append((envelope, value))
        for subject in {envelope.subject for envelope, _ in first}:
            self._drain(subject, genders)

    def left(self) -> list[str]:
        """Subjects with events whose causes never came."""
        return [subject for subject, rows in self._waiting.items() if rows]

    def _drain(self, subject: str, genders: Mapping[str, Mapping[str, Any]]) -> None:
        applied, moved = self._applied[subject], True
        while moved:
            moved = False
            later = []
            for envelope, value in self._waiting[subject]:
                due = applied.get(envelope.source, 0) + 1 == envelope.seq and all(
                    applied.get(source, 0) >= count for source, count in envelope.after.items()
                )
                if due:
                    self._apply(envelope, value, genders)
                    applied[envelope.source] = envelope.seq
                    moved = True
                else:
                    later.append((envelope, value))
            self._waiting[subject] = later

    def _apply(self, envelope: Envelope, value: bytes, genders: Mapping[str, Mapping[str, Any]]) -> None:
        if envelope.type not in TYPES:
            return
        subject = Subject(envelope.subject)
        received = Received(
            subject,
            envelope.source,  # type: ignore[arg-type]
            envelope.seq,
            envelope.type,
            codec.read_body(envelope.type, value),
            envelope.after,
            genders.get(key_of(subject)),
        )
        change = project(self._states.get(subject), received, self._programmes)
        self._states[subject] = change.state
        for add in change.adds:
            for name, amount in add.cells.items():
                self.cells[cell_of(add.key, name)] += amount


def cell_of(key: str, name: str) -> str:
    """One counted number, by its document's key without the shard; of days, with the figure's code."""
    return key if name == "n" else f"{key}|{name.removeprefix('n.')}"
