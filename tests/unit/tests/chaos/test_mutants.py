"""The mutants stay fit: each applies to the source as it is, says what it breaks, and names scenarios that exist."""

import importlib
import pkgutil
import subprocess
from pathlib import Path

import pytest

from tests.chaos import scenarios
from tests.chaos.invariants import INVARIANTS
from tests.chaos.mutate import MUTANTS, Mutant, judged, read_mutant
from tests.chaos.scenario import SCENARIOS, chosen
from tests.chaos.tree import VERSIONS, InvalidPatch
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
def test_a_mutant_says_what_it_breaks_and_which_invariant_of_which_scenario_must_catch_it(
    patch: Path,
) -> None:
    mutant = read_mutant(patch)
    assert mutant.breaks
    assert mutant.scenario in {one.number for one in SCENARIOS}
    assert mutant.violates
    assert set(mutant.violates) <= set(INVARIANTS)


def test_a_mutant_that_names_no_invariant_is_unfit(tmp_path: Path) -> None:
    patch = tmp_path / "half.patch"
    patch.write_text("Breaks: something\nCaught-by: 3\n\ndiff --git a/x b/x\n", encoding="utf-8")
    with pytest.raises(InvalidPatch, match="violates"):
        read_mutant(patch)


MUTANT = Mutant(Path("no-compare-and-set.patch"), "the offset is set without comparing it", 3, ("G5",))


@pytest.mark.parametrize(
    ("problems", "dead"),
    [
        (["TimedOut: not within 60 s: the fence (consumers.py:90)"], False),
        (["nothing proves that the fault struck"], False),
        (["G4 it did not settle: lag {'outcome': 3}"], False),
        (["G1 journey/j-1 of intake in outcome: expected 5, found 4"], False),
        (["G5: 3 more"], True),
        (
            ["TimedOut: the fence", "G5 intake/intake:journey.handover.v1:3: expected at least 9, found 4"],
            True,
        ),
        ([], False),
    ],
)
def test_only_the_violated_invariant_that_is_named_catches_a_mutant(problems: list[str], dead: bool) -> None:
    assert judged(MUTANT, {"scenarios": [{"number": 3, "problems": problems}]}, 1.0).dead is dead


@pytest.mark.parametrize(("found", "by"), [("G2 one", "G2"), ("G1 one", "G1"), ("G6 one", None)])
def test_of_several_invariants_one_must_be_violated(found: str, by: str | None) -> None:
    mutant = Mutant(Path("local-read-concern.patch"), "what is rolled back is published", 16, ("G1", "G2"))
    assert judged(mutant, {"scenarios": [{"number": 16, "problems": [found]}]}, 1.0).by == by


def test_what_else_was_said_is_kept_apart_from_violations() -> None:
    problems = ["TimedOut: the fence", "G4 it did not settle: lag 3", "G1 one: expected 2, found 1", "G1 two"]
    verdict = judged(MUTANT, {"scenarios": [{"number": 3, "problems": problems}]}, 1.0)
    assert verdict.found == {"G1": "G1 one: expected 2, found 1"}
    assert list(verdict.others) == problems[:2]


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
        "stream-waits-for-the-next",
        "old-indicator-last",
    }


def test_scenarios_are_chosen_by_number_and_by_range() -> None:
    assert [one.number for one in chosen("1-3, 7", part=True)] == [1, 2, 3, 7]
    assert {one.number for one in chosen("", part=True)} == {one.number for one in SCENARIOS if one.part}
    with pytest.raises(ValueError, match="no scenario"):
        chosen("99", part=False)
