"""The visibility of Unicode signs, and the normal form of a text by which others know a thing.

Two references that look the same must be the same one, however they were typed, copied or exported. So each is kept
in its normal form: composed (NFC), one plain space for any run of blanks, no blanks at the ends, no invisible signs.
Differences that the eye can see are kept: capitals, `²` beside `2`, full-width forms, and letters of different
scripts. NFKC would remove some of them.
"""

import re
import unicodedata

FILLERS = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and symbols that show nothing; other invisible signs are found by their category or by Unicode's list."""
STEERING = "\u202a-\u202e\u2066-\u2069"
"""They order what stands between them anew: without them a text looks different, so that they cannot be left out."""

_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Default_Ignorable_Code_Point of Unicode 16: https://www.unicode.org/Public/16.0.0/ucd/DerivedCoreProperties.txt"""
_ignorable = re.compile(f"[{_IGNORABLE}]")
_left_out = re.compile(f"(?![{STEERING}])[{_IGNORABLE}]")
_HYPHENS = str.maketrans("\u2010\u2011\u2800", "-- ")
"""Signs that word processors write for `-`; the braille blank counts as a blank."""


def is_ignorable(sign: str) -> bool:
    """Whether Unicode says that the sign shows nothing where it is unknown."""
    return _ignorable.match(sign) is not None


def is_invisible(sign: str) -> bool:
    """Whether the sign shows nothing of its own: format signs, and blank letters."""
    return unicodedata.category(sign) == "Cf" or sign in FILLERS or is_ignorable(sign)


def shows(text: str) -> bool:
    """Whether any sign of the text shows something by itself; marks, joiners and blanks do not.

    A sign that this Python does not know yet does.
    """
    return any(
        (unicodedata.category(one) == "Cn" or unicodedata.category(one)[0] not in "ZMC")
        and not is_invisible(one)
        for one in text
    )


def normal_form(text: str) -> str:
    """The text in its normal form, which is the normal form of itself.

    Costs the square of how many marks follow one another: bound the text's length first.
    """
    composed = unicodedata.normalize("NFC", _left_out.sub("", text).translate(_HYPHENS))
    return " ".join(composed.split())
