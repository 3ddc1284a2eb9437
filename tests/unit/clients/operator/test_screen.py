"""What an operator sees where there is nothing to see."""

import io

from rich.console import Console

from clients.operator.screen import Screen


def test_a_table_without_rows_is_not_shown_as_bare_heads() -> None:
    written = io.StringIO()
    screen = Screen(as_json=False, console=Console(file=written, width=80))
    screen.table(("counter", "live"), [])
    assert not written.getvalue()
    screen.table(("counter", "live"), [("sessions", 3)])
    assert "sessions" in written.getvalue()
