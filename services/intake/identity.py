"""Personnummer, read where one belongs. Where none may be, `shared.personal_numbers` finds it.

Coordination numbers (*samordningsnummer*) count as personnummer.
"""

from personnummer import personnummer

_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))


def normal_form(text: str) -> str | None:
    """The personnummer as 12 digits, or None when it is none. Takes 10 or 12 digits, with - or + or neither."""
    plain = text.strip().translate(_DASHES)
    if not plain.isascii() or not personnummer.valid(plain):
        return None
    digits: str = personnummer.parse(plain).format(long_format=True)
    return digits
