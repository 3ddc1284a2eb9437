"""The files that are generated: what they should be, and which of them are not."""

from pathlib import Path

from tools.contracts import asyncapi, messages, openapi, schemas
from tools.contracts.pages import PAGES
from tools.contracts.services import event_types

CONTRACTS = Path("docs/reference")


def files() -> dict[Path, str]:
    """{path below the root: what it should say}."""
    whole = {
        CONTRACTS / "schemas" / f"{kind.name}.json": schemas.text(schemas.schema(kind))
        for kind in event_types()
    }
    for message in messages.message_types():
        whole[CONTRACTS / "schemas" / f"{message.name}.json"] = schemas.text(messages.schema(message))
    whole[CONTRACTS / "asyncapi.yaml"] = asyncapi.text()
    for name, document in openapi.openapi_documents().items():
        whole[CONTRACTS / "openapi" / f"{name}.json"] = openapi.text(document)
    return whole | {path: page.text() for path, page in PAGES.items()}


def write(root: Path) -> list[Path]:
    """Write what is stale and remove schemas of nothing. Returns the paths."""
    touched = []
    for path, text in files().items():
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
    """What is missing, different or of nothing any more, one line each."""
    faults = []
    for path, text in files().items():
        target = root / path
        if not target.exists():
            faults.append(f"{path} is missing")
        elif target.read_text(encoding="utf-8") != text:
            faults.append(f"{path} differs from the code")
    return faults + [f"{path} describes no event and no message" for path in _strays(root)]


def _strays(root: Path) -> list[Path]:
    known = {f"{kind.name}.json" for kind in event_types()}
    known |= {f"{kind.name}.json" for kind in messages.message_types()}
    folder = root / CONTRACTS / "schemas"
    return [path.relative_to(root) for path in sorted(folder.glob("*.json")) if path.name not in known]
