"""How long a register of two hundred people takes to be read, and to be marked in one request."""

import statistics
import time
import uuid
from typing import Any

import httpx

from tests.bench import web
from tests.bench.surroundings import Bench
from tests.support.attending import attend

DATABASE = "activity_tracking"
UNIT, PEOPLE = "second-hand-skelleftea", 200
REGISTERS = 8
"""How often a Monday's is read before it is marked, and after."""
MONDAYS = [f"2016-{month:02}-{day:02}" for month, day in ((6, 6), (6, 13), (6, 20), (6, 27), (7, 4), (7, 11))]


def measure(bench: Bench) -> dict[str, Any]:
    """Milliseconds of a read and of a request that marks all, medians. Each register is marked once, and read
    before and after.
    """
    stack = bench.stack
    web.up(stack)
    attend(bench.client[DATABASE], UNIT, PEOPLE, first=10_000_000)
    headers = {"Authorization": f"Bearer {stack.token(UNIT, 'supervisor')}"}
    reads, marks = [], []
    with httpx.Client(base_url=stack.url("activity-tracking-web"), timeout=60, headers=headers) as shop:
        for day in MONDAYS:
            reads += [_timed(shop, "GET", f"/attendance?day={day}") for _ in range(REGISTERS)]
            marks.append(_timed(shop, "POST", "/attendance", {"day": day, "rest": "present"}))
            reads += [_timed(shop, "GET", f"/attendance?day={day}") for _ in range(REGISTERS)]
    told = {"read_ms": statistics.median(reads), "marked_ms": statistics.median(marks), "people": PEOPLE}
    return {"register_of_a_day": told}


def _timed(shop: httpx.Client, method: str, path: str, body: Any = None) -> float:
    """Milliseconds until the answer. Raises RuntimeError unless all are on it."""
    keys = {"Idempotency-Key": uuid.uuid4().hex}
    began = time.perf_counter()
    answer = shop.request(method, path, json=body, headers=keys if body else {})
    spent = (time.perf_counter() - began) * 1000
    said = answer.json()
    if len(said["expected"] if body is None else said["results"]) != PEOPLE:
        raise RuntimeError(f"{method} {path}: {answer.text[:300]}")
    return spent
