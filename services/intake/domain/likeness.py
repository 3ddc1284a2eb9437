"""Why two identities may be one person's, in words. Pure. A human decides; nothing is merged by likeness."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from services.intake.domain.participant import Identity

ALIKE = 0.84
"""How alike two names are that count as similar: matching signs, twice, over the signs of both."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """A reason: its code, its words in Swedish and English, and how much it weighs."""

    code: str
    sv: str
    en: str
    weight: int


SAME_NAME = Likeness("same_name", "Samma namn.", "The same name.", 3)
SIMILAR_NAME = Likeness("similar_name", "Ett liknande namn.", "A similar name.", 2)
SAME_PHONE = Likeness("same_telephone", "Samma telefonnummer.", "The same telephone number.", 3)
SAME_EMAIL = Likeness("same_email", "Samma e-postadress.", "The same e-mail address.", 3)


def likenesses(one: Identity, other: Identity) -> Sequence[Likeness]:
    """The reasons why the two may be one person; none where nothing speaks for it."""
    found = []
    names = _name(one.name), _name(other.name)
    if names[0] == names[1]:
        found.append(SAME_NAME)
    elif SequenceMatcher(None, *names).ratio() >= ALIKE:
        found.append(SIMILAR_NAME)
    phones = [_phone(each.contact.phone) if each.contact else "" for each in (one, other)]
    if phones[0] and phones[0] == phones[1]:
        found.append(SAME_PHONE)
    mails = [(each.contact.email or "").strip().casefold() if each.contact else "" for each in (one, other)]
    if mails[0] and mails[0] == mails[1]:
        found.append(SAME_EMAIL)
    return found


def _name(text: str) -> str:
    """The words of a name without case and accents, in alphabetical order."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(sign if sign.isalnum() else " " for sign in plain if not unicodedata.combining(sign))
    return " ".join(sorted(kept.split()))


def _phone(text: str | None) -> str:
    """The digits that name the subscriber, whether the country is said or not."""
    digits = "".join(sign for sign in text or "" if sign.isdecimal())
    return digits.removeprefix("00").removeprefix("46").lstrip("0")
