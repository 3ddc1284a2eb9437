"""HTTP of activity tracking: `schemas` (what goes in and out), `routes`, `bulk` (many sessions at once)."""

from services.activity_tracking.api.bulk import bulk
from services.activity_tracking.api.routes import activities, outputs

BLUEPRINTS = (activities, outputs, bulk)
