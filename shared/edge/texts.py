"""The fields of texts that callers send, and the one rule for their content.

A text is refused, and its field named, when it is too long, has an unsuitable sign, or holds a personal identity
number. A sign is unsuitable when it is invisible or changes how others are shown. Texts are stored exactly as they
were sent. Only a reference, by which others know a thing, is stored and answered in its normal form.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, validate
from marshmallow import fields as ma

from shared.language.days import day_of
from shared.language.personal_numbers import holds_personnummer
from shared.language.signs import FILLERS, is_ignorable, normal_form, shows

JOINERS = "\u200c\u200d"
"""ZWNJ and ZWJ: Persian, Kurdish and Indian names are misspelt without them, and emoji fall apart."""
VARIATIONS = re.compile("[\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""They choose the form of the sign before them: of emoji, and of letters in Mongolian and Japanese names."""
UNSHOWN = r"\x7f-\x9f\xad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff"
LINE_PATTERN, TEXT_PATTERN = rf"^[^\x00-\x1f{UNSHOWN}]*$", rf"^[^\x00-\x09\x0b-\x1f{UNSHOWN}]*$"
"""The published pattern of the rule on signs; the rule itself goes by each sign's category."""

LONGEST = 200
"""Characters of the longest text of a fixed form."""

NORMAL_FORM = "taken, and answered, as NFC with single plain spaces and without signs that show nothing"
UNPRINTABLE = "Takes printable text on one line; no control, direction or other invisible signs."
UNPRINTABLE_LINES = "Takes printable text; no control, direction or other invisible signs."
SHOWS_NOTHING = "Takes text that shows something; these signs show nothing."
LOOSE = 4
"""A reference is normalised only up to this many times its longest length; a longer text is refused without that."""
NAMES_SOMEBODY = "Reads as if it held a personnummer; say it without identifying anybody."


class Words(validate.Validator):
    """The check of every text: its length in characters, its signs, and that it names nobody.

    lines: whether it may have several. names: finds whether a text names somebody; None where it may.
    """

    def __init__(
        self, least: int | None, most: int, *, lines: bool = False, names: Callable[[str], bool] | None
    ) -> None:
        self.min, self.max, self.equal = least, most, None  # what the OpenAPI document says of the length
        self._length = validate.Length(least, most)
        self.lines = lines
        self.names = names

    def __call__(self, value: str) -> str:
        """The text itself. Raises ValidationError with the first thing that is wrong: a long text is not searched."""
        self._length(value)
        if not is_printable(value, lines=self.lines):
            raise ValidationError(UNPRINTABLE_LINES if self.lines else UNPRINTABLE)
        if self.min and not shows(value):
            raise ValidationError(SHOWS_NOTHING)
        if self.names is not None and self.names(value):
            raise ValidationError(NAMES_SOMEBODY)
        return value


def nobody(value: str) -> None:
    """Refuse a code or reference of a fixed form that reads as a personal identity number. Raises ValidationError.

    The form limits the length; a longer text is refused for its length, and not searched.
    """
    if len(value) <= LONGEST and names_participant(value):
        raise ValidationError(NAMES_SOMEBODY)


class Reference(ma.String):
    """The caller's own name for a thing: one line in its normal form.

    References that look the same are so the same.
    """

    def __init__(self, most: int, *forms: Callable[[str], Any], **options: Any) -> None:
        self.most = most
        metadata = {"x-normal-form": True, "description": NORMAL_FORM, **options.pop("metadata", {})}
        words = Words(1, most, names=names_participant)
        super().__init__(validate=[words, *forms], metadata=metadata, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **options)
        return text if len(text) > LOOSE * self.most else normal_form(text)


def line_field(least: int, most: int, **options: Any) -> ma.String:
    """A field for one line that may speak of cases: a reason."""
    return _field(Words(least, most, names=names_participant), **options)


def text_field(least: int, most: int, **options: Any) -> ma.String:
    """A field for somebody's own words, on several lines; they may speak of children."""
    return _field(Words(least, most, lines=True, names=names_somebody), **options)


def name_field(most: int, **options: Any) -> ma.String:
    """A field for a person's name, in whatever script: it has a letter, and no number."""
    return _field(Words(1, most, names=names_somebody), _has_letter, **options)


def telephone_field(most: int, **options: Any) -> ma.String:
    """A field for a telephone number. What begins like one is one, though ten digits can also be a personnummer."""
    return _field(Words(1, most, names=_names_and_is_no_telephone), **options)


def _field(words: Words, *others: Callable[[str], Any], **options: Any) -> ma.String:
    pattern = TEXT_PATTERN if words.lines else LINE_PATTERN
    return ma.String(
        validate=[words, *others], metadata={"pattern": pattern, **options.pop("metadata", {})}, **options
    )


def _has_letter(value: str) -> None:
    if not any(sign.isalpha() and sign not in FILLERS for sign in value):
        raise ValidationError("A name has a letter.")


def _names_and_is_no_telephone(value: str) -> bool:
    return value.lstrip()[:1] not in ("0", "+") and names_somebody(value)


def is_printable(text: str, *, lines: bool = False) -> bool:
    """Whether each sign of the text is visible and shows only itself.

    Spaces of any width pass, and so do signs that this Python does not know yet. A joiner must follow the sign that
    it joins.
    """
    before = ""
    for sign in text:
        plain = (sign.isprintable() and not is_ignorable(sign)) or (lines and sign == "\n")
        if not (plain or _may_not_print(sign, before)):
            return False
        before = sign
    return not any(filler in text for filler in FILLERS)


def _may_not_print(sign: str, before: str) -> bool:
    if VARIATIONS.match(sign):
        return before != "" and unicodedata.category(before)[0] in "LNPS"
    if sign in JOINERS:
        return before != "" and unicodedata.category(before)[0] in "LMS"
    if is_ignorable(sign):
        return False
    if unicodedata.category(sign) == "Cn":
        return ord(sign) & 0xFFFE != 0xFFFE and not 0xFDD0 <= ord(sign) <= 0xFDEF
    return unicodedata.category(sign) == "Zs"


def names_somebody(text: str) -> bool:
    """Whether the text holds a personal identity number of somebody who lives today, children included.

    Today is by real time, also where the business clock is driven: birth does not depend on that clock.
    """
    return holds_personnummer(text, day_of(datetime.now(UTC)))


def names_participant(text: str) -> bool:
    """Whether the text holds the number of a possible participant.

    There, a recent day with four digits is a case number.
    """
    return holds_personnummer(text, day_of(datetime.now(UTC)), children=False)
