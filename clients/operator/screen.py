"""What the operator sees: a table where there is one, one line where that will do, JSON where a script asks."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

NO_TERMINAL_WIDTH = 200
Cell = str | int | float | None


class Screen:
    """Where everything is written. as_json: one JSON document instead of tables and sentences."""

    def __init__(self, *, as_json: bool, console: Console | None = None) -> None:
        self.as_json = as_json
        width = None if sys.stdout.isatty() else NO_TERMINAL_WIDTH
        self._console = console or Console(highlight=False, width=width)

    def document(self, value: Any) -> None:
        """The whole answer, for a script."""
        self._console.print(json.dumps(value, ensure_ascii=False, indent=2), markup=False, soft_wrap=True)

    def say(self, text: str, style: str = "") -> None:
        """One line, as it stands; nothing where a script listens."""
        if not self.as_json:
            self._console.print(Text(text, style=style), soft_wrap=True)

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[Cell]], styles: Sequence[str] = ()) -> None:
        """A table; `styles` colours its rows. Nothing where there are none: what that means, only the caller knows."""
        rows = list(rows)
        if self.as_json or not rows:
            return
        table = Table(box=None, header_style="bold", pad_edge=False)
        for head in heads:
            table.add_column(head, overflow="fold")
        for number, row in enumerate(rows):
            cells = [Text(_cell(one)) for one in row]
            table.add_row(*cells, style=styles[number] if number < len(styles) else "")
        self._console.print(table)

    def fields(self, values: Mapping[str, Any]) -> None:
        """Names and values, one a line; what is absent is left out."""
        shown = [(name, value) for name, value in values.items() if value not in (None, "", {}, [])]
        self.table(("", ""), [(name, _plain(value)) for name, value in shown])


def spoken(seconds: float | None) -> str:
    """`3 h 05 min`, `4 min 10 s`, `12 s`; nothing for None."""
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} days"
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def counted(number: int, one: str, many: str) -> str:
    """`1 event is`, `3 events are`: the number and the words that go with it."""
    return f"{number} {one if number == 1 else many}"


def _cell(value: Cell) -> str:
    return "" if value is None else str(value)


def _plain(value: Any) -> str:
    match value:
        case Mapping():
            return ", ".join(f"{name}={_plain(one)}" for name, one in value.items())
        case list():
            return ", ".join(_plain(one) for one in value)
        case _:
            return str(value)
