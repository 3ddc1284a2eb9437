"""Numbers the replies of a memory, as intake's thread does with those in the database."""

from typing import Any

import msgspec

from services.intake.sequencing import CHANGES
from shared.language.messages import encode_message, message_type
from shared.runtime.restored import SEQUENCES
from tests.support.fakes import FakeWork


def number(memory: FakeWork) -> None:
    """Move every reply to the sequence of its organisation."""
    for count, reply in enumerate(memory.replies, start=1):
        body: dict[str, Any] = msgspec.to_builtins(reply.body)
        subject = f"journey/{body['journey_id']}"
        head = dict(memory.row(SEQUENCES, reply.organisation) or {"n": 0})
        head["n"] += 1
        memory.table[SEQUENCES, reply.organisation] = head
        memory.table[CHANGES, f"{reply.organisation}:{head['n']}"] = {
            "organisation": reply.organisation,
            "n": head["n"],
            "id": f"intake:reply/{subject}:{count:08d}",
            "subject": subject,
            "kind": message_type(reply.body).name,
            "at": memory.at.isoformat(),
            "body": encode_message(reply.body),
        }
    memory.replies.clear()
