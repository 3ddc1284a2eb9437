"""The composition root of outcome: `python -m services.outcome.app web|consume|project|stream`."""

from services.outcome.api import BLUEPRINTS
from services.outcome.consumer import FOLDS, TIMERS
from services.outcome.figures.projection import FOLDS as FIGURE_FOLDS
from services.outcome.repository import INDEXES, FigureJourneys, Outcomes, read_entries
from services.outcome.stream import app as stream
from shared.runtime.process import Projection, Service, main

FIGURES = Projection(group="figures", repository=FigureJourneys(), folds=FIGURE_FOLDS, enrich=read_entries)

SERVICE = Service(
    title="Outcome",
    source="outcome",
    database="outcome",
    repository=Outcomes(),
    folds=lambda settings: FOLDS,
    timers=TIMERS,
    blueprints=lambda settings: BLUEPRINTS,
    indexes={**INDEXES, **stream.INDEXES},
    projections={"project": FIGURES},
    roles={"stream": stream.run},
)

if __name__ == "__main__":
    main(SERVICE)
