"""The tours, typed as a reader types them: every shell block in one bash, against a stack on ports of its own.

Only its rests differ: a reader waits a second, the test until every service has heard of what was done.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.papers import blocks
from tests.support.stack import own_port_base
from tests.support.watching import rest
from tools.stack import Settings

ROOT = Path(__file__).resolve().parents[2]
FRONT_PAGE, HEADING = ROOT / "README.md", "## A tour, shortened"
TOUR = ROOT / "docs" / "tour.md"

# What goes wrong is told, wherever it does. curl counts a refusal as wrong; make has installed what this test runs on;
# a rest is handed to the test.
SURROUNDINGS = """
set -uE -o pipefail
trap 'echo "WRONG $? $BASH_COMMAND" >&2' ERR
curl() { command curl --fail-with-body "$@"; }
make() { command make -o .venv/runtime "$@"; }
sleep() { echo >&"$ASKS"; read -r -u "$ANSWERS"; }
"""
ENDED_BY_TIMEOUT = "WRONG 124 timeout "

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


@dataclass(frozen=True)
class Toured:
    """What the terminal showed: an answer for each block, and everything that went wrong."""

    shown: list[str]
    errors: str

    def of(self, words: str) -> str:
        """What the one block showed that contains the words."""
        (found,) = (shown for block, shown in zip(both_tours(), self.shown, strict=True) if words in block)
        return found


def both_tours() -> list[str]:
    """The shortened tour's shell block, and those of the whole one."""
    front_page = FRONT_PAGE.read_text(encoding="utf-8")
    shortened = re.split(r"^## ", front_page[front_page.index(HEADING) + 3 :], flags=re.MULTILINE)[0]
    return [*blocks(shortened), *blocks(TOUR.read_text(encoding="utf-8"))]


@pytest.fixture(scope="module")
def toured() -> Iterator[Toured]:
    with tempfile.TemporaryDirectory(prefix="journey-tour-") as folder:
        settings = Settings(own_port_base(), Path(folder))
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
        }
        environment = {**inherited, "STACK_PORT_BASE": str(settings.port_base), "STACK_DIR": folder}
        try:
            yield take(settings, environment)
        finally:
            subprocess.run(
                ["make", "-s", "down"], cwd=ROOT, env=environment, check=False, capture_output=True
            )


def take(settings: Settings, environment: Mapping[str, str]) -> Toured:
    """Run all of it in one bash, resting where it rests."""
    mark = "=== next block ==="
    script = SURROUNDINGS + "".join(f"{block}\necho; echo '{mark}'\n" for block in both_tours())
    asks_read, asks = os.pipe()
    answers, answers_write = os.pipe()
    with tempfile.TemporaryFile("w+") as shown, tempfile.TemporaryFile("w+") as errors:
        reader = subprocess.Popen(
            ["bash", "-c", script],
            cwd=ROOT,
            env={**environment, "ASKS": str(asks), "ANSWERS": str(answers)},
            stdin=subprocess.DEVNULL,
            stdout=shown,
            stderr=errors,
            pass_fds=(asks, answers),
        )
        os.close(asks)
        os.close(answers)
        told = ""
        with os.fdopen(asks_read) as rests, os.fdopen(answers_write, "w", buffering=1) as rested:
            for _ in rests:
                try:
                    rest(settings)
                except (OSError, AssertionError) as error:
                    told = f"WRONG {error}"
                    reader.terminate()
                    break
                rested.write("\n")
        reader.wait()
        shown.seek(0)
        errors.seek(0)
        return Toured(shown.read().split(mark)[:-1], errors.read() + told)


def test_nothing_goes_wrong_and_every_address_answers(toured: Toured) -> None:
    wrong = [line for line in toured.errors.splitlines() if line and not line.startswith(ENDED_BY_TIMEOUT)]
    assert wrong == []
    assert len(toured.shown) == len(both_tours()) > 8


def test_the_front_page_shows_where_the_referral_stands(toured: Toured) -> None:
    assert toured.shown[0].count('"stage":"received"') == 2


def test_the_shop_finds_its_register_and_marks_it(toured: Toured) -> None:
    shown = toured.of("/attendance")
    assert '"not_marked":1' in shown
    assert re.findall(r'"attendance":"(yes|no)"', shown) == ["yes", "no"]


def test_the_figures_have_followed(toured: Toured) -> None:
    shown = toured.of("/report")
    assert re.search(r"exited\b.*\b1\b", shown)
    assert shown.count("event: snapshot") >= 2
    assert "/login?code=" in shown


def test_replies_come_over_kafka(toured: Toured) -> None:
    shown = toured.of("kafka.consumer")
    assert '"status":"accepted"' in shown
    assert shown.index('"status":"accepted"') < shown.index('"stage":"received"')


def test_the_end_leaves_nothing(toured: Toured) -> None:
    assert "Stopped." in toured.shown[-1]
    assert "Removed the data" in toured.shown[-1]
