"""HTTP of outcome: `routes` (entry, exit, follow-ups, the report), `corrections` (what was said wrongly, said anew)."""

from services.outcome.api.corrections import corrections
from services.outcome.api.routes import figures, outcomes

BLUEPRINTS = (outcomes, corrections, figures)
