"""What several files of integration tests share."""

from collections.abc import Iterator

import pytest

from tests.support.callers import Callers, calling
from tests.support.stack import fresh_stack
from tools.stack import Stack

FIGURES = (
    "intake-web",
    "intake-consume",
    "activity-tracking-web",
    "activity-tracking-consume",
    "outcome-web",
    "outcome-consume",
    "outcome-project",
)


@pytest.fixture(scope="session")
def undisturbed() -> Iterator[Stack]:
    """A stack with everything that figures come from. Nobody cuts its topics off or publishes what no group reads."""
    with fresh_stack() as stack:
        stack.start("issuer", *FIGURES)
        yield stack


@pytest.fixture(scope="module")
def callers(stack: Stack) -> Iterator[Callers]:
    """Intake on the stack that the test session shares, and the organisations that call it."""
    with calling(stack) as found:
        yield found
