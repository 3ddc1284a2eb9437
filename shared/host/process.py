"""From one service's parts to its processes: web, or consume (consumer, relay and timers, each in a thread).

The composition root of each service names its parts in a `Service`. This module builds everything that runs, after
any fork. A thread that fails starts again by itself, and the others go on. If it fails for a minute, it counts as
stuck and the process is no longer alive; the supervisor then starts a new process.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import structlog

from shared.host.connections import connect, prepare
from shared.host.consuming import process_batch, set_aside
from shared.host.health import Health
from shared.host.serving import serve_web
from shared.host.settings import EXIT_STATUS, FaultySettings, read_settings
from shared.host.threads import guarded_run
from shared.language.events import CONTROL_TOPIC
from shared.operations.by_hand import drained, passed_over
from shared.operations.control import answering, leaving
from shared.operations.healing import Healer
from shared.operations.rebuilder import Rebuilder
from shared.operations.standing import Reporter
from shared.runtime.breaker import Breaker
from shared.runtime.consumer import Consumer, ProcessBatch, SetAside
from shared.runtime.gc_tuning import relax_thresholds
from shared.runtime.groups import Group
from shared.runtime.parts import Parts, Projection, Runnable, Service, groups_of
from shared.runtime.progress import Progress
from shared.runtime.relay import Relay
from shared.runtime.sealer import Sealer
from shared.runtime.timers import Timers
from shared.telemetry.logs import configure_logging

log = structlog.get_logger()


def run_consume(parts: Parts, projection: Projection | None = None) -> None:
    """Run the consumer, and beside the service's own group its relay and timers, until told to stop."""
    service, settings = parts.service, parts.settings
    prepare(parts)
    group = groups_of(service)[projection.group if projection else service.source]
    breaker = Breaker()
    consumer = consumer_of(
        parts,
        group.name,
        group.topics,
        process_batch(parts, group, breaker),
        set_aside(parts, group, breaker),
        parts.stop,
    )
    runnables: list[tuple[str, Runnable]] = [("consumer", consumer)]
    if projection is None:
        relay = Relay(
            client=parts.client, database=service.database, kafka_options=parts.kafka_options, stop=parts.stop
        )
        timers = Timers(
            client=parts.client,
            database=service.database,
            repository=service.repository,
            published=parts.published,
            source=parts.service.source,
            folds=service.timers,
            settles=service.settles,
            use_cases=service.timer_use_cases,
            clock=parts.clock,
            stop=parts.stop,
        )
        sealer = Sealer(client=parts.client, database=service.database, stop=parts.stop)
        runnables += [
            ("relay", relay),
            ("timers", timers),
            ("sealer", sealer),
            *service.threads(parts),
        ]
    progress = progress_of(parts, group)
    running: dict[str, Runnable] = dict(runnables)
    health = Health(progress, running)
    running.update(
        operating(parts, group, progress, lambda: {**health.standing(), "failing": breaker.failing})
    )
    _run_threads(parts, list(running.items()), health, settings.health_port)


def operating(
    parts: Parts, group: Group, progress: Progress, standing: Callable[[], dict[str, Any]]
) -> list[tuple[str, Runnable]]:
    """The threads that report the process and heal waits.

    The service's own group also answers requests to republish; a projection can be rebuilt.
    """
    service, stop = parts.service, parts.stop
    database = parts.client[service.database]
    role = "project" if group.is_projection else "consume"
    reporter = Reporter(database=database, progress=progress, standing=standing, role=role, stop=stop)
    healer = Healer(
        client=parts.client,
        database=service.database,
        asking=service.source,
        group=group,
        progress=progress,
        drain=lambda subject: drained(parts, group, subject),
        stop=stop,
    )
    found: list[tuple[str, Runnable]] = [("reporter", reporter), ("healer", healer)]
    if group.is_projection:
        return [*found, ("rebuilder", rebuilder_of(parts, group))]
    answer = answering(database, service.source)
    name = f"{service.source}-control"
    control = consumer_of(parts, name, [CONTROL_TOPIC], answer, leaving(name), stop)
    return [*found, ("control", control)]


def rebuilder_of(parts: Parts, live: Group) -> Rebuilder:
    """The thread that rebuilds the projection on request."""
    return Rebuilder(
        client=parts.client,
        database=parts.service.database,
        live=live,
        consume=lambda group, stop: rebuilding(parts, group, stop),
        measure=lambda group: progress_of(parts, group),
        skip=lambda group, row: passed_over(parts, group, row, datetime.now(UTC)),
        indexes=parts.service.indexes,
        stop=parts.stop,
    )


def rebuilding(parts: Parts, group: Group, stop: threading.Event) -> Consumer:
    """The consumer of a projection that is rebuilt beside the live one."""
    breaker = Breaker()
    return consumer_of(
        parts,
        group.name,
        group.topics,
        process_batch(parts, group, breaker),
        set_aside(parts, group, breaker),
        stop,
    )


def consumer_of(
    parts: Parts,
    group: str,
    topics: Iterable[str],
    process_batch: ProcessBatch,
    aside: SetAside,
    stop: threading.Event,
) -> Consumer:
    """A consumer on this process's connections."""
    return Consumer(
        group=group,
        client=parts.client,
        database=parts.service.database,
        kafka_options=parts.kafka_options,
        process_batch=process_batch,
        set_aside=aside,
        stop=stop,
        topics=topics,
    )


def progress_of(parts: Parts, group: Group) -> Progress:
    """The progress of the group; the service's own group has the outbox and the timers too."""
    return Progress(
        database=parts.client[parts.service.database],
        clock=parts.clock,
        kafka_options=parts.kafka_options,
        group=group.name,
        topics=group.topics,
        own=not group.is_projection,
    )


def _run_threads(parts: Parts, runnables: list[tuple[str, Runnable]], health: Health, port: int) -> None:
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: parts.stop.set())
    server = health.serve(parts.settings.http_host, port)
    relax_thresholds()
    threads = [
        threading.Thread(target=guarded_run, args=(name, one, parts.stop), name=name)
        for name, one in runnables
    ]
    for thread in threads:
        thread.start()
    log.info("ready", port=port)
    while not parts.stop.wait(1):
        pass
    for thread in threads:
        thread.join(timeout=15)
    server.shutdown()
    sys.stdout.flush()
    os._exit(1 if any(thread.is_alive() for thread in threads) else 0)


def main(service: Service) -> None:
    """`python -m services.<service>.app <role>`: run one process of the service.

    Exits with status 1 for an unknown role, and with `EXIT_STATUS`, naming every faulty setting.
    """
    projections = dict(service.projections)
    roles = ["web", "consume", *projections, *service.roles]
    if len(sys.argv) != 2 or sys.argv[1] not in roles:
        sys.exit(f"usage: python -m services.{service.database}.app {'|'.join(roles)}")
    role = sys.argv[1]
    try:
        settings = read_settings(service.source, role)
    except FaultySettings as faulty:
        sys.stderr.write(f"{faulty}\n")
        sys.exit(EXIT_STATUS)
    configure_logging(service.database, role, settings.log_level)
    sys.argv = sys.argv[:1]
    if role == "web":
        # Only here, because the other roles never need what HTTP needs: it doubles the time they take to start.
        serve_web(service, settings)
    elif role == "consume":
        run_consume(connect(service, settings))
    elif role in projections:
        run_consume(connect(service, settings), projections[role])
    else:
        service.roles[role](connect(service, settings))
