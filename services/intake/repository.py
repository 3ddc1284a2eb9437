"""Intake's states as documents: journeys, participants and programmes, told apart by their subject's kind."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from pymongo import ASCENDING, IndexModel

from services.intake.domain.journey import Referral, place
from services.intake.domain.participant import Participant
from services.intake.domain.programme import Published
from services.intake.handlers import Listing
from shared.runtime.change import Subject, Work, kind_of

KINDS: Mapping[str, type] = {"journey": Referral, "participant": Participant, "programme": Published}

INDEXES: Mapping[str, list[IndexModel]] = {
    "referrals": [
        # GET /referrals, what my organisation referred, oldest first
        IndexModel([("state.passage.referrer", ASCENDING), ("state.listed", ASCENDING)]),
        # GET /referrals?part=responsible
        IndexModel([("state.passage.responsible", ASCENDING), ("state.listed", ASCENDING)]),
        # GET /referrals?part=provider: those it took on …
        IndexModel([("state.passage.provider", ASCENDING), ("state.listed", ASCENDING)]),
        # … and those that await an answer it may give
        IndexModel(
            [
                ("state.stage", ASCENDING),
                ("state.passage.named_provider", ASCENDING),
                ("state.listed", ASCENDING),
            ]
        ),
    ],
    # whether this organisation took the person on in a journey whose part has not ended
    "parts": [
        IndexModel(
            [
                ("participant_id", ASCENDING),
                ("organisations", ASCENDING),
                ("programme", ASCENDING),
                ("until", ASCENDING),
            ]
        )
    ],
}


class Referrals:
    """Satisfies `change.Repository` and the handlers' `Referrals`."""

    collection = "referrals"

    def write(self, state: Referral | Participant | Published) -> dict[str, Any]:
        """The document; a journey's also holds its stage and its place in lists."""
        document: dict[str, Any] = msgspec.to_builtins(state, builtin_types=(datetime, bytes))
        if isinstance(state, Referral):
            document["stage"] = state.passage.stage
            document["listed"] = place(state)
        return document

    def read(self, subject: Subject, document: Mapping[str, Any]) -> Any:
        """The state that `write` made the document of."""
        return msgspec.convert(document, KINDS[kind_of(subject)], builtin_types=(datetime, bytes))

    def page(self, work: Work, listing: Listing) -> Sequence[Referral]:
        """The referrals of a list, oldest first; each is followed by those whose `listed` comes after."""
        found = work.rows(
            self.collection, _where(listing), order="state.listed", after=listing.after, limit=listing.limit
        )
        return [self.read(Subject(row["_id"]), row["state"]) for row in found]


def _where(listing: Listing) -> dict[str, Any]:
    organisation = listing.organisation
    stage = {} if listing.stage is None else {"state.stage": listing.stage}
    if listing.part != "provider":
        return {f"state.passage.{listing.part}": organisation, **stage}
    awaiting = {
        "state.stage": "received",
        "state.passage.named_provider": {"$in": [None, organisation]},
        "state.passage.programme": {"$in": sorted(listing.answers_in)},
    }
    return {"$or": [{"state.passage.provider": organisation}, awaiting], **stage}
