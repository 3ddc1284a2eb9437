"""HTTP of activity tracking: `schemas` (what goes in and out), `routes`, `corrections` (what was said wrongly, said
anew), `bulk` (many sessions at once; `rows`, `columns` and `spreadsheet` read what it is sent).
"""

from typing import Any


def blueprints() -> tuple[Any, ...]:
    """The routes. Imported here, because only the web role needs them."""
    from services.activity_tracking.api import bulk, corrections, routes

    return (routes.activities, corrections.corrections, routes.outputs, bulk.bulk)
