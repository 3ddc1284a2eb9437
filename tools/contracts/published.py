"""The files that are generated: what they should be, and which of them are not."""

from collections.abc import Callable, Mapping
from pathlib import Path

from tools.contracts import asyncapi, indexes, schemas, tables
from tools.contracts.services import event_types

CONTRACTS = Path("docs/reference")
README = Path("README.md")
TABLES = {
    "events": tables.events,
    "errors": tables.errors,
    "metrics": tables.metrics,
    "routes": tables.routes,
}
SPEED = Path("docs/speed.md")
SPEED_TABLES = {"indexes": indexes.indexes}
Tables = Mapping[str, Callable[[], str]]


def skeleton(title: str, made: Tables) -> str:
    """A page with a place for each table and nothing else."""
    places = (
        f"\n## {name.capitalize()}\n\n<!-- generated:{name} -->\n<!-- /generated -->\n" for name in made
    )
    return f"# {title}\n" + "".join(places)


SKELETON = skeleton("The participant's way to work", TABLES)


class MarkerMissing(Exception):
    """A page has no place for a table."""


def files(root: Path) -> dict[Path, str]:
    """{path below the root: what it should say}. Raises MarkerMissing."""
    whole = {
        CONTRACTS / "schemas" / f"{kind.name}.json": schemas.text(schemas.schema(kind))
        for kind in event_types()
    }
    whole[CONTRACTS / "asyncapi.yaml"] = asyncapi.text()
    for page, made, empty in (
        (README, TABLES, SKELETON),
        (SPEED, SPEED_TABLES, skeleton("Speed", SPEED_TABLES)),
    ):
        file = root / page
        whole[page] = filled(file.read_text(encoding="utf-8") if file.exists() else empty, page, made)
    return whole


def filled(text: str, page: Path = README, made: Tables = TABLES) -> str:
    """The text with each table between its markers anew. Raises MarkerMissing."""
    for name, table in made.items():
        opening, closing = f"<!-- generated:{name} -->\n", "<!-- /generated -->"
        before, opened, rest = text.partition(opening)
        _, closed, after = rest.partition(closing)
        if not (opened and closed) or opening in after:
            raise MarkerMissing(f"{page.name} needs `{opening.strip()}` and `{closing}` once.")
        text = f"{before}{opening}\n{table()}\n{closing}{after}"
    return text


def write(root: Path) -> list[Path]:
    """Write what is stale and remove schemas of no event. Returns the paths."""
    touched = []
    for path, text in files(root).items():
        target = root / path
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
            touched.append(path)
    for path in _strays(root):
        (root / path).unlink()
        touched.append(path)
    return touched


def stale(root: Path) -> list[str]:
    """What is missing, different or of no event any more, one line each."""
    faults = []
    for path, text in files(root).items():
        target = root / path
        if not target.exists():
            faults.append(f"{path} is missing")
        elif target.read_text(encoding="utf-8") != text:
            faults.append(f"{path} differs from the code")
    return faults + [f"{path} describes no event" for path in _strays(root)]


def _strays(root: Path) -> list[Path]:
    known = {f"{kind.name}.json" for kind in event_types()}
    folder = root / CONTRACTS / "schemas"
    return [path.relative_to(root) for path in sorted(folder.glob("*.json")) if path.name not in known]
