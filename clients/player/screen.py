"""What the watcher sees: a bar while it plays, then target against reached, and where the live page is.

Without a terminal the bar is a line now and then, so that a log stays readable.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from clients.player.acts import Plan, Step
from clients.player.ledger import Ledger
from clients.player.programme import Programme

LINES = 10
"""How many lines a play takes where there is no terminal."""


class Seen(Protocol):
    """Is told of each step that has been played."""

    def __call__(self, step: Step) -> None:
        """Show it."""


class Screen:
    """Where everything is written. `began_at`: real time, for commands per second."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(file=sys.stdout, highlight=False)
        self.began_at = time.monotonic()

    def say(self, text: str) -> None:
        """One line, as it stands."""
        self.console.print(text, markup=False, soft_wrap=True)

    @contextmanager
    def playing(self, plan: Plan, ledger: Ledger) -> Iterator[Seen]:
        """Show how far the play has come while the block runs."""
        self.began_at = time.monotonic()
        if not self.console.is_terminal:
            yield self._lines(plan, ledger)
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn(
                "{task.fields[commands]} commands {task.fields[rate]:.0f}/s {task.fields[journeys]} journeys"
            ),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console) as bar:
            task = bar.add_task(f"{plan.steps[0].on}", total=plan.commands, commands=0, rate=0.0, journeys=0)

            def seen(step: Step) -> None:
                bar.update(
                    task,
                    completed=ledger.commands,
                    description=f"{step.on}",
                    commands=ledger.commands,
                    rate=self.rate(ledger),
                    journeys=len(ledger.courses),
                )

            yield seen

    def _lines(self, plan: Plan, ledger: Ledger) -> Seen:
        every = max(1, len(plan.steps) // LINES)
        days = {step.on: number for number, step in enumerate(plan.steps, 1)}

        def seen(step: Step) -> None:
            if days[step.on] % every == 0 or step.on == plan.ends_on:
                self.say(
                    f"{step.on}  {ledger.commands} of {plan.commands} commands  {self.rate(ledger):.0f}/s  "
                    f"{len(ledger.courses)} journeys"
                )

        return seen

    def rate(self, ledger: Ledger) -> float:
        """Commands per second of real time so far."""
        return ledger.commands / max(0.001, time.monotonic() - self.began_at)

    def results(self, report: Mapping[str, Any], own: Mapping[str, Any], programme: Programme) -> None:
        """Target against reached, as the platform reports it and as the player counted."""
        table = Table(title=f"{programme.name['en']}: target and reached", title_justify="left")
        for heading in ("figure", "where"):
            table.add_column(heading)
        for heading in ("target", "reached", "the player counted"):
            table.add_column(heading, justify="right")
        counted = {(row["figure"], row["municipality"]): row["reached"] for row in own["targets"]}
        for row in report["targets"]:
            place = programme.municipalities.get(row["municipality"], "all")
            mine = counted.get((row["figure"], row["municipality"]), "-")
            table.add_row(
                _label(row["figure"], programme), place, str(row["target"]), str(row["reached"]), str(mine)
            )
        self.console.print(table)

    def incidents(self, played: Counter[str]) -> None:
        """What went wrong in the simulated years, as it does in real ones."""
        self.say(
            "Played on the way: "
            + ", ".join(f"{count} × {what}" for what, count in sorted(played.items()))
            + "."
        )

    def counts(self, of: str, counted: Counter[str]) -> None:
        """How often each thing was done."""
        self.say(f"{of}: {', '.join(f'{count} {what}' for what, count in sorted(counted.items()))}.")

    def differences(self, differences: Iterable[str]) -> None:
        """Every figure on which the report and the player disagree."""
        for difference in differences:
            self.say(f"DIFFERS  {difference}")


def _label(figure: str, programme: Programme) -> str:
    if figure in programme.outputs:
        return programme.outputs[figure]["en"]
    return figure.replace("_", " ")
