"""The setting that names further issuers: what is wrong with it stands in the error, by entry."""

import json
from dataclasses import replace
from typing import Any

import pytest

from shared.host.readers import Malformed, issuers
from shared.host.settings import FaultySettings, read_settings, unfit
from shared.runtime.settings import Issuer
from tests.unit.shared.host.test_settings import GOOD, TOLD

FK = {
    "issuer": "https://login.fk.se",
    "jwks_url": "https://login.fk.se/jwks",
    "organisations": ["fk-umea", "fk"],
}
READ = Issuer(issuer=FK["issuer"], jwks_url=FK["jwks_url"], organisations=frozenset({"fk-umea", "fk"}))  # type: ignore[arg-type]


def test_each_issuer_is_read_with_its_units() -> None:
    assert issuers("[]") == ()
    assert issuers(json.dumps([FK])) == (READ,)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("{", "must be JSON"),
        ("{}", "must be a JSON array"),
        ([7], "entry 1 must have issuer, jwks_url and organisations"),
        ([FK | {"keys": "x"}], "and nothing else"),
        ([{"issuer": "https://x.se"}], "entry 1 must have"),
        ([FK | {"issuer": "login.fk.se"}], "issuer of entry 1 must be an address"),
        ([FK | {"jwks_url": None}], "jwks_url of entry 1 must be an address"),
        ([FK | {"jwks_url": "file:///jwks.json"}], "jwks_url of entry 1 must be an address"),
        ([FK | {"organisations": []}], "at least one code"),
        ([FK | {"organisations": "fk"}], "at least one code"),
        ([FK | {"organisations": ["fk", "*"]}], "the code of one unit"),
        ([FK | {"organisations": ["fk-.*"]}], "the code of one unit"),
        ([FK, FK | {"organisations": ["af"]}], "the issuer of entry 2 is there twice"),
        ([FK, FK | {"issuer": "https://login.af.se", "organisations": ["af", "fk"]}], "fk has two issuers"),
    ],
)
def test_what_is_wrong_is_named(said: Any, why: str) -> None:
    with pytest.raises(Malformed, match=why.replace("*", r"\*")):
        issuers(said if isinstance(said, str) else json.dumps(said))


def test_a_process_does_not_start_where_an_issuer_is_wrong() -> None:
    assert read_settings(
        "intake", "consume", TOLD | {"OIDC_OTHER_ISSUERS": json.dumps([FK])}
    ).oidc_other_issuers
    for said, why in (
        ("[7]", "entry 1"),
        (json.dumps([FK | {"issuer": TOLD["OIDC_ISSUER"]}]), "OIDC_ISSUER"),
    ):
        with pytest.raises(FaultySettings, match=f"OIDC_OTHER_ISSUERS.*{why}"):
            read_settings("intake", "consume", TOLD | {"OIDC_OTHER_ISSUERS": said})


@pytest.mark.parametrize("url", ["http://login.fk.se", "https://localhost/jwks"])
@pytest.mark.parametrize("of_keys", [True, False])
def test_production_takes_no_issuer_in_the_clear(url: str, of_keys: bool) -> None:
    wrong = replace(READ, jwks_url=url) if of_keys else replace(READ, issuer=url)
    settings = replace(GOOD, oidc_other_issuers=(wrong,))
    assert unfit(settings)[0].startswith("OIDC_OTHER_ISSUERS")
    assert unfit(replace(settings, local=True)) == []
