"""Every figure, declared once, in the order of the report.

No other rule names one. The page names those of its opening sentence, and shows minutes as hours
(`static/sections.js`).

The names that a programme may set as targets (`shared.language.figures`) and the player's own list agree with this by
tests. They hold the names of the figures, and never how they are counted.
"""

from typing import get_args

from services.outcome.figures.declared_people import REACHED
from services.outcome.figures.declared_results import RATES, RESULTS
from services.outcome.figures.declared_work import DOSE, STEPS, WORK
from services.outcome.figures.figure import Breakdown, Figure, Share, checked
from shared.language.programmes import Name

SHARES: tuple[Share, ...] = (*RATES, *DOSE)
FIGURES: tuple[Figure, ...] = checked((*REACHED, *RESULTS, *WORK), STEPS)

BREAKDOWNS: tuple[Breakdown, ...] = get_args(Breakdown)
BROKEN_DOWN: tuple[Figure, ...] = tuple(one for one in FIGURES if set(one.by) == set(BREAKDOWNS))
"""Those that the report breaks down by gender and by municipality."""

SECTIONS: dict[str, Name] = {
    "exits": Name(sv="Avslut", en="Exits"),
    "handovers": Name(sv="Överlämningar", en="Handovers"),
    "sessions": Name(sv="Tillfällen", en="Sessions"),
    "where_now": Name(sv="Var de är nu", en="Where they are now"),
}
"""What the parts of a section are parts of, so that a row of a table can be read alone."""

__all__ = ["BREAKDOWNS", "BROKEN_DOWN", "FIGURES", "SECTIONS", "SHARES", "STEPS"]
