"""Finds Swedish personal identity numbers in texts that must not identify anybody. Pure; knows no clock.

The grouping of digits matters: it tells a number from a day with a time, a telephone number or a case number. The
search finds numbers written without thinking, not numbers hidden on purpose: a writer can always spell one out. The
forms that are found, and those that pass: docs/security.md.
"""

import calendar
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from shared.language.signs import is_invisible

ADULT, OLDEST = 15, 125
"""Years. Nobody below `ADULT` takes part in a programme; nobody is older than `OLDEST`."""
GAP = 20
"""Signs, words among them, that may stand between the day of birth and the last four."""

_SEVEN_DIGITS = re.compile(r"(?:[^0-9]*[0-9]){7}")
_GROUP = re.compile(r"[0-9]+")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
_DAY_GOES_ON = re.compile(r"[-/.](?:0[1-9]|1[0-2])[-/.](?:0[1-9]|[12][0-9]|3[01])(?![0-9])")
_CLOCK_TIME = re.compile(r"(?:[01][0-9]|2[0-3])[0-5][0-9]")
_CLOCK_WORD = re.compile(r"\bkl(?:ockan)?\b", re.IGNORECASE)
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_UNTIL_WORD = re.compile(r"\b(?:till|t\.?o\.?m|to|until|och|and)\b", re.IGNORECASE)
_LETTERED = re.compile(
    r"(?<![0-9])(?=((?P<day>[0-9]{8}|[0-9]{6}|[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{2}-[0-9]{2}-[0-9]{2})"
    r"(?P<gap>\s?(?:_|[^\w\s])?\s?)(?P<four>(?=[0-9]*[A-Za-z])[0-9A-Za-z]{4})(?![0-9A-Za-z])))"
)
_T_NUMBER = re.compile(r"[A-Z][0-9]{3}")
_RESERVE = re.compile(r"[A-Z][0-9]{3}|[A-Z]{2}[0-9][0-9A-Z]")
_CLOCK_WORD_AND_HOUR = re.compile(r"KL[0-9]{2}")

_DOUBLED = {str(digit): 2 * digit - 9 * (digit > 4) for digit in range(10)}

WHOLE: frozenset[int] = frozenset()


def holds_personnummer(text: str, today: date | None = None, *, children: bool = True) -> bool:
    """Whether a text holds a Swedish personal identity number, however it is written.

    Coordination numbers, T-numbers and the regions' reserve numbers count. today: nobody is born after it; None
    accepts every day as an adult's day of birth. children: whether somebody under 15 may be meant, as in free text. A
    case number made of a recent day and four digits looks like a child's number; it passes where only participants
    can be meant.
    """
    return next(_found(_plain(text), today, children), None) is not None


def without_personnummer(text: str, instead: str) -> str:
    """The text with every such number replaced; invisible signs are gone from it where anything was."""
    plain = _plain(text)
    kept, place = [], 0
    for start, end in sorted(_found(plain, None, children=True)):
        if start >= place:
            kept += [plain[place:start], instead]
        place = max(place, end)
    return "".join([*kept, plain[place:]]) if kept else text


# --- what is read ----------------------------------------------------------------------------------------


def _plain(text: str) -> str:
    """The text as it is read: digits of every script as ASCII; no invisible signs, marks, or ids made by machines."""
    if not text.isascii():
        kept = []
        for sign in unicodedata.normalize("NFKC", text):
            if not is_invisible(sign) and unicodedata.category(sign) not in ("Mn", "Me"):
                digit = unicodedata.digit(sign, None)
                kept.append(sign if digit is None else str(digit))
        text = "".join(kept)
    return _UUID.sub("uuid", text) if len(text) >= 36 else text


def _found(plain: str, today: date | None, children: bool) -> Iterator[tuple[int, int]]:
    """The position of each number in the plain text."""
    if _SEVEN_DIGITS.match(plain) is None:
        return
    for window in _windows(plain, [found.span() for found in _GROUP.finditer(plain)]):
        if _reads_as_number(window, today, children):
            yield window.start, window.end
    for found in _LETTERED.finditer(plain):
        if _reads_as_lettered(found, plain, today, children):
            yield found.start("day"), found.end("four")


@dataclass(frozen=True, slots=True)
class _Window:
    """Ten or twelve digits in a row, as they are written. cuts: where a group ends inside; gaps: what stands there.

    glued: digits at its beginning or end that are none of its own.
    """

    plain: str
    start: int
    end: int
    digits: str
    cuts: Sequence[int]
    gaps: Sequence[str]
    glued: int
    pairs_around: bool

    @property
    def four_at(self) -> int:
        """The position of the last four digits."""
        return len(self.digits) - 4


def _windows(plain: str, groups: Sequence[tuple[int, int]]) -> Iterator[_Window]:
    """Every run of whole groups that makes ten or twelve digits; a few digits before may be glued to the first."""
    for first, (begin, end) in enumerate(groups):
        length = end - begin
        if length in (11, 13) and _may_be(plain[begin : end - 1]):
            yield _Window(plain, begin, end, plain[begin : end - 1], (), (), 1, False)
        for dropped in _droppable(length):
            cuts: list[int] = []
            gaps: list[str] = []
            digits, last = plain[begin + dropped : end], first
            while True:
                if len(digits) in (10, 12) and _may_be(digits):
                    around = _pairs_around(groups, first, last)
                    yield _Window(
                        plain,
                        begin,
                        groups[last][1],
                        digits,
                        tuple(cuts),
                        tuple(gaps),
                        dropped,
                        around,
                    )
                last += 1
                if len(digits) >= 12 or last == len(groups):
                    break
                gap = plain[groups[last - 1][1] : groups[last][0]]
                if len(gap) > GAP:
                    break
                cuts.append(len(digits))
                gaps.append(gap)
                digits += plain[slice(*groups[last])]


def _may_be(digits: str) -> bool:
    """The cheap part of the question: no number has 000 before its check digit, and the check digit is right."""
    ours = digits[-4:-1] != "000" and _luhn(digits[-10:])
    return ours or (len(digits) == 12 and digits[:2] == "99" and _luhn(digits[4:]))


def _droppable(length: int) -> set[int]:
    """How many digits at the beginning of a group may be glued to a number without belonging to it."""
    return {
        0,
        *((1,) if length % 2 and length > 1 else ()),
        *(length - kept for kept in (8, 12) if length > kept),
    }


def _pairs_around(groups: Sequence[tuple[int, int]], first: int, last: int) -> bool:
    """Whether a group of two digits stands right before or after, as in a row of times."""
    before = first > 0 and _is_pair(groups[first - 1]) and groups[first][0] - groups[first - 1][1] <= 3
    behind = (
        last + 1 < len(groups) and _is_pair(groups[last + 1]) and groups[last + 1][0] - groups[last][1] <= 3
    )
    return before or behind


def _is_pair(group: tuple[int, int]) -> bool:
    return group[1] - group[0] == 2


# --- what makes it a number ------------------------------------------------------------------------------


def _reads_as_number(window: _Window, today: date | None, children: bool) -> bool:
    digits, at = window.digits, window.four_at
    if len(digits) == 12 and digits[:2] == "99":
        return _is_reserve_of_stockholm(window)
    between = window.gaps[window.cuts.index(at)] if at in window.cuts else ""
    who = _born(digits[:at], today, plus=between.strip() == "+")
    if who is None or not _stands_alone(window) or not _written_on(window, between):
        return False
    if who == "adult":
        return _adults_grouping(window, between)
    return children and _closely_written(window, between)


def _luhn(digits: str) -> bool:
    """Whether the check digit at the end of an even number of digits is right."""
    return (sum(map(int, digits[1::2])) + sum(map(_DOUBLED.__getitem__, digits[::2]))) % 10 == 0


def check_digit_fits(digits: str) -> bool:
    """Whether the last of an even number of digits fits the others, as in every Swedish number of this kind."""
    return _luhn(digits)


def _born(day: str, today: date | None, *, plus: bool = False) -> str | None:
    """`adult` or `child` for a day of birth of six or eight digits; None when nobody alive was born then.

    A coordination number has 60 added to the day, and nobody writes a day so: it counts like an adult's.
    """
    year, month, on = int(day[:-4]), int(day[-4:-2]), int(day[-2:])
    if month > 12 or on > 91 or 31 < on < 60:
        return None
    coordination, on = on >= 60, on % 60
    if today is None:
        years = [year] if len(day) == 8 else [1900 + year, 2000 + year]
        return "adult" if any(1900 <= one < 2100 and _is_day(one, month, on) for one in years) else None
    if len(day) == 6:
        year = today.year - (today.year - year) % 100
        if (year, month, on) > (today.year, today.month, today.day):
            year -= 100
    if (year, month, on) > (today.year, today.month, today.day) or today.year - year > OLDEST:
        return None
    if not _is_day(year, month, on) and not (plus and _is_day(year - 100, month, on)):
        return None
    old = (year + ADULT, month, on) <= (today.year, today.month, today.day)
    return "adult" if old or coordination or plus else "child"


def _is_day(year: int, month: int, on: int) -> bool:
    """Whether the day exists; month and day are 00 where they are unknown."""
    return on <= (31 if month == 0 else calendar.monthrange(year, month)[1])


def _stands_alone(window: _Window) -> bool:
    """Letters may be glued to a number, as in `AF900101-…`; a mixture of letters and digits is some other code."""
    plain, start, end = window.plain, window.start, window.end
    while start > 0 and plain[start - 1].isalpha():
        start -= 1
    while end < len(plain) and plain[end].isalpha():
        end += 1
    return not (plain[start - 1 : start].isdigit() or plain[end : end + 1].isdigit())


def _written_on(window: _Window, between: str) -> bool:
    """Whether the text between its groups lets them be one number, and not two things beside each other."""
    for cut, gap in zip(window.cuts, window.gaps, strict=True):
        if cut != window.four_at and (len(gap) > 3 or any(sign.isalnum() for sign in gap)):
            return False
    if window.four_at in window.cuts and _DAY_GOES_ON.match(window.plain, window.end):
        return False
    if len(window.cuts) == 1 and window.four_at not in window.cuts and window.digits[0] == "0":
        return False  # 0910-771234, a telephone
    if not window.cuts and window.plain[window.start - 1 : window.start] == "+" and window.glued:
        return False  # +46701234567
    if any(sign.isalpha() for sign in between):
        return _said_with_words(window, between)
    return True


def _said_with_words(window: _Window, between: str) -> bool:
    """`900101 nr 2385` is a number; `kl 0830` is a time, and `till 2012` a year."""
    four = window.digits[-4:]
    if (_CLOCK_WORD.search(between) and _CLOCK_TIME.fullmatch(four)) or (
        _UNTIL_WORD.search(between) and _YEAR.fullmatch(four)
    ):
        return False
    if between[0].isalpha() or between[-1].isalpha():
        before, behind = (
            window.plain[window.start - 1 : window.start],
            window.plain[window.end : window.end + 1],
        )
        return len(between) <= 4 and not before.isalnum() and not behind.isalnum()
    return True


def _adults_grouping(window: _Window, between: str) -> bool:
    """Whether the groups are those of a number. The last four are one group, or no form of a time or an amount."""
    at, cuts = window.four_at, frozenset(window.cuts)
    in_day, in_four = frozenset(c for c in cuts if c < at), frozenset(c - at for c in cuts if c > at)
    if len(cuts) == len(window.digits) - 1:
        return not window.glued
    if window.glued and (in_four or (window.glued > 1 and at == 6)):
        return False
    if not in_four:
        return all(cut % 2 == 0 for cut in in_day)
    if at not in cuts:
        one_sign = len(set(window.gaps)) == 1 and len(window.gaps[0]) == 1 and not window.gaps[0].isspace()
        return one_sign and all(cut % 2 == 0 for cut in cuts)
    if in_day not in (WHOLE, {at - 4, at - 2}, {2, 4, 6}):
        return False
    if in_four == {1} and between.endswith(" "):
        return False  # 1 200 kr
    if in_four == {2}:
        if in_day and window.cuts[0] == 2 and (window.pairs_around or not _evenly_spaced(window)):
            return False  # 08.10-12.30 13.30
        return _CLOCK_TIME.fullmatch(window.digits[-4:]) is None
    return True


def _evenly_spaced(window: _Window) -> bool:
    """Whether all groups are separated alike, except for the separator before the last four."""
    return len({gap for cut, gap in zip(window.cuts, window.gaps, strict=True) if cut != window.four_at}) == 1


def _closely_written(window: _Window, between: str) -> bool:
    """The usual ways of writing one number, which a recent day beside a time or a quantity is not written in."""
    at, cuts = window.four_at, window.cuts
    if window.glued or any(sign.isalpha() for sign in between):
        return False
    if tuple(cuts) == (at - 4, at - 2, at):
        return len(between) == 1 and not between.isspace()
    if tuple(cuts) not in ((), (at,)) or len(between) > 3:
        return False
    return between in ("", "-", "+") or _CLOCK_TIME.fullmatch(window.digits[-4:]) is None


def _is_reserve_of_stockholm(window: _Window) -> bool:
    """`99`, year, five digits, and a check digit over year's end and number. Source: Inera, Lokala reservid-n."""
    digits = window.digits
    joined = tuple(window.cuts) in ((), (8,)) and not any(
        sign.isalnum() for gap in window.gaps for sign in gap
    )
    return joined and not window.glued and 1980 <= int(digits[2:6]) < 2100 and _luhn(digits[4:])


def _reads_as_lettered(found: re.Match[str], plain: str, today: date | None, children: bool) -> bool:
    """T-numbers of the universities and the regions' reserve numbers: a letter or more among the last four.

    The regions' check digits differ, so the day alone decides; it has to be an adult's, as room and case numbers have
    the same form. A T-number's check digit counts the letter as 1. Source: Inera, Lokala reservid-n; personnummer.dev.
    """
    day, gap, four = found["day"].replace("-", ""), found["gap"], found["four"].upper()
    if not _before_is_clear(plain, found.start("day")) or _CLOCK_WORD_AND_HOUR.fullmatch(four):
        return False
    close = gap in ("", "-", "+")
    if not _RESERVE.fullmatch(four) and not (close and len(day) == 8 and any(c.isdigit() for c in four)):
        return False
    if len(day) == 8 and 22 <= int(day[:2]) <= 97 and close:
        return (
            re.fullmatch(r"[A-Z]{2}[0-9]{2}", four) is not None and _born(f"2000{day[4:]}", None) is not None
        )
    who = _born(day, today, plus=gap == "+")
    if who != "child":
        return who == "adult"
    return children and close and _T_NUMBER.fullmatch(four) is not None and _luhn(f"{day[-6:]}1{four[1:]}")


def _before_is_clear(plain: str, start: int) -> bool:
    while start > 0 and plain[start - 1].isalpha():
        start -= 1
    return not plain[start - 1 : start].isdigit()
