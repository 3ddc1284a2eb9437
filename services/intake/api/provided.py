"""What intake's routes need beside a `Work`."""

from dataclasses import dataclass
from typing import cast

from services.intake.handlers import Referrals
from services.intake.people import Numbers
from services.intake.vault import AesGcmVault
from shared.edge.ports import provided_to_this_app


@dataclass(frozen=True, slots=True, kw_only=True)
class Provided:
    """The vault that seals identities, the hashes by which numbers are found, and the lists of referrals.

    webhook_inside: the one `host:port` inside that a webhook may have; None in production.
    """

    vault: AesGcmVault
    numbers: Numbers
    referrals: Referrals
    webhook_inside: str | None = None


def provided() -> Provided:
    """What the application that answers this request was given."""
    return cast(Provided, provided_to_this_app())
