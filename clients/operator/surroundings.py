"""Where the services are, and the token that opens the operators' routes: the environment, read once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from clients.operator.trouble import WRONGLY_TYPED, Trouble

ACTING_AS = re.compile("[a-z0-9-]{2,80}(:[a-z]{1,20})?")
SERVICES = ("intake", "activity-tracking", "handover", "outcome")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """{service: its address}; a bearer token, which is never shown; and as whom of those in it to act.

    acting_as: `plattform:operator`, or the organisation alone; empty where the token holds one.
    """

    urls: Mapping[str, str]
    token: str
    acting_as: str = ""

    @classmethod
    def of(
        cls, environment: Mapping[str, str], only: str | None = None, acting_as: str | None = None
    ) -> "Surroundings":
        """What the environment says. only: one service. acting_as: in the place of JOURNEYS_ACTING_AS.

        Raises Trouble naming every variable that is missing.
        """
        wanted = SERVICES if only is None else (only,)
        names = {service: f"{service.replace('-', '_').upper()}_URL" for service in wanted}
        lacking = [name for name in (*names.values(), "JOURNEYS_TOKEN") if not environment.get(name)]
        if lacking:
            raise Trouble(
                f"Set {', '.join(lacking)} in the environment. On the local stack, `make journeys DO=status` does.",
                WRONGLY_TYPED,
            )
        chosen = acting_as or environment.get("JOURNEYS_ACTING_AS", "")
        if chosen and not ACTING_AS.fullmatch(chosen):
            raise Trouble(
                "--as and JOURNEYS_ACTING_AS take an organisation's code, with or without `:` and a duty behind it.",
                WRONGLY_TYPED,
            )
        urls = {service: environment[name].rstrip("/") for service, name in names.items()}
        return cls(urls, environment["JOURNEYS_TOKEN"], chosen)
