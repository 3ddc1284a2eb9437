"""The query of a request: parameters that a route does not know are refused and named, as in bodies.

If a misspelt filter were ignored, the answer would hold everything, and nobody would notice.
"""

from collections import Counter
from collections.abc import Collection, Iterable

from shared.edge.bodies import NAMEABLE
from shared.edge.fields import no_such
from shared.language.errors import Invalid

UNNAMED = "query"


def check_query(names: Iterable[str], known: Collection[str]) -> None:
    """Refuse parameters other than these, and a parameter given twice. names: as the query has them. Raises Invalid."""
    errors = {}
    for name, times in Counter(names).items():
        shown = name if NAMEABLE.fullmatch(name) else UNNAMED
        if name not in known:
            errors[shown] = [no_such("parameter", known)]
        elif times > 1:
            errors[shown] = ["Takes one value; it is there more than once."]
    if errors:
        raise Invalid(errors, "The query is wrong.")
