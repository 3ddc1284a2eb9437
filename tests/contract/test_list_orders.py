"""Each list goes by what cannot change: else a reader of pages would pass over an entry, or meet it twice."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMMUTABLE = {
    "number": "counted up within its subject, given once",
    "n": "a change's number in its organisation's sequence, given once",
    "round": "a measurement's number, part of its key",
    "_id": "the document's own key",
    "state.listed": "the moment a referral was received, then its id",
    "listed": "the moment a report was made, then its id",
    "open": "the day of a register, then its key",
    "place": "the moment two handles were merged or parted, then their pair and the number of the act",
}
MOVES = {
    "order": "follow-ups go by their due day, the order in which they are answered; the route says that it moves",
    "state.measured": "journeys go by their last measure; one that is measured meanwhile waits no more",
    "waits": "open reports go by the last day for their acknowledgement; the route says that they leave the list",
    "unsent": "reports to send go by the last day for it; one that is sent waits no more",
    "until": "a closure moves when its last day is said anew; else no list: all of one register, in one snapshot",
}


PAGER = "rows.py"
"""Reads every page, in the order that its caller names."""


def _reads(called: ast.expr) -> bool:
    """Whether rows are read, a page or all of them."""
    if isinstance(called, ast.Attribute):
        return called.attr == "rows"
    return isinstance(called, ast.Name) and called.id == "every_row"


def _orders() -> dict[str, set[str]]:
    """{what rows are ordered by: the files that do so}."""
    found: dict[str, set[str]] = {}
    for room in ("services", "shared"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and path.name != PAGER and _reads(node.func):
                    for order in (one.value for one in node.keywords if one.arg == "order"):
                        for either in (
                            (order.body, order.orelse) if isinstance(order, ast.IfExp) else (order,)
                        ):
                            assert isinstance(either, ast.Constant), f"{path}: the order is no literal"
                            found.setdefault(str(either.value), set()).add(path.name)
    return found


def test_every_list_goes_by_what_is_declared_not_to_change() -> None:
    assert _orders().keys() == IMMUTABLE.keys() | MOVES.keys()
