"""What intake's routes need beside a `Work`."""

from dataclasses import dataclass
from typing import cast

from services.intake.handlers import Referrals, Vault
from shared.edge.ports import provided_to_this_app


@dataclass(frozen=True, slots=True, kw_only=True)
class Provided:
    """The vault that seals identities, and the lists of referrals."""

    vault: Vault
    referrals: Referrals


def provided() -> Provided:
    """What the application that answers this request was given."""
    return cast(Provided, provided_to_this_app())
