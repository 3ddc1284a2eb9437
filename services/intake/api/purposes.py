"""The purpose of a read about a person: a header in the reader's own words, which the audit keeps."""

from flask import request

from shared.edge.headers import header_text, unreadable
from shared.edge.texts import is_printable, names_participant

PURPOSE_HEADER = {
    "name": "Purpose",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "minLength": 3, "maxLength": 200},
    "description": "why it is read, in the reader's own words, in UTF-8 or Latin-1; kept in the audit",
}


def purpose_of_reading() -> str:
    """The purpose that this request says. Raises Refused `invalid-header`."""
    try:
        purpose = header_text(request.headers.get("Purpose", ""))
    except ValueError:
        raise unreadable("Purpose", "Takes text in UTF-8 or Latin-1.") from None
    if not 3 <= len(purpose) <= 200 or not is_printable(purpose) or names_participant(purpose):
        reason = "Say in 3 to 200 characters why it is read, without naming anybody."
        raise unreadable("Purpose", reason)
    return purpose
