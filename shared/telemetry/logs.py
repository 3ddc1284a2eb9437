"""Structured log lines: one JSON object each, to standard output.

A line carries the trace id and, where there is one, the journey id; never the participant id, a name or
a field's value.
"""

import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog

from shared.language.codec import Envelope
from shared.telemetry.traces import known_trace_id, trace_id


def _add_trace(_: Any, __: str, line: dict[str, Any]) -> dict[str, Any]:
    if found := known_trace_id():
        line["trace_id"] = found
    return line


_process: dict[str, str] = {}
LOGGED_SUBJECTS = ("journey/", "output/")


def _add_process(_: Any, __: str, line: dict[str, Any]) -> dict[str, Any]:
    return {**_process, **line}


def log_applied(group: str, events: Sequence[Envelope]) -> None:
    """Log one line per event: a journey can be followed by its id through every service that applied its events.

    Events about participants are left out. The lines are written together.
    """
    if not logging.getLogger().isEnabledFor(logging.INFO):
        return
    _write(
        [
            {
                "event": "applied",
                "group": group,
                "subject": one.subject,
                "type": one.type,
                "of": one.source,
                "seq": one.seq,
                "trace_id": one.traceparent[3:35],
            }
            for one in events
            if not one.subject.startswith("participant/")
        ]
    )


def log_published(rows: Iterable[Mapping[str, Any]]) -> None:
    """Log one line for each outgoing message that Kafka has acknowledged. The lines are written together.

    rows: of the outbox, with topic and headers. A subject that is neither a journey nor an output is left out: it
    may be a participant, or an agency's own reference.
    """
    if not logging.getLogger().isEnabledFor(logging.INFO):
        return
    _write(
        [
            {
                "event": "published",
                "topic": row["topic"],
                "type": row["headers"]["ce_type"],
                "subject": loggable(row["headers"]["ce_subject"]),
                "trace_id": row["headers"].get("traceparent", "")[3:35],
            }
            for row in rows
        ]
    )


def loggable(key: str) -> str | None:
    """A key that may stand in a log line: that of a journey or an output. Others may be a participant's."""
    return key if key.startswith(LOGGED_SUBJECTS) else None


def log_answered(**said: Any) -> None:
    """Log one line per request."""
    if logging.getLogger().isEnabledFor(logging.INFO):
        _write([{"event": "answered", **said, "trace_id": trace_id()}])


def _write(lines: Sequence[Mapping[str, Any]]) -> None:
    """Write many lines at once, past structlog: structlog would cost more time than the work that the lines report."""
    rest = {**_process, "level": "info", "timestamp": datetime.now(UTC).isoformat()}
    if lines:
        sys.stdout.write(b"\n".join(orjson.dumps({**line, **rest}) for line in lines).decode() + "\n")
        sys.stdout.flush()


def configure_logging(service: str, role: str, level: str) -> None:
    """Write one JSON object per line to stdout, from structlog and from libraries alike."""
    _process.update(service=service, role=role)
    shared: list[Any] = [
        _add_process,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.getLogger("kafka").setLevel(logging.ERROR)
