"""What must hold of every answer, whatever was asked: no fault of ours, a problem document, in time."""

from __future__ import annotations

from shared.language.errors import CODES
from tests.fuzz.findings import Outcome
from tests.fuzz.wire import Reply

SLOW_SECONDS = 12.0
"""From the first byte sent: a command has five seconds for its transaction, and this machine has others to serve."""
TOLD = frozenset({code for code, known in CODES.items() if known.status == 503})
"""Problems that say to come back; a 503 with one of these is no fault."""
PROBLEM = "application/problem+json"


def judge(reply: Reply, where: str, outcome: Outcome, *, has_body: bool = True) -> None:
    """Count the answer, and note what may not be of it.

    where: the route, for the kind of the problem. has_body: False for what answers HEAD.
    """
    told = reply.status == 503 and reply.code in TOLD
    if 200 <= reply.status < 400:
        outcome.accepted += 1
    elif reply.status < 500 or told:
        outcome.refused += 1
    else:
        outcome.failed += 1
        outcome.problem(f"5xx of {where}", f"{reply.status} {reply.body[:400]!r}")
    if reply.status >= 400 and has_body:
        _problem(reply, where, outcome)
    if reply.seconds > SLOW_SECONDS:
        outcome.problem(f"slow: {where}", f"{reply.seconds:.1f} s, of {SLOW_SECONDS:.0f} at most")


def _problem(reply: Reply, where: str, outcome: Outcome) -> None:
    media = reply.headers.get("content-type", "").partition(";")[0]
    said = reply.json
    if media != PROBLEM or not isinstance(said, dict):
        outcome.problem(f"no problem document of {where}", f"{reply.status} {media} {reply.body[:200]!r}")
    elif said.get("status") != reply.status or said.get("code") not in CODES:
        outcome.problem(f"odd problem document of {where}", f"{reply.status} {reply.body[:400]!r}")
