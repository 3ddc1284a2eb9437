"""An operator's night on a whole stack: `journeys` says what stands still, and what it tells to type mends it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from clients.operator.trouble import HAND_NEEDED, NO_ANSWER, REFUSED, WELL, WRONGLY_TYPED
from tests.support.awaiting import until
from tools.stack import Stack
from tools.stack.processes import EVERYTHING

ROOT = Path(__file__).resolve().parents[2]
GROUPS = {"intake", "activity-tracking", "handover", "outcome", "figures"}
STRANGER = f"journey/j-{'7' * 26}"
TOPIC = "journey.intake.v1"

pytestmark = pytest.mark.e2e


@dataclass(frozen=True)
class Operator:
    """Types commands at a terminal that has the environment of an operator."""

    stack: Stack

    def types(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        told = {
            **os.environ,
            **self.stack.settings.operator_environment(),
            "JOURNEYS_TOKEN": self.stack.token("plattform", "operator"),
            **environment,
        }
        return subprocess.run(
            [sys.executable, "-m", "clients.operator", *words],
            env=told,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def reads(self, *words: str) -> Any:
        """The JSON that the command prints."""
        return json.loads(self.types("--json", *words).stdout)

    def until(self, holds: Callable[[], Any], what: str) -> Any:
        return until(holds, lambda: f"{what}\n{self.types('status').stdout}", pause_seconds=0.3)

    def is_well(self) -> bool:
        return self.types("status").returncode == WELL


def lags(operator: Operator) -> set[int | None]:
    services = operator.reads("status")["services"].values()
    return {group["lag"] for service in services for group in service["groups"]}


@pytest.fixture(scope="module")
def operator(stack: Stack) -> Operator:
    stack.start(*(name for name in EVERYTHING if not name.endswith("-stream")))
    return Operator(stack)


def publish(stack: Stack, subject: str, kind: str | None, seq: int = 1) -> None:
    """A record that no release can fold: of no known type, or without headers."""
    headers = {
        "ce_id": f"intake:{subject}:{seq}",
        "ce_type": kind or "",
        "ce_source": "intake",
        "ce_subject": subject,
        "ce_sequence": str(seq),
        "ce_after": "",
        "traceparent": "",
    }
    producer = KafkaProducer(**stack.kafka_admin_config(), acks="all")
    sent = [(name, text.encode()) for name, text in headers.items()] if kind else []
    producer.send(TOPIC, key=subject.encode(), value=b"{}", headers=sent).get(timeout=20)
    producer.close()


def test_a_healthy_platform_is_told_in_one_table(operator: Operator) -> None:
    operator.until(lambda: operator.is_well() and lags(operator) == {0}, "all is well")
    shown = operator.types("status").stdout
    assert "All is well." in shown
    told = operator.reads("status")
    groups = [group for service in told["services"].values() for group in service["groups"]]
    assert {group["group"] for group in groups} == GROUPS
    assert [len(group["processes"]) for group in groups] == [1, 1, 1, 1, 1]
    assert told["findings"] == []
    for service in told["services"].values():
        assert all(lease["holder"] for lease in service["outbox"]["leases"])


def test_who_is_no_operator_sees_nothing(operator: Operator) -> None:
    supervisor = operator.stack.token("urkraft", "supervisor")
    for words in (("status",), ("parked",), ("audit",), ("show", "0" * 32)):
        refused = operator.types(*words, JOURNEYS_TOKEN=supervisor)
        assert refused.returncode == REFUSED, words
        assert "wrong-duty" in refused.stderr
        assert supervisor not in refused.stdout + refused.stderr


def test_what_is_wrongly_typed_or_lacking_is_said(operator: Operator) -> None:
    lacking = operator.types("status", JOURNEYS_TOKEN="", OUTCOME_URL="")
    assert lacking.returncode == WRONGLY_TYPED
    assert "JOURNEYS_TOKEN" in lacking.stderr
    assert "OUTCOME_URL" in lacking.stderr
    for words in (("replay", "-m", "why"), ("skip", "0" * 32), ("no-such-command",)):
        assert operator.types(*words).returncode == WRONGLY_TYPED, words
    assert operator.types("show", "0" * 32).returncode == REFUSED
    nobody = operator.types("status", "-s", "intake", INTAKE_URL="http://127.0.0.1:9")
    assert nobody.returncode == NO_ANSWER
    assert "intake does not answer" in nobody.stdout
    assert operator.types("status", INTAKE_URL="http://127.0.0.1:9").returncode == HAND_NEEDED
    assert operator.types("parked", INTAKE_URL="http://127.0.0.1:9").returncode == NO_ANSWER


def test_what_cannot_be_folded_is_listed_read_replayed_and_skipped_with_a_reason(operator: Operator) -> None:
    publish(operator.stack, STRANGER, "journey.intake.of-a-later-release.v1")
    publish(operator.stack, STRANGER, "journey.intake.journey-started.v1", 2)
    publish(operator.stack, "journey/x", None)
    listening = 4

    def rows() -> list[dict[str, Any]] | None:
        found: list[dict[str, Any]] = operator.reads("parked")["parked"]
        return found if len(found) == 3 * listening else None

    parked = operator.until(rows, "three records parked in each of four groups")
    assert {row["group"] for row in parked} == GROUPS - {"intake"}
    assert sorted({row["reason"] for row in parked}) == ["blocked", "poison"]
    told = operator.types("status")
    assert told.returncode == HAND_NEEDED
    assert "journeys replay --all -g figures -m" in " ".join(told.stdout.split())

    (first,) = [row for row in parked if row["group"] == "figures" and row["seq"] == 1]
    shown = operator.reads("show", first["parked_id"])
    assert shown["service"] == "outcome"
    assert (
        shown["facts"]["unreadable"]
        == "The type journey.intake.of-a-later-release.v1 is not known to this version."
    )
    again = operator.types("replay", "--all", "-m", "tried again")
    assert again.returncode == HAND_NEEDED
    assert "still fails at intake 1" in again.stdout

    assert operator.types("skip", first["parked_id"], "-m", "no").returncode == 130, "nobody said yes"
    for row in parked:
        if row["reason"] == "poison":
            assert operator.types("skip", row["parked_id"], "--yes", "-m", "sent by hand").returncode in (
                WELL,
                HAND_NEEDED,
            )
    left = operator.reads("parked")["parked"]
    for row in left:
        operator.types("skip", row["parked_id"], "--yes", "-m", "sent by hand")
    operator.until(operator.is_well, "all is well again")
    audit = operator.reads("audit", "-s", "outcome")["audit"]
    skipped = [row for row in audit if row["did"] == "skip"]
    assert {row["reason"] for row in skipped} == {"sent by hand"}
    assert {row["organisation"] for row in skipped} == {"plattform"}


def test_a_projection_is_rebuilt_compared_and_swapped_from_the_terminal(operator: Operator) -> None:
    assert operator.types("rebuild", "status", "figures").returncode == REFUSED
    assert operator.types("rebuild", "start", "handover", "-m", "no projection").returncode == REFUSED
    started = operator.types("rebuild", "start", "figures", "--wait", "-m", "to be sure")
    assert started.returncode == WELL, started.stderr
    assert "100.0 %" in started.stdout
    assert operator.types("rebuild", "swap", "figures", "-m", "too early").returncode == REFUSED
    compared = operator.types("rebuild", "compare", "figures")
    assert compared.returncode == WELL, compared.stdout + compared.stderr
    assert "cells: " in compared.stdout
    swapped = operator.types("rebuild", "swap", "figures", "-m", "to be sure")
    assert swapped.returncode == WELL, swapped.stderr
    assert "swapped" in swapped.stdout
    operator.until(operator.is_well, "all is well again")
    did = [row["did"] for row in operator.reads("audit", "-s", "outcome")["audit"]][:3]
    assert did == ["swap rebuild", "compare rebuild", "start rebuild"]


def test_a_group_without_a_process_is_red_and_well_again_when_one_runs(operator: Operator) -> None:
    operator.stack.stop("handover-consume")
    told = operator.until(
        lambda: "no process of handover reports" in operator.types("status").stdout, "the silence told"
    )
    assert told
    operator.stack.start("handover-consume")
    operator.until(operator.is_well, "all is well again")
