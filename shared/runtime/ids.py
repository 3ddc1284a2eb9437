"""Ids that nobody can guess."""

import secrets

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def random_id(prefix: str) -> str:
    """`<prefix>-` and 26 random characters, 130 bits."""
    return f"{prefix}-{''.join(secrets.choice(ALPHABET) for _ in range(26))}"
