"""The manifests are Kubernetes' own kind, ask for what the code has, and leave nothing open."""

import copy
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import kubernetes_validate
import pytest
import yaml

from deploy.database import DATABASES
from deploy.declaration import declared
from tests.support.deployment import (
    ANSWERS_CALLERS,
    REPOSITORY,
    command_faults,
    paths_answered,
    reads_of,
    role_of,
    service_of,
)
from tools.stack.settings import SERVICES

FOLDER = REPOSITORY / "deploy/k8s"
VERSION = "1.34"
Manifest = dict[str, Any]

# What is made outside, from wherever secrets are kept: deploy/README.md says so, and the test below holds it to this.
SECRETS = {
    "journeys-intake": {"KAFKA_PASSWORD", "MONGODB_URI"},
    "journeys-intake-vault": {"NUMBER_KEYS", "VAULT_MASTER_KEY"},
    "journeys-activity-tracking": {"KAFKA_PASSWORD", "MONGODB_URI"},
    "journeys-handover": {"KAFKA_PASSWORD", "MONGODB_URI"},
    "journeys-outcome": {"KAFKA_PASSWORD", "MONGODB_URI"},
    "journeys-fingerprints": {"FINGERPRINT_KEY"},
    "journeys-kafka-administrator": {"KAFKA_USERNAME", "KAFKA_PASSWORD"},
    "journeys-mongodb-administrator": {"MONGODB_HOST", "MONGODB_ADMIN_USERNAME", "MONGODB_ADMIN_PASSWORD"},
    "journeys-kafka-passwords": {one.name for one in declared().principals},
    "journeys-mongodb-passwords": set(DATABASES),
}


@pytest.fixture(scope="module")
def as_written() -> list[Manifest]:
    """Every document of every manifest that the kustomization names."""
    kustomization = yaml.safe_load((FOLDER / "kustomization.yaml").read_text(encoding="utf-8"))
    assert {path.name for path in FOLDER.glob("*.yaml")} == {
        *kustomization["resources"],
        "kustomization.yaml",
    }
    return [
        document
        for name in kustomization["resources"]
        for document in yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8"))
    ]


@pytest.fixture
def manifests(as_written: list[Manifest]) -> list[Manifest]:
    """The manifests, a copy of their own."""
    return copy.deepcopy(as_written)


def pods(manifests: list[Manifest]) -> Iterator[tuple[str, Any, Any]]:
    """Name, pod template's spec and its one container, of every Deployment and Job."""
    for one in manifests:
        if one["kind"] in ("Deployment", "Job"):
            spec = one["spec"]["template"]["spec"]
            yield one["metadata"]["name"], spec, spec["containers"][0]


def told(container: Any, manifests: list[Manifest]) -> dict[str, str | None]:
    """{variable: value}; None for what a secret holds."""
    found: dict[str, str | None] = {}
    for source in container.get("envFrom", ()):
        if "configMapRef" in source:
            name = source["configMapRef"]["name"]
            found |= next(
                one["data"]
                for one in manifests
                if one["kind"] == "ConfigMap" and one["metadata"]["name"] == name
            )
        else:
            found |= dict.fromkeys(SECRETS[source["secretRef"]["name"]])
    for one in container["env"]:
        secret = one.get("valueFrom", {}).get("secretKeyRef")
        assert secret is None or secret["key"] in SECRETS[secret["name"]]
        found[one["name"]] = one.get("value")
    return found


def command_in(container: Any) -> list[str]:
    """What a container runs; for the one that only waits, what operators type in it."""
    command: list[str] = container.get("args", ["clients.operator", "status"])
    return command


def address_faults(given: dict[str, str | None], manifests: list[Manifest]) -> Iterator[str]:
    """Addresses of the operators' pod that are no Service, or on which none listens."""
    services = {one["metadata"]["name"]: one["spec"] for one in manifests if one["kind"] == "Service"}
    for variable, address in given.items():
        url = urlsplit(str(address))
        ports = {port["port"] for port in services.get(str(url.hostname), {"ports": []})["ports"]}
        if url.scheme != "http" or (url.port or 80) not in ports:
            yield f"{variable} leads nowhere: {address}"


def code_faults(manifests: list[Manifest]) -> Iterator[str]:
    """Commands, roles, variables, paths and ports that the code does not have."""
    for name, spec, container in pods(manifests):
        command, given = command_in(container), told(container, manifests)
        yield from (f"{name}: {fault}" for fault in command_faults(command))
        reads = reads_of(command)
        # The operator brings the token.
        wanted = reads.required - {"JOURNEYS_TOKEN"}
        yield from (f"{name} is not told {one}" for one in sorted(wanted - set(given)))
        own = {one["name"] for one in container["env"]}
        yield from (f"{name} does not read {one}" for one in sorted(own - reads.required - reads.optional))
        owner, role = service_of(command), role_of(command)
        if owner and given["KAFKA_USERNAME"] != owner:
            yield f"{name} is {given['KAFKA_USERNAME']} to Kafka"
        secrets = {one["secretRef"]["name"] for one in container.get("envFrom", ()) if "secretRef" in one}
        if name == "operator":
            yield from address_faults(given, manifests)
            if secrets or spec.get("volumes"):
                yield "the operators' pod holds secrets"
        vault = {"journeys-intake-vault"} if "VAULT_MASTER_KEY" in reads.required else set()
        if owner and secrets != {f"journeys-{owner}"} | vault:
            yield f"{name} is given {secrets}"
        if role is None:
            continue
        port = int(str(given.get("HEALTH_PORT", 0)))
        listens = [int(str(given["HTTP_PORT"]))] if role in ANSWERS_CALLERS else []
        if [one["containerPort"] for one in container["ports"]] != [*listens, port]:
            yield f"{name} listens on {[*listens, port]} and says otherwise"
        for probe, path in (("startup", "/healthz"), ("liveness", "/healthz"), ("readiness", "/readyz")):
            asked = container[f"{probe}Probe"]["httpGet"]
            if asked != {"path": path, "port": port} or path not in paths_answered(command):
                yield f"{name}: its {probe} probe asks {asked}"
        mounted = {one["mountPath"] for one in container["volumeMounts"]}
        if str(given["KAFKA_CA_FILE"]).rpartition("/")[0] not in mounted:
            yield f"{name} reads {given['KAFKA_CA_FILE']}, which is mounted from nowhere"
        if {one["name"] for one in container["volumeMounts"]} != {one["name"] for one in spec["volumes"]}:
            yield f"{name} mounts other volumes than it has"


def openness_faults(manifests: list[Manifest]) -> Iterator[str]:
    """Pods that may do more than they need, and roads that nobody named."""
    for name, spec, container in pods(manifests):
        security, own = spec["securityContext"], container["securityContext"]
        if not security.get("runAsNonRoot") or security.get("runAsUser") != 10001:
            yield f"{name} may run as root"
        if security.get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield f"{name} has no seccomp profile"
        if not own.get("readOnlyRootFilesystem") or own.get("allowPrivilegeEscalation") is not False:
            yield f"{name} may write to its file system or gain privileges"
        if own.get("capabilities") != {"drop": ["ALL"]}:
            yield f"{name} keeps capabilities"
        if spec.get("automountServiceAccountToken") is not False:
            yield f"{name} may speak to the cluster"
        if "memory" not in container["resources"]["limits"] or "requests" not in container["resources"]:
            yield f"{name} may take all memory"
    policies = {one["metadata"]["name"]: one["spec"] for one in manifests if one["kind"] == "NetworkPolicy"}
    if policies.get("nothing") != {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}:
        yield "what no policy names is not refused"
    for name, policy in policies.items():
        for rule in (*policy.get("ingress", ()), *policy.get("egress", ())):
            if not rule.get("ports") or not (rule.get("from") or rule.get("to")):
                yield f"the policy {name} names no port or no party"


def service_faults(manifests: list[Manifest]) -> Iterator[str]:
    """Services and budgets whose pods are not there."""
    labels = {
        one["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"]: one["spec"]["template"]
        for one in manifests
        if one["kind"] == "Deployment"
    }
    for one in manifests:
        if one["kind"] not in ("Service", "PodDisruptionBudget"):
            continue
        selector = one["spec"]["selector"]
        chosen = labels.get(selector.get("matchLabels", selector)["app.kubernetes.io/name"])
        if chosen is None:
            yield f"{one['kind']} {one['metadata']['name']} has no pods"
        elif one["kind"] == "Service":
            ports = {port["name"] for port in chosen["spec"]["containers"][0]["ports"]}
            asked_for = {port["targetPort"] for port in one["spec"]["ports"]}
            if "health" in asked_for:
                yield f"Service {one['metadata']['name']} leads callers to the health port"
            if not asked_for <= ports:
                yield f"Service {one['metadata']['name']} leads to a port that its pods do not have"


def ingress_faults(manifests: list[Manifest]) -> Iterator[str]:
    """Services without a way in, ways to nothing, and ways without TLS or buffering."""
    offered = {
        one["metadata"]["name"]: {port["name"] for port in one["spec"]["ports"]}
        for one in manifests
        if one["kind"] == "Service"
    }
    led_to = set()
    for one in (one for one in manifests if one["kind"] == "Ingress"):
        secured = {host for entry in one["spec"]["tls"] for host in entry["hosts"]}
        for rule in one["spec"]["rules"]:
            service = rule["http"]["paths"][0]["backend"]["service"]
            led_to.add(service["name"])
            if service["port"]["name"] not in offered.get(service["name"], ()):
                yield f"{rule['host']} leads nowhere"
            if rule["host"] not in secured:
                yield f"{rule['host']} is reached without TLS"
        told = one["metadata"]["annotations"]
        if told.get("nginx.ingress.kubernetes.io/proxy-request-buffering") != "on":
            yield "requests are passed on before they are whole"
        if not told.get("nginx.ingress.kubernetes.io/limit-connections"):
            yield "one address may take every connection"
    if led_to != set(offered):
        yield f"the way in leads to {led_to}"


def all_faults(manifests: list[Manifest]) -> list[str]:
    """Everything that is wrong with the manifests."""
    return [
        *code_faults(manifests),
        *openness_faults(manifests),
        *service_faults(manifests),
        *ingress_faults(manifests),
    ]


def test_each_manifest_follows_kubernetes_own_schema(manifests: list[Manifest]) -> None:
    for one in manifests:
        kubernetes_validate.validate(one, VERSION, strict=True)


def test_the_schema_refuses_a_field_that_kubernetes_does_not_know(manifests: list[Manifest]) -> None:
    wrong = copy.deepcopy(next(one for one in manifests if one["kind"] == "Deployment"))
    wrong["spec"]["replica"] = 2
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSION, strict=True)


def test_everything_in_them_is_there_and_nothing_is_open(manifests: list[Manifest]) -> None:
    assert all_faults(manifests) == []


def test_every_service_and_role_has_a_deployment(manifests: list[Manifest]) -> None:
    deployed = {
        (service_of(command_in(container)), role_of(command_in(container)))
        for _, _, container in pods(manifests)
        if role_of(command_in(container))
    }
    assert deployed == {(service, role) for service, roles in SERVICES.items() for role in roles}


def test_every_secret_is_named_in_the_readme(manifests: list[Manifest]) -> None:
    readme = (REPOSITORY / "deploy/README.md").read_text(encoding="utf-8")
    for _, spec, container in pods(manifests):
        names = {one["secretRef"]["name"] for one in container.get("envFrom", ()) if "secretRef" in one}
        names |= {one["secret"]["secretName"] for one in spec.get("volumes", ()) if "secret" in one}
        assert names <= set(SECRETS)
    assert all(f"`{name}`" in readme for name in SECRETS)


def _named(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    return next(one for one in manifests if (one["kind"], one["metadata"]["name"]) == (kind, name))


def _container(manifests: list[Manifest], name: str = "intake-web") -> Any:
    return next(container for found, _, container in pods(manifests) if found == name)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda all_: _container(all_)["args"].append("now"), id="command"),
        pytest.param(
            lambda all_: _container(all_, "topics").update(args=["deploy.topic", "apply"]), id="module"
        ),
        pytest.param(lambda all_: _container(all_)["envFrom"].pop(), id="secret missing"),
        pytest.param(
            lambda all_: _container(all_, "operator")["env"].pop(), id="a service that operators do not reach"
        ),
        pytest.param(
            lambda all_: _container(all_, "operator")["env"][0].update(value="http://intake"),
            id="address of a service",
        ),
        pytest.param(
            lambda all_: _container(all_, "operator").update(
                envFrom=[{"secretRef": {"name": "journeys-intake"}}]
            ),
            id="a secret for operators",
        ),
        pytest.param(
            lambda all_: _container(all_, "outcome-web")["env"].pop(), id="fingerprints without a key"
        ),
        pytest.param(
            lambda all_: _named(all_, "ConfigMap", "journeys")["data"].pop("OIDC_JWKS_URL"),
            id="variable missing",
        ),
        pytest.param(
            lambda all_: _container(all_)["env"][0].update(value="outcome"), id="another's principal"
        ),
        pytest.param(
            lambda all_: _container(all_)["envFrom"][1]["secretRef"].update(name="journeys-outcome"),
            id="another's secret",
        ),
        pytest.param(
            lambda all_: _container(all_, "intake-consume")["envFrom"].append(
                {"secretRef": {"name": "journeys-intake-vault"}}
            ),
            id="the vault's key where it is not needed",
        ),
        pytest.param(
            lambda all_: _container(all_)["env"].append({"name": "PORT", "value": "1"}), id="nobody reads"
        ),
        pytest.param(
            lambda all_: _container(all_)["readinessProbe"]["httpGet"].update(path="/ready"), id="probe"
        ),
        pytest.param(lambda all_: _container(all_)["ports"][0].update(containerPort=8080), id="port"),
        pytest.param(lambda all_: _container(all_)["volumeMounts"].pop(0), id="mount"),
        pytest.param(lambda all_: _container(all_)["securityContext"].pop("capabilities"), id="capabilities"),
        pytest.param(
            lambda all_: _container(all_)["securityContext"].update(readOnlyRootFilesystem=False),
            id="writable",
        ),
        pytest.param(
            lambda all_: _named(all_, "Deployment", "intake-web")["spec"]["template"]["spec"][
                "securityContext"
            ].update(runAsUser=0),
            id="root",
        ),
        pytest.param(
            lambda all_: _named(all_, "NetworkPolicy", "nothing")["spec"].update(policyTypes=["Ingress"]),
            id="roads out",
        ),
        pytest.param(
            lambda all_: _named(all_, "NetworkPolicy", "prometheus")["spec"]["ingress"][0].pop("from"),
            id="anyone may come in",
        ),
        pytest.param(
            lambda all_: _named(all_, "Service", "intake-web")["spec"]["ports"][0].update(targetPort="web"),
            id="port of a service",
        ),
        pytest.param(
            lambda all_: _named(all_, "Service", "intake-web")["spec"]["ports"][0].update(
                targetPort="health"
            ),
            id="health published",
        ),
        pytest.param(
            lambda all_: _named(all_, "Ingress", "journeys")["spec"]["tls"][0]["hosts"].pop(), id="no TLS"
        ),
        pytest.param(lambda all_: _named(all_, "Ingress", "journeys")["spec"]["rules"].pop(), id="no way in"),
        pytest.param(
            lambda all_: _named(all_, "Ingress", "journeys")["metadata"]["annotations"].clear(),
            id="no buffering",
        ),
    ],
)
def test_each_kind_of_mistake_is_found(
    manifests: list[Manifest], change: Callable[[list[Manifest]], None]
) -> None:
    before = all_faults(manifests)
    change(manifests)
    assert set(all_faults(manifests)) - set(before)
