"""HTTP of outcome: `schemas` (what goes in and out), `routes`, `corrections` (what was said wrongly, said anew)."""

from typing import Any


def blueprints() -> tuple[Any, ...]:
    """The routes. Imported here, because only the web role needs them."""
    from services.outcome.api import corrections, routes, waiting

    return (routes.outcomes, corrections.corrections, routes.figures, waiting.waiting)
