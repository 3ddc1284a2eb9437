"""Rules and dashboard speak only of metrics that exist, every process is asked, and each alert fires when it should."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.telemetry.metrics import METRICS
from tests.support.deployment import (
    REPOSITORY,
    filled_environment,
    interpolated,
    paths_answered,
    role_of,
    service_of,
)

FOLDER = REPOSITORY / "deploy/prometheus"
RULES: list[Any] = [
    rule
    for group in yaml.safe_load((FOLDER / "rules.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
DASHBOARD = json.loads((REPOSITORY / "deploy/grafana/dashboards/journeys.json").read_text(encoding="utf-8"))
PANELS: list[Any] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
GRAFANA = REPOSITORY / "deploy/grafana/provisioning"
# Labels that Prometheus itself gives: from its configuration, and a histogram's bucket bound.
GIVEN = {"job", "service", "role", "instance", "le", "class"}

promtool = pytest.mark.skipif(
    shutil.which("promtool") is None,
    reason="promtool is not on PATH; Debian and Ubuntu: apt-get install prometheus",
)


def expressions() -> Iterator[tuple[str, str]]:
    """Where an expression stands, and the expression."""
    yield from ((rule["alert"], rule["expr"]) for rule in RULES)
    yield from ((panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"])


def metric_faults(expression: str) -> Iterator[str]:
    """Metrics that are in no list, and labels that their metric does not have."""
    known: dict[str, set[str]] = {}
    for metric in METRICS:
        suffixes = ("_bucket", "_sum", "_count") if metric.kind == "histogram" else ("",)
        known |= {f"{metric.name}{suffix}": set(metric.labels) for suffix in suffixes}
    names = re.findall(r"\bjourney_\w+", expression)
    yield from (f"no metric {name}" for name in names if name not in known)
    labels = set(GIVEN).union(*(known.get(name, set()) for name in names))
    text = re.sub(r'"[^"]*"', '""', expression)
    used = {label.strip() for by in re.findall(r"\bby \(([^)]*)\)", text) for label in by.split(",")}
    used |= set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\"", text))
    yield from (f"no label {label}" for label in sorted(used - labels))


@pytest.mark.parametrize(("where", "expression"), list(expressions()))
def test_only_metrics_and_labels_that_exist_are_spoken_of(where: str, expression: str) -> None:
    assert list(metric_faults(expression)) == [], where


@pytest.mark.parametrize(
    "expression",
    [
        "rate(journey_comands_total[5m])",
        "journey_command_seconds > 2",
        'journey_parked{grup="intake"} > 0',
        "sum by (topic) (journey_consumer_lag)",
    ],
)
def test_a_metric_or_label_that_does_not_exist_is_found(expression: str) -> None:
    assert list(metric_faults(expression))


def test_every_metric_is_on_the_dashboard() -> None:
    shown = " ".join(expression for _, expression in expressions())
    assert [metric.name for metric in METRICS if metric.name not in shown] == []


def test_every_alert_says_what_happened_why_and_what_ends_it() -> None:
    for rule in RULES:
        assert set(rule["annotations"]) == {"summary", "cause", "cure"}, rule["alert"]
        assert rule["labels"]["severity"] in ("urgent", "soon"), rule["alert"]
        assert all(text.endswith(".") for text in rule["annotations"].values()), rule["alert"]


def test_every_alert_is_proved_to_fire_and_to_keep_still() -> None:
    tests = yaml.safe_load((FOLDER / "rules_test.yml").read_text(encoding="utf-8"))["tests"]
    loud = {one["alertname"] for test in tests for one in test["alert_rule_test"] if one["exp_alerts"]}
    quiet = {one["alertname"] for test in tests for one in test["alert_rule_test"] if not one["exp_alerts"]}
    assert loud == quiet == {rule["alert"] for rule in RULES}


def test_every_panel_says_what_it_shows_and_overlaps_no_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24, panel["title"]
        taken |= cells
        assert panel["type"] == "row" or panel["description"].endswith("."), panel["title"]
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_grafana_finds_its_dashboard_and_the_dashboard_its_source() -> None:
    compose = _compose()
    source = yaml.safe_load((GRAFANA / "datasources/prometheus.yml").read_text(encoding="utf-8"))[
        "datasources"
    ][0]
    provider = yaml.safe_load((GRAFANA / "dashboards/journeys.yml").read_text(encoding="utf-8"))["providers"][
        0
    ]
    used = {target["datasource"]["uid"] for panel in PANELS for target in panel["targets"]}
    assert used == {source["uid"]}
    assert source["url"] == "http://prometheus:9090"
    grafana, prometheus = compose["services"]["grafana"], compose["services"]["prometheus"]
    assert set(grafana["networks"]) & set(prometheus["networks"])
    mounted = {target: origin for origin, target, _ in (one.split(":") for one in grafana["volumes"][:2])}
    assert mounted[provider["options"]["path"]] == "./deploy/grafana/dashboards"
    assert mounted["/etc/grafana/provisioning"] == "./deploy/grafana/provisioning"


def test_every_process_is_asked_where_it_answers() -> None:
    services = _compose()["services"]
    expected = {}
    for name, one in services.items():
        role = role_of(one["command"]) if one["image"] == "journeys:local" else None
        if role:
            assert "/metrics" in paths_answered(one["command"])
            assert set(one["networks"]) & set(services["prometheus"]["networks"])
            port = one["environment"]["HEALTH_PORT"]
            expected[f"{name}:{port}"] = {"service": service_of(one["command"]), "role": role}
    jobs = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    asked = {
        target: static["labels"]
        for job in jobs
        for static in job["static_configs"]
        for target in static["targets"]
    }
    assert asked == expected
    assert all(re.fullmatch("journeys-.*", job["job_name"]) for job in jobs)


@promtool
def test_prometheus_accepts_its_configuration_and_each_alert_fires_when_it_should() -> None:
    _promtool("check", "config", str(FOLDER / "prometheus.yml"))
    _promtool("test", "rules", str(FOLDER / "rules_test.yml"))


@promtool
def test_prometheus_understands_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{index}", "expr": target["expr"]}
        for index, target in enumerate(target for panel in PANELS for target in panel["targets"])
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}), encoding="utf-8")
    _promtool("check", "rules", str(file))


def _promtool(*arguments: str) -> None:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _compose() -> Any:
    return interpolated((REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8"), filled_environment())
