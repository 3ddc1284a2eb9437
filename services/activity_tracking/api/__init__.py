"""HTTP of activity tracking.

`schemas`: what goes in and out. `routes`; `corrections`: what was said wrongly, said anew. `closures`: closed days.
`groups`, `open_registers`, `hours` (of a person), `reports` (to the referrer), `waiting`. Many at once: `bulk`,
`mark_bulk`.
"""

from typing import Any


def blueprints() -> tuple[Any, ...]:
    """The routes. Imported here, because only the web role needs them."""
    from services.activity_tracking.api import (
        bulk,
        closures,
        corrections,
        groups,
        hours,
        mark_bulk,
        open_registers,
        reports,
        routes,
        waiting,
    )

    return (
        routes.activities,
        closures.closures,
        groups.groups,
        corrections.corrections,
        routes.outputs,
        bulk.bulk,
        mark_bulk.marks,
        hours.hours_read,
        open_registers.open_registers,
        reports.reports,
        waiting.waiting,
    )
