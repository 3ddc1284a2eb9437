"""What a referral says: sealed, for who is asked or took the person on, corrected, destroyed with the person."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from marshmallow import ValidationError

from services.intake import contents, correcting, handlers, people
from services.intake.api.contents import WriteContentsBody, show_written
from services.intake.api.schemas import BY_HTTP_ALONE, ReferBody
from services.intake.domain import referral
from services.intake.domain.contents import CONTENT_KEYS, CONTENTS, Contents, Extent, Reach
from services.intake.domain.journey import Referral
from services.intake.inbound import receive
from services.intake.vault import AesGcmVault
from shared.language import events as e
from shared.language.access import Actor
from shared.language.decision import subject_of
from shared.language.errors import Conflict, Forbidden, Halt, Refused, Unknown
from shared.language.replies import RecordRejected
from shared.language.revisions import Precondition, etag
from shared.runtime.arrived import Arrived
from tests.support.intake_work import (
    AGENCY,
    EMPLOYER,
    OTHER_PROVIDER,
    PROVIDER,
    STRANGER,
    VAULT,
    IntakeWork,
    asked,
    caseworker,
    register,
)

SAID = Contents(
    person_knows=True,
    needs="Lugn plats.",
    aims="Jag vill arbeta i kök.",
    languages=("ti", "sv"),
    interpreter="ti",
    extent=Extent(percent=50),
    reach=Reach(how="telephone", when="Helst före tolv."),
)
BODY: dict[str, Any] = {"person_knows": True}


def referred(work: IntakeWork, provider: str | None = PROVIDER) -> Referral:
    """A referral that says something."""
    held = handlers.refer(work, caseworker(AGENCY), asked(register(work), provider=provider))
    write(work, held.journey_id)
    return held


def write(
    work: IntakeWork,
    journey: e.JourneyId,
    said: Contents = SAID,
    rests_on: int | None = None,
    by: str = AGENCY,
) -> None:
    asked = None if rests_on is None else Precondition(False, frozenset({etag(rests_on)}))
    contents.write_contents(work, caseworker(by), journey, (said, "A slip."), VAULT, asked=asked)


def read(work: IntakeWork, journey: e.JourneyId, by: str = AGENCY) -> Contents:
    return contents.read_contents(work, caseworker(by), journey, VAULT)[1]


def readers(work: IntakeWork, journey: e.JourneyId) -> set[str]:
    """Who may read what the referral says."""
    found = set()
    for one in (AGENCY, PROVIDER, OTHER_PROVIDER, EMPLOYER, "forsakringskassan"):
        try:
            assert read(work, journey, one) == SAID
        except Unknown:
            continue
        found.add(one)
    return found


def test_it_is_sealed_and_leaves_in_no_event_reply_or_row() -> None:
    work = IntakeWork()
    held = referred(work)
    assert read(work, held.journey_id) == SAID
    kept = f"{work.documents} {work.table} {work.events} {work.replies}"
    assert [one for one in ("Lugn", "kök", "tolv", "'ti'", "telephone") if one in kept] == []


def test_the_answer_to_writing_repeats_nothing() -> None:
    work = IntakeWork()
    held = referred(work)
    assert show_written((held, SAID)) == {
        "journey_id": held.journey_id,
        "parts": ["person_knows", "needs", "aims", "languages", "interpreter", "extent", "reach"],
    }


def test_whoever_is_asked_reads_it_and_no_longer_once_another_answered() -> None:
    work = IntakeWork()
    held = referred(work, provider=None)
    assert readers(work, held.journey_id) == {AGENCY, PROVIDER, OTHER_PROVIDER}
    handlers.accept_referral(work, caseworker(PROVIDER), held.journey_id, referral.Accept())
    assert readers(work, held.journey_id) == {AGENCY, PROVIDER}


def test_the_next_one_reads_what_the_one_before_no_longer_does() -> None:
    work = IntakeWork()
    named = asked(register(work), provider=None, providers=(PROVIDER, OTHER_PROVIDER))
    held = handlers.refer(work, caseworker(AGENCY), named)
    write(work, held.journey_id)
    assert readers(work, held.journey_id) == {AGENCY, PROVIDER}
    handlers.decline_referral(
        work, caseworker(PROVIDER), held.journey_id, referral.Decline(reason="no_place")
    )
    assert readers(work, held.journey_id) == {AGENCY, OTHER_PROVIDER}


@pytest.mark.parametrize("ending", ["declined", "withdrawn", "mistake"])
def test_whoever_was_only_asked_reads_nothing_once_it_came_to_nothing(ending: str) -> None:
    work = IntakeWork()
    held = referred(work)
    assert readers(work, held.journey_id) == {AGENCY, PROVIDER}
    match ending:
        case "declined":
            command = referral.Decline(reason="no_place")
            handlers.decline_referral(work, caseworker(PROVIDER), held.journey_id, command)
        case "withdrawn":
            back = referral.Withdraw(reason="other_effort")
            handlers.withdraw_referral(work, caseworker(AGENCY), held.journey_id, back)
        case _:
            wrong = referral.RegisterMistake(reason="duplicate")
            handlers.register_mistake(work, caseworker(AGENCY), held.journey_id, wrong)
    assert readers(work, held.journey_id) == {AGENCY}


def test_a_part_that_has_ended_reads_nothing() -> None:
    work = IntakeWork()
    held = referred(work)
    handlers.accept_referral(work, caseworker(PROVIDER), held.journey_id, referral.Accept())
    row = work.table["parts", held.journey_id]
    work.table["parts", held.journey_id] = {**row, "until": work.at.date().isoformat()}
    assert readers(work, held.journey_id) == {AGENCY}
    later = (work.at.date() + timedelta(days=1)).isoformat()
    work.table["parts", held.journey_id] = {**row, "until": later}
    assert readers(work, held.journey_id) == {AGENCY, PROVIDER}


def test_nothing_is_read_where_nothing_was_written() -> None:
    work = IntakeWork()
    held = handlers.refer(work, caseworker(AGENCY), asked(register(work)))
    with pytest.raises(Unknown) as unknown:
        read(work, held.journey_id)
    assert unknown.value.within


def test_only_the_referrer_writes_and_an_analyst_reads_nothing() -> None:
    work = IntakeWork()
    held = referred(work)
    with pytest.raises(Forbidden):
        write(work, held.journey_id, by=PROVIDER)
    analyst = Actor(person="somebody", organisation=PROVIDER, duty="analyst")
    with pytest.raises(Forbidden):
        contents.read_contents(work, analyst, held.journey_id, VAULT)


# --- said anew ---------------------------------------------------------------------------------------------------


def test_it_can_be_said_anew_and_only_the_names_of_changed_parts_are_kept() -> None:
    work = IntakeWork()
    held = referred(work)
    anew = replace(SAID, needs="Stillasittande.", extent=Extent(hours_a_week=20))
    write(work, held.journey_id, anew, rests_on=work.revision(subject_of("journey", held.journey_id)))
    assert read(work, held.journey_id, PROVIDER) == anew
    page = correcting.list_corrections(work, caseworker(AGENCY), held.journey_id, after=None, limit=10)
    (kept,) = page[1]
    assert (kept.what, dict(kept.said), kept.why) == ("contents", {"parts": ["needs", "extent"]}, "A slip.")
    assert "Lugn" not in str(work.table)
    assert work.get(subject_of("journey", held.journey_id)).corrections == 1
    write(work, held.journey_id, anew)
    assert work.get(subject_of("journey", held.journey_id)).corrections == 1


@pytest.mark.parametrize(("rests_on", "code"), [(None, "revision-missing"), (77, "stale-revision")])
def test_saying_it_anew_names_the_revision_it_rests_on(rests_on: int | None, code: str) -> None:
    work = IntakeWork()
    held = referred(work)
    with pytest.raises(Refused) as refused:
        write(work, held.journey_id, replace(SAID, needs=None), rests_on)
    assert refused.value.code == code
    assert read(work, held.journey_id) == SAID


def test_it_is_written_before_the_answer_and_corrected_after_it_too() -> None:
    work = IntakeWork()
    held = handlers.refer(
        work, caseworker(AGENCY), asked(register(work, identity=STRANGER), reference="AF-2")
    )
    late = referred(work)
    for one in (held, late):
        handlers.accept_referral(work, caseworker(PROVIDER), one.journey_id, referral.Accept())
    with pytest.raises(Conflict) as refused:
        write(work, held.journey_id)
    assert refused.value.code == "wrong-stage"
    anew = replace(SAID, needs="Stillasittande.")
    write(work, late.journey_id, anew, rests_on=work.revision(subject_of("journey", late.journey_id)))
    assert read(work, late.journey_id, PROVIDER) == anew


def test_what_came_to_nothing_is_not_said_anew() -> None:
    work = IntakeWork()
    held = referred(work)
    command = referral.Decline(reason="no_place")
    handlers.decline_referral(work, caseworker(PROVIDER), held.journey_id, command)
    with pytest.raises(Conflict):
        write(work, held.journey_id, replace(SAID, needs=None), rests_on=1)


# --- the key -------------------------------------------------------------------------------------------------------


def test_erasing_the_person_destroys_what_all_their_referrals_say() -> None:
    work = IntakeWork()
    held = referred(work)
    person = held.handles[AGENCY]
    before = dict(work.documents), dict(work.table)
    people.erase_participant(work, caseworker(AGENCY), person)
    for by in (AGENCY, PROVIDER):
        with pytest.raises(Conflict) as refused:
            read(work, held.journey_id, by)
        assert refused.value.code == "participant-erased"
    with pytest.raises(Conflict):
        write(work, held.journey_id, replace(SAID, needs=None), rests_on=1)

    work.documents.update(before[0])
    work.table.update(before[1])
    assert read(work, held.journey_id) == SAID, "the backup really brings it back"
    people.keep_erased(work, held.home, person, work.at)
    with pytest.raises(Conflict):
        read(work, held.journey_id)
    assert work.table[CONTENT_KEYS, person]["wrapped_key"] == b""


def test_nothing_is_written_of_somebody_who_was_erased() -> None:
    work = IntakeWork()
    held = handlers.refer(work, caseworker(AGENCY), asked(register(work)))
    people.erase_participant(work, caseworker(AGENCY), held.handles[AGENCY])
    with pytest.raises(Conflict) as refused:
        write(work, held.journey_id)
    assert refused.value.code == "participant-erased"
    assert (CONTENTS, held.journey_id) not in work.table


def test_a_key_is_one_persons_and_a_text_one_journeys() -> None:
    one, other = e.HandleId("h-" + "1" * 26), e.HandleId("h-" + "2" * 26)
    here, there = e.JourneyId("j-" + "1" * 26), e.JourneyId("j-" + "2" * 26)
    key = VAULT.new_content_key(one)
    sealed = VAULT.seal_contents(one, here, key, SAID)
    assert VAULT.unseal_contents(one, here, key, sealed) == SAID
    wrong: list[tuple[Any, ...]] = [
        (other, here, key, sealed),
        (one, there, key, sealed),
        (one, here, VAULT.new_content_key(one), sealed),
        (one, here, key, sealed[:-1] + bytes([sealed[-1] ^ 1])),
    ]
    for arguments in wrong:
        with pytest.raises(Halt):
            VAULT.unseal_contents(*arguments)
    rotated = AesGcmVault(bytes(32), retired=[bytes(range(32))])
    assert rotated.unseal_contents(one, here, key, sealed) == SAID
    with pytest.raises(Halt):
        AesGcmVault(bytes(32)).unseal_contents(one, here, key, sealed)


# --- bad input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"needs": "x" * 2001}, "needs"),
        ({"aims": "\u200b"}, "aims"),
        ({"aims": "Ring 19850709-9805"}, "aims"),
        ({"needs": ""}, "needs"),
        ({"languages": ["svenska"]}, "languages"),
        ({"languages": ["sv"] * 11}, "languages"),
        ({"interpreter": "TI"}, "interpreter"),
        ({"extent": {}}, "extent"),
        ({"extent": {"percent": 50, "hours_a_week": 20}}, "extent"),
        ({"extent": {"percent": 101}}, "extent"),
        ({"extent": {"hours_a_week": 0}}, "extent"),
        ({"reach": {"how": "pigeon"}}, "reach"),
        ({"reach": {"when": "x" * 301}}, "reach"),
        ({"person_knows": None}, "person_knows"),
        ({"diagnosis": "x"}, "diagnosis"),
    ],
)
def test_what_is_wrong_is_named(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        WriteContentsBody().load({**BODY, **wrong})
    assert set(refused.value.messages_dict) == {field}


def test_a_language_named_twice_is_one() -> None:
    said, _ = WriteContentsBody().load({**BODY, "languages": ["sv", "ti", "sv"]})
    assert said.languages == ("sv", "ti")


@pytest.mark.parametrize("field", ["needs", "aims", "languages", "reach", "person_knows", "contents"])
def test_no_record_and_no_referral_carries_any_of_it(field: str) -> None:
    work = IntakeWork()
    body = {
        "reference": "AF-1",
        "participant_id": register(work),
        "programme": "coactive",
        "municipality": "2482",
        field: "secret words",
    }
    with pytest.raises(ValidationError) as refused:
        ReferBody().load(body)
    assert refused.value.messages_dict == {field: [BY_HTTP_ALONE]}
    record = Arrived(f"inbound.{AGENCY}.referrals.v1", 0, 7, [], json.dumps(body).encode())
    answer = receive(work, record).body
    assert isinstance(answer, RecordRejected)
    assert (answer.code, answer.errors) == ("invalid-fields", {field: [BY_HTTP_ALONE]})
    assert "secret" not in str(answer)
    assert not [one for one in work.documents if one.startswith("journey/")]
