"""The exit status of `journeys` on a local stack: its own, wherever it is typed; make says it, and ends with 2."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tools.stack import Stack

ROOT = Path(__file__).resolve().parents[2]
WELL, HAND_NEEDED, WRONGLY_TYPED, REFUSED, NO_ANSWER = range(5)
MAKES_OWN = 2


def types(command: Sequence[str], port_base: int, folder: Path) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        command,
        env={**inherited, "STACK_PORT_BASE": str(port_base), "STACK_DIR": str(folder)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def by_stack(*words: str) -> list[str]:
    return [sys.executable, "-m", "tools.stack", "journeys", *words]


def by_make(words: str) -> list[str]:
    return ["make", "-s", "-o", ".venv/runtime", "journeys", f"DO={words}"]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("rebuild", "start"), WRONGLY_TYPED),
        (("nonsense",), WRONGLY_TYPED),
        (("status",), HAND_NEEDED),
        (("status", "-s", "outcome"), NO_ANSWER),
        (("show", "0" * 32, "-s", "intake"), REFUSED),
        (("--help",), WELL),
    ],
)
def test_it_is_the_commands_own(stack: Stack, words: tuple[str, ...], status: int) -> None:
    """Of the services only intake answers."""
    stack.start("issuer", "intake-web")
    done = types(by_stack(*words), stack.port_base, stack.settings.folder)
    assert done.returncode == status, done.stdout + done.stderr


def test_a_stack_that_is_down_gives_no_answer(tmp_path: Path) -> None:
    done = types(by_stack("status"), 1024, tmp_path)
    assert done.returncode == NO_ANSWER
    assert "make up" in done.stderr


def test_make_tells_it_and_who_hands_it_on(tmp_path: Path) -> None:
    done = types(by_make("status"), 1024, tmp_path)
    assert done.returncode == MAKES_OWN
    assert (
        f"Exit status {NO_ANSWER}. A script gets it from: .venv/bin/python -m tools.stack journeys"
        in done.stderr
    )
