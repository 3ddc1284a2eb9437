"""The claims of a token that say who its bearer is, each held to its type and form before it is used.

`sub` is the person. `organisation` and `duty` say one unit of the register and what the person does there.
`organisations` stands in their place where there are several: an object with the duties of each unit. No answer
repeats a claim.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args

from shared.edge.texts import names_somebody
from shared.language.access import Actor, Duty
from shared.language.errors import Forbidden
from shared.language.events import Organisation
from shared.language.forms import ORGANISATION

MOST_HELD = 100
"""The most organisations with a duty that a token may hold."""
DUTIES: frozenset[str] = frozenset(get_args(Duty))
_PERSON = re.compile(r"[\x21-\x7e]{1,255}\Z")

SpeaksFor = Callable[[Organisation], bool]
"""Whether an issuer is trusted for a unit."""


def actors_in(claims: Mapping[str, Any], speaks_for: SpeaksFor) -> tuple[Actor, ...]:
    """The person of the token, once for each organisation and duty that it holds.

    One unit of another issuer refuses the whole token. Raises Forbidden("unauthenticated").
    """
    person = claims.get("sub")
    if not isinstance(person, str) or not _PERSON.match(person):
        raise refused("`sub` is no handle of 1 to 255 visible ASCII characters")
    if names_somebody(person):
        raise refused("`sub` reads as a personnummer")
    found = tuple(
        Actor(person, _organisation(organisation, speaks_for), _duty(duty))
        for organisation, duty in _pairs(claims)
    )
    if not 0 < len(found) <= MOST_HELD:
        raise refused(f"it holds no organisation and duty, or more than {MOST_HELD}")
    if len(set(found)) != len(found):
        raise refused("it holds an organisation with the same duty twice")
    return found


def _pairs(claims: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    if "organisations" not in claims:
        yield claims.get("organisation"), claims.get("duty")
        return
    several = claims["organisations"]
    if "organisation" in claims or "duty" in claims:
        raise refused("it has `organisations` beside `organisation` or `duty`")
    if not isinstance(several, dict):
        raise refused("`organisations` is no object")
    for organisation, duties in several.items():
        if not isinstance(duties, list) or not duties:
            raise refused("`organisations` has no list of duties for each")
        for duty in duties:
            yield organisation, duty


def _organisation(said: Any, speaks_for: SpeaksFor) -> Organisation:
    if not isinstance(said, str) or not re.fullmatch(ORGANISATION, said):
        raise refused("`organisation` is no code of an organisation")
    if names_somebody(said):
        raise refused("`organisation` reads as a personnummer")
    if not speaks_for(said):
        raise refused("its issuer is not trusted for the organisation")
    return said


def _duty(said: Any) -> Duty:
    if not isinstance(said, str) or said not in DUTIES:
        raise refused("`duty` is no known duty")
    return said  # type: ignore[return-value]


def refused(why: str) -> Forbidden:
    """The refusal of a token."""
    return Forbidden("unauthenticated", f"The bearer token was refused: {why}.")
