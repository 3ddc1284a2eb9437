"""How a machine without a browser gets one: the way that fits first, and never a failure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.install_browser import DEBIAN, PLAYWRIGHT, install, run, ways


@dataclass
class Machine:
    """A machine on which one command may bring a browser. brings: its first words."""

    brings: tuple[str, ...] = ()
    refuses: tuple[str, ...] = ()
    browser: Path | None = None
    ran: list[tuple[str, ...]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def execute(self, command: Sequence[str], _: Mapping[str, str]) -> str:
        self.ran.append(tuple(command))
        if self.refuses and tuple(command[: len(self.refuses)]) == self.refuses:
            return "no network"
        if self.brings and tuple(command[: len(self.brings)]) == self.brings:
            self.browser = Path("/usr/bin/chromium")
        return ""

    def install(self, *, root: bool, apt: bool = True) -> bool:
        return install(lambda: self.browser, ways(root=root, apt=apt), self.said.append, self.execute)


def test_where_there_is_a_browser_nothing_is_done_or_said() -> None:
    machine = Machine(browser=Path("/usr/bin/chromium"))
    assert machine.install(root=True)
    assert (machine.ran, machine.said) == ([], [])


def test_root_on_debian_gets_its_package() -> None:
    machine = Machine(brings=("apt-get", "install"))
    assert machine.install(root=True)
    assert machine.ran == list(DEBIAN)


@pytest.mark.parametrize(("root", "apt"), [(False, True), (True, False), (False, False)])
def test_anybody_else_gets_playwrights(root: bool, apt: bool) -> None:
    machine = Machine(brings=PLAYWRIGHT[0][:4])
    assert machine.install(root=root, apt=apt)
    assert machine.ran == list(PLAYWRIGHT)


def test_what_fails_is_told_and_the_next_way_tried() -> None:
    machine = Machine(brings=PLAYWRIGHT[0][:4], refuses=("apt-get", "update"))
    assert machine.install(root=True)
    assert machine.ran == [DEBIAN[0], *PLAYWRIGHT]
    assert "That gave no browser: no network" in machine.said


def test_without_any_it_says_so_and_goes_on() -> None:
    machine = Machine()
    assert not machine.install(root=True)
    assert machine.ran == [*DEBIAN, *PLAYWRIGHT]


def test_a_command_tells_what_went_wrong_in_one_line() -> None:
    assert run(("sh", "-c", "echo first; echo second >&2; echo last >&2; exit 3"), {}) == "last"
    assert (
        run(("sh", "-c", "echo first; echo 'Error: no network'; echo last; exit 3"), {})
        == "Error: no network"
    )
    assert run(("sh", "-c", "exit 3"), {}) == "exit status 3"
    assert run(("true",), {}) == ""
    assert "No such file" in run(("/no/such/program",), {})
    assert "timed out" in run(("sh", "-c", "read -r _ < /dev/zero"), {}, seconds=0.2)
