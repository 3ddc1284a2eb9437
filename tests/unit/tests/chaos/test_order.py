"""Scenarios of the same surroundings follow one another, so that each kind of stack is built once."""

import importlib
import itertools
import pkgutil

from tests.chaos import scenarios
from tests.chaos.scenario import SCENARIOS, chosen, in_turn

for module in pkgutil.iter_modules(scenarios.__path__):
    importlib.import_module(f"{scenarios.__name__}.{module.name}")


def test_every_kind_of_stack_is_built_once_and_the_ordinary_first() -> None:
    order = chosen("", part=False)
    assert sorted(one.number for one in order) == list(range(1, 36))
    kinds = [builds for builds, _ in itertools.groupby(one.builds for one in order)]
    assert kinds[0] is None
    assert len(kinds) == len(set(kinds))
    for builds in kinds:
        numbers = [one.number for one in order if one.builds is builds]
        assert numbers == sorted(numbers)


def test_what_is_asked_for_alone_is_all_that_runs() -> None:
    assert [one.number for one in chosen("12 3 11", part=False)] == [3, 11, 12]
    assert in_turn([]) == []
    assert {one.number for one in chosen("", part=True)} == {one.number for one in SCENARIOS if one.part}
