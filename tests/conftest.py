"""Fixtures that any test may ask for."""

from tests.support.stack import stack

__all__ = ["stack"]
