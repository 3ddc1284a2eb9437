"""A token may hold several organisations and duties; a request acts as one of them and as nothing else."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.edge.acting import Held
from shared.edge.claims import MOST_HELD, actors_in
from shared.language.access import Actor
from shared.language.errors import Forbidden, Refused

FAR = datetime(2100, 1, 1, tzinfo=UTC)
SHOP, CAFE = "second-hand-skelleftea", "kafe-solrosen"
ONE = Held((Actor("p", SHOP, "caseworker"),), FAR)
SEVERAL = Held(
    (Actor("p", SHOP, "caseworker"), Actor("p", CAFE, "caseworker"), Actor("p", CAFE, "analyst")), FAR
)


@pytest.mark.parametrize(
    ("held", "said", "organisation", "duty"),
    [
        (ONE, "", SHOP, "caseworker"),
        (ONE, SHOP, SHOP, "caseworker"),
        (ONE, f"{SHOP}:caseworker", SHOP, "caseworker"),
        (SEVERAL, SHOP, SHOP, "caseworker"),
        (SEVERAL, f"{CAFE}:analyst", CAFE, "analyst"),
        (SEVERAL, f"{CAFE}:caseworker", CAFE, "caseworker"),
    ],
)
def test_a_request_acts_as_what_it_names(held: Held, said: str, organisation: str, duty: str) -> None:
    shown = held.acting(said)
    assert (shown.actor.person, shown.actor.organisation, shown.actor.duty) == ("p", organisation, duty)
    assert shown.expires_at == FAR


@pytest.mark.parametrize(
    ("held", "said", "code"),
    [
        (SEVERAL, "", "acting-as-missing"),
        (SEVERAL, CAFE, "acting-as-missing"),
        (SEVERAL, f"{SHOP}:analyst", "acting-as-refused"),
        (SEVERAL, f"{SHOP}:operator", "acting-as-refused"),
        (SEVERAL, f"{SHOP}:nothing", "acting-as-refused"),
        (SEVERAL, "forsakringskassan", "acting-as-refused"),
        (ONE, CAFE, "acting-as-refused"),
        (ONE, f"{SHOP}:owner", "acting-as-refused"),
        *(
            (held, said, "invalid-header")
            for held in (ONE, SEVERAL)
            for said in (f"{SHOP}, {CAFE}", f"{SHOP}:", ":analyst", "SHOP", f"{SHOP}\n", f" {SHOP}", "å", "*")
        ),
    ],
)
def test_whatever_else_a_request_names_is_refused(held: Held, said: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        held.acting(said)
    assert refused.value.code == code
    told = f"{refused.value.detail} {refused.value.errors}"
    assert not any(one in told for one in (SHOP, CAFE, "forsakringskassan"))


def anybody(_: str) -> bool:
    return True


def claims(**said: Any) -> dict[str, Any]:
    return {"sub": "p", **said}


def test_a_token_holds_the_pairs_that_it_names_and_no_others() -> None:
    found = actors_in(claims(organisations={SHOP: ["caseworker"], CAFE: ["caseworker", "analyst"]}), anybody)
    assert found == SEVERAL.actors


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"organisations": {}},
        {"organisations": None},
        {"organisations": [SHOP]},
        {"organisations": {SHOP: "caseworker"}},
        {"organisations": {SHOP: []}},
        {"organisations": {SHOP: ["caseworker", "caseworker"]}},
        {"organisations": {SHOP: ["caseworker", "king"]}},
        {"organisations": {SHOP: [None]}},
        {"organisations": {"SHOP": ["caseworker"]}},
        {"organisations": {"19900101-2385": ["caseworker"]}},
        {"organisations": {SHOP: ["caseworker"]}, "organisation": SHOP},
        {"organisations": {SHOP: ["caseworker"]}, "duty": "caseworker"},
        {"organisations": {f"unit-{one}": ["caseworker"] for one in range(MOST_HELD + 1)}},
        {"organisation": SHOP},
        {"duty": "caseworker"},
    ],
    ids=lambda said: str(said)[:60],
)
def test_a_token_that_says_it_otherwise_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(Forbidden) as refused:
        actors_in(claims(**said), anybody)
    assert refused.value.code == "unauthenticated"


def test_one_unit_of_another_issuer_refuses_the_whole_token() -> None:
    for said in (
        {"organisations": {SHOP: ["owner"], CAFE: ["owner"]}},
        {"organisation": CAFE, "duty": "owner"},
    ):
        with pytest.raises(Forbidden, match="not trusted"):
            actors_in(claims(**said), SHOP.__eq__)
    assert actors_in(claims(organisations={SHOP: ["owner", "analyst"]}), SHOP.__eq__)
