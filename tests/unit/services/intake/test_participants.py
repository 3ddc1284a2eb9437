"""Identity: sealed, opened for those who may, accounted for, and destroyed for good."""

import base64
from dataclasses import replace

import pytest

from services.intake import handlers, people
from services.intake.domain import referral
from services.intake.domain.participant import Brought, Contact, Identity
from services.intake.vault import AesGcmVault, vault_from
from shared.language import events as e
from shared.language.access import Actor
from shared.language.decision import ARCHIVE, event_id, subject_of
from shared.language.erasures import ErasureKept
from shared.language.errors import Conflict, Forbidden, Halt, Unknown
from tests.support.intake_work import (
    AGENCY,
    AT,
    EMPLOYER,
    NOBODY,
    NUMBERS,
    PERSON,
    PROVIDER,
    VAULT,
    IntakeWork,
    asked,
    caseworker,
    register,
)

HANDLE = e.HandleId("h-" + "0" * 26)


def test_what_was_sealed_opens_again() -> None:
    known = Identity(name="Ada Prov", contact=Contact(phone="0910-1", email=None))
    assert VAULT.unseal(HANDLE, VAULT.seal(HANDLE, known)) == known


def test_nothing_sealed_can_be_read_in_what_is_stored() -> None:
    sealed = VAULT.seal(HANDLE, PERSON)
    for secret in (b"Ada", b"199001019802", b"9802"):
        assert secret not in sealed.ciphertext + sealed.wrapped_key


def test_every_participant_has_a_key_of_its_own() -> None:
    one, other = VAULT.seal(HANDLE, PERSON), VAULT.seal(HANDLE, PERSON)
    assert one.ciphertext != other.ciphertext
    for mixed in (replace(one, wrapped_key=other.wrapped_key), replace(one, ciphertext=other.ciphertext)):
        with pytest.raises(Halt):
            VAULT.unseal(HANDLE, mixed)


def test_what_was_sealed_for_one_does_not_open_for_another_nor_under_another_master_key() -> None:
    sealed = VAULT.seal(HANDLE, PERSON)
    with pytest.raises(Halt):
        VAULT.unseal(e.HandleId("h-" + "1" * 26), sealed)
    with pytest.raises(Halt):
        AesGcmVault(bytes(32)).unseal(HANDLE, sealed)


@pytest.mark.parametrize("position", [0, 12, -1])
def test_changed_bytes_do_not_open(position: int) -> None:
    sealed = VAULT.seal(HANDLE, PERSON)
    changed = bytearray(sealed.ciphertext)
    changed[position] ^= 1
    with pytest.raises(Halt):
        VAULT.unseal(HANDLE, replace(sealed, ciphertext=bytes(changed)))


@pytest.mark.parametrize("key", [None, "", "not base64 at all!", base64.b64encode(bytes(16)).decode()])
def test_a_missing_or_wrong_master_key_says_what_to_do(key: str | None) -> None:
    with pytest.raises(Halt) as halt:
        vault_from(key)
    assert "32 random bytes in base64" in halt.value.cure


def test_a_master_key_in_either_base64_opens_the_vault() -> None:
    key = bytes(range(224, 256))
    sealed = vault_from(base64.b64encode(key).decode()).seal(HANDLE, PERSON)
    assert vault_from(base64.urlsafe_b64encode(key).decode().rstrip("=")).unseal(HANDLE, sealed) == PERSON


# --- use cases ------------------------------------------------------------------------------------------------


def test_registering_says_nothing_to_anybody_and_stores_nothing_readable() -> None:
    work = IntakeWork()
    handle = register(work)
    assert work.events == []
    assert "Ada" not in str(work.documents)
    assert "199001019802" not in str(work.documents)
    assert work.get(subject_of("handle", handle)).organisation == AGENCY


def test_reading_changes_nothing() -> None:
    work = IntakeWork()
    handle = register(work)
    before, rows = dict(work.documents), dict(work.table)
    *_, identity = people.read_participant(work, caseworker(AGENCY), handle, VAULT)
    assert identity == replace(PERSON, protected_identity=False)
    assert (work.documents, work.table) == (before, rows)


def test_only_those_with_a_part_in_a_journey_may_read() -> None:
    work = IntakeWork()
    handle = register(work)
    with pytest.raises(Unknown):
        people.read_participant(work, caseworker(PROVIDER), handle, VAULT)
    held = handlers.refer(work, caseworker(AGENCY), asked(handle))
    with pytest.raises(Unknown):
        people.read_participant(work, caseworker(PROVIDER), handle, VAULT)
    taken = handlers.accept_referral(work, caseworker(PROVIDER), held.journey_id, referral.Accept())
    theirs = taken.handles[PROVIDER]
    assert people.read_participant(work, caseworker(PROVIDER), theirs, VAULT) == (theirs, AGENCY, PERSON)
    for other, known in ((PROVIDER, handle), (AGENCY, theirs), (EMPLOYER, handle), (EMPLOYER, theirs)):
        with pytest.raises(Unknown):
            people.read_participant(work, caseworker(other), known, VAULT)
    for stranger in ("esf-radet", "nobody-here"):
        with pytest.raises(Forbidden):
            people.read_participant(work, caseworker(stranger), handle, VAULT)


def test_an_analyst_reads_nobody() -> None:
    work = IntakeWork()
    handle = register(work)
    analyst = Actor(person="somebody", organisation=AGENCY, duty="analyst")
    with pytest.raises(Forbidden):
        people.read_participant(work, analyst, handle, VAULT)


def test_nobody_reads_a_person_who_is_not_there() -> None:
    with pytest.raises(Unknown):
        people.read_participant(IntakeWork(), caseworker(AGENCY), HANDLE, VAULT)


def test_erasure_leaves_nothing_that_could_ever_be_opened() -> None:
    work = IntakeWork()
    handle = register(work)
    before: Brought = work.get(subject_of("handle", handle))
    people.erase_participant(work, caseworker(AGENCY), handle)
    people.erase_participant(work, caseworker(AGENCY), handle)
    after: Brought = work.get(subject_of("handle", handle))
    assert (after.sealed, after.erased_at, before.erased_at) == (None, AT, None)
    assert not [key for name, key in work.table if name == "numbers"], "and no number finds the person"
    assert [type(one) for one in work.events] == [e.ParticipantErased]
    with pytest.raises(Conflict) as refused:
        people.read_participant(work, caseworker(AGENCY), handle, VAULT)
    assert refused.value.code == "participant-erased"


def test_an_erasure_that_a_backup_undid_is_done_again_and_not_said_again() -> None:
    work = IntakeWork()
    handle = register(work)
    subject = subject_of("handle", handle)
    home = work.get(subject).participant_id
    person = subject_of("participant", home)
    before, rows = dict(work.documents), dict(work.table)
    people.erase_participant(work, caseworker(AGENCY), handle)
    (notice,) = work.notices
    assert notice.body == ErasureKept(participant_id=home, erased_at=AT, handle=handle)

    work.documents.update(before)
    work.table = {**rows, (ARCHIVE, event_id(person, 1)): {}}
    people.erase_participant(work, caseworker(AGENCY), handle)
    assert work.get(subject).sealed is None

    for whole in (False, True):
        work.documents.update(before)
        work.table = dict(rows)
        for _ in range(2):
            if whole:
                people.keep_erased(work, home, None, AT)
            people.keep_erased(work, home, handle, AT)
            assert (work.get(subject).sealed, work.get(subject).erased_at) == (None, AT)
            assert work.get(person).erased_at == AT
            assert not [key for name, key in work.table if name == "numbers"]
    people.keep_erased(work, home, NOBODY, AT)
    assert work.find(subject_of("handle", NOBODY)) is None
    assert (len(work.events), len(work.notices)) == (1, 2)


def test_a_retired_master_key_opens_what_it_sealed_and_seals_nothing() -> None:
    old, new = bytes(range(32)), bytes(range(32, 64))
    sealed = AesGcmVault(old).seal(HANDLE, PERSON)
    rotated = AesGcmVault(new, retired=[old])
    assert rotated.unseal(HANDLE, sealed) == PERSON
    again = rotated.seal(HANDLE, PERSON)
    assert again.key_id != sealed.key_id
    assert AesGcmVault(new).unseal(HANDLE, again) == PERSON
    with pytest.raises(Halt, match=sealed.key_id) as halt:
        AesGcmVault(new).unseal(HANDLE, sealed)
    assert "VAULT_RETIRED_KEYS" in halt.value.cure
    with pytest.raises(Halt):
        rotated.unseal(HANDLE, replace(sealed, key_id=again.key_id))


def test_retired_keys_are_read_as_the_master_key_is() -> None:
    old, new = (base64.b64encode(bytes([fill]) * 32).decode() for fill in (1, 2))
    assert vault_from(new, [old]).unseal(HANDLE, vault_from(old).seal(HANDLE, PERSON)) == PERSON
    for wrong in ("not base64 at all!", base64.b64encode(bytes(16)).decode()):
        with pytest.raises(Halt, match="VAULT_RETIRED_KEYS"):
            vault_from(new, [wrong])


def test_a_journey_goes_on_after_its_participant_was_erased() -> None:
    work = IntakeWork()
    handle = register(work)
    held = handlers.refer(work, caseworker(AGENCY), asked(handle))
    people.erase_participant(work, caseworker(AGENCY), handle)
    taken = handlers.accept_referral(work, caseworker(PROVIDER), held.journey_id, referral.Accept())
    assert taken.passage.stage == "accepted"


def test_a_strange_organisation_erases_nobody() -> None:
    work = IntakeWork()
    handle = register(work)
    with pytest.raises(Unknown):
        people.erase_participant(work, caseworker("forsakringskassan"), handle)
    assert work.get(subject_of("handle", handle)).sealed is not None


def test_who_a_person_is_can_be_said_anew_and_what_it_was_is_nowhere() -> None:
    work = IntakeWork()
    handle = register(work)
    anew = replace(PERSON, name="Ada Rättad", protected_identity=False)
    command = (anew, "The name was another's.")
    people.correct_participant(work, caseworker(AGENCY), handle, command, VAULT, NUMBERS)
    assert people.read_participant(work, caseworker(AGENCY), handle, VAULT)[2] == anew
    (kept,) = people.list_participant_corrections(work, caseworker(AGENCY), handle, after=None, limit=10)
    assert (kept.what, dict(kept.said), kept.why) == ("identity", {"parts": ["name"]}, command[1])
    assert "Ada" not in str(kept)
    assert not work.events
    people.correct_participant(work, caseworker(AGENCY), handle, command, VAULT, NUMBERS)
    assert work.get(subject_of("handle", handle)).corrections == 1


def test_nobody_else_says_anew_who_a_person_is_and_nobody_once_erased() -> None:
    work = IntakeWork()
    handle = register(work)
    for other in ("forsakringskassan", PROVIDER):
        with pytest.raises((Forbidden, Unknown)):
            people.correct_participant(work, caseworker(other), handle, (PERSON, "why so"), VAULT, NUMBERS)
    people.erase_participant(work, caseworker(AGENCY), handle)
    with pytest.raises(Conflict, match="participant-erased"):
        people.correct_participant(work, caseworker(AGENCY), handle, (PERSON, "why so"), VAULT, NUMBERS)
