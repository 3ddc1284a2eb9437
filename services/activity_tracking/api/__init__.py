"""HTTP of activity tracking: `schemas` (what goes in and out), `routes`, `corrections`, `bulk` (many at once)."""

from services.activity_tracking.api.bulk import bulk
from services.activity_tracking.api.corrections import corrections
from services.activity_tracking.api.routes import activities, outputs

BLUEPRINTS = (activities, corrections, outputs, bulk)
