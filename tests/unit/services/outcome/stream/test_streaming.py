"""One client's stream: what it is sent, when it waits, and that a slow one holds nobody up."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from starlette.types import Message, Scope

from services.outcome.stream.figures_stream import FiguresStream
from services.outcome.stream.hub import Closed, Hub
from services.outcome.stream.snapshot import Form, Snapshot
from shared.telemetry.metrics import REGISTRY

SCOPE: Scope = {"type": "http", "client": ("127.0.0.1", 5000)}
AT = datetime(2026, 1, 1, tzinfo=UTC)


def snapshot(version: int, programme: str = "coactive", form: Form = "published") -> Snapshot:
    return Snapshot(
        programme=programme,
        form=form,
        version=version,
        as_of=AT,
        report={},
        seen=b"",
        frame=b"<%d>" % version,
    )


class Client:
    """Takes what it is sent, until told to stop taking; leaves when told."""

    def __init__(self, takes: int | None = None) -> None:
        self.sent: list[Message] = []
        self.left = asyncio.Event()
        self._takes = takes
        self._arrived = asyncio.Condition()

    async def send(self, message: Message) -> None:
        if self._takes is not None and len(self.sent) >= self._takes:
            await asyncio.Event().wait()
        async with self._arrived:
            self.sent.append(message)
            self._arrived.notify_all()

    async def receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}

    @property
    def frames(self) -> list[bytes]:
        return [one["body"] for one in self.sent if one.get("body", b"").startswith(b"<")]

    async def has(self, *versions: int) -> None:
        async with asyncio.timeout(5), self._arrived:
            await self._arrived.wait_for(lambda: self.frames == [b"<%d>" % version for version in versions])

    async def has_sent(self, body: bytes) -> None:
        async with asyncio.timeout(5), self._arrived:
            await self._arrived.wait_for(lambda: any(one.get("body") == body for one in self.sent))


def stream(hub: Hub, cuts: list[Scope], version: int = 0, **options: float) -> FiguresStream:
    settings = {"seconds": 60.0, "heartbeat_seconds": 30.0, "write_seconds": 5.0, **options}
    return FiguresStream(
        hub,
        "coactive",
        "published",
        version=version,
        cut=cuts.append,
        permitted=always,
        leave=lambda: None,
        seconds=settings["seconds"],
        heartbeat_seconds=settings["heartbeat_seconds"],
        write_seconds=settings["write_seconds"],
    )


async def always() -> bool:
    return True


def run(scene: Callable[[Hub], Awaitable[None]]) -> None:
    async def timed() -> None:
        async with asyncio.timeout(10):
            await scene(Hub())

    asyncio.run(timed())


def dropped() -> float:
    return REGISTRY.get_sample_value("journey_stream_dropped_total") or 0.0


def test_a_client_is_sent_the_newest_and_then_each_newer() -> None:
    async def scene(hub: Hub) -> None:
        client = Client()
        hub.publish(snapshot(1))
        hub.publish(snapshot(2))
        task = asyncio.create_task(stream(hub, [])(SCOPE, client.receive, client.send))
        await client.has(2)
        hub.publish(snapshot(3))
        await client.has(2, 3)
        client.left.set()
        await task

    run(scene)


def test_a_client_that_has_the_newest_waits_for_a_newer() -> None:
    async def scene(hub: Hub) -> None:
        client = Client()
        hub.publish(snapshot(7))
        task = asyncio.create_task(
            stream(hub, [], version=7, heartbeat_seconds=0.01)(SCOPE, client.receive, client.send)
        )
        await client.has_sent(b": still here\n\n")
        assert client.frames == []
        hub.publish(snapshot(8))
        await client.has(8)
        client.left.set()
        await task

    run(scene)


def test_figures_of_another_programme_are_not_sent() -> None:
    async def scene(hub: Hub) -> None:
        client = Client()
        task = asyncio.create_task(stream(hub, [])(SCOPE, client.receive, client.send))
        hub.publish(snapshot(1, "huset"))
        hub.publish(snapshot(2))
        await client.has(2)
        client.left.set()
        await task

    run(scene)


def test_figures_in_another_form_are_not_sent() -> None:
    async def scene(hub: Hub) -> None:
        client = Client()
        task = asyncio.create_task(stream(hub, [])(SCOPE, client.receive, client.send))
        hub.publish(snapshot(1, form="exact"))
        hub.publish(snapshot(2))
        await client.has(2)
        client.left.set()
        await task

    run(scene)


@pytest.mark.parametrize("version", [8, 10**18, 10**19 - 1])
def test_a_client_that_names_a_version_that_is_not_ours_is_sent_the_newest_at_once(version: int) -> None:
    async def scene(hub: Hub) -> None:
        client = Client()
        hub.publish(snapshot(7))
        task = asyncio.create_task(stream(hub, [], version=version)(SCOPE, client.receive, client.send))
        await client.has(7)
        client.left.set()
        await task

    run(scene)


def test_a_client_that_names_a_version_to_come_is_sent_the_first_there_is() -> None:
    async def scene(hub: Hub) -> None:
        client = Client()
        task = asyncio.create_task(stream(hub, [], version=10**18)(SCOPE, client.receive, client.send))
        await client.has_sent(b"retry: 1500\n\n")
        hub.publish(snapshot(7))
        await client.has(7)
        client.left.set()
        await task

    run(scene)


def test_a_slow_client_is_cut_off_and_counted_while_others_go_on() -> None:
    async def scene(hub: Hub) -> None:
        before = dropped()
        cuts: list[Scope] = []
        slow, quick = Client(takes=3), Client()
        slow_task = asyncio.create_task(stream(hub, cuts, write_seconds=0.05)(SCOPE, slow.receive, slow.send))
        quick_task = asyncio.create_task(stream(hub, cuts)(SCOPE, quick.receive, quick.send))
        hub.publish(snapshot(1))
        await slow.has(1)
        hub.publish(snapshot(2))
        await quick.has(1, 2)
        await slow_task
        assert slow.frames == [b"<1>"]
        assert cuts == [SCOPE]
        assert dropped() == before + 1
        hub.publish(snapshot(3))
        await quick.has(1, 2, 3)
        quick.left.set()
        await quick_task

    run(scene)


def test_what_a_busy_client_had_no_time_for_is_skipped() -> None:
    async def scene(hub: Hub) -> None:
        for version in range(1, 100):
            hub.publish(snapshot(version))
        assert (await hub.newer("coactive", "published", 5, 1)) == snapshot(99)

    run(scene)


def test_a_stream_ends_when_its_permission_does() -> None:
    async def scene(hub: Hub) -> None:
        client = Client()
        await stream(hub, [], seconds=0.05)(SCOPE, client.receive, client.send)
        assert client.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}

    run(scene)


def test_streams_end_when_the_process_stops() -> None:
    async def scene(hub: Hub) -> None:
        client = Client()
        hub.publish(snapshot(1))
        task = asyncio.create_task(stream(hub, [])(SCOPE, client.receive, client.send))
        await client.has(1)
        hub.close()
        await task
        assert client.sent[-1]["more_body"] is False
        with pytest.raises(Closed):
            await hub.newer("coactive", "published", 1, 1)

    run(scene)
