"""Proof. Tests may import everything; nothing may import a test, and tests/support imports none either."""
