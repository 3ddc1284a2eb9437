"""Becomes another program that is told to stop when the process that started it dies.

Run as a script: `python child.py <parent's process id> <command…>`. It sets the kernel's
parent-death signal, which lasts through exec, so that a supervisor killed with -9 leaves no orphans.
It exists because doing this between fork and exec of a threaded Python can deadlock. The signal is
sent when the *thread* that started the process ends; see `supervisor`.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != int(sys.argv[1]):
        sys.exit("the supervisor is gone already")
    os.execvp(sys.argv[2], sys.argv[2:])
