"""The long run's arithmetic and its memory: what is fed is the same whoever asks, and nothing of it is forgotten."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kafka import TopicPartition

from shared.language import codec
from tests.chaos.client import Attempt, Command, Records
from tests.chaos.diary import Diary, Kept
from tests.chaos.feeder import Job, fed, note_fed
from tests.chaos.figures import Recount
from tests.chaos.log import Log, Record
from tests.chaos.upstream import AT_ONCE, EACH, ROWS, SOURCE, Begun, Upstream, trace_of
from tests.chaos.world import Reading

MOMENT = datetime(2017, 3, 1, 12, tzinfo=UTC)


def upstream(journeys: int = 2 * AT_ONCE, seed: str = "7") -> Upstream:
    """A source on so many journeys."""
    begun = [Begun(f"j-{n:026d}", {"intake": 4}) for n in range(journeys)]
    return Upstream(seed, begun, "urkraft", MOMENT)


def logged(source: Upstream, chunks: list[int]) -> Log:
    """A log in which these chunks lie in this order."""
    log = Log()
    log.keeps_causes = False
    for number in chunks:
        log.take_all(Record(source.topic, 0, 0, list(one.headers), one.value) for one in source.chunk(number))
    return log


def test_chunks_number_each_journey_without_holes_whoever_tells_them() -> None:
    first, again = upstream(), upstream()
    for number in range(5):
        assert list(first.chunk(number)) == list(again.chunk(number))
    log = logged(first, list(range(5)))
    assert not log.holes
    assert not log.duplicates
    assert log.records == 5 * ROWS
    assert Counter(one.seq for one in log.said.values()) == {3 * EACH: AT_ONCE, 2 * EACH: AT_ONCE}


def test_what_is_emitted_by_arithmetic_is_what_a_log_of_it_says() -> None:
    source = upstream()
    log = logged(source, [0, 1, 1, 2, 0])
    emitted = source.emitted(3)
    assert {key: (said.seq, said.chain) for key, said in log.said.items()} == emitted
    assert {source for _, source in emitted} == {SOURCE}
    assert log.duplicates == 2 * ROWS


def test_a_chunk_that_was_left_out_is_a_hole() -> None:
    assert not logged(upstream(), [0, 1, 3]).holes
    assert logged(upstream(), [0, 1, 3, 4]).holes


def test_another_seed_says_something_else() -> None:
    assert upstream(seed="8").emitted(1) != upstream().emitted(1)
    assert trace_of("8", 1) != trace_of("7", 1) != trace_of("7", 2)


def test_every_event_is_one_that_services_read() -> None:
    for one in upstream().chunk(3):
        envelope = codec.read_envelope(list(one.headers))
        assert (envelope.subject, envelope.seq, envelope.after) == (one.subject, one.seq, {"intake": 4})
        codec.read_body(envelope.type, one.value)


def test_journeys_that_fill_no_chunk_are_refused() -> None:
    with pytest.raises(ValueError, match="multiple"):
        upstream(AT_ONCE + 1)


def test_a_feeder_goes_on_at_the_chunk_that_was_not_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "feeder.json"
    journeys = [(f"j-{n}", {"intake": 4}) for n in range(AT_ONCE)]
    Job("7", journeys, "urkraft", MOMENT.isoformat(), 10, "mongodb://here", {}).write(path)
    assert path.stat().st_mode & 0o077 == 0
    assert fed(path) == 0
    note_fed(path, 4)
    note_fed(path, 5)
    assert fed(path) == 5


def command(key: str, status: int | None, deed: str = "log_session", rows: int = 0) -> Command:
    """A client's command with that lasting answer."""
    made = Command(deed, "web", "POST", "/", b"a long body", ("a", "b"), key, key, "says")
    made.attempts.append(Attempt(0.0, status or 503, "busy"))
    made.status = status
    made.answer = {"results": [{"status": 201}] * rows + [{"status": 409}]}
    return made


def diary(**more: Any) -> Diary:
    """A run that has begun."""
    return Diary("7", 1000, 3, "/a/folder", 22000, **more)


def test_answered_commands_move_from_memory_to_the_file_and_come_back_whole(tmp_path: Path) -> None:
    records, kept = Records(), Kept(tmp_path / "long.json")
    for one in (command("a", 201), command("b", None), command("c", 200, "log_sessions", rows=4)):
        records.begun(one)
    kept.write(diary(), records)
    assert [one.key for one in records.commands] == ["b"]
    records.commands[0].status = 409
    kept.write(diary(), records)
    assert not records.commands
    Kept(tmp_path / "long.json").recall(records)
    assert [(one.key, one.status, one.says_times) for one in records.commands] == [
        ("a", 201, 1),
        ("c", 200, 4),
        ("b", 409, 0),
    ]


def test_a_command_without_an_answer_is_asked_again_as_it_was(tmp_path: Path) -> None:
    records, again, kept = Records(), Records(), Kept(tmp_path / "long.json")
    asked = command("b", None)
    asked.vector = {"intake": 4}
    records.begun(asked)
    records.begun(command("a", 201))
    kept.write(diary(), records)
    Kept(tmp_path / "long.json").go_on(again)
    (found,) = again.commands
    assert (found.key, found.trace, found.body, found.actor, found.vector) == (
        "b", "b", b"a long body", ("a", "b"), {"intake": 4},
    )  # fmt: skip
    assert found.status is None
    again.commands[0].status = 201
    kept.write(diary(), again)
    kept.go_on(once_more := Records())
    assert not once_more.commands


def test_a_line_that_was_cut_off_is_passed_over(tmp_path: Path) -> None:
    records, kept = Records(), Kept(tmp_path / "long.json")
    records.begun(command("a", 201))
    kept.write(diary(), records)
    with open(tmp_path / "long.commands.ndjson", "a", encoding="utf-8") as file:
        file.write('["log_session", "b"')
    kept.recall(records)
    assert [one.key for one in records.commands] == ["a"]


def test_an_interrupted_run_is_found_again_and_a_finished_one_is_not(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "results" / "long.json")
    kept.forget()
    assert kept.read() is None
    kept.write(
        diary(fed=400, killed={"broker": 2, "feeder": 1}, journeys=[("j-1", {"intake": 4})]), Records()
    )
    found = kept.read()
    assert found is not None
    assert (found.fed, found.kills_done, found.port) == (400, 3, 22000)
    found.done = True
    kept.write(found, Records())
    assert kept.read() is None


def test_what_was_read_of_the_log_goes_on_where_it_was(tmp_path: Path) -> None:
    source, kept = upstream(), Kept(tmp_path / "long.json")
    at = TopicPartition(source.topic, 0)
    recount = Recount()
    log = logged(source, [0, 1])
    recount.take(log, {})
    kept.write_reading(Reading(log, {at: 2 * ROWS}, recount))
    found = Kept(tmp_path / "long.json").read_reading()
    assert found is not None
    assert found.next == {at: 2 * ROWS}
    found.log.take_all(Record(source.topic, 0, 0, list(one.headers), one.value) for one in source.chunk(2))
    assert {key: (said.seq, said.chain) for key, said in found.log.said.items()} == source.emitted(3)
    assert len(found.recount.left()) == 2 * AT_ONCE
    kept.forget()
    assert kept.read_reading() is None
