"""The operators' command reaches the four services and nothing else, in compose and in Kubernetes."""

from typing import Any

import yaml

from tests.support.deployment import REPOSITORY
from tools.stack.settings import SERVICES

ANSWERING = {f"{service}-web" for service in SERVICES}


def _manifests() -> list[dict[str, Any]]:
    folder = REPOSITORY / "deploy/k8s"
    return [
        one
        for path in sorted(folder.glob("*.yaml"))
        for one in yaml.safe_load_all(path.read_text(encoding="utf-8"))
        if one
    ]


def _chosen(selector: dict[str, Any], manifests: list[dict[str, Any]]) -> set[str]:
    """The names of the deployments whose pods the selector takes."""
    wanted = selector.get("matchLabels", {}).items()
    return {
        one["metadata"]["name"]
        for one in manifests
        if one["kind"] == "Deployment" and wanted <= one["spec"]["template"]["metadata"]["labels"].items()
    }


def test_in_compose_it_shares_a_network_with_the_four_services_alone() -> None:
    compose = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8"))
    services = compose["services"]
    own = set(services["journeys"]["networks"])
    met = {name for name, one in services.items() if own & set(one.get("networks", ()))}
    assert met == {*ANSWERING, "journeys"}


def test_in_kubernetes_its_pod_may_call_the_four_services_and_only_those_let_it_in() -> None:
    manifests = _manifests()
    policies = {one["metadata"]["name"]: one["spec"] for one in manifests if one["kind"] == "NetworkPolicy"}
    operators = {"operator"}
    called, lets_in = set(), set()
    for policy in policies.values():
        here = _chosen(policy["podSelector"], manifests)
        if policy["podSelector"] and operators & here:
            for way in policy.get("egress", ()):
                assert all("podSelector" in peer for peer in way["to"]), policy
                called |= {name for peer in way["to"] for name in _chosen(peer["podSelector"], manifests)}
        for way in policy.get("ingress", ()):
            peers = [peer["podSelector"] for peer in way["from"] if "podSelector" in peer]
            if any(operators & _chosen(peer, manifests) for peer in peers):
                lets_in |= here
    assert called == lets_in == ANSWERING
