"""Who the people are: made up, drawn from a seed, and spread so that the figures have something to show.

Names are common ones joined at random. A personnummer here has a birth number from 980 to 999. The Swedish Tax Agency
keeps that range for test data, so it belongs to nobody. Pure.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Literal

from clients.player.programme import Programme

Fate = Literal[
    "handed over",
    "by plan",
    "medical first",
    "offer declined",
    "offer expired",
    "offer recalled",
    "consent withdrawn",
    "exit before answer",
    "broken off",
    "moved",
    "deceased",
    "mistake after start",
    "mistake after exit",
    "declined",
    "unanswered",
    "withdrawn",
    "mistake before start",
]

FATES: dict[Fate, int] = {
    "handed over": 70,
    "by plan": 14,
    "medical first": 8,
    "offer declined": 6,
    "offer expired": 6,
    "offer recalled": 5,
    "consent withdrawn": 5,
    "exit before answer": 5,
    "broken off": 16,
    "moved": 5,
    "deceased": 4,
    "mistake after start": 4,
    "mistake after exit": 2,
    "declined": 10,
    "unanswered": 10,
    "withdrawn": 5,
    "mistake before start": 4,
}
"""How many first journeys end how; those who come back have a second one beside these."""

REFERRED_FROM = 14
"""Days after the programme's start on which the first are referred."""
LAST_REFERRAL_BEFORE_END = 290
"""Days before the programme's end after which nobody new is referred."""

WOMEN = ("Anna", "Maria", "Elin", "Sara", "Fatima", "Ingrid", "Amina", "Kerstin", "Hodan", "Linnea", "Eva")
MEN = ("Lars", "Erik", "Johan", "Ali", "Nils", "Per", "Hassan", "Anders", "Omar", "Karl", "Yonas", "Sven")
FIRST_NAMES = {"woman": WOMEN, "man": MEN}
FAMILIES = (
    "Lindström",
    "Marklund",
    "Burström",
    "Ahmed",
    "Holmgren",
    "Sandberg",
    "Tesfay",
    "Lundmark",
    "Forsberg",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One participant to be, and what will come of the first journey."""

    key: str
    name: str
    personnummer: str | None
    phone: str
    gender: str
    municipality: str
    born_on: date
    employment: str
    isced: int | None
    referrer: str
    referred_on: date
    fate: Fate


def people(programme: Programme, random: Random) -> tuple[Person, ...]:
    """The cohort, in the order of referral."""
    fates = [fate for fate, count in FATES.items() for _ in range(count)]
    random.shuffle(fates)
    count = len(fates)
    first = programme.starts_on + timedelta(days=REFERRED_FROM)
    span = (programme.ends_on - timedelta(days=LAST_REFERRAL_BEFORE_END) - first).days
    days = sorted(weekday(first + timedelta(days=random.randint(0, span))) for _ in range(count))
    genders = _spread(random, count, {"woman": 0.50, "man": 0.43, "non_binary": 0.07})
    places = tuple(programme.municipalities)
    municipalities = _spread(
        random, count, {places[0]: 0.6} | {one: 0.4 / (len(places) - 1) for one in places[1:]}
    )
    employments = _spread(
        random, count, {"unemployed": 0.62, "inactive": 0.26, "student": 0.06, "employed": 0.06}
    )
    referrers = programme.those_who_may("refer", "register_participant", "withdraw_referral")
    weights = dict(zip(referrers, (0.4, 0.25, *[0.1] * len(referrers)), strict=False))
    from_whom = _spread(random, count, weights)
    return tuple(
        person(
            random,
            number,
            fates[number],
            days[number],
            genders[number],
            municipalities[number],
            employments[number],
            from_whom[number],
        )
        for number in range(count)
    )


def person(
    random: Random,
    number: int,
    fate: Fate,
    referred_on: date,
    gender: str,
    municipality: str,
    employment: str,
    referrer: str,
) -> Person:
    """Somebody of that fate, gender, place and so on; what else there is to say is drawn."""
    born_on = referred_on - timedelta(days=random.randint(19 * 366, 63 * 365))
    first_names = FIRST_NAMES.get(gender, WOMEN + MEN)
    return Person(
        key=f"p{number:03}",
        name=f"{random.choice(first_names)} {random.choice(FAMILIES)}",
        personnummer=_test_personnummer(random, born_on) if random.random() < 0.7 else None,
        phone=f"070-{random.randint(1740605, 1740699)}",
        gender=gender,
        municipality=municipality,
        born_on=born_on,
        employment=employment,
        isced=random.choice((0, 1, 2, 2, 3, 3, 3, 4, 5, 6)) if random.random() > 0.04 else None,
        referrer=referrer,
        referred_on=referred_on,
        fate=fate,
    )


def _test_personnummer(random: Random, born_on: date) -> str:
    """A number from the range kept for tests, with its check digit."""
    digits = f"{born_on:%y%m%d}{random.randint(980, 999)}"
    doubled = (int(digit) * (2 - position % 2) for position, digit in enumerate(digits))
    check = -sum(value - 9 if value > 9 else value for value in doubled) % 10
    return f"{born_on:%Y%m%d}{digits[6:]}{check}"


def _spread(random: Random, count: int, shares: dict[str, float]) -> list[str]:
    """So many of each by its share, in random order; what is left over goes to the first."""
    total = sum(shares.values())
    drawn = [value for value, share in shares.items() for _ in range(int(count * share / total))]
    drawn += [next(iter(shares))] * (count - len(drawn))
    random.shuffle(drawn)
    return drawn


def weekday(on: date) -> date:
    """The day, or the Friday before a weekend."""
    return on - timedelta(days=max(0, on.weekday() - 4))
