"""Declared: the work behind it: handovers, sessions, outputs, and the days between the steps."""

from services.outcome.figures.figure import (
    Figure,
    OfActivities,
    OfHandovers,
    OfOutputs,
    OfRegisters,
    OfSessions,
    Share,
    Step,
)
from services.outcome.figures.rules import moves, offers_made, offers_that_were
from shared.language.programmes import Name

NO_PEOPLE = "Sessions are no people, and no count of people follows from them."

WORK: tuple[Figure, ...] = (
    Figure(
        code="handover/offered",
        section="handovers",
        part="offered",
        source="docs/field.md#handover",
        counts="handovers",
        rule=OfHandovers(offers_made),
        at_least=(("handover/accepted", "handover/declined", "handover/expired", "handover/recalled"),),
        name=Name(sv="Erbjudna", en="Offered"),
        means=Name(
            sv="Erbjudanden om att ta över ansvaret för en deltagare.",
            en="Offers to take over responsibility for a participant.",
        ),
    ),
    Figure(
        code="handover/accepted",
        section="handovers",
        part="accepted",
        source="docs/field.md#handover",
        counts="handovers",
        rule=OfHandovers(lambda j: offers_that_were(j, "accepted")),
        at_least=(("moves",),),
        name=Name(sv="Mottagna", en="Accepted"),
        means=Name(sv="Erbjudanden som mottagaren sa ja till.", en="Offers that the receiver said yes to."),
    ),
    Figure(
        code="handover/declined",
        section="handovers",
        part="declined",
        source="docs/field.md#handover",
        counts="handovers",
        rule=OfHandovers(lambda j: offers_that_were(j, "declined")),
        name=Name(sv="Avböjda", en="Declined"),
        means=Name(sv="Erbjudanden som mottagaren sa nej till.", en="Offers that the receiver said no to."),
    ),
    Figure(
        code="handover/expired",
        section="handovers",
        part="expired",
        source="docs/field.md#handover",
        counts="handovers",
        rule=OfHandovers(lambda j: offers_that_were(j, "expired")),
        name=Name(sv="Utan svar i tid", en="Not answered in time"),
        means=Name(
            sv=(
                "Erbjudanden där sista dagen passerade utan svar. Många sådana mellan samma två "
                "parter tyder på ett fel i samarbetet, inte hos personen."
            ),
            en=(
                "Offers whose last day passed without an answer. Many of these between the same two "
                "parties point to a fault in the cooperation, not in the person."
            ),
        ),
    ),
    Figure(
        code="handover/recalled",
        section="handovers",
        part="recalled",
        source="docs/field.md#handover",
        counts="handovers",
        rule=OfHandovers(lambda j: offers_that_were(j, "recalled")),
        name=Name(sv="Återkallade", en="Recalled"),
        means=Name(
            sv=(
                "Erbjudanden som togs tillbaka: av avsändaren, av ett återtaget samtycke eller av att"
                " vägen tog slut."
            ),
            en="Offers taken back: by the sender, by a withdrawn consent or because the journey ended.",
        ),
    ),
    Figure(
        code="session/logged",
        section="sessions",
        part="logged",
        source="docs/field.md#activities-and-sessions",
        counts="sessions",
        rule=OfSessions(lambda sessions: sessions.logged),
        alone=NO_PEOPLE,
        shown_with="started",
        name=Name(sv="Loggade", en="Logged"),
        means=Name(
            sv="Tillfällen som gäller. Borttagna räknas inte, rättade räknas en gång.",
            en="Sessions that stand. Voided ones are left out, corrected ones count once.",
        ),
    ),
    Figure(
        code="session/attended",
        section="sessions",
        part="attended",
        source="docs/field.md#activities-and-sessions",
        counts="sessions",
        rule=OfSessions(lambda sessions: sessions.attended),
        alone=NO_PEOPLE,
        shown_with="started",
        name=Name(sv="Med närvaro", en="Attended"),
        means=Name(
            sv="Tillfällen där deltagaren kom, i tid eller sent.",
            en="Sessions to which the participant came, on time or late.",
        ),
    ),
    Figure(
        code="session/late",
        section="sessions",
        part="late",
        source="docs/field.md#activities-and-sessions",
        counts="sessions",
        rule=OfSessions(lambda sessions: sessions.late),
        alone=NO_PEOPLE,
        shown_with="started",
        name=Name(sv="Sen ankomst", en="Came late"),
        means=Name(
            sv="Tillfällen där deltagaren kom sent. Ingår i dem med närvaro.",
            en="Sessions to which the participant came late. Included in those attended.",
        ),
    ),
    Figure(
        code="session/missed",
        section="sessions",
        part="missed",
        source="docs/field.md#activities-and-sessions",
        counts="sessions",
        rule=OfSessions(lambda sessions: sessions.missed),
        alone=NO_PEOPLE,
        shown_with="started",
        name=Name(sv="Utan närvaro", en="Missed"),
        means=Name(
            sv="Tillfällen där deltagaren inte kom.", en="Sessions to which the participant did not come."
        ),
    ),
    Figure(
        code="session/corrected",
        section="sessions",
        part="corrected",
        source="docs/field.md#activities-and-sessions",
        counts="sessions",
        rule=OfSessions(lambda sessions: sessions.corrected, dated=False),
        alone=NO_PEOPLE,
        shown_with="started",
        no_day="A correction is no session; the corrected one counts on its day.",
        name=Name(sv="Rättade", en="Corrections"),
        means=Name(
            sv="Rättelser som har gjorts i efterhand. Siffrorna ovan följer dem.",
            en="Corrections made afterwards. The figures above follow them.",
        ),
    ),
    Figure(
        code="session/minutes",
        section="sessions",
        part="minutes",
        source="docs/field.md#activities-and-sessions",
        counts="minutes",
        rule=OfSessions(lambda sessions: sessions.minutes),
        alone=NO_PEOPLE,
        shown_with="started",
        name=Name(sv="Minuter", en="Minutes"),
        means=Name(
            sv="Tid med närvaro, och frånvaro som programmet räknar som närvaro, i minuter.",
            en="Time attended, and absence that the programme counts as attended, in minutes.",
        ),
    ),
    Figure(
        code="session/planned_minutes",
        section="sessions",
        part="planned_minutes",
        source="docs/field.md#hours-and-dose",
        counts="minutes",
        rule=OfSessions(lambda sessions: sessions.planned_minutes),
        alone=NO_PEOPLE,
        shown_with="started",
        name=Name(sv="Planerade minuter", en="Planned minutes"),
        means=Name(
            sv="Planerad tid i tillfällen som har markerats på en närvarolista, i minuter.",
            en="Planned time in sessions that were marked on a register, in minutes.",
        ),
    ),
    Figure(
        code="session/marked_minutes",
        section="sessions",
        part="marked_minutes",
        source="docs/field.md#hours-and-dose",
        counts="minutes",
        rule=OfSessions(lambda sessions: sessions.marked_minutes),
        alone=NO_PEOPLE,
        shown_with="started",
        name=Name(sv="Minuter enligt närvarolista", en="Minutes marked on registers"),
        means=Name(
            sv="Tid med närvaro i tillfällen som har markerats på en närvarolista, i minuter.",
            en="Time attended in sessions that were marked on a register, in minutes.",
        ),
    ),
    Figure(
        code="activity/{}/minutes",
        section="activities",
        part="minutes",
        source="docs/field.md#hours-and-dose",
        counts="minutes",
        rule=OfActivities(lambda one: one.minutes),
        alone=NO_PEOPLE,
        shown_with="started",
        name=Name(sv="{what}: minuter", en="{what}: minutes"),
        means=Name(
            sv="Tid med närvaro i aktiviteten, i minuter.", en="Time attended in the activity, in minutes."
        ),
    ),
    Figure(
        code="activity/{}/planned_minutes",
        section="activities",
        part="planned_minutes",
        source="docs/field.md#hours-and-dose",
        counts="minutes",
        rule=OfActivities(lambda one: one.planned_minutes),
        alone=NO_PEOPLE,
        shown_with="started",
        name=Name(sv="{what}: planerade minuter", en="{what}: planned minutes"),
        means=Name(
            sv="Planerad tid i aktiviteten som har markerats på en närvarolista, i minuter.",
            en="Planned time in the activity that was marked on a register, in minutes.",
        ),
    ),
    Figure(
        code="activity/{}/marked_minutes",
        section="activities",
        part="marked_minutes",
        source="docs/field.md#hours-and-dose",
        counts="minutes",
        rule=OfActivities(lambda one: one.marked_minutes),
        alone=NO_PEOPLE,
        shown_with="started",
        name=Name(sv="{what}: minuter enligt närvarolista", en="{what}: minutes marked on registers"),
        means=Name(
            sv="Tid med närvaro i aktiviteten som har markerats på en närvarolista, i minuter.",
            en="Time attended in the activity that was marked on a register, in minutes.",
        ),
    ),
    Figure(
        code="session/registers",
        section="sessions",
        part="registers",
        source="docs/field.md#the-register-of-a-day",
        counts="registers",
        rule=OfRegisters(lambda register: register.expected > 0),
        alone=NO_PEOPLE,
        shown_with="started",
        name=Name(sv="Närvarolistor", en="Registers"),
        means=Name(
            sv="Dagar som är över då en verksamhet väntade någon. En dag räknas en gång i varje kommun.",
            en="Days that are over on which a unit expected somebody. A day counts once in each municipality.",
        ),
    ),
    Figure(
        code="session/registers_open",
        section="sessions",
        part="registers_open",
        source="docs/field.md#the-register-of-a-day",
        counts="registers",
        rule=OfRegisters(lambda register: register.not_marked > 0),
        alone=NO_PEOPLE,
        shown_with="started",
        name=Name(sv="Listor som inte är ifyllda", en="Registers not filled in"),
        means=Name(
            sv="Närvarolistor där någon som väntades inte är markerad. Ingår i närvarolistorna.",
            en="Registers on which somebody expected is not marked. Included in the registers.",
        ),
    ),
    Figure(
        code="output/{}",
        section="outputs",
        part="reached",
        source="docs/field.md#programme-outputs",
        counts="outputs",
        rule=OfOutputs(),
        by=("municipality",),
        alone="Outputs are no people.",
        may_be_target=True,
        name=Name(sv="{what}", en="{what}"),
        means=Name(
            sv="Ett resultat av programmet som inte gäller en deltagare.",
            en="A result of the programme that concerns no participant.",
        ),
    ),
)

DOSE: tuple[Share, ...] = (
    Share(
        section="sessions",
        part="reached",
        figure="session/marked_minutes",
        among=("session/planned_minutes",),
        name=Name(sv="Andel av planerad tid", en="Share of planned time"),
        means=Name(
            sv="Tiden med närvaro som andel av den planerade, i tillfällen som har markerats på en närvarolista.",
            en="The time attended as a share of the planned one, in sessions that were marked on a register.",
        ),
    ),
    Share(
        section="activities",
        part="reached",
        figure="activity/{}/marked_minutes",
        among=("activity/{}/planned_minutes",),
        name=Name(sv="{what}: andel av planerad tid", en="{what}: share of planned time"),
        means=Name(
            sv="Tiden med närvaro som andel av den planerade, i aktiviteten på närvarolistor.",
            en="The time attended as a share of the planned one, in the activity on registers.",
        ),
    ),
)

STEPS: tuple[Step, ...] = (
    Step(
        code="answer",
        source="docs/field.md#questions-of-a-steering-group",
        spans=lambda j: [(j.passage.referred_on, j.passage.accepted_on if j.passage.was_accepted else None)],
        count="accepted",
        of="entry",
        name=Name(sv="Remiss till svar", en="Referral to answer"),
        means=Name(
            sv="Dagar från att remissen skickades till att en verksamhet sa ja.",
            en="Days from the referral being sent to a provider saying yes.",
        ),
    ),
    Step(
        code="start",
        source="docs/field.md#questions-of-a-steering-group",
        spans=lambda j: [(j.passage.accepted_on, j.passage.started_on)],
        count="started",
        of="entry",
        name=Name(sv="Svar till start", en="Answer to start"),
        means=Name(
            sv="Dagar från att verksamheten sa ja till att deltagandet började.",
            en="Days from the provider saying yes to the start of participation.",
        ),
    ),
    Step(
        code="ready",
        source="docs/field.md#questions-of-a-steering-group",
        spans=lambda j: [(j.passage.started_on, j.passage.ready_on if j.passage.became_ready else None)],
        count="ready",
        of="now",
        name=Name(sv="Start till redo", en="Start to ready"),
        means=Name(
            sv="Dagar från start till att personen bedömdes redo för nästa steg.",
            en="Days from the start to the person being judged ready for the next step.",
        ),
    ),
    Step(
        code="handover",
        source="docs/field.md#questions-of-a-steering-group",
        spans=lambda j: [(one.offered_on, one.ended_on) for one in moves(j)],
        count="moves",
        name=Name(sv="Erbjuden till mottagen", en="Offer to acceptance"),
        means=Name(
            sv="Dagar från att en överlämning erbjöds till att mottagaren sa ja.",
            en="Days from a handover being offered to the receiver saying yes.",
        ),
    ),
    Step(
        code="exit",
        source="docs/field.md#questions-of-a-steering-group",
        spans=lambda j: [(j.passage.started_on, j.passage.exited_on)],
        count="exited",
        of="now",
        name=Name(sv="Start till avslut", en="Start to exit"),
        means=Name(
            sv="Dagar från start till att deltagandet tog slut.",
            en="Days from the start to the end of participation.",
        ),
    ),
)
