"""One shape for all services, one direction, and nothing that decides by itself what time it is."""

import ast
import importlib
import itertools
import tomllib
from collections.abc import Iterator

import pytest
from marshmallow import Schema

from shared.language.errors import CODES
from shared.language.events import BY_BODY, SOURCES
from tests.support.sources import EVERYTHING, ROOT, Source, sources, text_of

SERVICES = [source.replace("-", "_") for source in SOURCES]
MODULES = (
    *("__init__", "app", "consumer", "correcting", "handlers", "repository"),
    *("api/__init__", "api/corrections", "api/routes", "api/schemas"),
    *("domain/__init__", "domain/corrections", "domain/journey"),
)
VAGUE = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "base", "misc", "tools"}
LONGEST = 400
LISTS = {"shared/language/events.py"}
"""Closed lists, read by looking up: they may be long."""
COMMAND_LINES = {"services/intake/programmes.py"}
"""Operators' programs: they print."""

CLOCKS_AND_CHANCE = {
    "datetime.now",
    "datetime.datetime.now",
    "datetime.utcnow",
    "date.today",
    "datetime.date.today",
    "time.time",
    "time.time_ns",
    "uuid",
    "random",
    "secrets",
    "os.environ",
    "os.getenv",
    "os.urandom",
}
ALLOWED: dict[str, set[str]] = {
    # what a process is told
    "shared/host/settings.py": {"os.environ"},
    # the business clock itself
    "shared/runtime/clock.py": {"datetime.now"},
    # when an idempotency key may be forgotten
    "shared/runtime/commands.py": {"datetime.now"},
    # when an event was parked, for the operator
    "shared/runtime/parking.py": {"datetime.now"},
    # when a rebuild passed over what an operator had skipped
    "shared/host/process.py": {"datetime.now"},
    # how long the oldest unpublished event, and the longest wait, have waited
    "shared/runtime/progress.py": {"time.time"},
    # when Kafka refused an event, for the operator
    "shared/runtime/quarantine.py": {"time.time"},
    # how a topic's id, which Kafka gave it, is written
    "shared/runtime/kafka.py": {"uuid"},
    # what was read is dated and ordered by real time, and sealed by it
    "shared/runtime/reads.py": {"datetime.now", "secrets"},
    "shared/runtime/sealer.py": {"datetime.now"},
    # who holds a lease
    "shared/runtime/relay.py": {"secrets"},
    # order keys, which run on real time always
    "shared/runtime/staged.py": {"time.time_ns"},
    # when a timer is tried again whose subject could not be read
    "shared/runtime/timers.py": {"datetime.now"},
    # how long a change is kept, and how long one has waited for its number: real time always
    "services/intake/sequencing.py": {"datetime.now", "time.time"},
    # when a webhook is tried again, in real time; so that not all are tried at once
    "services/intake/sending.py": {"datetime.now", "random"},
    # the order of other services' answers, on real time
    "services/intake/answers.py": {"time.time_ns"},
    # ids made at the edge; the order of answers, on real time
    "shared/runtime/ids.py": {"secrets"},
    "shared/runtime/messages.py": {"time.time_ns"},
    # how long a wait is, when it is asked for again, what is asked: real time always
    "shared/operations/healing.py": {"datetime.now"},
    "shared/operations/control.py": {"datetime.now"},
    "shared/operations/rebuild.py": {"datetime.now"},
    "shared/operations/rebuilder.py": {"datetime.now"},
    # what operators do is dated by real time
    "shared/operations/routes.py": {"datetime.now"},
    # who is born by now
    "shared/edge/texts.py": {"datetime.now"},
    # trace ids; when a line was written; when something was looked at
    "shared/telemetry/traces.py": {"secrets"},
    "shared/telemetry/logs.py": {"datetime.now"},
    "shared/telemetry/metrics.py": {"datetime.now"},
    # links to the page and their lives, which run on real time always; who holds the lease on indicators
    "services/outcome/stream/app.py": {"datetime.now", "secrets"},
    # keys and nonces of the identity vault
    "services/intake/vault.py": {"os.urandom"},
}


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_same_modules(service: str) -> None:
    folder = ROOT / "services" / service
    for module in MODULES:
        assert (folder / f"{module}.py").exists(), module


@pytest.mark.parametrize("service", SERVICES)
def test_the_same_thing_has_the_same_name_in_every_service(service: str) -> None:
    consumer = importlib.import_module(f"services.{service}.consumer")
    assert {"FOLDS", "TIMERS"} <= vars(consumer).keys()
    schemas = importlib.import_module(f"services.{service}.api.schemas")
    own = [one for one in vars(schemas).values() if getattr(one, "__module__", "") == schemas.__name__]
    for one in own:
        if isinstance(one, type) and issubclass(one, Schema):
            assert one.__name__.endswith(("Body", "Answer", "Arguments")), one.__name__
    assert "blueprints" in vars(importlib.import_module(f"services.{service}.api"))


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_says_at_its_door_what_it_owns_takes_in_and_says(service: str) -> None:
    said = importlib.import_module(f"services.{service}").__doc__ or ""
    places = [said.index(f"\n{word}: ") for word in ("Owns", "Rows", "In", "Out")]
    assert places == sorted(places)
    made = importlib.import_module(f"services.{service}.app").SERVICE
    collections = {made.repository.collection, *made.indexes}
    assert [one for one in collections if f"`{one}`" not in said] == []
    out = said[places[-1] :]
    events = [kind.body.__name__ for kind in BY_BODY.values() if kind.source == made.source]
    assert [one for one in events if one not in out] == []


def test_a_route_is_a_function_of_its_module() -> None:
    """What it needs it asks for: a route inside a function would hold it hidden."""
    inside = [
        f"{source.name}: {route.name}"
        for source in sources("services")
        for outer in ast.walk(source.tree)
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        for route in ast.walk(outer)
        if route is not outer and isinstance(route, ast.FunctionDef | ast.AsyncFunctionDef)
        if any(_is_route(one) for one in route.decorator_list)
    ]
    assert inside == []


def _is_route(decorator: ast.expr) -> bool:
    return (
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Attribute)
        and decorator.func.attr == "route"
    )


def test_every_module_says_why_it_exists() -> None:
    for source in sources():
        assert ast.get_docstring(source.tree), source.name


def test_every_file_can_be_read_at_a_sitting_tests_too() -> None:
    long = {source.name for source in sources(*EVERYTHING) if source.lines > LONGEST}
    assert long == LISTS


def test_no_module_has_a_name_that_says_nothing() -> None:
    for source in sources():
        assert not VAGUE & set(source.name.removesuffix(".py").split("/")[1:]), source.name


def test_every_public_function_of_the_product_is_described() -> None:
    lacking = []
    for source in sources("clients", "services", "shared", "tools"):
        for node in source.tree.body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef):
                continue
            if not node.name.startswith("_") and not ast.get_docstring(node):
                lacking.append(f"{source.name}: {node.name}")
    assert lacking == []


def test_time_chance_and_surroundings_come_in_as_arguments() -> None:
    found: dict[str, set[str]] = {}
    for source in sources("services", "shared"):
        used = {name for name in source.names() if name in CLOCKS_AND_CHANCE}
        if used:
            found[source.name] = used
    assert found == ALLOWED


def test_the_ban_on_mocks_holds_everywhere() -> None:
    """Ruff's rule TID251 bans them; no folder may switch it off, the tests least of all."""
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
    assert {"unittest.mock", "pytest.MonkeyPatch"} <= set(lint["flake8-tidy-imports"]["banned-api"])
    ignored = [*lint["ignore"], *itertools.chain(*lint["per-file-ignores"].values())]
    assert not [rule for rule in ignored if "TID251".startswith(rule)]


def test_rules_and_use_cases_meet_no_clock_log_or_database() -> None:
    forbidden = (
        "time",
        "logging",
        "structlog",
        "flask",
        "pymongo",
        "kafka",
        "confluent_kafka",
        "marshmallow",
        "prometheus_client",
    )
    for source in sources("services"):
        if source.name.split("/")[2:][:1] in (["domain"], ["domain.py"], ["handlers.py"]):
            met = {name for name in source.names() if name.split(".")[0] in forbidden}
            assert not met, f"{source.name}: {met}"


def test_nobody_sleeps_and_nobody_prints_in_the_services() -> None:
    for source in sources("services"):
        said = ("sleep",) if source.name in COMMAND_LINES else ("sleep", "print", "echo")
        assert not [call.lineno for call in source.calls(*said)], source.name


# --- error codes -----------------------------------------------------------------------------------------------

RAISED_BY_CLASS = {
    "StateUnreadable": "state-unreadable",
    "Invalid": "invalid-fields",
    "Unknown": "not-found",
    "NotYetSeen": "not-yet-seen",
}
CODE_FIRST = ("Refused", "Forbidden", "Conflict", "Later", "_problem", "problem")
CODE_SECOND = ("rejected",)


def test_every_code_that_is_raised_is_catalogued_and_every_catalogued_one_is_raised() -> None:
    raised = {code for source in sources("services", "shared") for code in _raised(source)}
    assert raised - CODES.keys() == set()
    assert CODES.keys() - raised == set()


def _raised(source: Source) -> Iterator[str]:
    for call in source.calls(*RAISED_BY_CLASS):
        yield RAISED_BY_CLASS[getattr(call.func, "id", getattr(call.func, "attr", ""))]
    for place, functions in ((0, CODE_FIRST), (1, CODE_SECOND)):
        for call in source.calls(*functions):
            if len(call.args) > place:
                yield from _codes(call.args[place])
    if source.name in ("shared/edge/web.py", "shared/edge/refusals.py", "shared/edge/http_server.py"):
        yield from _codes_by_status(source)


def _codes(node: ast.expr) -> Iterator[str]:
    """The literal, or both literals of `a if … else b`."""
    match node:
        case ast.IfExp():
            yield from _codes(node.body)
            yield from _codes(node.orelse)
        case _:
            text = text_of(node)
            if text is not None:
                yield text


def _codes_by_status(source: Source) -> Iterator[str]:
    """The codes of what Flask and the server themselves refuse, and the last resort."""
    for node in ast.walk(source.tree):
        match node:
            case ast.Assign(targets=[ast.Name(id="by_status")], value=ast.Dict(values=values)):
                yield from (text for text in map(text_of, values) if text is not None)
            case ast.AnnAssign(target=ast.Name(id="REFUSALS"), value=ast.Dict(values=values)):
                yield from (text for text in map(text_of, values) if text is not None)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="by_status")), args=[_, default]):
                yield from _codes(default)
            case _:
                pass
