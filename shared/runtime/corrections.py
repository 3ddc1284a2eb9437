"""The collection in which a service keeps records that a correction replaced."""

from collections.abc import Mapping

from pymongo import ASCENDING, IndexModel

from shared.language.corrections import SUPERSEDED

CORRECTION_INDEXES: Mapping[str, list[IndexModel]] = {
    # pages of what was corrected on a subject
    SUPERSEDED: [IndexModel([("subject", ASCENDING), ("number", ASCENDING)])]
}
