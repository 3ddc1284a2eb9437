"""Personal identity numbers are found however they are written, and ordinary texts pass: both are generated."""

import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.language.personal_numbers import holds_personnummer, without_personnummer

TODAY = date(2026, 11, 27)
OLDEST_WRITTEN, YOUNGEST_ADULT = date(1930, 1, 1), date(2011, 11, 27)

FROM_THE_ATTACK = [
    *("1. 19900101-2385", "Ring 2 900101-2385", "19900101 / 2385", "1990-01-01-2385", "19900101:2385"),
    *("19900101_2385", "19900101--2385", "900101 nr 2385", "19900101/2385", "A1.19900101-2385"),
]
ODDLY_WRITTEN = [
    *("9001.0198.02", "1 9 9 0 0 1 0 1 9 8 0 2", "90 01 01 98 02", "19 90 01 01 - 98 02", "19 900101 9802"),
    *("900101, sista fyra: 9802", "900101nr9802", "(900101)\n9802", "119900101-9802", "1900101-9802"),
    *("900101-980-2", "900101 9 8 0 2", "AF9001019802", "AF-900101-9802B", "AF/19900101-9802/2"),
    *(
        "\uff19\uff10\uff10\uff11\uff10\uff11\uff0d\uff19\uff18\uff10\uff12",
        "9\u200b0\u00ad0101\u202e-9\u20608\ufeff02",
    ),
    *("\u0669\u0660\u0660\u0661\u0660\u0661-\u0669\u0668\u0660\u0662", "9\u03380\u03380\u0338101-98\u20dd02"),
    *(
        "\U0001d7d7\U0001d7d80101-9802",
        "900101\u31649802",
        "900101\u20139802",
        "900101\u22129802",
        "\u24fd00101-9802",
    ),
]
"""One number, 900101-9802, in ways that no list of separators makes."""

PREFIXES = [
    "",
    "1. ",
    "Ring 2 ",
    "A1.",
    "AF-",
    "AF",
    "nr:",
    "(",
    "2017-04-02 ",
    "x/",
    "åäö ",
    "Ärende 12, ",
    "\n",
]
SEPARATORS = [
    *(
        "",
        "-",
        "+",
        " ",
        "--",
        " - ",
        "/",
        " / ",
        ":",
        "_",
        ".",
        ",",
        ";",
        "\u2013",
        "\u2014",
        "\u2212",
        "\u00ad",
    ),
    *("\u200b", "\u202e", "\u2060-", "\t", "\n", " nr ", " nr. ", ", nr: ", " (", " ... ", "nr", "\u00a0"),
]
SUFFIXES = ["", ".", ", ok", "/2", " ring", ")", " kl 08.30", "\n"]


def written_days(born: date, add: int, month: int | None) -> dict[str, str]:
    """A day of birth in the ways people write it. add: to the day of the month; month: instead of the month."""
    middle, on = born.month if month is None else month, born.day + add
    return {
        "12": f"{born.year}{middle:02d}{on:02d}",
        "10": f"{born.year % 100:02d}{middle:02d}{on:02d}",
        "12 apart": f"{born.year}-{middle:02d}-{on:02d}",
        "12 by strokes": f"{born.year}/{middle:02d}/{on:02d}",
        "10 by dots": f"{born.year % 100:02d}.{middle:02d}.{on:02d}",
    }


def check_digit(nine: str) -> str:
    doubled = [int(digit) * (2 - index % 2) for index, digit in enumerate(nine)]
    return str(-sum(one // 10 + one % 10 for one in doubled) % 10)


def _four(chance: Random, six: str) -> str:
    number = f"{chance.randrange(1, 1000):03d}"
    return number + check_digit(six + number)


KINDS: dict[str, tuple[int, int | None, Callable[[Random, str], str]]] = {
    "personnummer": (0, None, _four),
    "samordningsnummer": (60, None, _four),
    "samordningsnummer, month unknown": (60, 0, _four),
    "T-number": (0, None, lambda chance, _: f"T{chance.randrange(1000):03d}"),
    "reserve number": (0, None, lambda chance, _: f"{chance.choice('KMX')}{chance.randrange(1000):03d}"),
}


def written_numbers(kind: str) -> Iterator[tuple[str, str, str]]:
    """(number, separator, whole text): prefix × day × separator × suffix, with another person each time."""
    chance = Random(kind)
    add, month, last_four = KINDS[kind]
    lettered = kind in ("T-number", "reserve number")
    days = (YOUNGEST_ADULT - OLDEST_WRITTEN).days
    for prefix in PREFIXES:
        for separator in SEPARATORS:
            for suffix in SUFFIXES:
                born = OLDEST_WRITTEN + timedelta(days=chance.randrange(days))
                for form, day in written_days(born, add, month).items():
                    six = "".join(filter(str.isdigit, day))[-6:]
                    if lettered and not (len(separator) == 1 and form in ("12", "10", "12 apart")):
                        continue
                    if separator == "nr" and (prefix in ("AF", "A1.") or suffix == ""):
                        continue
                    yield separator, form, f"{prefix}{day}{separator}{last_four(chance, six)}{suffix}"


@pytest.mark.parametrize("text", [*FROM_THE_ATTACK, *ODDLY_WRITTEN])
def test_what_an_attacker_wrote_is_found(text: str) -> None:
    assert holds_personnummer(text, TODAY)
    assert holds_personnummer(text, TODAY, children=False)
    assert holds_personnummer(text)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_found_behind_every_prefix_with_every_separator(kind: str) -> None:
    written = list(written_numbers(kind))
    assert len(written) > 500
    assert [text for _, _, text in written if not holds_personnummer(text, TODAY, children=False)] == []


@given(st.dates(date(1902, 1, 1), TODAY), st.integers(1, 999), st.sampled_from(["", "-", "+"]), st.booleans())
def test_children_are_found_where_somebody_may_write_of_them(
    born: date, number: int, separator: str, century: bool
) -> None:
    six = f"{born:%y%m%d}"
    text = f"{born:%Y%m%d}" if century else six
    assert holds_personnummer(f"{text}{separator}{number:03d}{check_digit(f'{six}{number:03d}')}", TODAY)


@pytest.mark.parametrize("born", ["20261128", "20270101", "19001231", "18901231", "29900101"])
def test_nobody_is_unborn_and_nobody_is_older_than_anybody(born: str) -> None:
    assert not any(holds_personnummer(f"{born}-{four:04d}", TODAY) for four in range(10_000))


def test_a_recent_day_and_four_digits_are_a_case_number_where_only_participants_can_be_meant() -> None:
    every = [f"20170301-{number:04d}" for number in range(10_000)]
    assert sum(holds_personnummer(text, TODAY, children=False) for text in every) == 0
    assert sum(holds_personnummer(text, TODAY) for text in every) == 999, "a child's number has the same form"


# --- ordinary texts --------------------------------------------------------------------------------------

ORDINARY = [
    *(
        "",
        "AF-2016-000123",
        "AF-2016-0001",
        "900101-9803",
        "901301-9802",
        "1234567890123",
        "900101-98",
        "af-1",
    ),
    *(
        "2016-03-01",
        "Praktik 2017-04-02 08.30-12.00",
        "Möte 2017-04-02 kl 0830",
        "070-123 45 67",
        "556677-8899",
    ),
    *(
        "+46 70 123 45 67",
        "+46701234567",
        "08-123 456 78",
        "0910-77 12 34",
        "0910-771234",
        "931 30 Skellefteå",
    ),
    *("1 200 000 kr", "ISBN 978-91-7012-345-6", "91-7012-345-6", "SFI kurs C, 2016-05-02 – 2016-06-03"),
    *(
        "2009-05-04 - 2010-06-03",
        "08.10-12.30 13.30-16.00",
        "4571 9911 2233 4455",
        "SE45 5000 0000 0583 9825 7466",
    ),
    *(
        "550e8400-e29b-41d4-a716-446655440000",
        "19900101-2385-4abc-8def-001122334455",
        "2017-04-02T08:30:00+02:00",
    ),
    *("3 4 5 5 2 1 4 4 3 5", "Sal B201, 2017-04-02", "Anställd 2009-05-04 till 2015", "1490000000123"),
    "Vill bli undersköterska; börjar 1 mars 2017, vecka 9, kl. 8–12, 20 timmar i veckan.",
]


def day(chance: Random) -> date:
    return date(2013, 1, 1) + timedelta(days=chance.randrange(13 * 365))


def clock(chance: Random, sign: str = ".") -> str:
    return f"{chance.randrange(7, 18):02d}{sign}{chance.choice(['00', '15', '30', '45'])}"


CORPUS: dict[str, tuple[float, Callable[[Random], str]]] = {
    "day and times": (0, lambda r: f"Praktik {day(r)} {clock(r)}-{clock(r)}"),
    "day and military time": (0, lambda r: f"{day(r)} {clock(r, '')}"),
    "day close together and time": (0, lambda r: f"Möte {day(r):%Y%m%d} {clock(r, '')}"),
    "short day and time": (0, lambda r: f"{day(r):%y-%m-%d} kl {clock(r, ':')}"),
    "days": (0, lambda r: f"{day(r)} – {day(r)}, {day(r)}--{day(r)}"),
    "days of long ago": (0, lambda r: f"{day(r) - timedelta(days=9_000)} - {day(r) - timedelta(days=7_000)}"),
    "times": (0, lambda r: " ".join(f"{clock(r)}-{clock(r)}" for _ in range(r.randrange(1, 6)))),
    "day and sum": (0, lambda r: f"{day(r)}: {r.randrange(1, 10)} {r.randrange(100, 1000)} kr"),
    "mobile": (0, lambda r: f"070-{r.randrange(100, 1000)} {r.randrange(10, 100)} {r.randrange(10, 100)}"),
    "mobile abroad": (0, lambda r: f"+46{r.randrange(700000000, 740000000)}"),
    "telephone": (0, lambda r: f"0910-{r.randrange(10, 100)} {r.randrange(10, 100)} {r.randrange(10, 100)}"),
    "telephone close together": (0, lambda r: f"09{r.randrange(10, 20)}-{r.randrange(100000, 1000000)}"),
    "organisation": (0, lambda r: f"55{r.randrange(2000, 10000)}-{r.randrange(1000, 10000)}"),
    "postcode": (
        0,
        lambda r: f"Storgatan {r.randrange(1, 99)}, {r.randrange(930, 939)} {r.randrange(10, 99)}",
    ),
    "case of an agency": (0, lambda r: f"AF-{day(r).year}-{r.randrange(10_000):04d}"),
    "ISBN": (0, lambda r: f"978-91-{r.randrange(1000, 10_000)}-{r.randrange(100, 1000)}-{r.randrange(10)}"),
    "card": (0, lambda r: " ".join(f"{r.randrange(4000, 6000)}" for _ in range(4))),
    "ULID": (0, lambda r: f"j-{''.join(r.choices('0123456789abcdefghjkmnpqrstvwxyz', k=26))}"),
    "hexadecimal key": (0, lambda r: f"{r.getrandbits(128):032x}"),
    "UUID": (0, lambda r: _uuid(f"{r.getrandbits(128):032x}")),
    "milliseconds": (
        0,
        lambda r: f"run-{r.randrange(1_480_000_000_000, 1_890_000_000_000)}-{r.randrange(1000)}",
    ),
    "case of a day": (0, lambda r: f"{day(r):%Y%m%d}-{r.randrange(10_000):04d}"),
    "mobile without a sign": (0.02, lambda r: f"07{r.randrange(100_000_000):08d}"),
    "any ten digits": (0.012, lambda r: f"{r.randrange(10**10):010d}"),
    "any twelve digits": (0.0005, lambda r: f"{r.randrange(10**12):012d}"),
    "six digits and four": (0.012, lambda r: f"{r.randrange(10**6):06d}-{r.randrange(10**4):04d}"),
}
"""Ordinary texts by kind, and which part of them may be refused. A kind with 0 has a form that tells it apart."""


def _uuid(bits: str) -> str:
    return f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-a{bits[17:20]}-{bits[20:]}"


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert not holds_personnummer(text, TODAY)


@pytest.mark.parametrize("kind", CORPUS)
def test_of_each_kind_of_ordinary_text_no_more_is_refused_than_is_said(kind: str) -> None:
    part, make = CORPUS[kind]
    chance = Random(kind)
    texts = [make(chance) for _ in range(4_000)]
    refused = [text for text in texts if holds_personnummer(text, TODAY, children=False)]
    assert len(refused) <= part * len(texts), refused[:5]


@pytest.mark.parametrize(
    "piece", ["1 ", "1", "a1", "19900101-", "900101 a", "9001.", "\u0661\u200b", "\ufdfa", "-"]
)
def test_the_search_takes_time_in_proportion_to_the_text(piece: str) -> None:
    def seconds(times: int) -> float:
        text = piece * times
        began = time.thread_time()
        holds_personnummer(text, TODAY)
        return time.thread_time() - began

    def in_proportion() -> bool:
        """Four times the text takes 16 times as long where the time grows with its square."""
        longer, shorter = (min(seconds(times) for _ in range(3)) for times in (whole, whole // 4))
        return longer < 12 * shorter + 0.01 and longer < 2

    whole = 16_384 // len(piece)
    # A busy machine may spoil one comparison; it does not make the square come out right.
    assert any(in_proportion() for _ in range(5))


def test_what_was_found_is_taken_out_and_the_rest_stays() -> None:
    said = without_personnummer("Failed on 1. 19900101-9802 and 900101 nr 9802 at offset 17", "…")
    assert said == "Failed on 1. … and … at offset 17"
    assert without_personnummer("Nothing\u00ad here, 2017-04-02", "…") == "Nothing\u00ad here, 2017-04-02"
