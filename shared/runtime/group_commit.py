"""Group commit: commands that arrive while others are being made durable share the next transaction.

A member that arrives alone leads a round by itself, beside at most one other. Once members have to wait, one shared
round at a time takes all that wait. When a round ends, its leader wakes its members and names the next leader.

    arrives ── a place is free ───────────────► LEADS_ALONE ──► its round ──► ends
       └────── both are taken, or a shared ──► WAITS
               round is under way                 ├── a leader takes it ──► woken, settled (or to go alone)
                                                  └── named by a leader ──► LEADS_SHARED ──► its round ──► ends
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from threading import Event, Lock
from typing import Generic, TypeVar

MOST_ALONE = 2
"""Rounds of one member that run side by side."""
LARGEST_ROUND = 32


class Role(Enum):
    """The role of a member in its group commit."""

    WAITS = auto()
    LEADS_ALONE = auto()
    LEADS_SHARED = auto()


@dataclass(slots=True, eq=False, kw_only=True)
class Member:
    """Takes part in one group commit. woken: it was settled, it must go alone, or it leads the next round."""

    role: Role = Role.WAITS
    woken: Event = field(default_factory=Event)


M = TypeVar("M", bound=Member)


class GroupCommit(Generic[M]):
    """Rounds of one process. Threads share it. carry_out: settles the members of a round; may leave some unsettled."""

    def __init__(self, carry_out: Callable[[Sequence[M]], None]) -> None:
        self._carry_out = carry_out
        self._lock = Lock()
        self._queue: deque[M] = deque()
        self._alone = 0
        self._shared = False

    @property
    def waiting(self) -> int:
        """The number of members that wait for a round."""
        return len(self._queue)

    def take_part(self, member: M) -> None:
        """Lead a round, or wait for one. Blocks. Afterwards the member is settled, or must go alone."""
        with self._lock:
            if self._shared or self._alone == MOST_ALONE:
                self._queue.append(member)
            else:
                self._alone += 1
                member.role = Role.LEADS_ALONE
        if member.role is Role.WAITS:
            member.woken.wait()
        if member.role is Role.LEADS_ALONE:
            self._lead(member, [])
        elif member.role is Role.LEADS_SHARED:
            with self._lock:
                count = min(len(self._queue), LARGEST_ROUND - 1)
                others = [self._queue.popleft() for _ in range(count)]
            self._lead(member, others)

    def _lead(self, leader: M, others: Sequence[M]) -> None:
        try:
            self._carry_out([leader, *others])
        finally:
            with self._lock:
                if leader.role is Role.LEADS_ALONE:
                    self._alone -= 1
                else:
                    self._shared = False
                if self._queue and not self._shared:
                    self._shared = True
                    following = self._queue.popleft()
                    following.role = Role.LEADS_SHARED
                    following.woken.set()
            for one in others:
                one.woken.set()
