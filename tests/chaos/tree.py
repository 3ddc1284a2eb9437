"""Copies of the source with a patch applied: for mutants, and for a version that is not this one."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.stack.settings import REPOSITORY

PARTS = ("clients", "deploy", "programmes", "services", "shared", "tests", "tools")
FILES = ("pyproject.toml", "README.md", "Makefile")
VERSIONS = Path(__file__).with_name("versions")


class InvalidPatch(Exception):
    """The patch does not apply to this source: write it anew."""


@contextmanager
def patched(patch: Path) -> Iterator[Path]:
    """A copy of the source with the patch applied, removed afterwards. Raises InvalidPatch."""
    with tempfile.TemporaryDirectory(prefix="journey-tree-") as folder:
        tree = Path(folder) / "tree"
        tree.mkdir()
        for part in PARTS:
            if (REPOSITORY / part).exists():
                shutil.copytree(
                    REPOSITORY / part, tree / part, ignore=shutil.ignore_patterns("__pycache__", ".local*")
                )
        for file in FILES:
            shutil.copy(REPOSITORY / file, tree / file)
        apply(patch, tree)
        yield tree


def apply(patch: Path, tree: Path) -> None:
    """Apply a patch as git writes them. Raises InvalidPatch."""
    command = ["git", "apply", "--unsafe-paths", "--directory", str(tree), str(patch.resolve())]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise InvalidPatch(f"{patch.name}: {done.stderr.strip()}")


def header(patch: Path) -> dict[str, str]:
    """The lines `Name: value` before the patch itself."""
    before = patch.read_text(encoding="utf-8").partition("\ndiff --git ")[0]
    return {
        found[1].lower(): found[2].strip()
        for found in re.finditer(r"^([A-Z][a-z-]+): (.*)$", before, re.MULTILINE)
    }
