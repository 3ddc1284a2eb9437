"""What the code has to offer whoever deploys it: its commands and roles, the variables it reads, the paths it answers.

Taken from the code itself, so that a manifest can be held to it. Nothing here starts a process.
"""

import ast
import functools
import importlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import yaml

from clients.operator import commands as operator_commands
from clients.operator.surroundings import Surroundings
from clients.operator.trouble import Trouble
from deploy import preparation, secrets
from deploy.database import DATABASES
from deploy.declaration import declared
from services.intake import programmes
from shared.host.variables import VARIABLES, concerns

REPOSITORY = Path(__file__).resolve().parents[2]
# What the image holds; `tests/support/image.py` builds it.
CODE_FOLDERS = ("services", "shared", "deploy", "clients/operator")

# The two whose environment is read elsewhere than in the module that is started.
READ_IN = {
    "tools.stack.issuer": ("tools/stack/issuer.py", "tools/stack/settings.py"),
    "deploy.topics": ("deploy/topics.py",),
    "deploy.programmes": ("deploy/topics.py", "deploy/programmes.py"),
    "deploy.database": ("deploy/database.py",),
    "deploy.preparation": ("deploy/preparation.py",),
}
ROLES = ("web", "stream", "consume", "project")
ANSWERS_CALLERS = ("web", "stream")
HEALTH_IN = {
    "web": "shared/host/serving.py",
    "stream": "services/outcome/stream/app.py",
    "consume": "shared/host/health.py",
    "project": "shared/host/health.py",
    None: "tools/stack/issuer.py",
}


@dataclass(frozen=True)
class Reads:
    """The variables a process reads: those it cannot do without, and those that have a default."""

    required: frozenset[str]
    optional: frozenset[str]


def filled_environment() -> dict[str, str]:
    """What `.env` holds after `python -m deploy.secrets > .env`."""
    lines = secrets.filled(secrets.EXAMPLE.read_text(encoding="utf-8")).splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def role_of(command: Sequence[str]) -> str | None:
    """`web` of `services.intake.app web`; None for what is no process of a service."""
    return command[1] if command[0].endswith(".app") and len(command) == 2 else None


def service_of(command: Sequence[str]) -> str | None:
    """`activity-tracking` of `services.activity_tracking.app web`; None for what is no service's process."""
    found = re.match(r"services\.(\w+)\.", command[0])
    return found[1].replace("_", "-") if found else None


def command_of(entrypoint: Sequence[str] | None, command: Sequence[str]) -> list[str]:
    """What follows `python -m`: the command itself, or that of the program on the image's PATH that is started."""
    if not entrypoint:
        return list(command)
    shim = (REPOSITORY / "deploy/bin" / entrypoint[0]).read_text(encoding="utf-8")
    (module,) = re.findall(r"python -m (\S+)", shim)
    return [module, *command]


def command_faults(command: Sequence[str]) -> tuple[str, ...]:
    """What `python -m <command>` would stumble over: module, role, subcommand or file that is not there."""
    return _command_faults(tuple(command))


@functools.cache
def _command_faults(command: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_stumbled_over(*command))


def _stumbled_over(module_name: str, *arguments: str) -> Iterator[str]:
    try:
        module = importlib.import_module(module_name)
        if hasattr(module, "__path__"):
            module = importlib.import_module(f"{module_name}.__main__")
    except ImportError as error:
        yield f"{module_name} cannot be imported: {error}"
        return
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    if '__name__ == "__main__"' not in source:
        yield f"{module_name} is no command"
    if module_name.endswith(".app"):
        service = module.SERVICE
        roles = {"web", "consume", *service.projections, *service.roles}
        if len(arguments) != 1 or arguments[0] not in roles:
            yield f"{module_name} has no role {' '.join(arguments)!r}"
    elif module_name == "clients.operator":
        if arguments[0] not in operator_commands.main.commands:
            yield f"{module_name} has no command {' '.join(arguments)!r}"
    elif module_name == "deploy.programmes":
        if arguments[0] != "publish" or programmes.main(["check", *arguments[1:]]):
            yield f"{module_name} does not take {' '.join(arguments)!r}"
    elif isinstance(getattr(module, "main", None), click.Group):
        if len(arguments) != 1 or arguments[0] not in module.main.commands:
            yield f"{module_name} has no command {' '.join(arguments)!r}"
    elif arguments:
        yield f"{module_name} takes no {' '.join(arguments)!r}"


def reads_of(command: Sequence[str]) -> Reads:
    """The variables that `python -m <command>` reads."""
    if command[0] == "deploy.programmes":
        return _joined(
            [*_read_in(command[0]), reads_of(["services.intake.programmes", "publish"])], required=set()
        )
    if command[0].startswith("services."):
        service, role = str(service_of(command)), role_of(command) or ""
        needed = {one.name for one in VARIABLES if concerns(one.required_by, service, role)}
        # The defaults are a machine's own; where it runs in a container, it is told.
        listens = {"HTTP_HOST", "HEALTH_PORT"} if role in ROLES else set()
        if role in ANSWERS_CALLERS:
            listens.add("HTTP_PORT")
        given = {one.name for one in VARIABLES if concerns(one.given_to, service, role)}
        return Reads(frozenset(needed | listens), frozenset(given - needed - listens))
    if command[0] == "clients.operator":
        return Reads(_asked_by_operators(), frozenset())
    required: set[str] = set()
    if command[0] == "deploy.preparation":
        required |= {preparation.variable("KAFKA", one.name) for one in declared().principals}
        required |= {preparation.variable("MONGODB", name) for name in DATABASES}
    return _joined(_read_in(command[0]), required)


def database_user_of(command: Sequence[str]) -> str | None:
    """The service whose user in MongoDB the command has: its own, or that of the service's command that it runs."""
    return "intake" if command[0] == "deploy.programmes" else service_of(command)


def _read_in(module: str) -> list[Reads]:
    return [_environment_read(REPOSITORY / name) for name in READ_IN.get(module, ())]


def _joined(found: Sequence[Reads], required: Iterable[str]) -> Reads:
    needed = frozenset(required).union(*(one.required for one in found))
    return Reads(needed, frozenset[str]().union(*(one.optional for one in found)) - needed)


def paths_answered(command: Sequence[str]) -> frozenset[str]:
    """The paths of a process's health: every text in its source that begins with a slash."""
    source = REPOSITORY / HEALTH_IN.get(role_of(command), HEALTH_IN["web"])
    texts = (node.value for node in ast.walk(_parsed(source)) if isinstance(node, ast.Constant))
    return frozenset(text for text in texts if isinstance(text, str) and text.startswith("/"))


def imported_distributions(folders: Sequence[str] = CODE_FOLDERS) -> dict[str, str]:
    """Every package from outside that the code imports, and a module that does."""
    ours = {folder.split("/")[0] for folder in folders}
    found: dict[str, str] = {}
    for folder in folders:
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            for node in ast.walk(_parsed(path)):
                names: list[str] = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                    names = [node.module]
                for name in names:
                    if (top := name.split(".")[0]) not in ours:
                        found.setdefault(top, str(path.relative_to(REPOSITORY)))
    return found


def interpolated(text: str, environment: Mapping[str, str]) -> Any:
    """A compose file as compose reads it: `${NAME:?}` and `${NAME:-default}` from the environment, merges done.

    Raises KeyError for a variable that has neither.
    """

    def value(found: re.Match[str]) -> str:
        name, default = found["name"], found["default"]
        return environment.get(name) or default if default is not None else environment[name]

    return yaml.safe_load(re.sub(r"\$\{(?P<name>\w+)(?::\?|:-(?P<default>[^}]*))?\}", value, text))


@functools.cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _asked_by_operators() -> frozenset[str]:
    """What the operators' command says that it lacks when it is told nothing."""
    try:
        Surroundings.of({})
    except Trouble as trouble:
        return frozenset(re.findall(r"[A-Z_]+_(?:URL|TOKEN)", str(trouble)))
    return frozenset()


@functools.cache
def _environment_read(path: Path) -> Reads:
    """Every `environment["NAME"]` and `environment.get("NAME")` in a module."""
    required: set[str] = set()
    optional: set[str] = set()
    for node in ast.walk(_parsed(path)):
        if isinstance(node, ast.Subscript) and _is_environment(node.value) and _is_variable(node.slice):
            required.add(ast.literal_eval(node.slice))
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "get"
            and _is_environment(node.func.value)
        ):
            optional.add(ast.literal_eval(node.args[0]))
    return Reads(frozenset(required), frozenset(optional - required))


def _is_environment(node: ast.expr) -> bool:
    return ast.unparse(node) in ("environment", "os.environ")


def _is_variable(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isupper()
