"""Starts processes, notices their deaths, starts them again, and stops them in order.

It knows nothing of Kafka, MongoDB or any service. All processes are started by one thread that lives
as long as the supervisor, because the kernel's parent-death signal follows the starting *thread*.
"""

from __future__ import annotations

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

from tools.stack.processes import Process
from tools.stack.record import Entry, Record, Running
from tools.stack.settings import REPOSITORY
from tools.stack.trouble import Trouble

CHILD = Path(__file__).with_name("child.py")
TICK_SECONDS = 0.1
FIRST_BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 30.0
# A process that has run for so long is forgiven its earlier deaths.
FORGIVEN_AFTER_SECONDS = 60.0
# This machine's own addresses are never asked through a proxy.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def private(path: str, flags: int) -> int:
    """Open a file that only its owner may read; an opener for `open`."""
    return os.open(path, flags, 0o600)


class _Supervised:
    """One process and what has become of it. Touched by the supervisor's thread only."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.popen: subprocess.Popen[bytes] | None = None
        self.wanted = False
        self.deaths_in_a_row = 0
        self.start_at = 0.0
        # The broker and the database are made ready once, by whoever prepares them; when they come
        # back after a death all is in their data, and answering is enough.
        self.was_ready = process.ready_path is not None
        self.entry = Entry(
            "stopped", None, time.time(), 0, None, process.port, process.does, process.consumes
        )


class Supervisor:
    """Runs processes in the folder of one stack.

    restart: whether a process that dies by itself is started again, with growing pauses.
    say: told in one line of every death and restart. inherit: environment of every process.
    """

    def __init__(
        self, folder: Path, *, restart: bool, say: Callable[[str], None], inherit: Mapping[str, str]
    ) -> None:
        self._record = Record(folder)
        self._logs = folder / "logs"
        self._holds = folder / "hold"
        self._restart = restart
        self._say = say
        self._inherit = dict(inherit)
        self._supervised: dict[str, _Supervised] = {}
        self._work: queue.Queue[tuple[Callable[[], None], Future[None]] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def begin(self) -> None:
        """Start the supervisor itself, with an empty list of processes."""
        self._logs.mkdir(parents=True, exist_ok=True)
        self._holds.mkdir(exist_ok=True)
        for hold in self._holds.iterdir():
            hold.unlink()
        self._thread.start()
        self._do(self._write)

    def start(self, process: Process) -> None:
        """Start a process, unless it runs. Blocks until it is started, not until it is ready."""
        self._do(lambda: self._start(process))

    def stop(self, name: str) -> None:
        """Tell a process to stop and wait until it has; killed when its time is over."""
        self._do(lambda: self._stop(self._supervised[name]))

    def kill(self, name: str, number: int) -> None:
        """Send a signal; what follows (a restart, say) is as if it had come from outside."""
        running = self.entries()[name].running
        if running is None:
            raise Trouble(f"{name} does not run.")
        running.signal(signal.Signals(number))

    def entries(self) -> dict[str, Entry]:
        """What is known of each process now."""
        return {name: supervised.entry for name, supervised in list(self._supervised.items())}

    def wait_ready(self, names: Sequence[str], within_seconds: float) -> None:
        """Block until all are ready. Raises Trouble, with the end of the log, for one that is not."""
        give_up_at = time.monotonic() + within_seconds
        while True:
            entries = self.entries()
            waiting = [name for name in names if entries[name].state != "ready"]
            if not waiting:
                return
            for name in waiting:
                died, state = entries[name].restarts, entries[name].state
                if died >= 3 or (state == "failing" and not self._restart):
                    raise Trouble(
                        f"{name} keeps dying while it starts (exit {entries[name].last_exit}). {self.tail(name)}"
                    )
            if time.monotonic() > give_up_at:
                raise Trouble(
                    f"{waiting[0]} was not ready within {within_seconds:.0f} s. {self.tail(waiting[0])}"
                )
            time.sleep(0.05)

    def mark_ready(self, name: str) -> None:
        """For a process whose readiness only the caller can tell."""

        def mark() -> None:
            self._supervised[name].was_ready = True
            self._note(self._supervised[name], state="ready")

        self._do(mark)

    def end(self) -> None:
        """Stop every process, the latest started first, and end the supervisor. May be repeated."""
        if not self._thread.is_alive():
            return
        self._do(self._stop_all)
        self._work.put(None)
        self._thread.join()

    def tail(self, name: str, lines: int = 15) -> str:
        """The end of a process's log, for a message."""
        path = self._logs / f"{name}.log"
        text = (
            path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:] if path.exists() else []
        )
        return f"The end of {path}:\n" + "\n".join(f"    {line}" for line in text)

    # Below: the supervisor's own thread.

    def _do(self, task: Callable[[], None]) -> None:
        done: Future[None] = Future()
        self._work.put((task, done))
        done.result()

    def _run(self) -> None:
        while True:
            try:
                item = self._work.get(timeout=TICK_SECONDS)
            except queue.Empty:
                self._look()
                continue
            if item is None:
                return
            task, done = item
            try:
                task()
                done.set_result(None)
            except BaseException as error:  # noqa: BLE001 - handed to whoever asked
                done.set_exception(error)
            self._look()

    def _look(self) -> None:
        for name, supervised in self._supervised.items():
            held = (self._holds / name).exists()
            if supervised.popen is not None and supervised.popen.poll() is not None:
                self._died(supervised)
            if held and supervised.popen is not None:
                self._stop(supervised, state="held")
            elif held and supervised.wanted:
                supervised.wanted = False
                self._note(supervised, state="held")
            elif not held and supervised.entry.state == "held":
                supervised.wanted, supervised.start_at = True, 0.0
                self._spawn(supervised)
            elif supervised.wanted and supervised.popen is None and time.monotonic() >= supervised.start_at:
                self._spawn(supervised)
                self._note(supervised, restarts=supervised.entry.restarts + 1)
            elif (
                supervised.entry.state == "starting" and supervised.was_ready and _answers(supervised.process)
            ):
                self._note(supervised, state="ready")

    def _start(self, process: Process) -> None:
        known = self._supervised.get(process.name)
        if known is not None and known.popen is not None and known.popen.poll() is None:
            return
        log = self._logs / f"{process.name}.log"
        if known is None and log.exists():
            log.replace(log.with_suffix(".log.1"))
        supervised = _Supervised(process)
        if known is not None:
            supervised.entry = known.entry
        (self._holds / process.name).unlink(missing_ok=True)
        self._supervised[process.name] = supervised
        supervised.wanted = True
        self._spawn(supervised)

    def _spawn(self, supervised: _Supervised) -> None:
        process = supervised.process
        with open(self._logs / f"{process.name}.log", "ab", opener=private) as log:
            supervised.popen = subprocess.Popen(
                [sys.executable, "-I", "-S", str(CHILD), str(os.getpid()), *process.command],
                cwd=REPOSITORY,
                env=self._inherit | dict(process.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._note(supervised, state="starting", running=Running.of(supervised.popen.pid), since=time.time())

    def _died(self, supervised: _Supervised) -> None:
        assert supervised.popen is not None
        code = supervised.popen.returncode
        supervised.popen = None
        lived = time.time() - supervised.entry.since
        supervised.deaths_in_a_row = 1 if lived > FORGIVEN_AFTER_SECONDS else supervised.deaths_in_a_row + 1
        name, meaning = supervised.process.name, f"killed by signal {-code}" if code < 0 else f"exit {code}"
        if self._restart:
            pause = min(
                FIRST_BACKOFF_SECONDS * 2 ** (supervised.deaths_in_a_row - 1), LONGEST_BACKOFF_SECONDS
            )
            supervised.start_at = time.monotonic() + pause
            self._say(f"{name} died ({meaning}); starting it again in {pause:g} s (logs/{name}.log)")
        else:
            supervised.wanted = False
            self._say(f"{name} died ({meaning}) (logs/{name}.log)")
        self._note(supervised, state="failing", running=None, last_exit=code)

    def _stop(self, supervised: _Supervised, *, state: str = "stopped", told: bool = False) -> None:
        supervised.wanted = False
        if supervised.popen is not None:
            if running := supervised.entry.running:
                if not told:
                    running.terminate()
                running.await_end(supervised.process.stop_seconds)
            supervised.popen.wait()
            self._note(supervised, state=state, running=None, last_exit=supervised.popen.returncode)
            supervised.popen = None
        else:
            self._note(supervised, state=state, running=None)

    def _stop_all(self) -> None:
        # All that speak HTTP together, and then, one by one, what they stand on.
        in_order = list(self._supervised.values())[::-1]
        together = [supervised for supervised in in_order if supervised.process.ready_path is not None]
        for supervised in together:
            if running := supervised.entry.running:
                running.terminate()
        for supervised in together:
            self._stop(supervised, told=True)
        for supervised in in_order:
            self._stop(supervised)

    def _note(self, supervised: _Supervised, **changed: object) -> None:
        supervised.entry = replace(supervised.entry, **changed)  # type: ignore[arg-type]
        self._write()

    def _write(self) -> None:
        self._record.write(self.entries())


def _answers(process: Process) -> bool:
    try:
        if process.ready_path is None:
            socket.create_connection(("127.0.0.1", process.port), timeout=1.0).close()
            return True
        with DIRECT.open(
            f"http://127.0.0.1:{process.health_port}{process.ready_path}", timeout=1.0
        ) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.HTTPError):
        return False
