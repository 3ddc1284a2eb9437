"""Whether a provider has room for one more person. Source: docs/field.md, Referral."""


def has_room(*, capacity: int | None, responsible_for: int) -> bool:
    """Whether one more fits. capacity: people at once; None: nothing is known of it, and there is room."""
    return capacity is None or responsible_for < capacity
