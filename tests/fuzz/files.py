"""Files of sessions, wide, deep, tiny, broken and honest: judged by processor time, memory and their good rows."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from tests.fuzz.findings import Outcome
from tests.fuzz.fuzzer import Fuzzer
from tests.fuzz.judging import judge
from tests.fuzz.requests import shown
from tests.fuzz.wire import NoAnswer, Reply
from tests.fuzz.world import PROVIDER, STRANGER, Who, World, day

PROCESS = "activity-tracking-web"
MIB = 1 << 20
LIMIT_BYTES = 4 * MIB
MOST_ROWS = 10_000
SECONDS_A_MIB = 1.0
SECONDS_A_ROW = 0.003
"""Of processor, for a row that is stored: a thousand a second, and this machine has others to serve."""
FLOOR_SECONDS = 0.5
MOST_MORE_MEGABYTES = 48.0
NDJSON, CSV = "application/x-ndjson", "text/csv"
COLUMNS = ("journey_id", "reference", "activity", "occurred_on", "attendance", "minutes", "reason")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class File:
    """One file. good: references of rows that must be stored when the file is taken; rows: how many results it has."""

    media: str
    body: bytes
    good: tuple[str, ...] = ()
    rows: int | None = None
    who: Who = PROVIDER
    chunked: bool = False
    told: str = ""

    def simpler(self) -> Iterator[File]:
        """Not in pieces; half as long."""
        if self.chunked:
            yield replace(self, chunked=False)
        half = self.body[: len(self.body) // 2]
        if len(half) > 100:
            yield replace(self, body=half, good=(), rows=None)

    def __str__(self) -> str:
        how = "in pieces" if self.chunked else f"Content-Length {len(self.body)}"
        by = f"{self.who.organisation}:{self.who.duty}"
        return f"POST /sessions as {by}, {self.media}, {how}: {self.told}\n{shown(self.body)}"


class Files(Fuzzer[File]):
    """Each file is answered in bounded time and memory; a good row in it is stored, and nothing of a refused file."""

    name: ClassVar[str] = "files"

    def __init__(self, world: World, chance: random.Random) -> None:
        super().__init__(world, chance)
        self._journeys = [one for one in world.journeys if one.stage == "started"]
        self._sessions = world.mongo["activity_tracking"]["sessions"]

    def prepare(self) -> None:
        """A few journeys of its own."""
        self._journeys = [self.world.make("started") for _ in range(3)]
        self.world.watch.forget_peaks(PROCESS)

    # --- what is sent --------------------------------------------------------------------------------

    def known(self) -> Sequence[File]:
        """What cost minutes or hundreds of megabytes, what was cut without a word, and what lost the rows after it."""
        wide = b"," * 524_288 + b"x\n" + b"a\n" * 1500
        rows = self._rows(4)
        whole = _csv(rows)
        lines = whole.split(b"\n")
        found = [
            File(CSV, wide, who=STRANGER, told="half a million columns"),
            File(CSV, wide, told="half a million columns"),
            File(NDJSON, b"1\n" * 524_288, who=STRANGER, told="half a million rows"),
            File(NDJSON, b"{\n" * 524_288, told="half a million rows that are no JSON"),
            File(NDJSON, b"[" * MIB, told="a million deep"),
            File(NDJSON, _ndjson(self._rows(2100), pad=2000), chunked=True, told="over the limit, in pieces"),
        ]
        for told, line in (
            ("a stray quote", b'x,"y"z,a,b,c,1,'),
            ("an open quote", b'x,"y,a,b,c,1,'),
            ("a long cell", b"x" * 140_000),
        ):
            body = b"\n".join([lines[0], line, *lines[1:]])
            found.append(File(CSV, body, good=_references(rows), told=f"{told} before good rows"))
        for sign in ("\u2028", "\u0085", "\x0b"):
            odd = self._rows(3)
            odd[0]["reason"] = f"a{sign}b"
            found.append(
                File(
                    NDJSON,
                    _ndjson(odd, ascii=False),
                    good=_references(odd[1:]),
                    rows=3,
                    told="a sign that may end a line",
                )
            )
        return found

    def generated(self) -> File:
        """An honest file in two of three, as its senders write them; else one with something wrong in it."""
        rows = self._rows(self.chance.choice((1, 2, 5, 20, 60)))
        media = self.chance.choice((NDJSON, CSV))
        body = self._written(media, rows)
        file = File(
            media, body, _references(rows), len(rows), told="honest", chunked=self.chance.random() < 0.3
        )
        if self.chance.random() < 0.4:
            told, change = self.chance.choice(CHANGES)
            return replace(change(file, self.chance), told=told)
        return file

    def _rows(self, count: int) -> list[Row]:
        return [
            {
                "journey_id": self.chance.choice(self._journeys).journey,
                "reference": self.world.name(),
                "activity": "work_training",
                "occurred_on": day(self.chance.randint(1, 90)),
                "attendance": "yes",
                "minutes": self.chance.randint(1, 3),
            }
            for _ in range(count)
        ]

    def _written(self, media: str, rows: Sequence[Row]) -> bytes:
        end = self.chance.choice(("\n", "\r\n"))
        mark = b"\xef\xbb\xbf" if self.chance.random() < 0.2 else b""
        if media == NDJSON:
            blank = end if self.chance.random() < 0.2 else ""
            return mark + _ndjson(rows, end=end + blank)
        quoting = self.chance.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
        columns = list(COLUMNS)
        self.chance.shuffle(columns)
        return mark + _csv(rows, columns, self.chance.choice(",;"), quoting, end)

    # --- what comes of it ----------------------------------------------------------------------------

    def attempt(self, trials: Sequence[File]) -> Outcome:
        """Send each; weigh what it took."""
        outcome = Outcome()
        for file in trials:
            self._attempt(file, outcome)
        return outcome

    def _attempt(self, file: File, outcome: Outcome) -> None:
        watch = self.world.watch
        before = watch.taken(PROCESS).cpu
        resting = watch.forget_peaks(PROCESS)
        sent = self.world.request("POST", "/sessions", file.who, file.body, Content_Type=file.media)
        sent = replace(sent, chunked=file.chunked)
        try:
            reply = self.world.patiently(lambda: self.world.send(PROCESS, sent))
        except NoAnswer as silent:
            outcome.failed += 1
            outcome.problem("no answer to a file", str(silent))
            return
        taken = watch.taken(PROCESS)
        judge(reply, "POST /sessions", outcome)
        cpu, more = taken.cpu - before, taken.peak - resting
        rows = len((reply.json or {}).get("results", ())) if reply.status == 200 else 0
        most = FLOOR_SECONDS + SECONDS_A_MIB * len(file.body) / MIB + SECONDS_A_ROW * rows
        if cpu > most:
            outcome.problem(
                "processor time of a file", f"{cpu:.1f} s, of {most:.1f} at most; answered {reply.status}"
            )
        if more > MOST_MORE_MEGABYTES:
            outcome.problem("memory of a file", f"{more:.0f} MB more, of {MOST_MORE_MEGABYTES:.0f} at most")
        self._check_rows(file, reply, outcome)

    def _check_rows(self, file: File, reply: Reply, outcome: Outcome) -> None:
        stored = {
            row["reference"]
            for row in self._sessions.find({"reference": {"$in": list(file.good)}}, {"reference": 1})
        }
        if reply.status != 200:
            if stored:
                outcome.problem(
                    "stored from a refused file", f"{reply.status}, and {len(stored)} rows stored"
                )
            if file.told == "honest":
                outcome.problem("honest file refused", f"{reply.status} {reply.body[:300]!r}")
            return
        results = reply.json["results"]
        if len(file.body) > LIMIT_BYTES or len(results) > MOST_ROWS:
            outcome.problem("over the limit and taken", f"{len(results)} results of {len(file.body)} bytes")
        if file.rows is not None and len(results) != file.rows:
            outcome.problem("not a result for each row", f"{len(results)} results, {file.rows} rows")
        good = {one["reference"] for one in results if one["status"] == 201}
        lost = [one for one in file.good if one not in good or one not in stored]
        if lost:
            others = [one for one in results if one["status"] != 201][:2]
            outcome.problem("good rows lost", f"{len(lost)} of {len(file.good)}; {others}")


def _references(rows: Sequence[Row]) -> tuple[str, ...]:
    return tuple(row["reference"] for row in rows)


def _csv(
    rows: Sequence[Row],
    columns: Sequence[str] = COLUMNS,
    delimiter: str = ",",
    quoting: Any = csv.QUOTE_MINIMAL,
    end: str = "\n",
) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(
        text, columns, restval="", delimiter=delimiter, quoting=quoting, lineterminator=end
    )
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _ndjson(rows: Sequence[Row], end: str = "\n", pad: int = 0, ascii: bool = True) -> bytes:  # noqa: A002
    return "".join(json.dumps(row, ensure_ascii=ascii) + " " * pad + end for row in rows).encode()


Change = Callable[[File, random.Random], File]


def _of(change: Callable[[bytes, random.Random], bytes], *, keeps: bool = False) -> Change:
    """A change of the body; keeps: whether good rows must still be stored when the file is taken."""

    def make(file: File, chance: random.Random) -> File:
        body = change(file.body, chance)
        return replace(file, body=body, rows=None, good=file.good if keeps else ())

    return make


def _bad_line(line: bytes) -> Change:
    """A line that is none, after the first: the good rows after it must be stored all the same."""

    def make(file: File, _: random.Random) -> File:
        first, _sep, rest = file.body.partition(b"\n")
        if file.media == NDJSON:
            return replace(file, body=line + b"\n" + file.body.removeprefix(b"\xef\xbb\xbf"), rows=None)
        return replace(file, body=first + b"\n" + line + b"\n" + rest, rows=None)

    return make


def _cut(body: bytes, chance: random.Random) -> bytes:
    return body[: chance.randrange(len(body))]


def _flipped(body: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(body))
    return body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :]


SWEDISH = (
    (b"journey_id", b"v\xc3\xa4g"),
    (b"occurred_on", b"Datum"),
    (b"attendance", b"N\xc3\xa4rvaro"),
    (b"activity", b"AKTIVITET"),
)


def _in_swedish(body: bytes, _: random.Random) -> bytes:
    head, end, rest = body.partition(b"\n")
    for name, told in SWEDISH:
        head = head.replace(name, told)
    return head + end + rest


def _sheet(change: Callable[[bytes, random.Random], bytes]) -> Change:
    """A change that spreadsheets make: each row is still one, and a good one."""

    def make(file: File, chance: random.Random) -> File:
        if file.media != CSV or file.rows is None:
            return file
        return replace(file, body=change(file.body.removeprefix(b"\xef\xbb\xbf"), chance))

    return make


CHANGES: Sequence[tuple[str, Change]] = (
    ("a spreadsheet's UTF-16", _sheet(lambda body, _: body.decode().encode("utf-16"))),
    ("a spreadsheet's blank lines", _sheet(lambda body, _: b"\n;;;\n" + body.replace(b"\n", b"\n,,,,\n"))),
    ("a spreadsheet's sep=", _sheet(lambda body, _: b"sep=%c\r\n" % max(b",;", key=body.count) + body)),
    ("a spreadsheet's Swedish names", _sheet(_in_swedish)),
    (
        "a spreadsheet's Windows-1252",
        _sheet(lambda body, chance: _in_swedish(body, chance).decode().encode("cp1252")),
    ),
    (
        "a spreadsheet's yes",
        _sheet(lambda body, chance: body.replace(b"yes", chance.choice((b"ja", b"YES")))),
    ),
    ("UTF-16", _of(lambda body, _: body.decode().encode("utf-16"))),
    ("Latin-1", _of(lambda body, _: body.replace(b"yes", b"\xe5ja"))),
    ("cut", _of(_cut)),
    ("one byte changed", _of(_flipped)),
    ("NUL", _of(lambda body, _: body.replace(b"yes", b"ye\x00s"))),
    ("other separators", _of(lambda body, chance: body.replace(b",", chance.choice((b"\t", b"|", b";"))))),
    ("many columns", _of(lambda body, chance: b"," * chance.choice((1, 10, 70_000, 900_000)) + body)),
    ("many empty rows", _of(lambda body, chance: body + b"\n" * chance.choice((1500, 400_000)))),
    (
        "many tiny rows",
        _of(lambda body, chance: body + chance.choice((b"a\n", b",\n", b"{}\n", b"0\n")) * 200_000),
    ),
    (
        "many rows of quotes",
        _of(lambda body, chance: body + chance.choice((b'"\n', b'""\n', b'"a"b\n')) * 100_000),
    ),
    ("deep", _of(lambda body, chance: body + chance.choice((b"[", b'{"a":')) * 90_000)),
    (
        "a wide object",
        _of(lambda body, _: body + json.dumps({f"k{n}": n for n in range(60_000)}).encode() + b"\n"),
    ),
    ("one long cell", _of(lambda body, _: body + b"x" * 500_000)),
    ("a huge number", _of(lambda body, _: body.replace(b"yes", b"9" * 6000))),
    ("over the limit", _of(lambda body, chance: body + b" " * (LIMIT_BYTES + 1))),
    ("just under the limit", _of(lambda body, _: body + b"\n" * (LIMIT_BYTES - len(body)))),
    ("nothing", _of(lambda body, chance: body[:0])),
    ("a bad row first", _bad_line(b"no row at all")),
    ("a stray quote first", _bad_line(b'a,"b"c,d')),
    ("an open quote first", _bad_line(b'a,"b,c,d')),
    ("a row of null", _bad_line(b"null")),
    ("a lone surrogate first", _bad_line(b'{"reference": "\\ud800"}')),
)
"""What can be wrong with a file, by name."""
