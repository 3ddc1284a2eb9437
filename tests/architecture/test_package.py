"""The package installs what the product imports and reads, under the project's licence: `pip install .`."""

import tomllib
from fnmatch import fnmatch
from pathlib import Path

from tests.support.sources import ROOT

PRODUCT = ("clients", "deploy", "programmes", "services", "shared", "tools")
READ_AT_RUN_TIME = ("clients", "programmes", "services", "shared")
"""Whose data files the product opens beside its modules."""

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def wanted(name: str) -> list[str]:
    """The requirements of a *.in file, as written."""
    lines = (
        line.partition("#")[0].strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines()
    )
    return [line for line in lines if line and not line.startswith("-")]


def test_it_needs_what_the_image_needs_at_the_project_s_own_bounds() -> None:
    dependencies = PYPROJECT["project"]["dependencies"]
    ours = set(wanted("requirements.in"))
    assert [one for one in dependencies if one not in ours] == []
    names = {one.partition(">")[0] for one in dependencies}
    assert {one.partition(">")[0] for one in wanted("deploy/requirements.in")} <= names


def test_every_folder_of_the_product_is_a_package_of_it() -> None:
    found = PYPROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    assert set(found) == {f"{name}*" for name in PRODUCT}
    assert all((ROOT / name).is_dir() for name in PRODUCT)


def test_every_file_that_the_product_reads_is_in_the_package() -> None:
    patterns = PYPROJECT["tool"]["setuptools"]["package-data"]["*"]
    data = [
        path
        for folder in READ_AT_RUN_TIME
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    ]
    assert data
    assert [path for path in data if not any(fnmatch(path.name, one) for one in patterns)] == []


def test_the_licence_is_the_one_that_is_named() -> None:
    assert PYPROJECT["project"]["license"] == "Apache-2.0"
    text = Path(ROOT / PYPROJECT["project"]["license-files"][0]).read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0" in text
