"""What an organisation reads of its sequence: its own changes in order, or where to go on."""

from collections.abc import Iterable

import pytest

from services.intake import changes
from services.intake.sequencing import CHANGES
from shared.language.errors import Forbidden, Refused
from shared.runtime.restored import FLOOR, SEQUENCES
from tests.support.fakes import Caller, FakeWork
from tests.support.intake_work import AGENCY, AT, PROGRAMMES, PROVIDER, IntakeWork, caseworker


def kept(numbers: Iterable[int], newest: int, of: str = AGENCY) -> IntakeWork:
    """A sequence of which these numbers are still kept."""
    work = IntakeWork()
    for n in numbers:
        work.table[CHANGES, f"{of}:{n}"] = {"organisation": of, "n": n}
    work.table[SEQUENCES, of] = {"n": newest}
    return work


def asked(work: IntakeWork, after: int, limit: int = 100, by: str = AGENCY) -> list[int]:
    return [one["n"] for one in changes.list_changes(work, caseworker(by), after=after, limit=limit)]


def test_a_reader_gets_what_follows_its_number_and_no_other_organisation_s() -> None:
    work = kept([1, 2, 3, 4], 4)
    assert asked(work, 0) == [1, 2, 3, 4]
    assert asked(work, 2) == [3, 4]
    assert asked(work, 1, limit=2) == [2, 3]
    assert asked(work, 4) == []
    assert asked(work, 0, by=PROVIDER) == []


@pytest.mark.parametrize(
    ("still", "newest", "after", "onward"),
    [
        ([8, 9], 9, 0, 7),
        ([8, 9], 9, 6, 7),
        ([], 9, 3, 9),
        ([1, 2], 2, 3, 2),
        ([], 0, 5, 0),
    ],
)
def test_a_number_that_is_no_longer_kept_or_was_never_given_says_where_to_go_on(
    still: list[int], newest: int, after: int, onward: int
) -> None:
    work = kept(still, newest)
    with pytest.raises(Refused) as refused:
        asked(work, after)
    assert refused.value.code == "changes-gone"
    assert refused.value.errors == {"after": [f"Go on from {onward}."], "next": [onward]}
    assert asked(work, onward) == [n for n in still if n > onward]


@pytest.mark.parametrize("after", [2, 3, 7, 1_000, 1_001])
def test_after_a_restore_nobody_is_told_that_there_is_nothing_new(after: int) -> None:
    """Kept are 1 and 2; 3 to 7 were given after the backup, and are lost. Others follow above the floor."""
    work = kept([1, 2], 2)
    work.table[SEQUENCES, FLOOR] = {"n": 1_000}
    assert asked(work, 0) == [1, 2]
    if after == 1_000:
        assert asked(work, after) == []
    else:
        with pytest.raises(Refused, match="go on from 1000"):
            asked(work, after)
    for n in (1_001, 1_002):
        work.table[CHANGES, f"{AGENCY}:{n}"] = {"organisation": AGENCY, "n": n}
    work.table[SEQUENCES, AGENCY] = {"n": 1_002}
    assert asked(work, 0) == [1, 2], "up to where some are lost, and no further"
    if after < 1_000:
        with pytest.raises(Refused, match="go on from 1000"):
            asked(work, after)
    else:
        assert asked(work, after) == [n for n in (1_001, 1_002) if n > after]


def test_after_a_restore_who_was_told_nothing_yet_begins_at_the_floor() -> None:
    work = IntakeWork()
    work.table[SEQUENCES, FLOOR] = {"n": 1_000}
    with pytest.raises(Refused, match="go on from 1000"):
        asked(work, 0)
    assert asked(work, 1_000) == []


def test_who_may_read_no_journey_has_no_sequence() -> None:
    with pytest.raises(Forbidden):
        asked(kept([1], 1), 0, by="esf-radet")


def test_the_route_says_after_which_number_to_ask_next() -> None:
    from services.intake import api

    memory = FakeWork(PROGRAMMES, AT)
    memory.table[CHANGES, f"{AGENCY}:1"] = {
        "organisation": AGENCY,
        "n": 1,
        "id": "intake:reply/1",
        "subject": "journey/j",
        "kind": "k",
        "at": "2017-05-02T10:00:00+00:00",
        "body": b'{"stage":"received"}',
    }
    memory.table[SEQUENCES, AGENCY] = {"n": 1}
    caller = Caller(memory, api.blueprints(), AGENCY)
    first = caller.get("/changes").json
    assert (first["next"], first["changes"][0]["body"]) == (1, {"stage": "received"})
    assert caller.get("/changes?after=1").json == {"changes": [], "next": 1}
    gone = caller.get("/changes?after=2")
    assert (gone.status_code, gone.json["code"], gone.json["errors"]["next"]) == (410, "changes-gone", [1])
    for wrong in ("after=-1", "after=x", "after=9007199254740992", "limit=0", "limit=201", "since=1"):
        assert caller.get(f"/changes?{wrong}").status_code == 422, wrong
