"""Get a browser for the page tests where this machine has none: `python -m tests.support.install_browser`.

As root on Debian and its descendants it installs their package, elsewhere what Playwright downloads. It says nothing
while there is a browser, and its exit status is always 0: without one the page tests are skipped, and say so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.support.browser import NoBrowser, chromium, on_path

LONGEST_SECONDS = 600.0
STARTS_WITHIN_SECONDS = 60.0
DEBIAN = (
    ("apt-get", "update", "-qq"),
    ("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"),
)
PLAYWRIGHT = ((sys.executable, "-m", "playwright", "install", "chromium"),)

Run = Callable[[Sequence[str], Mapping[str, str]], str]
"""Runs a command. Returns what went wrong, in one line; nothing where all went well."""


def find() -> Path | None:
    """The browser that the tests would drive, if there is one and it starts."""
    browser = on_path()
    if browser is None:
        try:
            with sync_playwright() as playwright:
                browser = chromium(playwright)
        except NoBrowser:
            return None
    return browser if not run((str(browser), "--version"), {}, STARTS_WITHIN_SECONDS) else None


def run(command: Sequence[str], environment: Mapping[str, str], seconds: float = LONGEST_SECONDS) -> str:
    """Satisfies Run. Blocks, at most so long."""
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return ""
    said = (done.stderr or done.stdout).strip().splitlines()
    errors = [line for line in said if "error" in line.lower()]
    return (errors[:1] or said[-1:] or [f"exit status {done.returncode}"])[0]


def ways(*, root: bool, apt: bool) -> list[tuple[str, Sequence[Sequence[str]]]]:
    """What to try, in order: what it is called, and its commands."""
    return [
        *([("Debian's package chromium", DEBIAN)] if root and apt else []),
        ("Playwright's own Chromium", PLAYWRIGHT),
    ]


def install(
    found: Callable[[], Path | None],
    attempts: Sequence[tuple[str, Sequence[Sequence[str]]]],
    say: Callable[[str], None],
    execute: Run = run,
) -> bool:
    """Try one way after the other until a browser is there. Returns whether one is. Says what it does, if anything."""
    if found():
        return True
    for name, commands in attempts:
        say(f"The page tests need a browser: installing {name}.")
        wrong = next(
            (told for one in commands if (told := execute(one, {"DEBIAN_FRONTEND": "noninteractive"}))), ""
        )
        if found():
            return True
        say(f"That gave no browser: {wrong or 'it does not start here'}")
    return False


def main() -> None:
    """Install one if there is none."""
    attempts = ways(root=os.geteuid() == 0, apt=shutil.which("apt-get") is not None)
    if not install(find, attempts, lambda line: print(line, flush=True)):
        print("The page tests will be skipped.", flush=True)


if __name__ == "__main__":
    main()
