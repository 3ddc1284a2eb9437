"""Personnummer: read where one belongs, found where none may be. Source: design.md, §3.

Coordination numbers (*samordningsnummer*) count as personnummer throughout.
"""

import re

from personnummer import personnummer

_CANDIDATE = re.compile(r"(?<!\d)(?:\d{2})?\d{6}[-+]?\d{4}(?!\d)")
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212\u00ad\ufe63\uff0d", "-"))
_BLANKS = re.compile(r"[\s.\u200b\u2060\ufeff]+")


def normal_form(text: str) -> str | None:
    """The personnummer as 12 digits, or None when the text is none. Takes 10 or 12 digits, with - or + or neither."""
    plain = text.strip().translate(_DASHES)
    if not plain.isascii() or not personnummer.valid(plain):
        return None
    digits: str = personnummer.parse(plain).format(long_format=True)
    return digits


def looks_like_personnummer(text: str) -> bool:
    """Whether a text that must not identify anybody holds what reads as a personnummer, written however."""
    plain = _BLANKS.sub("", "".join(_ascii_digit(one) for one in text.translate(_DASHES)))
    return any(personnummer.valid(found) for found in _CANDIDATE.findall(plain))


def _ascii_digit(character: str) -> str:
    return str(int(character)) if character.isdecimal() else character
