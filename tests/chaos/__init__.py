"""The chaos suite: every fault that the runtime must survive, struck while load runs, and what must hold after it.

`make chaos` runs it; `python -m tests.chaos` says how. Everything is checked from outside: from Kafka's log, from
MongoDB and from the clients' own records. Production code has no hook for it.
"""
