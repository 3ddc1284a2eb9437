"""Check the subject of a commit message: `area: Do what.`, at most 72 characters (CONTRIBUTING.md, Commits).

Run by pre-commit's hook `commit-msg` with the message's file. May read nothing else.
"""

import re
import sys
from pathlib import Path

LONGEST = 72
FORM = re.compile(r"(?:[a-z0-9._/-]+): [A-Z][^;]*\.")
MADE_BY_GIT = ("Merge ", "Revert ", "fixup! ", "squash! ")


def faults(message: str) -> list[str]:
    """What is wrong with the first line, in words; nothing for a subject that git wrote itself."""
    subject = message.split("\n", 1)[0]
    if subject.startswith(MADE_BY_GIT):
        return []
    found = []
    if len(subject) > LONGEST:
        found.append(f"The subject has {len(subject)} characters; it takes {LONGEST} at most.")
    if not FORM.fullmatch(subject):
        found.append("The subject takes the form `area: Do what.`: one imperative sentence with a full stop.")
    return found


if __name__ == "__main__":
    found = faults(Path(sys.argv[1]).read_text(encoding="utf-8"))
    if found:
        sys.exit("\n".join([*found, "CONTRIBUTING.md, Commits, says more."]))
