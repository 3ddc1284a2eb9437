"""What intake's routes need beside a `Work`."""

from dataclasses import dataclass
from typing import cast

from services.intake.handlers import Referrals
from services.intake.people import Numbers, Vault
from shared.edge.ports import provided_to_this_app


@dataclass(frozen=True, slots=True, kw_only=True)
class Provided:
    """The vault that seals identities, the hashes by which numbers are found, and the lists of referrals."""

    vault: Vault
    numbers: Numbers
    referrals: Referrals


def provided() -> Provided:
    """What the application that answers this request was given."""
    return cast(Provided, provided_to_this_app())
