"""Every metric of the platform, in one closed list. A label never holds an id of a person or a journey."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from prometheus_client import CollectorRegistry, Counter, Histogram

from shared.telemetry.gauges import KnownGauge


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its name in Prometheus, its kind, its unit and its meaning."""

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
    Metric("journey_changes_total", "counter", "changes", "changes numbered for organisations"),
    Metric(
        "journey_changes_unnumbered_seconds",
        "gauge",
        "seconds",
        "age of the oldest change that has no number yet",
    ),
    Metric(
        "journey_webhook_sent_total",
        "counter",
        "requests",
        "changes sent to webhooks, by what they came to",
        ("result",),
    ),
    Metric("journey_webhooks_set_aside", "gauge", "webhooks", "webhooks that have failed for three days"),
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
        "journey_persons_unrenewed",
        "gauge",
        "participants",
        "people who are not found by the newest key of numbers, or have no handles yet",
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
