"""HTTP of intake: `routes` (people, referrals, journeys, programmes), `corrections`."""

from collections.abc import Collection

from flask_smorest import Blueprint

from services.intake import handlers
from services.intake.api import corrections, routes
from shared.language.events import Organisation


def blueprints(
    vault: handlers.Vault, referrals: handlers.Referrals, answered: Collection[Organisation]
) -> tuple[Blueprint, ...]:
    """The routes of intake. answered: the organisations that have a reply topic."""
    corrected = (corrections.people(vault), corrections.blueprint(answered))
    return (*routes.blueprints(vault, referrals, answered), *corrected)
