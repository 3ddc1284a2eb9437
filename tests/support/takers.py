"""What intake finds beside a handover's acceptance, read from a store in memory."""

from collections.abc import Mapping
from typing import Any

from services.intake.domain.journey import Minted
from services.intake.domain.participant import HELD, held_key
from services.intake.takers import handle_to
from shared.language.decision import Subject


class _ByTaker(Mapping[str, Minted]):
    """The handle of whoever takes this journey's person over."""

    def __init__(self, memory: Any, referral: Any) -> None:
        self._memory, self._referral = memory, referral

    def __getitem__(self, taker: str) -> Minted:
        home, person = self._referral.home, self._referral.passage.participant_id
        row = self._memory.row(HELD, held_key(home, taker))
        return handle_to(taker, home, person, None if row is None else row["handle"])

    def __iter__(self) -> Any:
        raise NotImplementedError

    def __len__(self) -> int:
        return 1


def takers_of(memory: Any, subject: Subject) -> Mapping[str, Minted] | None:
    """What `services.intake.takers.read_takers` finds for one journey."""
    referral = memory.find(subject)
    return None if referral is None else _ByTaker(memory, referral)
