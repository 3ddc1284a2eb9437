"""A process is gone when all its threads are, for until then it has its ports."""

import platform
import subprocess
import sys
import time

from tools.stack.record import Running

EXIT_OF_A_THREAD = {"x86_64": 60, "aarch64": 93}[platform.machine()]
"""The number of the system call `exit`, which no library offers: theirs end the whole process."""
WITHOUT_ITS_FIRST_THREAD = f"""
import ctypes, threading
threading.Thread(target=threading.Event().wait).start()
print("begun", flush=True)
ctypes.CDLL(None).syscall({EXIT_OF_A_THREAD}, 0)
"""
SECONDS = 10


def test_a_process_whose_first_thread_has_ended_is_still_there() -> None:
    process = subprocess.Popen([sys.executable, "-c", WITHOUT_ITS_FIRST_THREAD], stdout=subprocess.PIPE)
    until = time.monotonic() + SECONDS
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        while not _is_zombie(process.pid) and time.monotonic() < until:
            time.sleep(0.01)
        running = Running.of(process.pid)
        assert running is not None
        assert running.alive()
        process.kill()
        while running.alive() and time.monotonic() < until:
            time.sleep(0.01)
        assert _is_zombie(process.pid), "nobody has reaped it"
        assert Running.of(process.pid) is None
    finally:
        process.kill()
        process.communicate()


def _is_zombie(pid: int) -> bool:
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return file.read().rpartition(")")[2].split()[0] == "Z"
