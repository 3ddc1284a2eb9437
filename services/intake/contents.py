"""The use cases of what a referral says: write it, say it anew, read it. No rule lives here."""

from dataclasses import replace
from datetime import date

from services.intake.domain import contents as c
from services.intake.domain.contents import Contents, SealsContents
from services.intake.domain.journey import PARTS, Referral
from services.intake.handlers import journey
from shared.language.access import Actor, reader
from shared.language.days import day_of
from shared.language.decision import Work, subject_of
from shared.language.errors import Unknown
from shared.language.events import JourneyId
from shared.language.revisions import Precondition


def write_contents(
    work: Work,
    actor: Actor,
    journey_id: JourneyId,
    said: tuple[Contents, str | None],
    vault: SealsContents,
    *,
    asked: Precondition | None,
) -> tuple[Referral, Contents]:
    """Say what the referral says. said: the contents, and why they are said anew. asked: what the change rests on."""
    held, _ = journey(work, actor, journey_id, "withdraw_referral")
    after, why = said
    subject = subject_of("journey", journey_id)
    revision = work.revision(subject)
    change = c.write(
        held,
        before=_contents(work, held, vault),
        after=after,
        rests_on=None if asked is None else asked.revision(revision),
        revision=revision,
        why=why,
        by=actor,
        at=work.at,
    )
    if change is None:
        return held, after
    handle = held.handles[held.passage.referrer]
    key = c.key_of(work.row(c.CONTENT_KEYS, handle))
    rows = [*change.rows]
    if key is None:
        key = vault.new_content_key(handle)
        rows.append(c.key_row(handle, key))
    rows.append(c.contents_row(journey_id, handle, vault.seal_contents(handle, journey_id, key, after)))
    return work.save(subject, replace(change, rows=rows)), after


def read_contents(
    work: Work, actor: Actor, journey_id: JourneyId, vault: SealsContents
) -> tuple[Referral, Contents]:
    """What the referral says, for its referrer, who is asked now, and who took the person on. Raises Unknown."""
    held, _ = journey(work, actor, journey_id, "read_journey")
    found = _contents(work, held, vault) if _may_read(work, actor, held, day_of(work.at)) else None
    if found is None:
        raise Unknown("contents", within=True)
    return held, found


def _contents(work: Work, held: Referral, vault: SealsContents) -> Contents | None:
    row = work.row(c.CONTENTS, held.journey_id)
    if row is None:
        # Nothing is written of somebody who was erased either.
        c.key_of(work.row(c.CONTENT_KEYS, held.handles[held.passage.referrer]))
        return None
    handle = row["handle"]
    key = c.key_of(work.row(c.CONTENT_KEYS, handle))
    assert key is not None, "what is sealed has a key, or one that was destroyed"
    return vault.unseal_contents(handle, held.journey_id, key, bytes(row["ciphertext"]))


def _may_read(work: Work, actor: Actor, held: Referral, today: date) -> bool:
    """Whether the organisation, which has a part in the journey, may know what the referral says."""
    if actor.organisation == held.passage.referrer or c.awaits_answer_of(held, actor.organisation):
        return True
    row = work.row(PARTS, held.journey_id)
    took_on = row is not None and actor.organisation in row["organisations"]
    lasts = row is not None and row["until"] > today.isoformat()
    return took_on and lasts and not reader(actor, held.passage, today).works_there
