"""HTTP of activity tracking: `schemas` (what goes in and out), `routes`, `corrections` (what was said wrongly, said
anew), `hours` (of a person), `waiting`, `bulk` and `mark_bulk` (many sessions, and many marks, at once).
"""

from typing import Any


def blueprints() -> tuple[Any, ...]:
    """The routes. Imported here, because only the web role needs them."""
    from services.activity_tracking.api import bulk, corrections, hours, mark_bulk, routes, waiting

    own = (routes.activities, corrections.corrections, routes.outputs, bulk.bulk, mark_bulk.marks)
    return (*own, hours.hours_read, waiting.waiting)
