"""The undone mends stay fit: each patch applies to the source as it is, and names a fuzzer that exists."""

import subprocess
from pathlib import Path

import pytest

from tests.fuzz.all import FUZZERS
from tests.fuzz.prove import UNDONE, Undone, judged, read_undone
from tests.support.sources import ROOT

PATCHES = sorted(UNDONE.glob("*.patch"))


@pytest.mark.parametrize("patch", PATCHES, ids=lambda one: one.stem)
def test_a_patch_applies_to_the_source_as_it_is_and_says_who_finds_it(patch: Path) -> None:
    done = subprocess.run(
        ["git", "apply", "--check", str(patch)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stderr}: write it anew on this source"
    undone = read_undone(patch)
    assert undone.undoes
    assert undone.fuzzer in {one.name for one in FUZZERS}
    assert undone.kinds


@pytest.mark.parametrize(
    ("fuzzer", "kind", "found"),
    [("files", "memory of a file", True), ("files", "5xx", False), ("keys", "memory of a file", False)],
)
def test_only_a_finding_of_its_fuzzer_and_kind_proves(fuzzer: str, kind: str, found: bool) -> None:
    undone = Undone(Path("x.patch"), "a mend", "files", ("memory", "slow"))
    document = {"findings": [{"fuzzer": fuzzer, "kind": kind, "said": "much", "seconds": 3}]}
    assert (judged(undone, document, 1.0).found is not None) is found
