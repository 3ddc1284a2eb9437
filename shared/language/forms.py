"""The forms of ids, codes and keys, as parts of regular expressions: without anchors, as every language reads them.

The edge checks what comes in with them, and the OpenAPI and AsyncAPI documents publish them. So no document can say
another form than the one that is checked. tests/architecture/test_one_place.py finds a second copy.
"""

ID = "[0-9a-hjkmnp-tv-z]{26}"
"""What follows the prefix in an id of the platform's own."""
JOURNEY_ID = f"j-{ID}"
PARTICIPANT_ID = f"p-{ID}"
"""Names a person inside the platform. No interface takes or shows it."""
HANDLE = f"h-{ID}"
"""What one organisation calls a person; for every other organisation it names nobody."""
SESSION_ID = f"s-{ID}"
OUTPUT_ID = f"o-{ID}"
CLOSURE_ID = f"c-{ID}"
GROUP_ID = f"g-{ID}"
CODE = "[a-z0-9][a-z0-9_-]{0,39}"
"""A code that a programme defines, and a programme's own."""
HANDOVER_ID = f"{JOURNEY_ID}\\.h[1-9][0-9]{{0,5}}"
REPORT_ID = f"{JOURNEY_ID}\\.[rw][1-9][0-9]{{0,5}}"
"""A report to a referrer, numbered within its journey."""
FOLLOW_UP_ID = f"{JOURNEY_ID}\\.{CODE}"
ORGANISATION = "[a-z0-9][a-z0-9-]{1,62}"
ACTING_AS = f"{ORGANISATION}(:[a-z]{{1,20}})?"
"""An organisation, and a duty there behind a colon."""
MUNICIPALITY = "[0-9]{4}"
"""A Swedish municipality's code (SCB)."""
SUBJECT_KINDS = (
    *("journey", "output", "closure", "group", "register", "participant", "programme"),
    *("legal-person", "unit", "membership"),
)
SUBJECT_KIND = f"({'|'.join(SUBJECT_KINDS)})"
SUBJECT_KEY = "[a-z0-9][a-z0-9_@-]{1,119}"
"""The key of a subject of any kind. Behind an @ a programme's holds its version, a file's membership its programme."""
WALL_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"
"""A time of day, hours and minutes."""
GROUP = "[a-z][a-z-]{1,39}"
"""A consumer group."""
PARKED_ID = "[0-9a-f]{32}"
IDEMPOTENCY_KEY = "[!-~]{1,200}"
"""Printable ASCII without blanks."""


def whole(form: str) -> str:
    """The form of a whole text, as a document publishes it."""
    return f"^{form}$"
