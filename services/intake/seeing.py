"""A referral as its reader may see it: what an answer needs beside the referral itself. No rule lives here."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Concatenate, ParamSpec

from services.intake.domain.journey import Referral
from services.intake.domain.participation import Other
from services.intake.participations import also_referred
from shared.language.access import Actor, Reader, reader
from shared.language.days import day_of
from shared.language.decision import Work

P = ParamSpec("P")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A referral for its reader, today. also: the person's other open referrals, for who is responsible."""

    referral: Referral
    reader: Reader
    also: Sequence[Other]
    today: date


def see(work: Work, actor: Actor, referral: Referral) -> Seen:
    """The referral with the caller as its reader today."""
    today = day_of(work.at)
    who = reader(actor, referral.passage, today)
    return Seen(referral=referral, reader=who, also=also_referred(work, actor, referral), today=today)


def seen(
    use_case: Callable[Concatenate[Work, Actor, P], Referral],
) -> Callable[Concatenate[Work, Actor, P], Seen]:
    """The use case, with what its reader may know of the referral that it returns."""

    @functools.wraps(use_case)
    def run(work: Work, actor: Actor, /, *said: P.args, **options: P.kwargs) -> Seen:
        return see(work, actor, use_case(work, actor, *said, **options))

    return run
