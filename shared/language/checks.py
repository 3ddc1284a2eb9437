"""Collect everything that is wrong with a command, so that the caller hears it all at once."""

from collections.abc import Iterable, Sequence
from datetime import date

from shared.language.errors import Invalid

MOST_NAMED = 20
"""Codes that an error lists; of further codes it gives only the number."""


class Findings:
    """Field errors found so far; `raise_any` ends the check."""

    def __init__(self) -> None:
        self._errors: dict[str, list[str]] = {}

    def add(self, field: str, reason: str) -> None:
        """Note a reason against a field, once."""
        reasons = self._errors.setdefault(field, [])
        if reason not in reasons:
            reasons.append(reason)

    def known(self, field: str, value: str | None, among: Iterable[str]) -> None:
        """The value, where there is one, must be one of these codes, which the caller may know."""
        among = sorted(set(among))
        if value is not None and value not in among:
            self.add(field, one_of(among))

    def not_future(self, field: str, on: date | None, today: date) -> None:
        """The day, where there is one, must not lie after today."""
        if on is not None and on > today:
            self.add(field, f"Lies in the future; today is {today.isoformat()}.")

    def not_before(self, field: str, on: date | None, earliest: date | None, what: str) -> None:
        """The day must not lie before `earliest`, the day of `what`."""
        if on is not None and earliest is not None and on < earliest:
            self.add(field, f"Lies before {what} ({earliest.isoformat()}).")

    def not_after(self, field: str, on: date | None, latest: date | None, what: str) -> None:
        """The day must not lie after `latest`, the day of `what`."""
        if on is not None and latest is not None and on > latest:
            self.add(field, f"Lies after {what} ({latest.isoformat()}).")

    def raise_any(self) -> None:
        """Raise Invalid when anything was found."""
        if self._errors:
            raise Invalid(self._errors)


def one_of(codes: Sequence[str]) -> str:
    """The accepted codes, as a sentence."""
    if not codes:
        return "Takes no code here."
    if len(codes) > MOST_NAMED:
        return f"Takes one of {len(codes)} codes, which the programme lists."
    return f"Takes {'one of ' if len(codes) > 1 else ''}{', '.join(codes)}."


def check_order(first: date, last: date) -> None:
    """Require that a query's `from` is no later than its `to`. Raises Invalid."""
    if last < first:
        raise Invalid({"to": [f"Lies before from ({first.isoformat()})."]})
