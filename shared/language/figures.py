"""The names of the figures that a programme may set as targets.

Intake checks programme files by them, and outcome declares the figures. Neither service imports the other, so the
names stand here. A test holds them to outcome's declarations. Only outcome knows how a figure is counted.
"""

from collections.abc import Iterable

EACH = "{}"
"""Stands in a name for the code of each follow-up that the programme has."""

TARGETS: tuple[str, ...] = ("started", "employed_{}")
"""A programme's outputs may be targets too, by their codes."""


def target_names(follow_ups: Iterable[str]) -> list[str]:
    """The names in a programme with these follow-ups, in the order of TARGETS."""
    codes = list(follow_ups)
    return [name.replace(EACH, code) for name in TARGETS for code in (codes if EACH in name else [""])]
