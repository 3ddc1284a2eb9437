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
from shared.language.decision import Subject, Work, kind_of
from shared.runtime.corrections import CORRECTION_INDEXES

KINDS: Mapping[str, type] = {"journey": Referral, "participant": Participant, "programme": Published}


def _listed(*fields: str) -> IndexModel:
    """Serves a list in its order, in each of the programmes that its reader may read."""
    return IndexModel([(name, ASCENDING) for name in (*fields, "state.programme_key", "state.listed")])


INDEXES: Mapping[str, list[IndexModel]] = {
    "referrals": [
        # GET /referrals, what my organisation referred, oldest first
        _listed("state.passage.referrer"),
        # GET /referrals?part=responsible
        _listed("state.passage.responsible"),
        # GET /referrals?part=provider: those it took on …
        _listed("state.passage.provider"),
        # … and those that await an answer it may give
        _listed("state.stage", "state.passage.named_provider"),
    ],
    **CORRECTION_INDEXES,
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
        """The document; a journey's also holds its stage, its programme's version and its place in lists."""
        document: dict[str, Any] = msgspec.to_builtins(state, builtin_types=(datetime, bytes))
        if isinstance(state, Referral):
            document["stage"] = state.passage.stage
            document["programme_key"] = state.passage.programme_key
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
    readable = {"state.programme_key": {"$in": listing.reads_in}, **stage}
    if listing.part != "provider":
        return {f"state.passage.{listing.part}": organisation, **readable}
    taken_on = {"state.passage.provider": organisation, **readable}
    awaiting = {
        "state.stage": "received",
        "state.passage.named_provider": {"$in": [None, organisation]},
        "state.programme_key": {"$in": listing.answers_in},
    }
    return {"$or": [taken_on, awaiting]} if listing.stage in (None, "received") else taken_on
