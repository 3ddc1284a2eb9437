"""Personnummer, read where one belongs. Where none may be, `shared.language.personal_numbers` finds it.

Coordination numbers (*samordningsnummer*) count as personnummer.
"""

from personnummer import personnummer

from shared.language import signs

LONGEST = 64
"""Signs of a text that may hold one, with all that shows nothing."""

_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))


def normal_form(text: str) -> str | None:
    """The personnummer as 12 digits, or None when it is none. Takes 10 or 12 digits, with - or + or neither."""
    plain = signs.normal_form(text).translate(_DASHES) if len(text) <= LONGEST else ""
    if not plain.isascii() or not personnummer.valid(plain):
        return None
    digits: str = personnummer.parse(plain).format(long_format=True)
    return digits
