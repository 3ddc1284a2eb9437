"""What each organisation may do with a journey at each point: tables written by hand, none taken from the code.

Rows are organisations by what they are to the journey, columns the points it has come to (`worlds.py` tells each):

    open   referred, and no provider named          offr   handed over to the employer, not answered yet
    named  referred to the shop                     empl   the employer has said yes
    acc    the shop has taken the person on         exit   the employer has recorded the exit
    decl   the shop has declined                    foll   a follow-up is due
    wdr    withdrawn after the shop's yes           clos   closed
    strt   started at the shop                      gone   closed four months ago
                                                    mist   registered by mistake after the start

    agency  registered and referred the person      tra    the employer (role receiver)
    shop    the provider                            others organisations without any part in it, of every role and none
    cafe    another provider of the programme

A cell says what comes of the request when the duty is right:

    +   it is decided on: carried out, or refused for what it says or when it comes (409, 422)
    .   404, word for word what is said of a journey that is not there
    x   404 for a part of the journey (a goal, a session, a consent); that the journey is there, the caller knows
    p   403: a part is held, but not the one that this takes          r   403: the role does not include it
    u   422: UNKNOWN_PARTICIPANT, as for a person who is not there
    l   403: the fact is of a day on which it held the journey, and the days to record it are over
"""

WORLDS = (
    "open",
    "named",
    "acc",
    "decl",
    "wdr",
    "strt",
    "offr",
    "empl",
    "exit",
    "foll",
    "clos",
    "gone",
    "mist",
)

Grid = dict[str, dict[str, str]]


def grid(text: str) -> Grid:
    """{row: {world: cell}} of a table; its first line names the worlds."""
    lines = [line.split() for line in text.strip().splitlines()]
    heads = lines[0]
    assert tuple(heads) == WORLDS, heads
    found = {}
    for name, *cells in lines[1:]:
        assert len(cells) == len(heads), name
        found[name] = dict(zip(heads, cells, strict=True))
    return found


READ = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  +    +     +   +    +   +    +    +    +    +    +    +    +
shop    +    +     +   +    +   +    +    +    +    +    +    +    +
cafe    +    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    +    +    +    +    +    +    .
others  .    .     .   .    .   .    .    .    .    .    .    .    .
"""
CONTENTS = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  +    +     +   +    +   +    +    +    +    +    +    +    +
shop    +    +     +   x    x   +    +    +    +    +    +    x    x
cafe    +    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    x    x    x    x    x    x    .
others  .    .     .   .    .   .    .    .    .    .    .    .    .
"""
READ_REPORT = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  x    x     x   x    x   x    x    x    x    x    +    +    x
shop    x    x     x   x    x   x    x    x    x    x    x    x    x
cafe    x    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    x    x    x    x    +    +    .
others  .    .     .   .    .   .    .    .    .    .    .    .    .
"""
"""A journey has its first report at the end of a month, of whoever holds it; no other reads that one."""
ACKNOWLEDGE = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  x    x     x   x    x   x    x    x    x    x    +    +    x
shop    r    r     r   r    r   r    r    r    r    r    r    r    r
cafe    r    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    r    r    r    r    r    r    .
others  .    .     .   .    .   .    .    .    .    .    .    .    .
"""
WITHDRAW = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  +    +     +   +    +   +    +    +    +    +    +    +    +
shop    r    r     r   r    r   r    r    r    r    r    r    r    r
cafe    r    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    r    r    r    r    r    r    .
others  .    .     .   .    .   .    .    .    .    .    .    .    .
"""
ANSWER = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  r    r     r   r    r   r    r    r    r    r    r    r    r
shop    +    +     +   +    +   +    +    +    +    +    +    +    +
cafe    +    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    r    r    r    r    r    r    .
others  .    .     .   .    .   .    .    .    .    .    .    .    .
"""
CONSENT = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  +    +     +   +    +   +    +    +    +    +    +    +    +
shop    p    p     +   p    +   +    +    +    +    +    +    +    +
cafe    p    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    r    r    r    r    r    r    .
others  .    .     .   .    .   .    .    .    .    .    .    .    .
"""
CONSENT_BACK = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  x    x     x   x    x   +    +    +    +    +    +    +    +
shop    p    p     x   p    x   +    +    +    +    +    +    +    +
cafe    p    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    r    r    r    r    r    r    .
others  .    .     .   .    .   .    .    .    .    .    .    .    .
"""
START = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  r    r     r   r    r   r    r    r    r    r    r    r    r
shop    p    p     +   p    +   +    +    p    p    p    p    p    +
cafe    p    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    r    r    r    r    r    r    .
others  .    .     .   .    .   .    .    .    .    .    .    .    .
"""
MISTAKE = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  +    +     +   +    +   +    +    +    +    +    +    +    +
shop    p    p     +   p    +   +    +    p    p    p    p    p    +
cafe    p    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    r    r    r    r    r    r    .
others  .    .     .   .    .   .    .    .    .    .    .    .    .
"""
LOG = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  r    r     r   r    r   r    r    r    r    r    r    r    r
shop    p    p     +   p    +   +    +    p    p    p    p    p    +
cafe    p    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    p    +    +    +    +    +    .
others  .    .     .   .    .   .    .    .    .    .    .    .    .
"""
LOG_A_DAY = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  r    r     r   r    r   r    r    r    r    r    r    r    r
shop    p    p     +   p    +   +    +    +    +    +    l    l    +
cafe    p    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    p    +    +    +    +    +    .
others  .    .     .   .    .   .    .    .    .    .    .    .    .
"""
REACH_GOAL = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  r    r     r   r    r   r    r    r    r    r    r    r    r
shop    p    p     x   p    x   +    +    p    p    p    p    p    +
cafe    p    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    p    x    x    x    x    x    .
others  .    .     .   .    .   .    .    .    .    .    .    .    .
"""
MEND_GOAL = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  r    r     r   r    r   r    r    r    r    r    r    r    r
shop    p    p     x   p    x   +    +    +    +    +    l    l    +
cafe    p    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    p    x    x    x    x    x    .
others  .    .     .   .    .   .    .    .    .    .    .    .    .
"""
CORRECT = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  r    r     r   r    r   r    r    r    r    r    r    r    r
shop    p    p     x   p    x   +    +    +    +    +    l    l    +
cafe    p    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    p    p    p    p    p    p    .
others  .    .     .   .    .   .    .    .    .    .    .    .    .
"""
JUDGED = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  r    r     r   r    r   r    r    r    r    r    r    r    r
shop    p    p     +   p    +   +    +    p    p    p    p    p    +
cafe    p    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    p    p    p    p    p    p    .
others  .    .     .   .    .   .    .    .    .    .    .    .    .
"""
MEND = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  r    r     r   r    r   r    r    r    r    r    r    r    r
shop    p    p     x   p    x   x    x    p    p    p    p    p    x
cafe    p    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    p    x    x    x    x    x    .
others  .    .     .   .    .   .    .    .    .    .    .    .    .
"""
FILE = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  r    r     r   r    r   r    r    r    r    r    r    r    r
shop    p    p     +   p    +   +    +    +    +    +    l    l    +
cafe    p    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    p    +    +    +    +    +    .
fk      r    r     r   r    r   r    r    r    r    r    r    r    r
hotel   .    .     .   .    .   .    .    .    .    .    .    .    .
esf     r    r     r   r    r   r    r    r    r    r    r    r    r
out     r    r     r   r    r   r    r    r    r    r    r    r    r
"""
MARKS = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  r    r     r   r    r   r    r    r    r    r    r    r    r
shop    .    .     .   .    .   .    .    .    .    .    .    .    .
cafe    .    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    .    .    .    .    .    .    .
fk      r    r     r   r    r   r    r    r    r    r    r    r    r
hotel   .    .     .   .    .   .    .    .    .    .    .    .    .
esf     r    r     r   r    r   r    r    r    r    r    r    r    r
out     r    r     r   r    r   r    r    r    r    r    r    r    r
"""
"""A row of marks, where no hours are planned with anybody: it tells nobody whether the journey is there."""
OFFER = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  r    r     r   r    r   r    r    r    r    r    r    r    r
shop    p    p     +   p    +   +    +    p    p    p    p    p    +
cafe    p    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    r    r    r    r    r    r    .
others  .    .     .   .    .   .    .    .    .    .    .    .    .
"""
READ_OFFER = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  .    .     .   .    .   .    +    +    +    +    +    +    .
shop    .    .     .   .    .   .    +    +    +    +    +    +    .
cafe    .    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    +    +    +    +    +    +    .
others  .    .     .   .    .   .    .    .    .    .    .    .    .
"""
ANSWER_OFFER = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  .    .     .   .    .   .    p    p    p    p    p    p    .
shop    .    .     .   .    .   .    p    p    p    p    p    p    .
cafe    .    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    +    +    +    +    +    +    .
others  .    .     .   .    .   .    .    .    .    .    .    .    .
"""
RECALL_OFFER = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  .    .     .   .    .   .    r    r    r    r    r    r    .
shop    .    .     .   .    .   .    +    +    +    +    +    +    .
cafe    .    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    r    r    r    r    r    r    .
others  .    .     .   .    .   .    .    .    .    .    .    .    .
"""
ENTRY = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  r    r     r   r    r   r    r    r    r    r    r    r    r
shop    p    p     +   p    +   +    +    +    +    +    +    +    +
cafe    p    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    r    r    r    r    r    r    .
others  .    .     .   .    .   .    .    .    .    .    .    .    .
"""
EXIT = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  +    +     p   +    p   p    p    p    p    p    p    p    p
shop    p    p     +   p    +   +    +    p    p    p    p    p    +
cafe    p    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    p    +    +    +    +    +    .
others  .    .     .   .    .   .    .    .    .    .    .    .    .
"""
READ_FOLLOW_UP = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  .    .     .   .    .   .    .    .    +    +    +    +    .
shop    .    .     .   .    .   .    .    .    +    +    +    +    .
cafe    .    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    .    .    +    +    +    +    .
others  .    .     .   .    .   .    .    .    .    .    .    .    .
"""
ANSWER_FOLLOW_UP = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  .    .     .   .    .   .    .    .    +    +    +    +    .
shop    p    p     .   p    .   .    .    .    +    +    +    +    .
cafe    p    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    p    .    +    +    +    +    .
others  .    .     .   .    .   .    .    .    .    .    .    .    .
"""
READ_PERSON = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  +    +     +   +    +   +    +    +    +    +    +    +    +
shop    .    .     +   .    .   +    +    +    +    +    +    .    .
cafe    .    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    .    +    +    +    +    .    .
fk      .    .     .   .    .   .    .    .    .    .    .    .    .
hotel   .    .     .   .    .   .    .    .    .    .    .    .    .
esf     r    r     r   r    r   r    r    r    r    r    r    r    r
out     r    r     r   r    r   r    r    r    r    r    r    r    r
"""
ERASE_PERSON = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  +    +     +   +    +   +    +    +    +    +    +    +    +
shop    r    r     r   r    r   r    r    r    r    r    r    r    r
cafe    r    r     r   r    r   r    r    r    r    r    r    r    r
tra     r    r     r   r    r   r    r    r    r    r    r    r    r
fk      .    .     .   .    .   .    .    .    .    .    .    .    .
hotel   r    r     r   r    r   r    r    r    r    r    r    r    r
esf     r    r     r   r    r   r    r    r    r    r    r    r    r
out     r    r     r   r    r   r    r    r    r    r    r    r    r
"""
REFER = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  +    +     +   +    +   +    +    +    +    +    +    +    +
shop    r    r     r   r    r   r    r    r    r    r    r    r    r
cafe    r    r     r   r    r   r    r    r    r    r    r    r    r
tra     r    r     r   r    r   r    r    r    r    r    r    r    r
fk      u    u     u   u    u   u    u    u    u    u    u    u    u
hotel   r    r     r   r    r   r    r    r    r    r    r    r    r
esf     r    r     r   r    r   r    r    r    r    r    r    r    r
out     r    r     r   r    r   r    r    r    r    r    r    r    r
"""
