"""Declared: how participation ended, and what came of it."""

from services.outcome.figures.figure import PEOPLE, Figure, OfFollowUp, OfJourney, Share
from services.outcome.figures.rules import has_result, says_now
from shared.language.programmes import Name

RESULTS: tuple[Figure, ...] = (
    Figure(
        code="exit/by_plan",
        section="exits",
        part="by_plan",
        source="docs/field.md#exit",
        counts="persons",
        of="now",
        rule=OfJourney(
            lambda j: j.passage.left and j.passage.exit_way == "by_plan", lambda j: j.passage.exited_on
        ),
        name=Name(sv="Enligt plan", en="By plan"),
        means=Name(
            sv="Avslutade enligt plan, eller för att behovet inte längre finns.",
            en="Ended by plan, or because the need is gone.",
        ),
    ),
    Figure(
        code="exit/interrupted",
        section="exits",
        part="interrupted",
        source="docs/field.md#exit",
        counts="persons",
        of="now",
        rule=OfJourney(
            lambda j: j.passage.left and j.passage.exit_way == "interrupted", lambda j: j.passage.exited_on
        ),
        name=Name(sv="Avbrutna", en="Interrupted"),
        means=Name(
            sv="Deltagaren avbröt, eller tog tillbaka sitt samtycke till att delta.",
            en="The participant broke off, or took back their consent to take part.",
        ),
    ),
    Figure(
        code="exit/moved",
        section="exits",
        part="moved",
        source="docs/field.md#exit",
        counts="persons",
        of="now",
        rule=OfJourney(
            lambda j: j.passage.left and j.passage.exit_way == "moved", lambda j: j.passage.exited_on
        ),
        name=Name(sv="Flyttade", en="Moved"),
        means=Name(
            sv="Deltagaren flyttade från programmets område.",
            en="The participant moved away from the programme's area.",
        ),
    ),
    Figure(
        code="exit/deceased",
        section="exits",
        part="deceased",
        source="docs/field.md#exit",
        counts="persons",
        of="now",
        rule=OfJourney(
            lambda j: j.passage.left and j.passage.exit_way == "deceased", lambda j: j.passage.exited_on
        ),
        name=Name(sv="Avlidna", en="Deceased"),
        means=Name(
            sv="Deltagaren har avlidit. Räknas aldrig i något resultat.",
            en="The participant has died. Never counted in any result.",
        ),
    ),
    Figure(
        code="exit/restated",
        section="exits",
        part="restated",
        source="docs/field.md#who-is-counted",
        counts="journeys",
        rule=OfJourney(lambda j: j.passage.left and not says_now(j), lambda j: j.passage.exited_on),
        alone="It counts journeys, and its persons count by another of theirs.",
        name=Name(sv="Avslut som inte längre räknas", en="Exits that no longer count"),
        means=Name(
            sv=(
                "Vägar som har tagit slut, men vars avslut och resultat är återtagna: personen har börjat "
                "igen, deltar på en annan väg eller slutade senare där. I en period: de vars avslut ligger i den."
            ),
            en=(
                "Journeys that have ended, but whose exit and result are withdrawn: the person began again, "
                "takes part in another journey or left that one later. In a period: those whose exit lies in it."
            ),
        ),
    ),
    Figure(
        code="employed_at_exit_employed",
        section="employed_at_exit",
        part="employed",
        source="docs/field.md#results",
        counts="persons",
        of="now",
        rule=OfJourney(
            lambda j: has_result(j) and j.situation_at_exit == "employed", lambda j: j.passage.exited_on
        ),
        by=PEOPLE,
        within=("exited", "employed_at_exit/known"),
        headline=5,
        in_groups_on_page=True,
        name=Name(sv="I arbete vid avslut", en="In work on leaving"),
        means=Name(
            sv=(
                "Hade ett arbete, en anställning med stöd eller ett eget företag när de slutade. "
                "Praktik och arbetsträning räknas inte som arbete."
            ),
            en=(
                "Had a job, a subsidised job or a business of their own on leaving. Placements and "
                "work training are not work."
            ),
        ),
    ),
    Figure(
        code="employed_at_exit/known",
        section="employed_at_exit",
        part="known",
        source="docs/field.md#results",
        counts="persons",
        of="now",
        rule=OfJourney(
            lambda j: has_result(j) and j.situation_at_exit is not None, lambda j: j.passage.exited_on
        ),
        name=Name(sv="Situation känd vid avslut", en="Situation known on leaving"),
        means=Name(
            sv="Personer som har slutat, och vars situation då är känd. Avlidna ingår inte.",
            en="People who have left, and whose situation on leaving is known. The deceased are left out.",
        ),
    ),
    Figure(
        code="employed_at_exit/missing",
        section="employed_at_exit",
        part="missing",
        source="docs/field.md#results",
        counts="persons",
        of="now",
        rule=OfJourney(
            lambda j: has_result(j) and j.situation_at_exit is None, lambda j: j.passage.exited_on
        ),
        name=Name(sv="Situation okänd vid avslut", en="Situation not known on leaving"),
        means=Name(
            sv="Personer som har slutat utan att situationen blev känd. Avlidna ingår inte.",
            en="People who have left without their situation becoming known. The deceased are left out.",
        ),
    ),
    Figure(
        code="employed_{}",
        section="follow_ups",
        part="employed",
        source="docs/field.md#results",
        counts="persons",
        of="now",
        rule=OfFollowUp(lambda one: one.situation == "employed"),
        by=PEOPLE,
        within=("exited", "follow_up/{}/answered"),
        may_be_target=True,
        in_groups_on_page=True,
        name=Name(sv="I arbete {when}", en="In work {when}"),
        means=Name(
            sv=(
                "Svarade att de hade ett arbete vid uppföljningen {when}. Den som inte har svarat "
                "räknas som svar saknas, aldrig som nej."
            ),
            en=(
                "Answered that they had a job at the follow-up {when}. No answer counts as missing, "
                "never as no."
            ),
        ),
    ),
    Figure(
        code="follow_up/{}/due",
        section="follow_ups",
        part="due",
        source="docs/field.md#results",
        counts="persons",
        of="now",
        rule=OfFollowUp(lambda one: True),
        within=("exited",),
        at_least=(("follow_up/{}/answered", "follow_up/{}/missed"),),
        name=Name(sv="Uppföljning {when}", en="Follow-up {when}"),
        means=Name(sv="Uppföljningar vars dag har kommit.", en="Follow-ups whose day has come."),
    ),
    Figure(
        code="follow_up/{}/answered",
        section="follow_ups",
        part="answered",
        source="docs/field.md#results",
        counts="persons",
        of="now",
        rule=OfFollowUp(lambda one: one.status == "answered"),
        name=Name(sv="Svar {when}", en="Answers {when}"),
        means=Name(
            sv="Uppföljningar som har besvarats. I en period: de vars dag ligger i den.",
            en="Follow-ups that were answered. In a period: those whose day lies in it.",
        ),
    ),
    Figure(
        code="follow_up/{}/missed",
        section="follow_ups",
        part="missed",
        source="docs/field.md#results",
        counts="persons",
        of="now",
        rule=OfFollowUp(lambda one: one.status == "missed"),
        name=Name(sv="Svar saknas {when}", en="Answers missing {when}"),
        means=Name(
            sv="Uppföljningar där svarstiden har gått ut utan svar. I en period: de vars dag ligger i den.",
            en="Follow-ups whose time to answer ran out. In a period: those whose day lies in it.",
        ),
    ),
)

RATES: tuple[Share, ...] = (
    Share(
        section="employed_at_exit",
        part="rate",
        figure="employed_at_exit_employed",
        among=("employed_at_exit/known",),
        name=Name(sv="Andel i arbete vid avslut", en="Share in work on leaving"),
        means=Name(
            sv=(
                "Andelen i arbete bland dem vars situation är känd när de slutade. Avlidna ingår "
                "inte. Svar saknas är andelen vars situation inte är känd."
            ),
            en=(
                "The share in work among those whose situation on leaving is known. The deceased are "
                "left out. Answers missing is the share whose situation is not known."
            ),
        ),
    ),
    Share(
        section="employed_at_exit",
        part="missing_share",
        figure="employed_at_exit/missing",
        among=("employed_at_exit/known", "employed_at_exit/missing"),
        name=Name(
            sv="Andel utan känd situation vid avslut", en="Share whose situation on leaving is not known"
        ),
        means=Name(
            sv="Andelen vars situation när de slutade inte är känd. Avlidna ingår inte.",
            en="The share whose situation on leaving is not known. The deceased are left out.",
        ),
    ),
    Share(
        section="follow_ups",
        part="rate",
        figure="employed_{}",
        among=("follow_up/{}/answered",),
        name=Name(sv="Andel i arbete {when}", en="Share in work {when}"),
        means=Name(
            sv=(
                "Andelen i arbete bland dem som har svarat på uppföljningen {when}. Svar saknas är "
                "andelen där svarstiden har gått ut utan svar."
            ),
            en=(
                "The share in work among those who answered the follow-up {when}. Answers missing is "
                "the share whose time to answer ran out."
            ),
        ),
    ),
    Share(
        section="follow_ups",
        part="missing_share",
        figure="follow_up/{}/missed",
        among=("follow_up/{}/answered", "follow_up/{}/missed"),
        name=Name(sv="Andel utan svar {when}", en="Share without an answer {when}"),
        means=Name(
            sv="Andelen av uppföljningarna {when} där svarstiden har gått ut utan svar.",
            en="The share of the follow-ups {when} whose time to answer ran out.",
        ),
    ),
)
"""The rates, each beside the share of missing answers."""
