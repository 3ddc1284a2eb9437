"""Intake's states as documents: journeys, participants and programmes, told apart by their subject's kind."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from pymongo import ASCENDING, IndexModel

from services.intake.domain.journey import Referral, place
from services.intake.domain.merge import MERGES
from services.intake.domain.participant import HANDLES, NUMBERS, Brought, Participant
from services.intake.domain.participation import PARTICIPATIONS
from services.intake.domain.programme import Published
from services.intake.domain.webhook import WEBHOOKS
from services.intake.handlers import Listing
from services.intake.linking import LINKS
from services.intake.sequencing import INDEXES as SEQUENCE_INDEXES
from shared.language.decision import Subject, Work
from shared.language.errors import StateUnreadable
from shared.language.events import Organisation
from shared.language.passage import with_hands
from shared.language.register import LegalPerson, Membership, Unit
from shared.language.stored_states import Kind, StoredStates, valid_as_it_is
from shared.runtime.corrections import CORRECTION_INDEXES

log = structlog.get_logger()


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
        # the journeys of one person, where two are found to be one
        IndexModel([("state.passage.participant_id", ASCENDING)]),
        # GET /participants/{participantId}/candidates: what an organisation brought
        IndexModel([("state.organisation", ASCENDING), ("state.erased_at", ASCENDING)]),
        # those of the time before handles, as they were stored and once lifted
        IndexModel([("state.registered_by", ASCENDING)], sparse=True),
        IndexModel([("state.earlier.registered_by", ASCENDING)], sparse=True),
        # how many people a unit with a capacity has now, and whether one that is to end is still responsible
        IndexModel(
            [(name, ASCENDING) for name in ("state.passage.responsible", "state.stage", "state.listed")]
        ),
    ],
    # rows that an older release wrote, whose journeys are not settled
    PARTICIPATIONS: [IndexModel([("settled", ASCENDING), ("_id", ASCENDING)])],
    "register": [
        # GET /register/units, /register/memberships, /register/legal-persons, by id
        IndexModel([("kind", ASCENDING), ("_id", ASCENDING)]),
        # GET /register/memberships?programme=
        IndexModel([("programme", ASCENDING), ("_id", ASCENDING)], sparse=True),
    ],
    # GET /register/units/{unitId}/history and the others; who registered an entry, and since when
    # GET /journeys/{journeyId}/rights/{action} knows of a right
    "register_history": [IndexModel([("subject", ASCENDING), ("number", ASCENDING)])],
    **CORRECTION_INDEXES,
    **SEQUENCE_INDEXES,
    # webhooks that are set aside
    WEBHOOKS: [IndexModel([("aside_at", ASCENDING)])],
    HANDLES: [
        # the handles of a person: those that move with the person, and whether one of them is brought
        IndexModel([("home", ASCENDING), ("brought", ASCENDING)]),
        # whether anybody said that the person's data are protected
        IndexModel([("person", ASCENDING), ("protected", ASCENDING)]),
    ],
    # the persons whose number is not under the newest key
    NUMBERS: [IndexModel([("last", ASCENDING), ("key", ASCENDING)])],
    # what an organisation has said of a handle and others, the earlier first
    MERGES: [IndexModel([("handles", ASCENDING), ("place", ASCENDING)])],
    # whom a person is linked with
    LINKS: [IndexModel([("participants", ASCENDING), ("standing", ASCENDING)])],
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


def _rules_of_who_left(document: dict[str, Any]) -> dict[str, Any]:
    """Version 2 to 3: kinds and places of organisations, and what who has left may do, as if nothing was said."""
    programme = document["programme"]
    unsaid = {"kind": None, "municipality": None}
    organisations = [{**one, **unsaid} for one in programme["organisations"]]
    said = {"organisations": organisations, "reads_after_months": 3, "late_days": 30}
    return {**document, "programme": {**programme, **said}}


def _without_long_term_months(document: dict[str, Any]) -> dict[str, Any]:
    """Version 1 to 2: no rule read after how many months unemployment is long."""
    programme = {name: one for name, one in document["programme"].items() if name != "long_term_months"}
    return {**document, "programme": programme}


def _alone(document: dict[str, Any]) -> dict[str, Any]:
    """Version 2 to 3: what the journey is among the person's others is settled with the next change of one of them."""
    kept = {name: one for name, one in document.items() if name not in ("stood", "beside")}
    return {**kept, "participation": None}


def _with_a_home(document: dict[str, Any]) -> dict[str, Any]:
    """Version 3 to 4: who was referred was the person; nobody had a handle of its own."""
    return {**document, "home": document["passage"]["participant_id"], "handles": {}}


def _before_handles(document: dict[str, Any]) -> dict[str, Any]:
    """Version 1 to 2: the one organisation that registered the person gets its handle when `renewal` comes by."""
    sealed = document.get("sealed")
    earlier = {
        "registered_by": document["registered_by"],
        "sealed": sealed,
        "corrections": document.get("corrections", 0),
    }
    return {
        "participant_id": document["participant_id"],
        "registered_at": document["registered_at"],
        "identities": 0 if sealed is None else 1,
        "erased_at": document.get("erased_at"),
        "earlier": earlier,
    }


def _asking_whom_it_named(document: dict[str, Any]) -> dict[str, Any]:
    """Version 4 to 5: the referral asks the one provider that it named, or any, for as long as it takes."""
    named = document["passage"].get("named_provider")
    return {**document, "asking": {"named": [] if named is None else [named]}}


class Referrals(StoredStates):
    """States of journeys, participants, what was brought of them, programmes and the register.

    Satisfies the handlers' `Referrals` too.
    """

    collection = "referrals"
    kinds: Mapping[str, Kind] = {
        "journey": Kind(Referral, (with_hands, _alone, _with_a_home, _asking_whom_it_named)),
        "participant": Kind(Participant, (_before_handles,)),
        "handle": Kind(Brought),
        "programme": Kind(
            Published,
            (_without_long_term_months, _rules_of_who_left, *[valid_as_it_is] * 8),
        ),
        "legal-person": Kind(LegalPerson),
        "unit": Kind(Unit),
        "membership": Kind(Membership),
    }
    keeps = (datetime, bytes)

    def write(self, state: Referral | Participant | Brought | Published) -> dict[str, Any]:
        """The document; a journey's also holds its stage, its programme's version and its place in lists."""
        document = super().write(state)
        if isinstance(state, Referral):
            document["stage"] = state.passage.stage
            document["programme_key"] = state.passage.programme_key
            document["listed"] = place(state)
        return document

    def page(self, work: Work, listing: Listing) -> Sequence[Referral]:
        """The referrals of a list, oldest first; each is followed by those whose `listed` comes after.

        One whose stored state cannot be read is left out, and logged; the page is filled up with those behind it.
        """
        page: list[Referral] = []
        after, missing = listing.after, listing.limit
        while missing:
            found = work.rows(
                self.collection, _where(listing), order="state.listed", after=after, limit=missing
            )
            page += [one for row in found if (one := self._readable(row)) is not None]
            if len(found) < missing:
                break
            after, missing = found[-1]["state"]["listed"], listing.limit - len(page)
        return page

    def brought_by(
        self, work: Work, organisation: Organisation, *, after: str | None, limit: int
    ) -> Sequence[Brought]:
        """What the organisation brought and did not erase, by handle; those behind the subject `after`."""
        where = {"state.organisation": organisation, "state.erased_at": None}
        rows = work.rows(self.collection, where, order="_id", after=after, limit=limit)
        return [self.read(Subject(row["_id"]), row["state"]) for row in rows]

    def _readable(self, row: Mapping[str, Any]) -> Referral | None:
        try:
            found: Referral = self.read(Subject(row["_id"]), row["state"])
        except StateUnreadable as error:
            log.error("left-out-of-a-list", subject=row["_id"], cause=error.why)
            return None
        return found


def _where(listing: Listing) -> dict[str, Any]:
    organisation = listing.organisation
    stage = {} if listing.stage is None else {"state.stage": listing.stage}
    at = ("state.programme_key", "state.passage.municipality")
    readable = {**stage, **listing.reads_in.where(*at)}
    if listing.part != "provider":
        return {f"state.passage.{listing.part}": organisation, **readable}
    taken_on = {"state.passage.provider": organisation, **readable}
    awaiting = {
        "state.stage": "received",
        "state.passage.named_provider": {"$in": [None, organisation]},
        "state.passage.refused_by": {"$ne": organisation},
        **listing.answers_in.where(*at),
    }
    return {"$or": [taken_on, awaiting]} if listing.stage in (None, "received") else taken_on
