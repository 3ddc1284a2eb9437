"""The command line of this package."""

import sys
from pathlib import Path

import click

from tools import contracts as package
from tools.contracts import examples, published, states

ROOT = Path(__file__).resolve().parents[2]


@click.group(help=package.__doc__)
def main() -> None:
    """Command line of this package."""


@main.command()
def write() -> None:
    """Write everything that is generated anew."""
    for path in published.write(ROOT):
        click.echo(f"written: {path}")


@main.command()
def check() -> None:
    """Name what is stale."""
    stale = published.stale(ROOT)
    if stale:
        sys.exit("\n".join(["Stale; `python -m tools.contracts write` mends it:", *stale]))


@main.command()
def freeze() -> None:
    """Freeze the examples and the stored states that are new."""
    try:
        for name in (*examples.freeze(), *states.freeze()):
            click.echo(f"frozen: {name}")
    except examples.Changed as changed:
        sys.exit(str(changed))


main()
