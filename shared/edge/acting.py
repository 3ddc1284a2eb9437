"""Who a token shows, and as which of its organisations and duties a request acts: the header `Acting-As`.

A token holds one organisation and duty, or several. Of several the request names one, and acts as that alone. The
header chooses among what the token holds and adds nothing to it. No answer repeats a claim.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from shared.edge.headers import unreadable
from shared.language.access import Actor
from shared.language.errors import Forbidden, Refused
from shared.language.forms import ACTING_AS

HEADER = "Acting-As"
_FORM = re.compile(ACTING_AS)


@dataclass(frozen=True, slots=True)
class Shown:
    """The one that a request acts as, and until when (UTC) its token is valid."""

    actor: Actor
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """What a valid token holds: a person, once for each organisation and duty; and until when (UTC) it is valid.

    actors: at least one, none twice.
    """

    actors: tuple[Actor, ...]
    expires_at: datetime

    def acting(self, acting_as: str) -> Shown:
        """The one that the request acts as. acting_as: the header, or nothing.

        Without the header, or with an organisation alone, there must be one answer. Raises Refused `invalid-header`
        and `acting-as-missing`, and Forbidden `acting-as-refused`.
        """
        if not acting_as:
            return self._one_of(self.actors)
        if not _FORM.fullmatch(acting_as):
            raise unreadable(
                HEADER, "Takes one organisation's code, with or without `:` and a duty behind it."
            )
        organisation, _, duty = acting_as.partition(":")
        mine = tuple(
            one for one in self.actors if one.organisation == organisation and duty in ("", one.duty)
        )
        if not mine:
            raise Forbidden(
                "acting-as-refused", f"{HEADER} takes an organisation and a duty that the token holds."
            )
        return self._one_of(mine)

    def _one_of(self, actors: tuple[Actor, ...]) -> Shown:
        if len(actors) > 1:
            raise Refused(
                "acting-as-missing",
                f"Name one organisation and duty of the token in the header {HEADER}: `<organisation>:<duty>`.",
            )
        return Shown(actors[0], self.expires_at)
