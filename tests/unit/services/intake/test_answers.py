"""Other services' answers wait for their number beside intake's own, in the order in which they were said."""

from types import SimpleNamespace
from typing import Any, cast

from pymongo.client_session import ClientSession

from services.intake.answers import process_batch
from shared.runtime.arrived import Arrived
from shared.runtime.messages import REPLIES
from shared.runtime.parts import Parts
from shared.runtime.write_conflicts import Attempt

SHOP, CAFE = b"second-hand-skelleftea", b"kafe-solrosen"


class Kept:
    """A unit that keeps what is put into it."""

    def __init__(self) -> None:
        self.rows: dict[str, Any] = {}

    def put(self, collection: str, key: str, body: Any) -> None:
        assert collection == REPLIES
        self.rows[key] = body

    def flush(self) -> None:
        """Write it out."""


def said(offset: int, by: bytes) -> Arrived:
    headers = [("ce_id", f"activity-tracking:t:0:{offset}".encode()), ("ce_type", b"mark-accepted")]
    return Arrived("journey.answers.v1", 3, offset, cast("Any", headers), b'{"offset": %d}' % offset, key=by)


def test_each_answer_waits_once_in_the_order_in_which_it_was_said() -> None:
    work, noted = Kept(), list[str]()
    channels = SimpleNamespace(note=noted.append)
    parts = cast("Parts", SimpleNamespace(unit=lambda session, on_read=None: work, channels=channels))
    batch = [said(9, SHOP), said(10, SHOP), said(11, CAFE)]
    process_batch(parts)(Attempt(cast("ClientSession", None)), batch)
    rows = sorted(work.rows.values(), key=lambda row: int(row["ts"]))
    assert [(one["organisation"], one["body"]) for one in rows] == [
        ("second-hand-skelleftea", b'{"offset": 9}'),
        ("second-hand-skelleftea", b'{"offset": 10}'),
        ("kafe-solrosen", b'{"offset": 11}'),
    ]
    assert sorted(noted) == ["kafe-solrosen", "second-hand-skelleftea"], "who was answered has topics"
    assert work.rows["answer/activity-tracking:t:0:9"]["headers"] == {
        "ce_id": "activity-tracking:t:0:9",
        "ce_type": "mark-accepted",
    }
