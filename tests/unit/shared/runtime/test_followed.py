"""What a group keeps: subjects of the kinds on which it folds an event, and nothing of any other."""

from typing import Any, cast

import pytest
from pymongo.database import Database

from services.activity_tracking.app import SERVICE as ACTIVITY_TRACKING
from services.handover.app import SERVICE as HANDOVER
from services.outcome.app import SERVICE as OUTCOME
from shared.language import events as e
from shared.runtime.breaker import Breaker
from shared.runtime.fold import Batch, kinds_followed
from shared.runtime.unit import Unit
from tests.support import toy
from tests.support.published import FakeProgrammes, FakePublished
from tests.unit.shared.runtime.test_origin import Store, arrived

COUNTED = e.RegisterCounted(
    occurred_on=toy.DAY,
    recorded_at=toy.NOW,
    organisation="urkraft",
    programme="coactive",
    municipality="2482",
    expected=2,
    not_marked=1,
    replaced_expected=0,
    replaced_not_marked=0,
)
REGISTER, JOURNEY = "register/urkraft@2016-01-04@coactive@2482", "journey/j-1"


@pytest.mark.parametrize(
    ("folds", "kept"),
    [({e.SessionLogged}, {JOURNEY}), ({e.SessionLogged, e.RegisterCounted}, {JOURNEY, REGISTER})],
)
def test_a_group_passes_by_what_it_folds_nothing_of(folds: set[Any], kept: set[str]) -> None:
    store = Store()
    batch = Batch(
        cast("Unit", store),
        cast("Database[Any]", None),
        None,  # type: ignore[arg-type]
        group="toys",
        own_source=None,
        sources=frozenset(e.SOURCES),
        folds=dict.fromkeys(folds, toy.note),
        published=FakePublished(FakeProgrammes()),  # type: ignore[arg-type]
        breaker=Breaker(),
        enrich=None,
    )
    batch.fold([arrived(COUNTED, REGISTER), arrived(toy.session(), JOURNEY)])
    assert {subject for subject, held in store.states.items() if held.applied} == kept
    assert store.puts == {}, "nothing waits"


def test_the_registers_of_a_day_are_kept_for_figures_alone() -> None:
    (figures,) = OUTCOME.projections.values()
    assert "register" in kinds_followed(figures.folds)
    for one in (ACTIVITY_TRACKING, HANDOVER, OUTCOME):
        assert kinds_followed(one.folds) == {"journey"}, one.source
