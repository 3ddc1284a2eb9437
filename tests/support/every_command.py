"""A story in which every command of every service is given once, each at a moment when it succeeds.

Told against running services through their public interfaces only. All days lie before today, so that the story can
be told whatever the stack's clock says, and a follow-up is due as soon as its exit is recorded.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from tests.support import attendance_commands as register
from tests.support.bad_input import Baseline
from tests.support.register_commands import register_commands
from tests.support.schema_samples import TEST_PERSONNUMMER

PROGRAMME = "every-command"
AGENCY = "arbetsformedlingen-skelleftea"
PROVIDER = "urkraft"
RECEIVER = "skellefte-tra"
DRIFT = "plattform"
"""Who operates the platform: its duty is `operator`, everybody else's `caseworker`, where a step names none."""


@dataclass
class Handles:
    """What the answers so far named."""

    today: date
    names: dict[str, str] = field(default_factory=dict)

    def day(self, ago: int) -> str:
        """The calendar day so many days before today."""
        return (self.today - timedelta(days=ago)).isoformat()

    def __getitem__(self, name: str) -> str:
        return self.names[name]


@dataclass(frozen=True)
class Step:
    """One command. tried: whether its bad inputs are to be tried before it; keeps: {name: field of the answer}.

    duty: whose command it is, where not an operator's or a caseworker's.
    """

    service: str
    operation: str
    organisation: str
    baseline: Callable[[Handles], Baseline]
    keeps: Mapping[str, str] = field(default_factory=dict)
    tried: bool = True
    duty: str = ""

    @property
    def by(self) -> tuple[str, str]:
        """The organisation and the duty that give it."""
        return self.organisation, self.duty or ("operator" if self.organisation == DRIFT else "caseworker")


def _on(path: str, /, **body: Any) -> Callable[[Handles], Baseline]:
    """A command on a journey of the story; `ago` stands for the day it happened."""

    def make(handles: Handles) -> Baseline:
        ago = body.get("ago")
        day = {} if ago is None else {"occurred_on": handles.day(ago)}
        rest = {name: value for name, value in body.items() if name != "ago"}
        return Baseline(path={"journeyId": handles[path]}, body={**rest, **day})

    return make


def _offer(handles: Handles) -> Baseline:
    deadline = (handles.today + timedelta(days=20)).isoformat()
    body = {"kind": "provider_to_employer", "to_organisation": RECEIVER, "deadline_on": deadline}
    return Baseline(path={"journeyId": handles["whole"]}, body={**body, "occurred_on": handles.day(60)})


def _answered(offer: str, /, **body: Any) -> Callable[[Handles], Baseline]:
    return lambda handles: Baseline(
        path={"handoverId": handles[offer]}, body={**body, "occurred_on": handles.day(59)}
    )


def _person(_: Handles) -> Baseline:
    body = {"name": "Test Testsson", "personnummer": TEST_PERSONNUMMER}
    return Baseline(body={**body, "contact": {"phone": "070-1740605", "email": "test@example.org"}})


def _person_anew(handles: Handles) -> Baseline:
    said = {**_person(handles).body, "name": "Test Testdotter", "why": WHY}
    return Baseline(path={"participantId": handles["person"]}, body=said)


def _twin(_: Handles) -> Baseline:
    return Baseline(body={"name": "Test Testson", "personnummer": None})


def _same(handles: Handles) -> Baseline:
    return Baseline(
        path={"participantId": handles["person"]}, body={"participant_id": handles["twin"], "why": WHY}
    )


def _referral(reference: str) -> Callable[[Handles], Baseline]:
    def make(handles: Handles) -> Baseline:
        return Baseline(
            body={
                "reference": f"{reference}-{handles['run']}",
                "participant_id": handles["person"],
                "programme": PROGRAMME,
                "municipality": "2482",
                "provider": PROVIDER,
                "occurred_on": handles.day(100),
            }
        )

    return make


def _contents(handles: Handles) -> Baseline:
    body = {
        "person_knows": True,
        "needs": "Lugn plats, hjälp med svenskan.",
        "aims": "Jag vill arbeta i kök.",
        "languages": ["ti", "sv"],
        "interpreter": "ti",
        "extent": {"hours_a_week": 20},
        "reach": {"how": "telephone", "when": "Helst före tolv."},
    }
    return Baseline(path={"journeyId": handles["declined"]}, body=body)


def _consent(handles: Handles) -> Baseline:
    until = (handles.today + timedelta(days=365)).isoformat()
    body = {"purpose": "sharing", "given": True, "organisations": [RECEIVER], "last_day": until}
    return Baseline(path={"journeyId": handles["whole"]}, body={**body, "occurred_on": handles.day(98)})


def _consent_anew(handles: Handles) -> Baseline:
    said = _consent(handles).body
    body = {name: said[name] for name in ("given", "organisations", "last_day", "occurred_on")}
    path = {"journeyId": handles["whole"], "purpose": "sharing"}
    return Baseline(path=path, body={"why": WHY, **body})


def _entry(handles: Handles) -> Baseline:
    body = {
        "gender": "woman",
        "born_on": "1985-07-09",
        "employment": "unemployed",
        "unemployed_since": handles.day(900),
        "isced": 3,
        "disability": "not_asked",
        "minority": "not_asked",
        "third_country": "no",
        "foreign_background": "no",
        "homeless": "no",
        "rural": "no",
        "occurred_on": handles.day(97),
    }
    return Baseline(path={"journeyId": handles["whole"]}, body=body)


def _session_file(handles: Handles) -> Baseline:
    row = (
        f'{{"journey_id": "{handles["whole"]}", "reference": "file-{handles["run"]}", "activity": "work_training", '
        f'"occurred_on": "{handles.day(89)}", "attendance": "yes", "minutes": 60}}\n'
    )
    return Baseline(text=row.encode())


def _plan(handles: Handles) -> Baseline:
    body = {
        "activity": "work_training",
        "first_on": handles.day(95),
        "last_on": handles.day(61),
        "hours": register.WEEK,
        "except_on": [handles.day(70)],
        "on_holidays": True,
    }
    return Baseline(path={"journeyId": handles["whole"]}, body={**body, "occurred_on": handles.day(96)})


def _plan_anew(handles: Handles) -> Baseline:
    body = {"why": WHY, "activity": "work_training", "first_on": handles.day(95), "last_on": handles.day(60)}
    return Baseline(path={"journeyId": handles["whole"], "plan": "a1"}, body={**body, "hours": register.WEEK})


def _goal_anew(handles: Handles) -> Baseline:
    return Baseline(
        path={"journeyId": handles["whole"], "goal": handles["goal"]},
        body={"why": WHY, "text": "Ett eget arbete"},
    )


def _competence_anew(handles: Handles) -> Baseline:
    path = {"journeyId": handles["whole"], "competence": "shop_work", "level": "2"}
    return Baseline(path=path, body={"why": WHY, "occurred_on": handles.day(74)})


def _output(handles: Handles) -> Baseline:
    body = {"output": "workplace_carved", "quantity": 2, "municipality": "2482"}
    return Baseline(path={"programmeId": PROGRAMME}, body={**body, "occurred_on": handles.day(70)})


CUT_OFF = "journey.outcome.v1"
"""The topic that is cut off under the projector before its acceptance is tried."""


def _mend(**path: str) -> Callable[[Handles], Baseline]:
    """What an operator does: the path's parts are names of handles where there is one of that name."""
    return lambda handles: Baseline(
        path={name: handles.names.get(part, part) for name, part in path.items()},
        body={"reason": "tried on purpose"},
    )


def _sub(name: str, thing: str, **body: Any) -> Callable[[Handles], Baseline]:
    """A command on a thing below the journey: the path's second parameter."""
    return lambda handles: Baseline(
        path={"journeyId": handles["whole"], name: handles.names.get(thing, thing)},
        body={**body, "occurred_on": handles.day(80)},
    )


STOOD_AT = "journey.intake.v1"
"""A topic in which a group of nobody's stands at a record, before that record is passed over."""


def _passed_over(handles: Handles) -> Baseline:
    place = {name: int(handles[name]) for name in ("partition", "offset")}
    return Baseline(
        path={"group": "nobodys", "topic": STOOD_AT}, body={"reason": "tried on purpose", **place}
    )


def _webhook(handles: Handles) -> Baseline:
    return Baseline(body={"address": "https://agency.example/journeys"})


ACTIVITY, WHY = "activity_tracking", "Typed on the wrong line."
STEPS: tuple[Step, ...] = (
    *(Step("intake", name, DRIFT, baseline) for name, baseline in register_commands(PROGRAMME, PROVIDER)),
    Step("intake", "put_webhook", AGENCY, _webhook, duty="registrar"),
    Step("intake", "remove_webhook", AGENCY, lambda handles: Baseline(), duty="registrar"),
    Step("intake", "register_participant", AGENCY, _person, {"person": "participant_id"}),
    Step("intake", "correct_participant", AGENCY, _person_anew),
    Step("intake", "register_participant", AGENCY, _twin, {"twin": "participant_id"}, tried=False),
    Step("intake", "merge_participants", AGENCY, _same),
    Step("intake", "part_participants", AGENCY, _same),
    # One at a time: a person has no second open referral to the same programme.
    Step("intake", "refer", AGENCY, _referral("declined"), {"declined": "journey_id"}),
    Step("intake", "write_contents", AGENCY, _contents),
    Step("intake", "decline_referral", PROVIDER, _on("declined", reason="no_place", ago=99)),
    Step("intake", "correct_decline", PROVIDER, _on("declined", why=WHY, reason="other_need", ago=98)),
    Step("intake", "refer", AGENCY, _referral("withdrawn"), {"withdrawn": "journey_id"}, tried=False),
    Step("intake", "withdraw_referral", AGENCY, _on("withdrawn", reason="other_effort", ago=99)),
    Step("intake", "correct_withdrawal", AGENCY, _on("withdrawn", why=WHY, reason="other_effort", ago=98)),
    Step("intake", "refer", AGENCY, _referral("mistaken"), {"mistaken": "journey_id"}, tried=False),
    Step("intake", "register_mistake", AGENCY, _on("mistaken", reason="wrong_person", ago=99)),
    Step("intake", "correct_mistake", AGENCY, _on("mistaken", why=WHY, reason="wrong_person", ago=98)),
    Step("intake", "refer", AGENCY, _referral("whole"), {"whole": "journey_id"}, tried=False),
    Step(
        "intake",
        "correct_referral",
        AGENCY,
        _on("whole", why=WHY, municipality="2417", provider=PROVIDER, ago=101),
    ),
    Step("intake", "accept_referral", PROVIDER, _on("whole", ago=99)),
    Step("intake", "correct_acceptance", PROVIDER, _on("whole", why=WHY, ago=100)),
    Step("intake", "record_consent", PROVIDER, _consent),
    Step("intake", "correct_consent", PROVIDER, _consent_anew),
    Step("intake", "start_journey", PROVIDER, _on("whole", ago=97)),
    Step("intake", "correct_start", PROVIDER, _on("whole", why=WHY, ago=98)),
    Step("outcome", "record_entry", PROVIDER, _entry),
    Step(ACTIVITY, "plan_activity", PROVIDER, _plan),
    Step(ACTIVITY, "correct_plan", PROVIDER, _plan_anew),
    Step(ACTIVITY, "plan_pause", PROVIDER, register.pause, {"pause": "pause"}),
    Step(ACTIVITY, "correct_pause", PROVIDER, register.pause_anew),
    Step(ACTIVITY, "agree_extent", PROVIDER, register.extent, {"extent": "extent"}),
    Step(ACTIVITY, "correct_extent", PROVIDER, register.extent_anew),
    Step(ACTIVITY, "mark_attendance", PROVIDER, register.marks),
    Step(ACTIVITY, "acknowledge_report", AGENCY, register.acknowledgement),
    Step(ACTIVITY, "send_report", PROVIDER, register.report_to_send),
    Step(ACTIVITY, "mark_stretches", PROVIDER, register.mark_file),
    Step(ACTIVITY, "close_unit", PROVIDER, register.closure, {"closure": "closure_id"}),
    Step(ACTIVITY, "correct_closure", PROVIDER, register.closure_anew),
    Step(ACTIVITY, "make_group", PROVIDER, register.group(PROGRAMME), {"unit_group": "group_id"}),
    Step(ACTIVITY, "correct_group", PROVIDER, register.group_anew),
    Step(ACTIVITY, "join_group", PROVIDER, register.joining),
    Step(ACTIVITY, "set_goal", PROVIDER, _on("whole", text="Eget arbete", ago=96), {"goal": "goal"}),
    Step(ACTIVITY, "correct_goal", PROVIDER, _goal_anew),
    Step(ACTIVITY, "reach_goal", PROVIDER, _sub("goal", "goal")),
    Step(ACTIVITY, "correct_reached", PROVIDER, _sub("goal", "goal", why=WHY)),
    Step(
        ACTIVITY,
        "log_session",
        PROVIDER,
        _on("whole", reference="first", activity="work_training", attendance="yes", minutes=120, ago=90),
        {"session": "session_id"},
    ),
    Step(
        ACTIVITY,
        "correct_session",
        PROVIDER,
        _sub("sessionId", "session", activity="work_training", minutes=90, attendance="late"),
    ),
    Step(ACTIVITY, "log_sessions", PROVIDER, _session_file),
    Step(ACTIVITY, "measure_progress", PROVIDER, _on("whole", round=1, answers={"network": 3}, ago=85)),
    Step(ACTIVITY, "correct_progress", PROVIDER, _sub("round", "1", why=WHY, answers={"network": 4})),
    Step(ACTIVITY, "validate_competence", PROVIDER, _on("whole", competence="shop_work", level=2, ago=75)),
    Step(ACTIVITY, "correct_competence", PROVIDER, _competence_anew),
    Step(ACTIVITY, "log_output", PROVIDER, _output, {"output": "output_id"}),
    Step(
        ACTIVITY,
        "correct_output",
        PROVIDER,
        lambda handles: Baseline(
            path={"programmeId": PROGRAMME, "outputId": handles["output"]},
            body={"quantity": 1, "occurred_on": handles.day(69)},
        ),
    ),
    Step(ACTIVITY, "declare_ready", PROVIDER, _on("whole", ago=65)),
    Step(ACTIVITY, "correct_ready", PROVIDER, _on("whole", why=WHY, ago=64)),
    Step("handover", "offer_handover", PROVIDER, _offer, {"first": "handover_id"}),
    Step("handover", "decline_handover", RECEIVER, _answered("first", reason="no_capacity")),
    Step("handover", "correct_handover_decline", RECEIVER, _answered("first", why=WHY, reason="no_match")),
    Step("handover", "offer_handover", PROVIDER, _offer, {"second": "handover_id"}, tried=False),
    Step("handover", "recall_handover", PROVIDER, _answered("second", reason="other_receiver")),
    Step(
        "handover",
        "correct_handover_recall",
        PROVIDER,
        _answered("second", why=WHY, reason="participant_wish"),
    ),
    Step("handover", "offer_handover", PROVIDER, _offer, {"third": "handover_id"}, tried=False),
    Step("handover", "accept_handover", RECEIVER, _answered("third")),
    Step("handover", "correct_handover_acceptance", RECEIVER, _answered("third", why=WHY)),
    Step(
        "intake",
        "withdraw_consent",
        PROVIDER,
        lambda handles: Baseline(
            path={"journeyId": handles["whole"], "purpose": "sharing"},
            body={"occurred_on": handles.day(50)},
        ),
    ),
    Step(
        "outcome",
        "record_exit",
        RECEIVER,
        _on("whole", way="by_plan", reason="goal_reached", situation="employed", ago=40),
    ),
    Step(
        "outcome",
        "correct_exit",
        RECEIVER,
        _on("whole", why=WHY, way="by_plan", reason="goal_reached", situation="student", ago=40),
    ),
    Step(
        "outcome",
        "answer_follow_up",
        RECEIVER,
        lambda handles: Baseline(
            path={"followUpId": f"{handles['whole']}.28d"},
            body={"situation": "employed", "occurred_on": handles.day(5)},
        ),
    ),
    Step(
        "outcome",
        "correct_follow_up",
        RECEIVER,
        lambda handles: Baseline(
            path={"followUpId": f"{handles['whole']}.28d"},
            body={"why": WHY, "situation": "student", "occurred_on": handles.day(5)},
        ),
    ),
    Step("outcome", "replay_subject", DRIFT, _mend(kind="journey", key="whole")),
    Step("outcome", "republish_subject", DRIFT, _mend(kind="journey", key="whole")),
    Step("outcome", "replay_parked", DRIFT, _mend(parkedId="parked")),
    Step("outcome", "skip_parked", DRIFT, _mend(parkedId="parked")),
    Step("outcome", "skip_record", DRIFT, _passed_over),
    Step("outcome", "start_rebuild", DRIFT, _mend(group="figures")),
    Step("outcome", "compare_rebuild", DRIFT, _mend(group="figures")),
    Step("outcome", "swap_rebuild", DRIFT, _mend(group="figures")),
    Step("outcome", "start_rebuild", DRIFT, _mend(group="figures"), tried=False),
    Step("outcome", "abandon_rebuild", DRIFT, _mend(group="figures")),
    Step(
        "intake",
        "erase_participant",
        AGENCY,
        lambda handles: Baseline(path={"participantId": handles["person"]}),
    ),
    Step("outcome", "verify_reads", DRIFT, _mend()),
    Step("outcome", "accept_topic", DRIFT, _mend(group="figures", topic=CUT_OFF)),
)
