"""Fixtures that any test may ask for; and no generated test fails because the machine is busy."""

from hypothesis import settings

from tests.support.stack import stack

__all__ = ["stack"]

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
