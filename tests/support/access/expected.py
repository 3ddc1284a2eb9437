"""Who may do what, written by hand: every route with its table and its duties. Nothing here is taken from the code."""

from tests.support.access.tables import (
    ACKNOWLEDGE,
    ANSWER,
    ANSWER_FOLLOW_UP,
    ANSWER_OFFER,
    CONSENT,
    CONSENT_BACK,
    CONTENTS,
    CORRECT,
    ENTRY,
    ERASE_PERSON,
    EXIT,
    FILE,
    JUDGED,
    LOG,
    LOG_A_DAY,
    MARKS,
    MEND,
    MEND_GOAL,
    MISTAKE,
    OFFER,
    REACH_GOAL,
    READ,
    READ_FOLLOW_UP,
    READ_OFFER,
    READ_PERSON,
    READ_REPORT,
    RECALL_OFFER,
    REFER,
    START,
    WITHDRAW,
)

CASE = "caseworker supervisor"
FIGURES = "caseworker supervisor analyst owner"

JOURNEYS: dict[tuple[str, str], tuple[str, str]] = {
    # (service, route): (table, duties)
    ("intake", "GET /referrals/<string:journeyId>"): (READ, CASE),
    ("intake", "GET /referrals/<string:journeyId>/contents"): (CONTENTS, CASE),
    ("intake", "PUT /referrals/<string:journeyId>/contents"): (WITHDRAW, "caseworker"),
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
    ("intake", "POST /participants/<string:participantId>/merge"): (ERASE_PERSON, CASE),
    ("intake", "POST /participants/<string:participantId>/separation"): (ERASE_PERSON, CASE),
    ("intake", "GET /participants/<string:participantId>/merges"): (READ_PERSON, CASE),
    ("intake", "GET /participants/<string:participantId>/candidates"): (ERASE_PERSON, CASE),
    ("intake", "POST /referrals"): (REFER, "caseworker"),
    ("activity_tracking", "GET /journeys/<string:journeyId>"): (READ, CASE),
    ("activity_tracking", "GET /journeys/<string:journeyId>/sessions"): (READ, CASE),
    ("activity_tracking", "GET /journeys/<string:journeyId>/hours"): (READ, CASE),
    ("activity_tracking", "POST /journeys/<string:journeyId>/activities"): (LOG, CASE),
    ("activity_tracking", "POST /journeys/<string:journeyId>/groups"): (LOG, CASE),
    ("activity_tracking", "POST /journeys/<string:journeyId>/pauses"): (LOG, CASE),
    ("activity_tracking", "POST /journeys/<string:journeyId>/pauses/<string:pause>/correction"): (
        MEND,
        CASE,
    ),
    ("activity_tracking", "POST /journeys/<string:journeyId>/extents"): (LOG, CASE),
    ("activity_tracking", "POST /journeys/<string:journeyId>/extents/<string:extent>/correction"): (
        MEND,
        CASE,
    ),
    ("activity_tracking", "POST /journeys/<string:journeyId>/goals"): (LOG, CASE),
    ("activity_tracking", "POST /journeys/<string:journeyId>/goals/<string:goal>/reached"): (
        REACH_GOAL,
        CASE,
    ),
    ("activity_tracking", "POST /journeys/<string:journeyId>/sessions"): (LOG_A_DAY, CASE),
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
        MEND_GOAL,
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
    ("activity_tracking", "POST /attendance/marks"): (MARKS, CASE),
    ("activity_tracking", "GET /reports/<string:reportId>"): (READ_REPORT, CASE),
    ("activity_tracking", "POST /reports/<string:reportId>/acknowledgement"): (ACKNOWLEDGE, CASE),
    ("activity_tracking", "POST /reports/<string:reportId>/submission"): (MEND, CASE),
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
    ("intake", "GET /changes"): ("agency fk shop cafe tra hotel", CASE),
    ("intake", "GET /webhook"): ("agency fk shop cafe tra hotel", "registrar"),
    ("intake", "PUT /webhook"): ("agency fk shop cafe tra hotel", "registrar"),
    ("intake", "POST /webhook/removal"): ("agency fk shop cafe tra hotel", "registrar"),
    ("intake", "GET /programmes"): ("agency fk shop cafe tra hotel esf out", "any"),
    ("intake", "GET /programmes/<string:programmeId>"): ("agency fk shop cafe tra hotel esf out", "any"),
    ("intake", "GET /programmes/<string:programmeId>/role-map"): (
        "agency fk shop cafe tra hotel esf out",
        "any",
    ),
    ("intake", "GET /register/legal-persons"): ("agency fk shop cafe tra hotel esf out", "any"),
    ("intake", "GET /register/legal-persons/<string:legalPersonId>"): (
        "agency fk shop cafe tra hotel esf out",
        "any",
    ),
    ("intake", "GET /register/units"): ("agency fk shop cafe tra hotel esf out", "any"),
    ("intake", "GET /register/units/<string:unitId>"): ("agency fk shop cafe tra hotel esf out", "any"),
    ("intake", "GET /register/memberships"): ("agency fk shop cafe tra hotel esf out", "any"),
    ("intake", "GET /register/memberships/<string:membershipId>"): (
        "agency fk shop cafe tra hotel esf out",
        "any",
    ),
    ("activity_tracking", "GET /attendance"): ("shop cafe tra hotel", CASE),
    ("activity_tracking", "POST /attendance"): ("shop cafe tra hotel", CASE),
    ("activity_tracking", "GET /reports"): ("agency fk shop cafe tra hotel", CASE),
    ("activity_tracking", "GET /attendance/open"): ("shop cafe tra hotel", CASE),
    ("activity_tracking", "POST /closures"): ("shop cafe tra hotel", CASE),
    ("activity_tracking", "GET /closures"): ("shop cafe tra hotel", CASE),
    ("activity_tracking", "POST /closures/<string:closureId>/correction"): ("shop", CASE),
    ("activity_tracking", "GET /closures/<string:closureId>/corrections"): ("shop", CASE),
    ("activity_tracking", "POST /groups"): ("shop cafe tra hotel", CASE),
    ("activity_tracking", "GET /groups"): ("shop cafe tra hotel", CASE),
    ("activity_tracking", "POST /groups/<string:groupId>/correction"): ("shop", CASE),
    ("activity_tracking", "GET /groups/<string:groupId>/corrections"): ("shop", CASE),
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
    ("intake", "GET /waiting"): ("shop cafe", CASE),
    ("activity_tracking", "GET /waiting"): ("shop cafe tra hotel", CASE),
    ("handover", "GET /waiting"): ("agency fk shop cafe tra hotel", CASE),
    ("outcome", "GET /waiting"): ("agency fk shop cafe tra hotel", CASE),
}
"""Routes that concern no single journey."""

REGISTER: dict[str, str] = {
    # route of intake: who may. registrar: of the programme's owner; operator: of the platform
    "POST /register/imports": "registrar operator",
    "POST /register/legal-persons": "registrar operator",
    "PUT /register/legal-persons/<string:legalPersonId>": "operator",
    "GET /register/legal-persons/<string:legalPersonId>/history": "registrar operator",
    "POST /register/units": "registrar operator",
    "PUT /register/units/<string:unitId>": "registrar operator",
    "POST /register/units/<string:unitId>/end": "registrar operator",
    "GET /register/units/<string:unitId>/history": "registrar operator",
    "POST /register/memberships": "registrar operator",
    "PUT /register/memberships/<string:membershipId>": "registrar operator",
    "POST /register/memberships/<string:membershipId>/end": "registrar operator",
    "GET /register/memberships/<string:membershipId>/history": "registrar operator",
    "GET /journeys/<string:journeyId>/rights/<string:action>": "registrar operator",
}
"""Routes that keep the register. Of the legal person only an operator may change it, who registered it."""

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
