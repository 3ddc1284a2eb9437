"""A unit test stands at the path of what it tests: tests/unit/shared/edge holds the tests of shared/edge.

What several tests need stands in tests/support: among tests there are tests only.
"""

from pathlib import PurePosixPath

from tests.support.sources import ROOT, Source, sources

UNIT = "tests/unit"
TESTS = ("tests/architecture", "tests/contract", "tests/e2e", "tests/integration", UNIT)
NO_TESTS = ("__init__.py", "conftest.py")
ACROSS_SERVICES = {
    # who may do and see what, on the routes of every service
    "access",
    # journeys told through the routes of all four services, in any order
    "orders",
}
"""Folders of tests that are about no single package."""


def place(source: Source) -> str:
    """The folder of the code that the tests in this file are about."""
    return PurePosixPath(source.name).parent.relative_to(UNIT).as_posix()


def unit_tests() -> list[Source]:
    """Every module of unit tests that is about one package."""
    return [
        source
        for source in sources(UNIT)
        if PurePosixPath(source.name).name.startswith("test_") and place(source) not in ACROSS_SERVICES
    ]


def strangers(source: Source) -> bool:
    """Whether the module imports nothing from the package at whose path it stands."""
    package = place(source).replace("/", ".")
    return not any(name == package or name.startswith(f"{package}.") for name in source.names())


def test_every_folder_of_unit_tests_is_a_folder_of_the_code() -> None:
    folders = {place(source) for source in sources(UNIT)} - ACROSS_SERVICES - {"."}
    assert [folder for folder in sorted(folders) if not (ROOT / folder / "__init__.py").exists()] == []


def test_every_unit_test_imports_what_its_path_names() -> None:
    assert [source.name for source in unit_tests() if strangers(source)] == []


def test_folders_across_services_are_still_there() -> None:
    assert {place(source) for source in sources(UNIT)} >= ACROSS_SERVICES


def test_what_several_tests_need_is_in_support() -> None:
    names = [PurePosixPath(source.name) for source in sources(*TESTS)]
    others = [path for path in names if not path.name.startswith("test_") and path.name not in NO_TESTS]
    assert [str(path) for path in others] == []
