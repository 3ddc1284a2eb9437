"""Where the services are, and the token that opens the operators' routes: the environment, read once."""

from collections.abc import Mapping
from dataclasses import dataclass

from clients.operator.trouble import WRONGLY_TYPED, Trouble

SERVICES = ("intake", "activity-tracking", "handover", "outcome")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """{service: its address}, and a bearer token, which is never shown."""

    urls: Mapping[str, str]
    token: str

    @classmethod
    def of(cls, environment: Mapping[str, str], only: str | None = None) -> "Surroundings":
        """What the environment says. only: one service. Raises Trouble naming every variable that is missing."""
        wanted = SERVICES if only is None else (only,)
        names = {service: f"{service.replace('-', '_').upper()}_URL" for service in wanted}
        lacking = [name for name in (*names.values(), "JOURNEYS_TOKEN") if not environment.get(name)]
        if lacking:
            raise Trouble(
                f"Set {', '.join(lacking)} in the environment. On the local stack, `make journeys DO=status` does.",
                WRONGLY_TYPED,
            )
        urls = {service: environment[name].rstrip("/") for service, name in names.items()}
        return cls(urls, environment["JOURNEYS_TOKEN"])
