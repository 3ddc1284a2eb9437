"""The handle by which whoever takes a person over holds them: looked for, or made, beside the event that says so.

A fold is pure: it asks no database, and no chance. So both are asked here, once for all handovers of a batch.
"""

from collections.abc import Mapping, Sequence

from pymongo.client_session import ClientSession

from services.intake.domain.journey import Minted
from services.intake.domain.participant import HELD, Handle, handle_row, held_key, held_row
from shared.language.decision import Received, Subject
from shared.language.events import HandleId, HandoverAccepted, Organisation, ParticipantId
from shared.runtime.collections import Collections
from shared.runtime.ids import random_id

READ = {"state.home": 1, "state.passage.participant_id": 1}

Taker = tuple[ParticipantId, Organisation]


def read_takers(
    database: Collections, session: ClientSession, received: Sequence[Received]
) -> Mapping[Subject, Mapping[Organisation, Minted]]:
    """{journey: {organisation that took the person over: its handle}}."""
    taken = {
        (one.subject, one.body.to_organisation) for one in received if isinstance(one.body, HandoverAccepted)
    }
    subjects = sorted({subject for subject, _ in taken})
    journeys = {
        row["_id"]: row["state"]
        for row in database["referrals"].find({"_id": {"$in": subjects}}, READ, session=session)
        if row.get("state")
    }
    # A journey of the time before handles has the person alone.
    homes = {
        one: ParticipantId(state.get("home") or state["passage"]["participant_id"])
        for one, state in journeys.items()
    }
    wanted = {(homes[subject], taker) for subject, taker in taken if subject in homes}
    keys = sorted(held_key(*one) for one in wanted)
    held = {row["_id"]: row["handle"] for row in database[HELD].find({"_id": {"$in": keys}}, session=session)}
    minted: dict[Taker, Minted] = {}
    found: dict[Subject, dict[Organisation, Minted]] = {}
    for subject, taker in sorted(taken):
        if subject not in homes:
            continue
        home, person = homes[subject], ParticipantId(journeys[subject]["passage"]["participant_id"])
        if (home, taker) not in minted:
            minted[home, taker] = handle_to(taker, home, person, held.get(held_key(home, taker)))
        found.setdefault(subject, {})[taker] = minted[home, taker]
    return found


def handle_to(taker: Organisation, home: ParticipantId, person: ParticipantId, held: str | None) -> Minted:
    """The handle that the organisation holds already, or a new one with the rows that keep it."""
    if held is not None:
        return Minted(HandleId(held))
    handle = HandleId(random_id("h"))
    made = Handle(handle=handle, organisation=taker, home=home, person=person)
    return Minted(handle, (handle_row(made), held_row(home, taker, handle)))
