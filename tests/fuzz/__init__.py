"""Machines that go on looking for what the attack found, on a real stack of their own: `python -m tests.fuzz`.

Each fuzzer first sends what is known to have done harm, then what it generates from the seed. It knows the platform by
its public interfaces; what was stored is read as the database's administrator, and never changed.
"""
