"""The composition root of outcome: `python -m services.outcome.app web|consume|project|stream`."""

from pathlib import Path

from services.outcome import api
from services.outcome.consumer import FOLDS, TIMERS
from services.outcome.figures.cells import DAYS
from services.outcome.figures.projection import FOLDS as FIGURE_FOLDS
from services.outcome.repository import INDEXES, FigureJourneys, Outcomes, read_entries, read_others
from services.outcome.stream import logins, publisher
from shared.host.process import main
from shared.language.events import EntryRecorded, FirstEntryChanged, ParticipationSettled
from shared.runtime.fold import Enrich
from shared.runtime.parts import Parts, Projection, Service

FIGURES = Projection(
    group="figures",
    repository=FigureJourneys(),
    folds=FIGURE_FOLDS,
    enrich=Enrich(frozenset({EntryRecorded, FirstEntryChanged}), read_entries),
    keeps=("cells", DAYS),
)


def run_stream(parts: Parts) -> None:
    """The stream role. Imported here, because no other role needs an event loop."""
    from services.outcome.stream import app

    app.run(parts)


SERVICE = Service(
    title="Outcome",
    purpose=(
        "Registrerar start, avslut och uppföljningar, och redovisar programmets resultat.",
        "Records entries, exits and follow-ups, and reports a programme's results.",
    ),
    examples=Path(__file__).with_name("examples.json"),
    source="outcome",
    database="outcome",
    repository=Outcomes(),
    folds=FOLDS,
    timers=TIMERS,
    blueprints=api.blueprints,
    indexes={**INDEXES, **logins.INDEXES, **publisher.INDEXES},
    enrich=Enrich(frozenset({ParticipationSettled}), read_others),
    projections={"project": FIGURES},
    roles={"stream": run_stream},
)

if __name__ == "__main__":
    main(SERVICE)
