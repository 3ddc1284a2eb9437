"""Shell blocks of the project's pages, so that a test types what a reader types."""

import re

BLOCK = re.compile(r"^( *)```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def blocks(text: str) -> list[str]:
    """The shell blocks of a page in Markdown, in its order, without the indentation of a list."""
    return [
        "".join(line.removeprefix(indent) for line in block.splitlines(keepends=True))
        for indent, block in BLOCK.findall(text)
    ]
