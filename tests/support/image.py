"""The image without Docker: its files as the Dockerfile copies them, and a Python with its locked packages alone."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.support.deployment import REPOSITORY

DOCKERFILE = (REPOSITORY / "deploy/Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")


def copied() -> Iterator[tuple[str, str]]:
    """Source in the repository and target under the working folder, of each COPY of our own files."""
    for words in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE):
        *sources, target = words.split()
        yield from ((source, target) for source in sources if not target.startswith("/"))


def ignored(path: str) -> bool:
    """Whether .dockerignore keeps the path out of the build; the last pattern that matches decides."""
    out = False
    for line in (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!").rstrip("/")
        parts = path.split("/")
        # A pattern that matches a folder matches all that is in it.
        if any(_pattern(pattern).fullmatch("/".join(parts[:end])) for end in range(1, len(parts) + 1)):
            out = not line.startswith("!")
    return out


def _pattern(pattern: str) -> re.Pattern[str]:
    steps = re.escape(pattern).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
    return re.compile(steps)


def build(folder: Path) -> Path:
    """Write the image's /app into `folder/app`, and return it. Raises FileNotFoundError for a COPY of nothing."""
    app = folder / "app"
    for source, target in copied():
        start = REPOSITORY / source
        files = [start] if start.is_file() else sorted(one for one in start.rglob("*") if one.is_file())
        files = [one for one in files if not ignored(one.relative_to(REPOSITORY).as_posix())]
        if not files:
            raise FileNotFoundError(source)
        for file in files:
            inside = file.name if start.is_file() else file.relative_to(start).as_posix()
            place = app / target / inside
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, place)
    return app


def install(folder: Path, packages: Sequence[str]) -> Path:
    """Make a virtual environment in `folder/venv` that holds these packages alone, by links; returns its bin folder.

    A package whose marker leaves it out on this machine is not there.
    """
    venv = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    site = next(venv.glob("lib/python*/site-packages"))
    for package in packages:
        try:
            files = importlib.metadata.files(package) or ()
        except importlib.metadata.PackageNotFoundError:
            continue
        for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
            found = Path(str(importlib.metadata.distribution(package).locate_file(top)))
            if found.exists() and not (site / top).exists():
                (site / top).symlink_to(found.resolve())
    return venv / "bin"


def environment(app: Path, programs: Path, told: Mapping[str, str] = {}) -> dict[str, str]:
    """The environment of a process in the image: its own PATH, in the order of the Dockerfile, and what it is told."""
    (path,) = re.findall(r"^ENV PATH=(\S+)", DOCKERFILE, re.MULTILINE)
    places = {"/app": str(app), "/opt/venv/bin": str(programs), "$PATH": "/usr/bin:/bin"}
    for place, here in places.items():
        path = path.replace(place, here)
    return {"PATH": path, "PYTHONDONTWRITEBYTECODE": "1", **told}
