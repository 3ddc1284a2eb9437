"""HTTP of handover: `schemas` (what goes in and out), `routes`, `corrections` (what was said wrongly, said anew)."""

from typing import Any

from shared.runtime.settings import Settings


def blueprints(settings: Settings) -> tuple[Any, ...]:
    """The routes. Imported here, because only the web role needs them."""
    from services.handover.api import corrections, routes

    return (routes.handovers, corrections.corrections)
