"""An epoll loop for the HTTP server: it looks only at connections whose state has changed.

waitress asks every connection at every event what it waits for. With a thousand idle connections that costs each
request milliseconds. Here a connection is asked only after it, or the thread that answers it, has reported a change.
"""

import select
import threading
from collections import deque
from typing import Any

from waitress import wasyncore

Channels = dict[int, Any]
"""waitress's map: every open connection, the listening socket and the trigger, by file descriptor."""


class Events:
    """Waits for events and lets each channel handle its own. Only `changed` and `asleep` may be used by other threads.

    asleep: whether the loop waits, or is about to wait, without looking at changes first.
    """

    def __init__(self, channels: Channels) -> None:
        self.asleep = False
        self._channels = channels
        self._epoll = select.epoll()
        self._changed: deque[Any] = deque()
        self._waited_for: dict[int, tuple[Any, int]] = {}

    def changed(self, channel: Any) -> None:
        """Make the loop ask the channel again what it waits for. Any thread may call it."""
        self._changed.append(channel)

    def look_at_all(self) -> None:
        """Ask every channel again; what nobody said to have changed is noticed here."""
        self._waited_for = {fd: held for fd, held in self._waited_for.items() if fd in self._channels}
        self._changed.extend(self._channels.values())

    def handle(self, seconds: float) -> None:
        """Wait for events, at most so long, and have them handled."""
        self._settle()
        self.asleep = True
        # Who says that a channel has changed, and then looks whether the loop sleeps, is seen here or wakes it.
        occurred = self._epoll.poll(0 if self._changed else seconds)
        self.asleep = False
        for fd, flags in occurred:
            channel = self._channels.get(fd)
            if channel is not None:
                wasyncore.readwrite(channel, flags)
                self._changed.append(channel)

    def close(self) -> None:
        """Give the kernel's object back."""
        self._epoll.close()

    def _settle(self) -> None:
        while self._changed:
            channel = self._changed.popleft()
            fd = channel._fileno  # noqa: SLF001 - it has no public word for this
            if fd is not None and self._channels.get(fd) is channel:
                self._wait_for(channel, fd)

    def _wait_for(self, channel: Any, fd: int) -> None:
        wanted = select.EPOLLIN | select.EPOLLPRI if channel.readable() else 0
        if channel.writable() and not channel.accepting:
            wanted |= select.EPOLLOUT
        # A closed descriptor has left epoll by itself, and its number may be another channel's now.
        holder, held = self._waited_for.get(fd, (None, 0))
        if holder is not channel:
            held = 0
        if wanted == held:
            return
        try:
            if not held:
                self._epoll.register(fd, wanted)
            elif wanted:
                self._epoll.modify(fd, wanted)
            else:
                self._epoll.unregister(fd)
        except OSError:
            # Closed by the thread that answers it, this moment; the loop must go on for all others.
            wanted = 0
        self._waited_for[fd] = (channel, wanted)


class Serving(threading.local):
    """The channel that this thread answers now, if any."""

    channel: Any = None
