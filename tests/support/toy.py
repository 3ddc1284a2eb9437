"""A service of no field at all, to try the runtime: its state is the list of what it applied, and a sum."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from shared.language import codec
from shared.language import events as e
from shared.language.decision import Add, Change, Received, Timer
from shared.language.programmes import Programmes
from shared.language.stored_states import Kind, StoredStates

DAY = date(2016, 2, 1)
NOW = datetime(2016, 2, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Toy:
    """What was applied, as `source:seq`, and the minutes in it."""

    applied: tuple[str, ...] = ()
    minutes: int = 0
    fired: int = 0


class ToyRepository(StoredStates):
    """Toys, whatever the kind of subject."""

    collection = "toys"
    kinds = dict.fromkeys(("journey", "output", "participant"), Kind(Toy))


def note(state: Toy | None, received: Received, programmes: Programmes) -> Change[Toy]:
    """Apply anything; minutes of sessions add up, and 666 of them are a bug in this handler."""
    now = state or Toy()
    minutes = 0
    if isinstance(received.body, e.SessionLogged):
        minutes = received.body.minutes
        if minutes == 666:
            raise ArithmeticError("a bug of this version")
    mark = f"{received.source}:{received.seq}"
    return Change(replace(now, applied=(*now.applied, mark), minutes=now.minutes + minutes))


def mended(state: Toy | None, received: Received, programmes: Programmes) -> Change[Toy]:
    """What the next release does: 666 minutes are minutes like any others."""
    now = state or Toy()
    minutes = received.body.minutes if isinstance(received.body, e.SessionLogged) else 0
    mark = f"{received.source}:{received.seq}"
    return Change(replace(now, applied=(*now.applied, mark), minutes=now.minutes + minutes))


def echo(state: Toy | None, received: Received, programmes: Programmes) -> Change[Toy]:
    """Apply, and say something of its own for every event."""
    change = note(state, received, programmes)
    return replace(change, events=(e.EntryRecorded(occurred_on=DAY, recorded_at=NOW, complete=True),))


def begin(state: Toy | None, received: Received, programmes: Programmes) -> Change[Toy]:
    """Apply a referral once its programme's version is here."""
    assert isinstance(received.body, e.ReferralReceived)
    programmes.get(received.body.programme + f"@{received.body.programme_version}")  # type: ignore[arg-type]
    return note(state, received, programmes)


def fire(state: Toy, timer: Timer, at: datetime, programmes: Programmes) -> Change[Toy]:
    """Count the firing."""
    return Change(replace(state, fired=state.fired + 1))


def session(minutes: int = 60) -> e.SessionLogged:
    """A session that lasted so long."""
    return e.SessionLogged(
        occurred_on=DAY,
        recorded_at=NOW,
        session=e.SessionId("s-1"),
        organisation="urkraft",
        attendance="yes",
        minutes=minutes,
    )


def accepted() -> e.ReferralAccepted:
    """An acceptance."""
    return e.ReferralAccepted(occurred_on=DAY, recorded_at=NOW, provider="urkraft")


def referral() -> e.ReferralReceived:
    """A referral to version 7 of the programme `toys`."""
    return e.ReferralReceived(
        occurred_on=DAY,
        recorded_at=NOW,
        participant_id=e.ParticipantId("p-1"),
        programme="toys",
        programme_version=7,
        referrer="af",
        municipality="2482",
    )


def record(
    body: e.Fact, subject: str, seq: int, after: Mapping[str, int] | None = None
) -> tuple[str, list[tuple[str, bytes]], bytes]:
    """(topic, headers, value) of an event as its service would publish it."""
    kind = codec.event_type(body)
    headers = codec.encode_headers(kind, subject, seq, body.recorded_at, after or {}, "")
    return kind.topic, [(name, text.encode()) for name, text in headers.items()], codec.encode_body(body)


def tally(state: Toy | None, received: Received, programmes: Programmes) -> Change[Toy]:
    """A projection: apply anything, and add the minutes to a sum that all subjects share."""
    change = mended(state, received, programmes)
    minutes = change.state.minutes - (state.minutes if state else 0)
    return replace(change, adds=(Add("sums", "all", {"minutes": minutes, "events": 1}),))
