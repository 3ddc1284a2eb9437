"""The mutants stay fit: each applies to the source as it is, says what it breaks, and names scenarios that exist."""

import importlib
import pkgutil
import subprocess
from pathlib import Path

import pytest

from tests.chaos import scenarios
from tests.chaos.mutate import MUTANTS
from tests.chaos.scenario import SCENARIOS, chosen
from tests.chaos.tree import VERSIONS, header
from tests.support.sources import ROOT

PATCHES = sorted(MUTANTS.glob("*.patch"))

for module in pkgutil.iter_modules(scenarios.__path__):
    importlib.import_module(f"{scenarios.__name__}.{module.name}")


@pytest.mark.parametrize("patch", [*PATCHES, *VERSIONS.glob("*.patch")], ids=lambda one: one.stem)
def test_a_patch_applies_to_the_source_as_it_is(patch: Path) -> None:
    done = subprocess.run(
        ["git", "apply", "--check", str(patch)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stderr}: write it anew on this source"


@pytest.mark.parametrize("patch", PATCHES, ids=lambda one: one.stem)
def test_a_mutant_says_what_it_breaks_and_who_must_catch_it(patch: Path) -> None:
    told = header(patch)
    assert told["breaks"]
    assert {int(word) for word in told["caught-by"].split()} <= set(range(1, 31))


def test_every_mutation_that_the_suite_must_notice_is_there() -> None:
    assert {one.stem for one in PATCHES} >= {
        "no-compare-and-set",
        "largest-sequence",
        "causality-ignored",
        "parking-untouched",
        "wall-clock-order",
        "local-read-concern",
        "mark-before-acknowledgement",
        "raising-deserializer",
        "key-outside-transaction",
        "parked-does-not-block",
        "timer-not-keyed",
    }


def test_scenarios_are_chosen_by_number_and_by_range() -> None:
    assert [one.number for one in chosen("1-3, 7", part=True)] == [1, 2, 3, 7]
    assert {one.number for one in chosen("", part=True)} == {one.number for one in SCENARIOS if one.part}
    with pytest.raises(ValueError, match="no scenario"):
        chosen("99", part=False)
