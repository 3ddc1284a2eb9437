"""What a referral says about the person: needs, aims, languages, extent, and how to reach them.

It exists only sealed, under a key of the referrer's handle that nothing else uses. Whoever destroys the key destroys
what all its referrals of the person say. No event, log line, metric, address or error holds any of it. Source:
docs/field.md, Referral; docs/security.md, What a referral says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Literal, Protocol

from services.intake.domain.journey import Referral
from shared.language import events as e
from shared.language.access import Actor
from shared.language.corrections import superseded
from shared.language.decision import Change, Row, subject_of
from shared.language.errors import Conflict, Refused

CONTENTS = "contents"
"""Rows, one per journey: what its referral says, sealed."""
CONTENT_KEYS = "content_keys"
"""Rows, one per handle: the wrapped key that seals what its organisation's referrals say; empty once destroyed."""
CORRECTED_AT = frozenset({"received", "accepted", "started", "ready"})

Way = Literal["telephone", "text_message", "email", "letter", "through_referrer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much the person can take part: hours a week, or percent of full time. Exactly one of the two."""

    hours_a_week: int | None = None
    percent: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How and when the person is best reached. Number and address stand in the identity alone."""

    how: Way | None = None
    when: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What the referral says. Exists in memory only while a request is answered.

    person_knows: whether the person knows of the referral. languages: that the person speaks, ISO 639. interpreter:
    the language in which one is needed, or None. aims: in the person's own words.
    """

    person_knows: bool
    needs: str | None = None
    aims: str | None = None
    languages: tuple[str, ...] = ()
    interpreter: str | None = None
    extent: Extent | None = None
    reach: Reach | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentKey:
    """A data key of one handle, which only a master key unwraps. key_id: which one."""

    key_id: str
    wrapped_key: bytes


class SealsContents(Protocol):
    """Seals and opens what referrals say; chance comes in through it."""

    def new_content_key(self, handle: e.HandleId) -> ContentKey:
        """A new key of this handle's own."""

    def seal_contents(
        self, handle: e.HandleId, journey_id: e.JourneyId, key: ContentKey, contents: Contents
    ) -> bytes:
        """Encrypt under the handle's key, for this journey only."""

    def unseal_contents(
        self, handle: e.HandleId, journey_id: e.JourneyId, key: ContentKey, sealed: bytes
    ) -> Contents:
        """Decrypt what `seal_contents` returned for this journey."""


def key_row(handle: e.HandleId, key: ContentKey) -> Row:
    """The row that keeps a handle's key."""
    return Row(CONTENT_KEYS, handle, {"key_id": key.key_id, "wrapped_key": key.wrapped_key})


def destroyed(handle: e.HandleId) -> Row:
    """The row in the place of a destroyed key: nothing that was sealed under it opens again."""
    return Row(CONTENT_KEYS, handle, {"key_id": "", "wrapped_key": b""})


def key_of(row: Mapping[str, Any] | None) -> ContentKey | None:
    """The key in the row; None where there is none yet. Raises Conflict once it is destroyed."""
    if row is None:
        return None
    if not row["wrapped_key"]:
        raise Conflict(
            "participant-erased", "The participant was erased; nothing of the referral can be read."
        )
    return ContentKey(key_id=row["key_id"], wrapped_key=bytes(row["wrapped_key"]))


def contents_row(journey_id: e.JourneyId, handle: e.HandleId, sealed: bytes) -> Row:
    """The row that keeps the contents. handle: whose key sealed them."""
    return Row(CONTENTS, journey_id, {"handle": handle, "ciphertext": sealed})


def write(
    referral: Referral,
    *,
    before: Contents | None,
    after: Contents,
    rests_on: int | None,
    revision: int,
    why: str | None,
    by: Actor,
    at: datetime,
) -> Change[Referral] | None:
    """Say what the referral says, or say it anew; None where it says the same already.

    They are written while the referral awaits its answer, and can be corrected until the person leaves. Of what they
    were only the names of the changed parts are kept. rests_on: the revision that the caller saw, needed to correct;
    revision: the current one. Raises Conflict `wrong-stage`; Refused `revision-missing` or `stale-revision`.
    """
    stage = referral.passage.stage
    if before is None and stage != "received":
        raise Conflict("wrong-stage", f"The referral is {stage}; what it says is written before its answer.")
    if before is not None and stage not in CORRECTED_AT:
        raise Conflict("wrong-stage", f"The journey is {stage}; what the referral says stays as it is.")
    if before == after:
        return None
    if rests_on is None and before is not None:
        raise Refused("revision-missing", "It is written already; a change names its revision in If-Match.")
    if rests_on not in (None, revision):
        raise Refused("stale-revision", "The referral has changed since.")
    if before is None:
        return Change(referral)
    number = referral.corrections + 1
    kept = superseded(
        subject_of("journey", referral.journey_id),
        number,
        "contents",
        {"parts": changed(before, after)},
        recorded_by=referral.passage.referrer,
        by=by,
        at=at,
        why=why,
    )
    return Change(replace(referral, corrections=number), rows=(kept,))


def changed(before: Contents, after: Contents) -> list[str]:
    """The names of the parts that differ."""
    names = (one.name for one in fields(Contents))
    return [name for name in names if getattr(before, name) != getattr(after, name)]


def awaits_answer_of(referral: Referral, organisation: e.Organisation) -> bool:
    """Whether the organisation is asked now. It must hold a part in the journey already."""
    passage = referral.passage
    return passage.stage == "received" and passage.named_provider in (None, organisation)
