"""What every `Work` and every `Commands` must do, the real ones and the fakes alike: one list of checks for both.

A check takes a `Backend` and asserts. `tests/unit/tests/support/test_work_suite.py` runs them on the fakes of `memory`,
`tests/integration/test_work_suite.py` on a real MongoDB.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import pytest

from shared.language import events as e
from shared.language.decision import Add, Change, Reply, Row, Subject, Timer
from shared.language.errors import Forbidden, Refused, Unknown
from shared.language.replies import RecordAccepted
from shared.runtime.many import OneOfMany
from tests.support import toy
from tests.support.toy import Toy

ACCEPTED = RecordAccepted(
    status="accepted",
    topic="inbound.af.records.v1",
    partition=0,
    offset=1,
    reference="suite",
    key=None,
    headers={},
    referral_id=e.JourneyId("j-suite-1"),
    journey_id=e.JourneyId("j-suite-1"),
    stage="received",
)
SUBJECT, OTHER = Subject("journey/j-suite-1"), Subject("journey/j-suite-2")


class Backend(Protocol):
    """A store with one service's work in it, empty at first."""

    @property
    def commands(self) -> Any:
        """What runs use cases on it."""

    def unit(self, decide: Callable[[Any], Any]) -> Any:
        """Run this on a `Work`, make durable what it comes to, and return what it returned."""

    def sums(self, collection: str, key: str) -> Mapping[str, int]:
        """The amounts added under this key."""

    def replies(self) -> list[str]:
        """The organisations that were answered, in order."""

    def timers(self) -> Mapping[str, Any]:
        """{key: when due} of the timers that wait."""

    def event_count(self) -> int:
        """How many events were emitted."""

    def asked_by(self) -> list[str | None]:
        """Who asked for each event, in order; None where nobody did."""


def _fact() -> e.Fact:
    return e.EntryRecorded(occurred_on=toy.DAY, recorded_at=toy.NOW, complete=True)


def _saved(minutes: int, subject: Subject = SUBJECT, **more: Any) -> Callable[[Any], Any]:
    return lambda work: work.save(subject, Change(Toy(minutes=minutes), **more))


def _unmoved(**more: Any) -> Callable[[Any], Any]:
    return lambda work: work.save(SUBJECT, Change(work.get(SUBJECT), **more))


def a_state_is_kept_and_an_unknown_subject_has_none(backend: Backend) -> None:
    assert backend.unit(lambda work: work.find(SUBJECT)) is None
    with pytest.raises(Unknown):
        backend.unit(lambda work: work.get(SUBJECT))
    assert backend.unit(_saved(5)) == Toy(minutes=5)
    assert backend.unit(lambda work: work.get(SUBJECT)) == Toy(minutes=5)
    assert backend.unit(lambda work: work.find(OTHER)) is None


def a_row_is_kept_replaced_and_read_with_its_key(backend: Backend) -> None:
    backend.unit(_saved(1, rows=(Row("pages", "a", {"n": 1, "of": "x"}),)))
    assert backend.unit(lambda work: work.row("pages", "a")) == {"_id": "a", "n": 1, "of": "x"}
    backend.unit(_saved(2, rows=(Row("pages", "a", {"n": 2, "of": "x"}),)))
    assert backend.unit(lambda work: work.row("pages", "a")) == {"_id": "a", "n": 2, "of": "x"}
    assert backend.unit(lambda work: work.row("pages", "b")) is None


def a_unit_reads_the_row_that_it_wrote(backend: Backend) -> None:
    def decide(work: Any) -> Any:
        work.save(SUBJECT, Change(Toy(), rows=(Row("pages", "a", {"n": 1}),)))
        return work.row("pages", "a")

    assert backend.unit(decide) == {"_id": "a", "n": 1}


def rows_come_by_page_in_order(backend: Backend) -> None:
    rows = tuple(
        Row("pages", key, {"n": n, "of": of}) for n, (key, of) in enumerate(zip("dbca", "xxyx", strict=True))
    )
    backend.unit(_saved(1, rows=rows))

    def page(after: Any, limit: int) -> list[str]:
        found = backend.unit(
            lambda work: work.rows("pages", {"of": "x"}, order="n", after=after, limit=limit)
        )
        return [row["_id"] for row in found]

    assert page(None, 2) == ["d", "b"]
    assert page(1, 2) == ["a"]
    assert page(3, 2) == []


def a_revision_counts_the_units_that_changed_something(backend: Backend) -> None:
    def revision() -> Any:
        return backend.unit(lambda work: work.revision(SUBJECT))

    assert revision() == 0
    backend.unit(_saved(1))
    assert revision() == 1
    backend.unit(lambda work: (_saved(2)(work), _saved(3)(work)))
    assert revision() == 2, "two changes in one unit are one revision"
    backend.unit(lambda work: work.save(SUBJECT, Change(work.get(SUBJECT))))
    assert revision() == 2, "an empty change is none"


def whatever_a_change_brings_raises_the_revision(backend: Backend) -> None:
    brings: list[dict[str, Any]] = [
        {"events": (_fact(),)},
        {"rows": (Row("pages", "a", {"n": 1}),)},
        {"adds": (Add("sums", "all", {"minutes": 1}),)},
        {"timers": (Timer("t", toy.NOW, "fire", {}),)},
        {"cancels": ("t",)},
        {"replies": (Reply("af", ACCEPTED),)},
    ]
    backend.unit(_saved(1))
    for count, one in enumerate(brings, 2):
        backend.unit(_unmoved(**one))
        assert backend.unit(lambda work: work.revision(SUBJECT)) == count, one


def amounts_add_up(backend: Backend) -> None:
    backend.unit(_saved(1, adds=(Add("sums", "all", {"minutes": 60, "events": 1}),)))
    backend.unit(_saved(2, adds=(Add("sums", "all", {"minutes": -10}), Add("sums", "all", {"minutes": 5}))))
    assert backend.sums("sums", "all") == {"minutes": 55, "events": 1}
    assert backend.sums("sums", "other") == {}


def replies_and_events_are_kept(backend: Backend) -> None:
    replies = (Reply("af", ACCEPTED), Reply("fk", ACCEPTED))
    backend.unit(_saved(1, events=(_fact(), _fact()), replies=replies))
    assert backend.replies() == ["af", "fk"]
    assert backend.event_count() == 2


def a_reply_alone_is_a_change(backend: Backend) -> None:
    backend.unit(_saved(1))
    backend.unit(_unmoved())
    assert backend.unit(lambda work: work.revision(SUBJECT)) == 1
    backend.unit(_unmoved(replies=(Reply("fk", ACCEPTED),)))
    assert backend.replies() == ["fk"]
    assert backend.unit(lambda work: work.revision(SUBJECT)) == 2


def a_timer_waits_until_it_is_replaced_or_cancelled(backend: Backend) -> None:
    later = toy.NOW.replace(day=20)
    backend.unit(_saved(1, timers=(Timer("a", toy.NOW, "fire", {}), Timer("b", toy.NOW, "fire", {}))))
    backend.unit(_saved(2, timers=(Timer("a", later, "fire", {}),), cancels=("b", "unknown")))
    assert dict(backend.timers()) == {"a": later}


def ids_have_their_prefix_and_differ(backend: Backend) -> None:
    first, second = backend.unit(lambda work: (work.new_id("j"), work.new_id("j")))
    assert first != second
    assert all(one.startswith("j-") and len(one) == 28 for one in (first, second))


def _run(backend: Backend, use_case: Callable[[Any], dict[str, Any]], body: bytes = b"1", **more: Any) -> Any:
    return backend.commands.run(use_case, key="k", body=body, subject=SUBJECT, vector={}, **more)


def _counted(work: Any) -> dict[str, Any]:
    state = work.find(SUBJECT) or Toy()
    return {"minutes": work.save(SUBJECT, Change(Toy(minutes=state.minutes + 1), events=(_fact(),))).minutes}


def a_key_has_its_effect_once(backend: Backend) -> None:
    first, again = _run(backend, _counted), _run(backend, _counted)
    assert (first.body, again.body) == ({"minutes": 1}, {"minutes": 1})
    assert backend.event_count() == 1
    with pytest.raises(Refused, match="idempotency-key-reused"):
        _run(backend, _counted, body=b"2")


def an_answer_names_subject_revision_and_events(backend: Backend) -> None:
    answer = _run(backend, _counted)
    assert (answer.subject, answer.revision) == (SUBJECT, 1)
    assert answer.emitted == ("journey.outcome.entry-recorded.v1:1",)
    assert _run(backend, _counted).emitted == (), "a repetition emits nothing"


def an_event_names_who_asked_for_it(backend: Backend) -> None:
    _run(backend, _counted, organisation="af")
    backend.unit(_saved(7, events=(_fact(),)))
    row = OneOfMany(_counted, SUBJECT)
    assert len(list(backend.commands.run_rows([row], organisation="fk"))) == 1
    assert backend.asked_by() == ["af", None, "fk"]


def a_refusal_leaves_nothing_behind(backend: Backend) -> None:
    def refused(work: Any) -> dict[str, Any]:
        _counted(work)
        raise Refused("wrong-stage", "no")

    with pytest.raises(Refused):
        _run(backend, refused)
    assert backend.unit(lambda work: work.find(SUBJECT)) is None
    assert backend.event_count() == 0
    assert _run(backend, _counted).body == {"minutes": 1}


def a_stored_answer_is_not_given_where_the_right_is_gone(backend: Backend) -> None:
    def forbidden(work: Any) -> dict[str, Any]:
        raise Forbidden("wrong-duty", "no")

    _run(backend, _counted)
    with pytest.raises(Forbidden):
        _run(backend, forbidden)


def a_state_that_refuses_a_repetition_gives_the_stored_answer(backend: Backend) -> None:
    def once(work: Any) -> dict[str, Any]:
        if work.find(SUBJECT) is not None:
            raise Refused("wrong-stage", "done already")
        return _counted(work)

    assert _run(backend, once).body == _run(backend, once).body == {"minutes": 1}


def a_reading_changes_nothing(backend: Backend) -> None:
    backend.unit(_saved(7))
    answer = backend.commands.read(
        lambda work: {"minutes": work.get(SUBJECT).minutes}, subject=SUBJECT, vector={}
    )
    assert (answer.body, answer.revision) == ({"minutes": 7}, 1)


CHECKS: tuple[Callable[[Backend], None], ...] = (
    a_state_is_kept_and_an_unknown_subject_has_none,
    a_row_is_kept_replaced_and_read_with_its_key,
    a_unit_reads_the_row_that_it_wrote,
    rows_come_by_page_in_order,
    a_revision_counts_the_units_that_changed_something,
    whatever_a_change_brings_raises_the_revision,
    amounts_add_up,
    replies_and_events_are_kept,
    a_reply_alone_is_a_change,
    a_timer_waits_until_it_is_replaced_or_cancelled,
    ids_have_their_prefix_and_differ,
    a_key_has_its_effect_once,
    an_answer_names_subject_revision_and_events,
    an_event_names_who_asked_for_it,
    a_refusal_leaves_nothing_behind,
    a_stored_answer_is_not_given_where_the_right_is_gone,
    a_state_that_refuses_a_repetition_gives_the_stored_answer,
    a_reading_changes_nothing,
)
