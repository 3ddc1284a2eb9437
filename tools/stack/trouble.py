"""The one error of the local stack: something a person at this machine can put right."""

from __future__ import annotations


class Trouble(Exception):
    """Says in a sentence what is wrong and what to do. It is shown as it is, without a traceback."""
