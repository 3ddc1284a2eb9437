"""What bodies may say: unknown fields, wrong types and what identifies somebody are refused, all at once."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from services.intake.api import identity_schemas, schemas
from services.intake.api.routes import _cursor, _place
from services.intake.domain.participant import Contact, Identity
from shared.edge.fields import CommandSchema
from shared.language.errors import Invalid
from tests.support.intake_work import at_stage

PERSON: dict[str, Any] = {"name": " Ada Prov ", "personnummer": "900101-9802", "contact": {"phone": "0910-1"}}
REFERRAL: dict[str, Any] = {
    "reference": "AF-1",
    "participant_id": "h-" + "0" * 26,
    "programme": "coactive",
    "municipality": "2482",
}
CONSENT: dict[str, Any] = {"purpose": "sharing", "given": True}


def wrong_in(schema: type[CommandSchema], body: Any) -> set[str]:
    """The fields that the schema finds wrong."""
    with pytest.raises(ValidationError) as refused:
        schema().load(body)
    messages = refused.value.messages
    assert isinstance(messages, dict)
    return set(messages)


def test_a_person_is_registered_in_normal_form() -> None:
    said = identity_schemas.RegisterParticipantBody().load(PERSON)
    assert said == Identity(name="Ada Prov", personnummer="199001019802", contact=Contact(phone="0910-1"))


def test_a_person_may_have_neither_personnummer_nor_contact() -> None:
    said = identity_schemas.RegisterParticipantBody().load(
        {"name": "Ada", "personnummer": None, "contact": None}
    )
    assert said == Identity(name="Ada")


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        ({"personnummer": "900101-9803"}, {"personnummer"}),
        ({"personnummer": 199001019802}, {"personnummer"}),
        ({"name": "   "}, {"name"}),
        ({"name": "x" * 201}, {"name"}),
        ({"contact": {"email": "not an address"}}, {"contact"}),
        ({"contact": {"fax": "1"}}, {"contact"}),
        ({"born_on": "1990-01-01", "name": 1}, {"born_on", "name"}),
    ],
)
def test_what_is_wrong_with_a_person_is_named(wrong: dict[str, Any], fields: set[str]) -> None:
    assert wrong_in(identity_schemas.RegisterParticipantBody, PERSON | wrong) == fields


@pytest.mark.parametrize(
    "reference", ["900101-9802", "199001019802", "AF/900101-9802", "a b", "", "x" * 65, "AF-1\0"]
)
def test_a_reference_must_not_identify_anybody(reference: str) -> None:
    assert wrong_in(schemas.ReferBody, REFERRAL | {"reference": reference}) == {"reference"}


def test_an_empty_referral_is_told_of_every_field_it_lacks() -> None:
    assert wrong_in(schemas.ReferBody, {}) == set(REFERRAL)


@pytest.mark.parametrize("given_", ["true", 1, 0, "yes", None, []])
def test_given_is_true_or_false_and_nothing_like_them(given_: Any) -> None:
    assert wrong_in(schemas.RecordConsentBody, CONSENT | {"given": given_}) == {"given"}


@pytest.mark.parametrize(
    "schema",
    [
        schemas.AcceptReferralBody,
        schemas.DeclineReferralBody,
        schemas.WithdrawReferralBody,
        schemas.StartJourneyBody,
        schemas.RegisterMistakeBody,
        schemas.RecordConsentBody,
        schemas.WithdrawConsentBody,
        schemas.ReferBody,
        identity_schemas.EraseParticipantBody,
    ],
)
def test_no_command_takes_a_field_it_does_not_know(schema: type[CommandSchema]) -> None:
    assert "note" in wrong_in(schema, {"note": "free text"})


@pytest.mark.parametrize("on", ["yesterday", 20160301, "2016-02-30", ""])
def test_a_day_is_a_calendar_day(on: Any) -> None:
    assert wrong_in(schemas.AcceptReferralBody, {"occurred_on": on}) == {"occurred_on"}


def test_a_cursor_leads_back_to_its_place() -> None:
    held = at_stage("received")
    assert _place(_cursor(held)) == f"2017-05-02T10:00:00.000|{held.journey_id}"
    assert _place(None) is None


@given(st.text(min_size=1, max_size=60))
def test_anything_else_is_no_cursor(text: str) -> None:
    with pytest.raises(Invalid):
        _place(text)
