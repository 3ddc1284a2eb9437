"""What every command works with: a screen, a wire to the services, and the options that they share."""

import os

import click

from clients.operator.screen import Screen
from clients.operator.surroundings import SERVICES, Surroundings
from clients.operator.wire import Wire

REASONS = ("waiting", "poison", "blocked", "unreadable")
service_option = click.option(
    "--service", "-s", type=click.Choice(SERVICES), help="only this service [all of them]"
)
reason_option = click.option(
    "--reason", "-m", required=True, help="why; it goes into the audit row, and names nobody"
)


class Desk:
    """What a command works with: the screen, and a wire to one service or to all.

    acting_as: as which of the token's organisations and duties; None: as the environment says.
    """

    def __init__(self, *, as_json: bool, acting_as: str | None = None) -> None:
        self.screen = Screen(as_json=as_json)
        self._acting_as = acting_as

    def wire(self, service: str | None = None) -> Wire:
        """Raises Trouble when the environment does not say where to go."""
        return Wire(Surroundings.of(os.environ, service, self._acting_as))
