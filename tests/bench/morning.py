"""Fifteen hundred shops at eight: each opens its register of fifteen people and marks it, all at once."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from pymongo.database import Database

from services.outcome.app import FIGURES
from services.outcome.figures.repository import read_cells
from services.outcome.figures.state import JourneyFigures
from shared.language.decision import subject_of
from shared.language.register_rows import COUNT, COUNTS, REGISTER, rows_of
from shared.runtime.staged import SubjectDocument, written
from tests.bench import web
from tests.bench.surroundings import Bench
from tests.support.attending import STARTED, attend, journey_at
from tests.support.fakes import noon
from tests.support.many_members import entries
from tools.stack import Stack

SITES, PEOPLE = 1500, 15
MONDAY = "2016-06-06"
AT_ONCE = 32
FIRST = 20_000_000
PROCESS = "activity-tracking-web"
PROGRAMME, COUNTED = "coactive", "session/logged"
PATIENCE_SECONDS = 600.0
SIGNED_AT_ONCE = 8


def measure(bench: Bench) -> dict[str, Any]:
    """Seconds until the last mark is stored, and until all are in the figures. Raises RuntimeError for any refusal."""
    stack = bench.stack
    web.up(stack)
    sites = [f"butik-{number:05d}" for number in range(SITES)]
    _settle(bench, sites)
    stack.stop(PROCESS)
    _let_them_take_part(bench.client["activity_tracking"])
    stack.start(PROCESS)
    with ThreadPoolExecutor(SIGNED_AT_ONCE) as pool:
        tokens = list(pool.map(lambda site: stack.token(site, "supervisor"), sites))
    figures = bench.client["outcome"]
    before = read_cells(figures, PROGRAMME).get(COUNTED, 0)
    began = time.monotonic()
    took = _mark_all(stack, tokens)
    stored = time.monotonic() - began
    _await(lambda: read_cells(figures, PROGRAMME).get(COUNTED, 0) - before >= SITES * PEOPLE)
    told = {
        "sites": SITES,
        "people": PEOPLE,
        "stored_s": round(stored, 1),
        "in_figures_s": round(time.monotonic() - began, 1),
        "longest_s": round(max(took), 2),
    }
    return {"morning": told}


def _settle(bench: Bench, sites: list[str]) -> None:
    """Everybody's journey and plan, as the services keep them."""
    tracking, figures = bench.client["activity_tracking"], bench.client["outcome"]
    for number, site in enumerate(sites):
        first = FIRST + number * PEOPLE
        attend(tracking, site, PEOPLE, first=first)
        held = [
            SubjectDocument(subject_of("journey", one.journey_id), state=_figures(one.passage))
            for one in (journey_at(number, site) for number in range(first, first + PEOPLE))
        ]
        figures[FIGURES.repository.collection].bulk_write([written(one, FIGURES.repository) for one in held])


def _figures(passage: Any) -> JourneyFigures:
    return JourneyFigures(
        programme=PROGRAMME, passage=passage, newest_type="referral-received", newest_at=noon(STARTED)
    )


def _let_them_take_part(database: Database[dict[str, Any]]) -> None:
    database[REGISTER].insert_many(list(_rows(database[COUNTS].find_one({"_id": COUNT}) or {})))


def _rows(count: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of the shops and of their memberships, counted on from what is there."""
    for entry in entries(SITES, SITES):
        row, after = rows_of(entry, count, 1)
        count = dict(after.body)
        yield {"_id": row.key, **row.body}


def _mark_all(stack: Stack, tokens: list[str]) -> list[float]:
    """Each site's own two requests, some at a time. Returns how long the two took it. Raises RuntimeError."""
    own, url = threading.local(), stack.url(PROCESS)

    def one(token: str) -> float:
        client: httpx.Client = own.__dict__.setdefault("client", httpx.Client(base_url=url, timeout=120))
        headers = {"Authorization": f"Bearer {token}"}
        began = time.monotonic()
        shown = client.get(f"/attendance?day={MONDAY}", headers=headers)
        if shown.status_code != 200 or shown.json()["not_marked"] != PEOPLE:
            raise RuntimeError(f"A register is not as it should be: {shown.status_code} {shown.text[:300]}")
        body = {"day": MONDAY, "rest": "present"}
        headers["Idempotency-Key"] = uuid.uuid4().hex
        marked = client.post("/attendance", json=body, headers=headers)
        if marked.status_code != 200 or any(row["status"] != 200 for row in marked.json()["results"]):
            raise RuntimeError(f"A register was not marked: {marked.status_code} {marked.text[:300]}")
        return time.monotonic() - began

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, tokens))


def _await(there: Callable[[], bool]) -> None:
    """Block until it is so. Raises RuntimeError when patience ends."""
    ends_at, pause = time.monotonic() + PATIENCE_SECONDS, threading.Event()
    while not there():
        if time.monotonic() > ends_at:
            raise RuntimeError("The marks are not in the figures.")
        pause.wait(0.2)
