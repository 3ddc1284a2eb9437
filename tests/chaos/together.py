"""Many acts at once."""

import threading
from collections.abc import Callable, Iterable


def together(acts: Iterable[Callable[[], object]]) -> None:
    """Do all these at once, each in a thread of its own; the first failure is raised when all have ended."""
    failed: list[BaseException] = []

    def guard(act: Callable[[], object]) -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - raised below, in the scenario's own thread
            failed.append(error)

    threads = [threading.Thread(target=guard, args=(act,), daemon=True) for act in acts]
    for one in threads:
        one.start()
    for one in threads:
        one.join(120)
    if failed:
        raise failed[0]
