"""The files that are generated: what they should be, and which of them are not."""

from pathlib import Path

from contracts import asyncapi, schemas, tables
from contracts.services import event_types

CONTRACTS = Path("docs/contracts")
README = Path("README.md")
TABLES = {
    "events": tables.events,
    "errors": tables.errors,
    "metrics": tables.metrics,
    "routes": tables.routes,
}
SKELETON = "# The participant's way to work\n" + "".join(
    f"\n## {name.capitalize()}\n\n<!-- generated:{name} -->\n<!-- /generated -->\n" for name in TABLES
)


class MarkerMissing(Exception):
    """README.md has no place for a table."""


def files(root: Path) -> dict[Path, str]:
    """{path below the root: what it should say}. Raises MarkerMissing."""
    whole = {
        CONTRACTS / "schemas" / f"{kind.name}.json": schemas.text(schemas.schema(kind))
        for kind in event_types()
    }
    whole[CONTRACTS / "asyncapi.yaml"] = asyncapi.text()
    readme = root / README
    whole[README] = filled(readme.read_text(encoding="utf-8") if readme.exists() else SKELETON)
    return whole


def filled(readme: str) -> str:
    """The text with each table between its markers anew. Raises MarkerMissing."""
    for name, table in TABLES.items():
        opening, closing = f"<!-- generated:{name} -->\n", "<!-- /generated -->"
        before, opened, rest = readme.partition(opening)
        _, closed, after = rest.partition(closing)
        if not (opened and closed) or opening in after:
            raise MarkerMissing(f"README.md needs `{opening.strip()}` and `{closing}` once.")
        readme = f"{before}{opening}\n{table()}\n{closing}{after}"
    return readme


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
