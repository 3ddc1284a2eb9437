"""What those who were asked may do with a referral once it was passed on, taken or returned: written by hand.

Rows are organisations by what they are to the referral, columns the points it has come to:

    next   named to the shop, then the café; the shop has said no
    last   the same; the café has said no too
    mute   named to the shop alone, which was silent beyond the last day
    once   open to any; the shop has said no
    took   open to any; the shop has said no, the café has taken the person on

    agency  referred the person          free    a provider of the programme that has not answered
    shop    said no, or was silent       others  organisations of every other role and none
    cafe    was asked after it

The letters are those of `tables.py`. The shop hears of its own no alone: it may say it again, and hears why it is not
taken back. Everything else of the referral is not there for it.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date

from tests.support.access.tables import Grid
from tests.support.access.worlds import AGENCY, CONTENTS, ORGANISATIONS, SHOP, World
from tests.support.house import INTAKE, house
from tests.support.page_server import read_programme

CAFE, FREE = "kafe-solrosen", "urkraft"
POINTS = ("next", "last", "mute", "once", "took")
ASKED: Mapping[str, str] = {**ORGANISATIONS, "free": FREE}
STRANGERS = ("tra", "fk", "hotel", "esf", "out")
DAYS = 14

READ = """
        next last mute once took
agency  +    +    +    +    +
shop    .    .    .    .    .
cafe    +    +    .    +    +
free    .    .    .    +    .
others  .    .    .    .    .
"""
READ_CONTENTS = """
        next last mute once took
agency  +    +    +    +    +
shop    .    .    .    .    .
cafe    +    x    .    +    +
free    .    .    .    +    .
others  .    .    .    .    .
"""
ACCEPT = """
        next last mute once took
agency  r    r    r    r    r
shop    .    .    .    .    .
cafe    +    +    .    +    +
free    .    .    .    +    +
others  .    .    .    .    .
"""
DECLINE = """
        next last mute once took
agency  r    r    r    r    r
shop    +    +    .    +    +
cafe    +    +    .    +    +
free    .    .    .    +    .
others  .    .    .    .    .
"""
CORRECT_ACCEPTANCE = """
        next last mute once took
agency  r    r    r    r    r
shop    .    .    .    .    .
cafe    +    +    .    +    +
free    .    .    .    +    .
others  .    .    .    .    .
"""
CONSENT = """
        next last mute once took
agency  +    +    +    +    +
shop    .    .    .    .    .
cafe    p    p    .    p    +
free    .    .    .    p    .
others  .    .    .    .    .
"""
ROUTES: Mapping[str, str] = {
    "GET /referrals/<string:journeyId>": READ,
    "GET /journeys/<string:journeyId>/corrections": READ,
    "GET /referrals/<string:journeyId>/contents": READ_CONTENTS,
    "POST /referrals/<string:journeyId>/acceptance": ACCEPT,
    "POST /referrals/<string:journeyId>/decline": DECLINE,
    "POST /referrals/<string:journeyId>/acceptance/correction": CORRECT_ACCEPTANCE,
    "POST /referrals/<string:journeyId>/decline/correction": DECLINE,
    "POST /journeys/<string:journeyId>/consents": CONSENT,
}
ELSEWHERE: Mapping[str, str] = dict.fromkeys(
    ("activity_tracking", "outcome"), "GET /journeys/<string:journeyId>"
)
"""Reading routes of other services, which know who is asked from the events alone."""


def grid(text: str) -> Grid:
    """{row: {point: cell}} of a table; its first line names the points."""
    lines = [line.split() for line in text.strip().splitlines()]
    assert tuple(lines[0]) == POINTS
    return {name: dict(zip(POINTS, cells, strict=True)) for name, *cells in lines[1:]}


def _referred(*providers: str) -> World:
    world = World(house(replace(read_programme(), answer_within_days=DAYS), today=date(2016, 6, 1)))
    person = {"name": "Kim Exempel", "personnummer": None}
    world.person = world.house.done(INTAKE, "POST", "/participants", AGENCY, person)["participant_id"]
    referral = {
        "reference": "AF-1",
        "participant_id": world.person,
        "programme": "coactive",
        "municipality": "2482",
        "providers": list(providers),
    }
    world.journey = world.house.done(INTAKE, "POST", "/referrals", AGENCY, referral)["journey_id"]
    world.house.done(INTAKE, "PUT", world.on("/referrals/{journey}/contents"), AGENCY, CONTENTS)
    return world


def _refused(world: World, *by: str) -> World:
    for one in by:
        path = world.on("/referrals/{journey}/decline")
        world.house.done(INTAKE, "POST", path, one, {"reason": "no_place"})
    return world


def _muted() -> World:
    world = _referred(SHOP)
    world.house.pass_to(date(2016, 6, 16))
    return world


def _taken() -> World:
    world = _refused(_referred(), SHOP)
    world.house.done(INTAKE, "POST", world.on("/referrals/{journey}/acceptance"), CAFE)
    return world


WAYS: Mapping[str, Callable[[], World]] = {
    "next": lambda: _refused(_referred(SHOP, CAFE), SHOP),
    "last": lambda: _refused(_referred(SHOP, CAFE), SHOP, CAFE),
    "mute": _muted,
    "once": lambda: _refused(_referred(), SHOP),
    "took": _taken,
}
