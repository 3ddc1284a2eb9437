"""What each process is told, in every place that tells it, is what `shared.host.variables` declares."""

import re
from pathlib import Path

import pytest
import yaml

from deploy.secrets import EXAMPLE
from shared.host.settings import read_settings
from shared.host.variables import VARIABLES, concerns
from tests.support.deployment import REPOSITORY
from tools.stack.settings import CONTRACT, SERVICES, Settings

DECLARED = {one.name: one for one in VARIABLES}
SECRET = {one.name for one in VARIABLES if one.secret}
# Of compose itself: its volumes and doors, each principal's password, and its own Kafka, MongoDB, issuer and Grafana.
OF_COMPOSE = re.compile(
    r"(KAFKA|MONGODB)_PASSWORD_\w+|KAFKA_CLUSTER_ID|MONGODB_KEY|ISSUER_CLIENT_SECRET|PUBLISH_ADDRESS|GRAFANA_\w+"
)


def test_the_local_stack_lists_the_same_settings() -> None:
    assert set(DECLARED) == CONTRACT


@pytest.mark.parametrize(("service", "role"), [(s, role) for s, roles in SERVICES.items() for role in roles])
def test_the_local_stack_tells_each_process_what_it_may_know(tmp_path: Path, service: str, role: str) -> None:
    told = Settings(8080, tmp_path).environment(service, role)
    assert {name for name in told if not concerns(DECLARED[name].given_to, service, role)} == set()
    assert read_settings(service, role, told).kafka_username == service


def test_each_line_of_the_example_is_a_setting_or_compose_s_own() -> None:
    lines = dict(
        re.findall(r"^(?:# )?([A-Z][A-Z_]+)=(.*)$", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE)
    )
    settings = {name: value for name, value in lines.items() if not OF_COMPOSE.fullmatch(name)}
    assert set(settings) <= set(DECLARED)
    assert {name: value for name, value in settings.items() if name in SECRET and value} == {}


def test_no_manifest_of_kubernetes_holds_a_secret_setting() -> None:
    for path in sorted((REPOSITORY / "deploy/k8s").glob("*.yaml")):
        for one in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            written = set(one["data"]) if one["kind"] == "ConfigMap" else set()
            if one["kind"] in ("Deployment", "Job"):
                for container in one["spec"]["template"]["spec"]["containers"]:
                    written |= {said["name"] for said in container.get("env", ()) if "value" in said}
            assert not written & SECRET, path.name


def test_a_setting_that_is_secret_has_no_default() -> None:
    assert {one.name for one in VARIABLES if one.secret and one.default} == set()
