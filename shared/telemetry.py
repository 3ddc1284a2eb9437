"""Logs and metrics, each in one place: structured lines to stdout, and a closed list of metrics.

A log line carries the trace id and, where there is one, the journey id; never the participant id, a name or a
field's value. Metrics carry neither.
"""

import logging
import re
import secrets
import sys
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram

from shared.codec import Envelope
from shared.gauges import KnownGauge

TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
"""W3C trace context: version, trace, parent, flags."""

_traceparent: ContextVar[str] = ContextVar("traceparent", default="")


def current_traceparent() -> str:
    """The W3C trace context of what is being done, or a new one."""
    found = _traceparent.get()
    return found if TRACEPARENT.fullmatch(found) else start_trace("")


def start_trace(incoming: str) -> str:
    """Continue the caller's trace, or begin one. Returns the traceparent."""
    trace = incoming[3:35] if TRACEPARENT.fullmatch(incoming) else secrets.token_hex(16)
    value = f"00-{trace}-{secrets.token_hex(8)}-01"
    _traceparent.set(value)
    return value


def resume_trace(traceparent: str) -> None:
    """Speak in the name of the event being handled. Whether it is a trace context is asked when somebody speaks."""
    _traceparent.set(traceparent)


def read_trace(header: bytes | None) -> str:
    """The trace context in a record's header, which may hold anything; "" where it holds none."""
    text = (header or b"").decode("ascii", "replace")
    return text if TRACEPARENT.fullmatch(text) else ""


def trace_id() -> str:
    """The 32 hex digits that join one command's effects in all services' logs."""
    return current_traceparent().split("-")[1]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: what Prometheus calls it, its kind, its unit and what it means."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()


METRICS: tuple[Metric, ...] = (
    Metric("journey_commands_total", "counter", "commands", "HTTP commands answered", ("route", "status")),
    Metric("journey_command_seconds", "histogram", "seconds", "time from request to answer", ("route",)),
    Metric("journey_events_applied_total", "counter", "events", "events folded into state", ("group",)),
    Metric(
        "journey_events_duplicate_total", "counter", "events", "events seen before and skipped", ("group",)
    ),
    Metric("journey_events_parked_total", "counter", "events", "events parked", ("group", "reason")),
    Metric("journey_batches_total", "counter", "batches", "polls made durable", ("group",)),
    Metric(
        "journey_batch_failures_total", "counter", "batches", "polls rolled back and repeated", ("group",)
    ),
    Metric(
        "journey_fenced_total",
        "counter",
        "batches",
        "polls refused because another owns the offset",
        ("group",),
    ),
    Metric("journey_batch_limit", "gauge", "events", "most events in the next poll", ("group",)),
    Metric(
        "journey_dependency_up",
        "gauge",
        "boolean",
        "1 if Kafka or MongoDB told what a consumer process asked last, 0 if it did not answer or refused",
        ("dependency",),
    ),
    Metric("journey_consumer_lag", "gauge", "events", "events in the log not yet applied", ("group",)),
    Metric("journey_waiting", "gauge", "events", "events that wait for an earlier one", ("group",)),
    Metric("journey_wait_oldest_seconds", "gauge", "seconds", "age of the longest wait", ("group",)),
    Metric(
        "journey_republish_requests_total",
        "counter",
        "requests",
        "requests to send again what a wait older than a minute lacks",
        ("group",),
    ),
    Metric(
        "journey_waits_healed_total",
        "counter",
        "waits",
        "waits older than a minute that the platform ended by itself",
        ("group",),
    ),
    Metric("journey_parked", "gauge", "events", "events parked for an operator", ("group",)),
    Metric("journey_halted", "gauge", "boolean", "1 while the consumer refuses to go on", ("group",)),
    Metric(
        "journey_records_left_total",
        "counter",
        "records",
        "records of the control topic that cannot be read, and are left",
        ("group",),
    ),
    Metric(
        "journey_thread_restarts_total",
        "counter",
        "restarts",
        "threads of a consumer process that failed and began anew",
        ("thread",),
    ),
    Metric("journey_relayed_total", "counter", "events", "outgoing events acknowledged by Kafka"),
    Metric("journey_republished_total", "counter", "events", "events of the archive sent again on request"),
    Metric("journey_relay_failures_total", "counter", "batches", "outgoing batches that must be sent again"),
    Metric(
        "journey_relay_refusals_total", "counter", "events", "outgoing events that Kafka refused for good"
    ),
    Metric(
        "journey_outbox_refused",
        "gauge",
        "events",
        "outgoing events set aside: refused, or behind a refused one",
    ),
    Metric("journey_outbox_pending", "gauge", "events", "outgoing events not yet published"),
    Metric("journey_outbox_oldest_seconds", "gauge", "seconds", "age of the oldest unpublished event"),
    Metric("journey_timers_fired_total", "counter", "timers", "deadlines and reminders carried out"),
    Metric("journey_timers_due", "gauge", "timers", "timers past their time and not yet carried out"),
    Metric("journey_inbound_records_total", "counter", "records", "records from agencies", ("result",)),
    Metric(
        "journey_erasures_undone",
        "gauge",
        "participants",
        "erased people whom the last look found restored, and erased again",
    ),
    Metric(
        "journey_erasures_looked_timestamp_seconds",
        "gauge",
        "seconds",
        "when the log of erasures was last compared with what is stored, since 1970",
    ),
    Metric(
        "journey_reads_unsealed_seconds", "gauge", "seconds", "age of the oldest reading that no seal covers"
    ),
    Metric(
        "journey_seals_gone_total",
        "counter",
        "times",
        "a seal over what was read was seen, and then removed or replaced",
    ),
    Metric(
        "journey_refusals_folded_total",
        "counter",
        "refusals",
        "refusals that repeat what was noted of the same person within a minute",
    ),
    Metric(
        "journey_unusual_readers",
        "gauge",
        "people",
        "people who asked for more than fifty different people or journeys within an hour",
    ),
    Metric("journey_stream_clients", "gauge", "clients", "dashboards connected"),
    Metric("journey_stream_dropped_total", "counter", "clients", "dashboards dropped for being slow"),
)

REGISTRY = CollectorRegistry()


def _made(one: Metric) -> Any:
    if one.kind == "gauge":
        gauge = KnownGauge(one.name, one.meaning, one.labels)
        REGISTRY.register(gauge)
        return gauge
    kind = Counter if one.kind == "counter" else Histogram
    return kind(one.name, one.meaning, one.labels, registry=REGISTRY)


_metrics: dict[str, Any] = {one.name: _made(one) for one in METRICS}


def metric(name: str, **labels: str) -> Any:
    """The metric with these labels; a gauge has no sample until it is set. Raises KeyError for one not listed."""
    found = _metrics[name]
    return found.labels(**labels) if labels or isinstance(found, KnownGauge) else found


def tell(series: Any, value: float | None) -> None:
    """Set a gauge, or take its sample away where the value is not known."""
    if value is None:
        series.unknown()
    else:
        series.set(value)


def tell_moment(series: Any) -> None:
    """Set a gauge to this moment, seconds since 1970."""
    series.set(datetime.now(UTC).timestamp())


def _add_trace(_: Any, __: str, line: dict[str, Any]) -> dict[str, Any]:
    traceparent = _traceparent.get()
    if TRACEPARENT.fullmatch(traceparent):
        line["trace_id"] = traceparent[3:35]
    return line


_process: dict[str, str] = {}


def _add_process(_: Any, __: str, line: dict[str, Any]) -> dict[str, Any]:
    return {**_process, **line}


def log_applied(group: str, events: Sequence[Envelope]) -> None:
    """One line an event, written at once: a journey is followed by its id through every service that took it in.

    Subjects that are participants are left out.
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


def log_answered(**said: Any) -> None:
    """One line a request."""
    if logging.getLogger().isEnabledFor(logging.INFO):
        _write([{"event": "answered", **said, "trace_id": trace_id()}])


def _write(lines: Sequence[Mapping[str, Any]]) -> None:
    """Write many lines at once, past structlog, which would cost more than what they tell of."""
    rest = {**_process, "level": "info", "timestamp": datetime.now(UTC).isoformat()}
    if lines:
        sys.stdout.write(b"\n".join(orjson.dumps({**line, **rest}) for line in lines).decode() + "\n")
        sys.stdout.flush()


def configure_logging(service: str, role: str, level: str) -> None:
    """One JSON object a line to stdout, from structlog and from libraries alike."""
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
