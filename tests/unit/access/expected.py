"""Who may do what, written by hand: the table that every route is held to. Nothing here is taken from the code.

Rows are organisations by what they are to the journey, columns the points it has come to (`worlds.py` tells each):

    open   referred, and no provider named          offr   handed over to the employer, not answered yet
    named  referred to the shop                     empl   the employer has said yes
    acc    the shop has taken the person on         exit   the employer has recorded the exit
    decl   the shop has declined an open referral   foll   a follow-up is due
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
REACH_GOAL = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  r    r     r   r    r   r    r    r    r    r    r    r    r
shop    p    p     x   p    x   +    +    p    p    p    p    p    +
cafe    p    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    p    x    x    x    x    x    .
others  .    .     .   .    .   .    .    .    .    .    .    .    .
"""
CORRECT = """
        open named acc decl wdr strt offr empl exit foll clos gone mist
agency  r    r     r   r    r   r    r    r    r    r    r    r    r
shop    p    p     x   p    x   +    +    p    p    p    p    p    +
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
shop    p    p     +   p    +   +    +    p    p    p    p    p    +
cafe    p    .     .   .    .   .    .    .    .    .    .    .    .
tra     .    .     .   .    .   .    p    +    +    +    +    +    .
fk      r    r     r   r    r   r    r    r    r    r    r    r    r
hotel   .    .     .   .    .   .    .    .    .    .    .    .    .
esf     r    r     r   r    r   r    r    r    r    r    r    r    r
out     r    r     r   r    r   r    r    r    r    r    r    r    r
"""
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

CASE = "caseworker supervisor"
FIGURES = "caseworker supervisor analyst owner"

JOURNEYS: dict[tuple[str, str], tuple[str, str]] = {
    # (service, route): (table, duties)
    ("intake", "GET /referrals/<string:journeyId>"): (READ, CASE),
    ("intake", "POST /referrals/<string:journeyId>/acceptance"): (ANSWER, CASE),
    ("intake", "POST /referrals/<string:journeyId>/decline"): (ANSWER, CASE),
    ("intake", "POST /referrals/<string:journeyId>/withdrawal"): (WITHDRAW, "caseworker"),
    ("intake", "POST /journeys/<string:journeyId>/consents"): (CONSENT, CASE),
    ("intake", "POST /journeys/<string:journeyId>/consents/<string:purpose>/withdrawal"): (
        CONSENT_BACK,
        CASE,
    ),
    ("intake", "POST /journeys/<string:journeyId>/start"): (START, CASE),
    ("intake", "POST /journeys/<string:journeyId>/mistake"): (MISTAKE, CASE),
    ("intake", "GET /journeys/<string:journeyId>/corrections"): (READ, CASE),
    ("intake", "POST /referrals/<string:journeyId>/correction"): (WITHDRAW, "caseworker"),
    ("intake", "POST /referrals/<string:journeyId>/acceptance/correction"): (ANSWER, CASE),
    ("intake", "POST /referrals/<string:journeyId>/decline/correction"): (ANSWER, CASE),
    ("intake", "POST /referrals/<string:journeyId>/withdrawal/correction"): (WITHDRAW, "caseworker"),
    ("intake", "POST /journeys/<string:journeyId>/consents/<string:purpose>/correction"): (
        CONSENT_BACK,
        CASE,
    ),
    ("intake", "POST /journeys/<string:journeyId>/start/correction"): (START, CASE),
    ("intake", "POST /journeys/<string:journeyId>/mistake/correction"): (MISTAKE, CASE),
    ("intake", "GET /participants/<string:participantId>"): (READ_PERSON, CASE),
    ("intake", "POST /participants/<string:participantId>/erasure"): (ERASE_PERSON, "caseworker"),
    ("intake", "POST /participants/<string:participantId>/correction"): (ERASE_PERSON, CASE),
    ("intake", "GET /participants/<string:participantId>/corrections"): (READ_PERSON, CASE),
    ("intake", "POST /referrals"): (REFER, "caseworker"),
    ("activity_tracking", "GET /journeys/<string:journeyId>"): (READ, CASE),
    ("activity_tracking", "GET /journeys/<string:journeyId>/sessions"): (READ, CASE),
    ("activity_tracking", "POST /journeys/<string:journeyId>/activities"): (LOG, CASE),
    ("activity_tracking", "POST /journeys/<string:journeyId>/goals"): (LOG, CASE),
    ("activity_tracking", "POST /journeys/<string:journeyId>/goals/<string:goal>/reached"): (
        REACH_GOAL,
        CASE,
    ),
    ("activity_tracking", "POST /journeys/<string:journeyId>/sessions"): (LOG, CASE),
    (
        "activity_tracking",
        "POST /journeys/<string:journeyId>/sessions/<string:sessionId>/correction",
    ): (CORRECT, CASE),
    ("activity_tracking", "POST /journeys/<string:journeyId>/progress"): (LOG, CASE),
    ("activity_tracking", "POST /journeys/<string:journeyId>/competences"): (LOG, CASE),
    ("activity_tracking", "POST /journeys/<string:journeyId>/readiness"): (LOG, CASE),
    ("activity_tracking", "GET /journeys/<string:journeyId>/corrections"): (READ, CASE),
    ("activity_tracking", "POST /journeys/<string:journeyId>/activities/<string:plan>/correction"): (
        MEND,
        CASE,
    ),
    ("activity_tracking", "POST /journeys/<string:journeyId>/goals/<string:goal>/correction"): (
        REACH_GOAL,
        CASE,
    ),
    (
        "activity_tracking",
        "POST /journeys/<string:journeyId>/goals/<string:goal>/reached/correction",
    ): (REACH_GOAL, CASE),
    ("activity_tracking", "POST /journeys/<string:journeyId>/readiness/correction"): (JUDGED, CASE),
    ("activity_tracking", "POST /journeys/<string:journeyId>/progress/<string:round>/correction"): (
        MEND,
        CASE,
    ),
    (
        "activity_tracking",
        "POST /journeys/<string:journeyId>/competences/<string:competence>/<string:level>/correction",
    ): (MEND, CASE),
    ("activity_tracking", "POST /sessions"): (FILE, CASE),
    ("handover", "GET /journeys/<string:journeyId>/handovers"): (READ, CASE),
    ("handover", "POST /journeys/<string:journeyId>/handovers"): (OFFER, CASE),
    ("handover", "GET /handovers/<string:handoverId>"): (READ_OFFER, CASE),
    ("handover", "POST /handovers/<string:handoverId>/acceptance"): (ANSWER_OFFER, CASE),
    ("handover", "POST /handovers/<string:handoverId>/decline"): (ANSWER_OFFER, CASE),
    ("handover", "POST /handovers/<string:handoverId>/recall"): (RECALL_OFFER, CASE),
    ("handover", "GET /journeys/<string:journeyId>/corrections"): (READ, CASE),
    ("handover", "POST /handovers/<string:handoverId>/acceptance/correction"): (ANSWER_OFFER, CASE),
    ("handover", "POST /handovers/<string:handoverId>/decline/correction"): (ANSWER_OFFER, CASE),
    ("handover", "POST /handovers/<string:handoverId>/recall/correction"): (RECALL_OFFER, CASE),
    ("outcome", "GET /journeys/<string:journeyId>"): (READ, CASE),
    ("outcome", "GET /journeys/<string:journeyId>/corrections"): (READ, CASE),
    ("outcome", "POST /journeys/<string:journeyId>/exit/correction"): (EXIT, CASE),
    ("outcome", "POST /follow-ups/<string:followUpId>/answer/correction"): (ANSWER_FOLLOW_UP, CASE),
    ("outcome", "PUT /journeys/<string:journeyId>/entry"): (ENTRY, CASE),
    ("outcome", "POST /journeys/<string:journeyId>/exit"): (EXIT, CASE),
    ("outcome", "GET /follow-ups/<string:followUpId>"): (READ_FOLLOW_UP, CASE),
    ("outcome", "POST /follow-ups/<string:followUpId>/answer"): (ANSWER_FOLLOW_UP, CASE),
}
"""Routes that concern one journey or one person, and what each organisation may do at each point."""

FLAT: dict[tuple[str, str], tuple[str, str]] = {
    # (service, route): (who may, duties); all others are refused for their role
    ("intake", "POST /participants"): ("agency fk", CASE),
    ("intake", "GET /referrals"): ("agency fk shop cafe tra hotel", CASE),
    ("intake", "GET /programmes"): ("agency fk shop cafe tra hotel esf out", "any"),
    ("intake", "GET /programmes/<string:programmeId>"): ("agency fk shop cafe tra hotel esf out", "any"),
    ("activity_tracking", "GET /programmes/<string:programmeId>/outputs"): ("shop cafe", CASE),
    ("activity_tracking", "POST /programmes/<string:programmeId>/outputs"): ("shop cafe", CASE),
    (
        "activity_tracking",
        "POST /programmes/<string:programmeId>/outputs/<string:outputId>/correction",
    ): ("shop", CASE),
    (
        "activity_tracking",
        "GET /programmes/<string:programmeId>/outputs/<string:outputId>/corrections",
    ): ("shop cafe", CASE),
    ("handover", "GET /handovers"): ("agency fk shop cafe tra hotel", CASE),
    ("outcome", "GET /follow-ups"): ("agency fk shop cafe tra hotel", CASE),
    ("outcome", "GET /programmes/<string:programmeId>/report"): ("esf", FIGURES),
}
"""Routes that concern no single journey."""

OPERATORS: dict[str, str] = {
    # route: the services that have it
    "POST /clock": "intake activity_tracking handover outcome",
    "GET /operations/audit": "intake activity_tracking handover outcome",
    "POST /operations/audit/verification": "intake activity_tracking handover outcome",
    "POST /operations/groups/<string:group>/topics/<string:topic>/acceptance": (
        "intake activity_tracking handover outcome"
    ),
    "POST /operations/groups/<string:group>/topics/<string:topic>/skip": (
        "intake activity_tracking handover outcome"
    ),
    "GET /operations/parked": "intake activity_tracking handover outcome",
    "GET /operations/parked/<string:parkedId>": "intake activity_tracking handover outcome",
    "POST /operations/parked/<string:parkedId>/replay": "intake activity_tracking handover outcome",
    "POST /operations/parked/<string:parkedId>/skip": "intake activity_tracking handover outcome",
    "GET /operations/status": "intake activity_tracking handover outcome",
    "POST /operations/subjects/<string:kind>/<string:key>/replay": "intake activity_tracking handover outcome",
    "POST /operations/subjects/<string:kind>/<string:key>/republish": (
        "intake activity_tracking handover outcome"
    ),
    "GET /operations/rebuilds/<string:group>": "outcome",
    "POST /operations/rebuilds/<string:group>": "outcome",
    "POST /operations/rebuilds/<string:group>/abandonment": "outcome",
    "POST /operations/rebuilds/<string:group>/comparison": "outcome",
    "POST /operations/rebuilds/<string:group>/swap": "outcome",
}
"""Routes for operators of the organisations that operate the platform, and nobody else."""

ANYBODY: dict[str, str] = {
    "GET /clock": "any token",
    "GET /api-info": "no token",
    "GET /asyncapi": "no token",
    "GET /asyncapi.yaml": "no token",
    "GET /docs": "no token",
    "GET /docs/page.css": "no token",
    "GET /openapi.json": "no token",
    "GET /problems": "no token",
    "GET /problems/<string:name>": "no token",
    "GET /schemas/<string:name>": "no token",
    "GET /terms": "no token",
}
"""Routes of every service that show nothing of anybody."""

STREAM: dict[str, str] = {
    # route: the organisations that may, of the duties for figures; or that no token is needed
    "GET /programmes/{programmeId}": "esf",
    "GET /programmes/{programmeId}/figures": "esf",
    "POST /programmes/{programmeId}/page-links": "esf",
    "POST /programmes/{programmeId}/logout": "no token",
    "GET /login": "no token",
    "POST /login": "no token",
    "GET /signed-out": "no token",
    "GET /static/{path}": "no token",
    "GET /texts/{path}": "no token",
    **{
        route.replace("<string:name>", "{name}"): "no token"
        for route, who in ANYBODY.items()
        if who == "no token"
    },
}
