"""A list leaves out a referral whose stored state cannot be read, and is filled up with those behind it."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from services.intake.domain.journey import Referral
from services.intake.handlers import Listing
from services.intake.repository import Referrals
from shared.language.access import Reach
from shared.language.programmes import ProgrammeKey
from tools.contracts import specimens

BROKEN = {2, 3, 6}


class Rows:
    """Seven rows in their order, some of them of a newer release. Stands for a Work of which only rows are read."""

    def __init__(self) -> None:
        good = Referrals().write(specimens.least(Referral))
        self._rows: list[dict[str, Any]] = [
            {
                "_id": f"journey/j-{n}",
                "state": {**good, "listed": f"{n}", "journey_id": f"j-{n}"}
                | ({"schema_version": 99} if n in BROKEN else {}),
            }
            for n in range(1, 8)
        ]

    def rows(
        self, collection: str, where: Mapping[str, Any], *, order: str, after: str | None, limit: int
    ) -> Sequence[Mapping[str, Any]]:
        return [one for one in self._rows if after is None or one["state"]["listed"] > after][:limit]


@pytest.mark.parametrize(
    ("after", "limit", "expected"),
    [(None, 3, "1 4 5"), ("5", 3, "7"), (None, 4, "1 4 5 7"), (None, 9, "1 4 5 7"), ("7", 3, "")],
)
def test_a_page_is_filled_up(after: str | None, limit: int, expected: str) -> None:
    listing = Listing(
        organisation="agency",
        part="referrer",
        reads_in=Reach(everywhere=(ProgrammeKey("small@1"),)),
        answers_in=Reach(),
        stage=None,
        after=after,
        limit=limit,
    )
    page = Referrals().page(Rows(), listing)  # type: ignore[arg-type]
    assert [one.journey_id for one in page] == [f"j-{n}" for n in expected.split()]
