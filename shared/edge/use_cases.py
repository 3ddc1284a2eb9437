"""How a route runs a use case: as a command or a read, by its method, on the subject in its path."""

from collections.abc import Callable, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

from flask import request

from shared.edge.paths import subject_in_path
from shared.edge.web import actor, command, query
from shared.language.access import Actor
from shared.language.decision import Work

P = ParamSpec("P")
T = TypeVar("T")
Plain = dict[str, Any]
READING = frozenset({"GET", "HEAD"})


def run(
    use_case: Callable[Concatenate[Work, Actor, P], T],
    show: Callable[[T], Plain],
    *said: P.args,
    **options: P.kwargs,
) -> Plain:
    """Run the use case for the caller, and show its result: GET and HEAD read, every other method is a command.

    said, options: the arguments of the use case beside the work and the actor. show: makes the answer's body. Raises
    what the use case raises.
    """
    decided = applied(use_case, show, *said, **options)
    subject = subject_in_path()
    return query(decided, subject) if request.method in READING else command(decided, subject)


def applied(
    use_case: Callable[Concatenate[Work, Actor, P], T],
    show: Callable[[T], Plain],
    *said: P.args,
    **options: P.kwargs,
) -> Callable[[Work], Plain]:
    """The use case with its arguments: what `command` and `query` take."""
    who = actor()
    return lambda work: show(use_case(work, who, *said, **options))


def paged(
    name: str, show: Callable[[T], Plain], place: Callable[[T], object], limit: int
) -> Callable[[Sequence[T]], Plain]:
    """The body of a page: its entries under `name`, and `next_cursor`. place, limit: as `next_cursor` takes them."""

    def shown(found: Sequence[T]) -> Plain:
        return {name: [show(one) for one in found], "next_cursor": next_cursor(found, place, limit)}

    return shown


def next_cursor(found: Sequence[T], place: Callable[[T], object], limit: int) -> str | None:
    """The cursor of the page after this one: the place of its last entry; None where the page is not full.

    place: an entry's place in the list. limit: how many entries a full page has.
    """
    return str(place(found[-1])) if len(found) == limit else None
