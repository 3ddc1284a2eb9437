"""Who reads of a person, or is refused, is noted before the answer leaves; who cannot be noted is not answered."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from flask_smorest import Blueprint

from shared.edge.bulk import command_rows
from shared.edge.callers import Admission
from shared.edge.interface import Interface
from shared.edge.paths import subject_in_path
from shared.edge.repetitions import MINUTE_SECONDS, ROWS_A_MINUTE, Repetitions
from shared.edge.web import command, create_app, guarded, query
from shared.language.errors import Busy, Conflict, Forbidden, Refused, Unknown
from shared.language.programmes import Action
from shared.runtime.many import OneOfMany
from shared.runtime.reads import Reading, entry_id, moment_of
from shared.runtime.unusual import UNUSUAL
from shared.telemetry.metrics import metric
from tests.support.fakes import UNLIMITED, FakeCommands, FakeWork, NamedTokens, RealTime
from tests.support.published import FakeProgrammes

JOURNEY = "j-" + "0" * 26
HANDLE = "h-" + "1" * 26


class Unwritable(FakeCommands):
    """Commands whose ledger does not answer."""

    def account(self, reading: Reading) -> None:
        """Fail."""
        raise Busy("The reading could not be noted.")


@dataclass
class Office:
    """An application with a reading, a list, a command and a file, all of which come to what is said here."""

    commands: FakeCommands
    comes_to: Callable[[], dict[str, Any]] = dict
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        app: Flask = create_app(
            interface=Interface("office", "", ""),
            blueprints=(self._routes(),),
            commands=self.commands,
            admission=Admission(NamedTokens(), UNLIMITED),
            operators=(),
            clock=RealTime(),
        )
        self.client = app.test_client()

    def _routes(self) -> Blueprint:
        routes = Blueprint("office", __name__)

        def reads(action: Action, path: str, *, named: bool) -> None:
            @guarded(action)
            def view(journey_id: str = JOURNEY) -> Any:
                subject = subject_in_path() if named else None
                return query(lambda _: self.comes_to(), subject, purpose="to call")

            routes.add_url_rule(path, action + path, view, methods=["GET"])

        reads("read_journey", "/journeys/<string:journeyId>", named=True)
        reads("read_journey", "/journeys", named=False)
        reads("read_report", "/report", named=False)

        @guarded("start_journey")
        def start(journey_id: str) -> Any:
            return command(lambda _: self.comes_to(), subject_in_path())

        @guarded("log_activity")
        def log_all() -> Any:
            rows = [OneOfMany(lambda _: self.comes_to()) for _ in range(3)]
            return {"stored": [isinstance(one, dict) for one in command_rows(rows)]}

        routes.add_url_rule("/journeys/<string:journeyId>/start", "start", start, methods=["POST"])
        routes.add_url_rule("/sessions", "log_all", log_all, methods=["POST"])
        return routes

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer to one request of a caseworker."""
        headers = {"Authorization": "Bearer urkraft:caseworker", "Idempotency-Key": "key"}
        return self.client.open(path, method=method, headers=headers, json=body)

    def noted(self) -> list[tuple[str, str | None, int | None, str]]:
        """(route, subject, count, came to) of each row."""
        return [(one.route, one.subject, one.count, one.came_to) for one in self.commands.readings]


@pytest.fixture
def office() -> Office:
    return Office(FakeCommands(FakeWork(FakeProgrammes(), datetime(2018, 1, 1, tzinfo=UTC))))


def refusing(error: Refused) -> Callable[[], dict[str, Any]]:
    def refuse() -> dict[str, Any]:
        raise error

    return refuse


def test_a_reading_says_who_what_why_and_what_it_came_to(office: Office) -> None:
    assert office.ask("GET", f"/journeys/{JOURNEY}").status_code == 200
    (row,) = office.commands.readings
    assert (row.person, row.organisation, row.duty, row.action) == (
        "somebody",
        "urkraft",
        "caseworker",
        "read_journey",
    )
    assert (row.subject, row.purpose, row.came_to) == (f"journey/{JOURNEY}", "to call", "given")
    assert row.route == "GET /journeys/<string:journeyId>"


def test_a_list_leaves_one_row_with_a_count(office: Office) -> None:
    office.comes_to = lambda: {"journeys": [1, 2, 3], "cursor": None}
    office.ask("GET", "/journeys")
    assert office.noted() == [("GET /journeys", None, 3, "given")]


@pytest.mark.parametrize(
    ("error", "noted"),
    [
        (Forbidden("not-your-journey", "No part."), True),
        (Forbidden("wrong-duty", "No duty."), True),
        (Unknown("journey"), True),
        (Conflict("participant-erased", "Erased."), True),
        (Refused("invalid-header", "Purpose."), False),
    ],
)
def test_a_refused_reading_is_noted_with_its_code(office: Office, error: Refused, noted: bool) -> None:
    office.comes_to = refusing(error)
    assert office.ask("GET", f"/journeys/{JOURNEY}").json["code"] == error.code
    rows = [("GET /journeys/<string:journeyId>", f"journey/{JOURNEY}", None, error.code)]
    assert office.noted() == (rows if noted else [])


def test_a_refused_command_is_noted_and_one_that_succeeds_or_meets_a_conflict_is_not(office: Office) -> None:
    path = f"/journeys/{JOURNEY}/start"
    office.comes_to = refusing(Forbidden("not-your-journey", "No part."))
    assert office.ask("POST", path, {}).status_code == 403
    assert [one[1:] for one in office.noted()] == [(f"journey/{JOURNEY}", None, "not-your-journey")]
    office.comes_to = refusing(Conflict("wrong-stage", "Started."))
    assert office.ask("POST", path, {}).status_code == 409
    office.comes_to = dict
    assert office.ask("POST", path, {}).status_code == 200
    assert len(office.commands.readings) == 1


def test_a_file_whose_rows_are_refused_leaves_one_row_per_reason(office: Office) -> None:
    office.comes_to = refusing(Unknown("journey"))
    assert office.ask("POST", "/sessions", {}).status_code == 200
    assert office.noted() == [("POST /sessions", None, 3, "not-found")]


def test_what_concerns_no_person_is_not_noted(office: Office) -> None:
    office.ask("GET", "/report")
    office.ask("GET", "/nowhere")
    assert office.noted() == []


def test_what_is_no_id_of_ours_is_not_kept(office: Office) -> None:
    assert office.ask("GET", "/journeys/19900101-2385").status_code == 404
    assert office.noted() == [("GET /journeys/<string:journeyId>", None, None, "not-found")]


def test_a_person_named_in_a_refused_body_is_kept(office: Office) -> None:
    office.comes_to = refusing(Unknown("participant"))
    office.ask("POST", "/sessions", {"participant_id": HANDLE})
    assert office.noted()[0][1] == f"handle/{HANDLE}"


def test_who_cannot_be_noted_is_neither_answered_nor_refused() -> None:
    office = Office(Unwritable(FakeWork(FakeProgrammes(), datetime(2018, 1, 1, tzinfo=UTC))))
    office.comes_to = lambda: {"name": "Ada Prov"}
    for answer in (office.ask("GET", f"/journeys/{JOURNEY}"), office.ask("GET", "/journeys")):
        assert (answer.status_code, answer.json["code"]) == (503, "busy")
        assert b"Ada" not in answer.data
    office.comes_to = refusing(Unknown("journey"))
    assert office.ask("GET", f"/journeys/{JOURNEY}").status_code == 503


def test_refusals_that_repeat_leave_one_row_and_what_is_given_leaves_each(office: Office) -> None:
    folded = metric("journey_refusals_folded_total")
    before = folded._value.get()
    office.comes_to = refusing(Unknown("journey"))
    with structlog.testing.capture_logs() as told:
        for _ in range(200):
            assert office.ask("GET", f"/journeys/{JOURNEY}").status_code == 404
    assert len(office.noted()) == 1
    assert folded._value.get() == before + 199
    assert len([one for one in told if one["event"] == "refusals-folded"]) == 1
    office.comes_to = refusing(Forbidden("not-your-journey", "No part."))
    office.ask("GET", f"/journeys/{JOURNEY}")
    assert len(office.noted()) == 2, "another reason is another row"
    office.comes_to = dict
    for _ in range(3):
        assert office.ask("GET", f"/journeys/{JOURNEY}").status_code == 200
    assert len(office.noted()) == 5


def test_who_is_refused_for_ever_new_journeys_leaves_more_rows_than_are_usual_and_a_bound(
    office: Office,
) -> None:
    office.comes_to = refusing(Unknown("journey"))
    for number in range(3 * ROWS_A_MINUTE):
        assert office.ask("GET", f"/journeys/j-{number:026}").status_code == 404
    assert len({row[1] for row in office.noted()}) == ROWS_A_MINUTE > UNUSUAL


def test_a_refusal_that_could_not_be_noted_is_tried_again() -> None:
    office = Office(
        Unwritable(FakeWork(FakeProgrammes(), datetime(2018, 1, 1, tzinfo=UTC))), refusing(Unknown("journey"))
    )
    assert [office.ask("GET", f"/journeys/{JOURNEY}").status_code for _ in range(2)] == [503, 503]


def test_a_new_minute_begins_anew_and_people_are_bounded() -> None:
    repetitions, who = Repetitions(most=10), ("h-1", "urkraft")
    repetitions.noted(who, "a", 0.0)
    assert repetitions.folds(who, "a", MINUTE_SECONDS - 1)
    assert not repetitions.folds(("h-2", "urkraft"), "a", 1.0)
    assert not repetitions.folds(who, "b", 1.0)
    assert not repetitions.folds(who, "a", MINUTE_SECONDS)
    for number in range(100):
        repetitions.noted((f"h-{number}", "urkraft"), "a", 0.0)
    assert len(repetitions) == 10


def test_keys_of_rows_sort_by_time_and_say_when() -> None:
    early, late = datetime(1999, 12, 31, tzinfo=UTC), datetime(2040, 1, 1, 12, 30, 1, 250, tzinfo=UTC)
    assert entry_id(early) < entry_id(late)
    assert (moment_of(entry_id(early)), moment_of(entry_id(late))) == (early, late)
    assert entry_id(early) != entry_id(early)
