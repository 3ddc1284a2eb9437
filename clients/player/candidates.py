"""Before two handles are merged, the player looks whether the platform itself finds the one for the other."""

from clients.player.acts import Act
from clients.player.requests import Handles
from clients.player.trouble import Trouble
from clients.player.wire import Wire

PURPOSE = "Registered twice"


def require_candidate(wire: Wire, act: Act, handles: Handles) -> None:
    """Ask who may be the same person as the one of the act. Blocks.

    Raises Trouble where the other is not among them, with a reason in words, or somebody is who has no handle here.
    """
    one, other = (handles.participants[act.by, act.says[name]] for name in ("person", "other"))
    path = f"/participants/{one}/candidates"
    answer = wire.ask("intake", "GET", path, actor=(act.by, act.duty), headers={"Purpose": PURPOSE})
    if answer.status != 200:
        raise Trouble(
            f"{act.by} is told no candidates for {act.says['person']}: {answer.status} {answer.code}."
        )
    found = {row["participant_id"]: row["reasons"] for row in answer.body["candidates"]}
    if not found.get(other):
        raise Trouble(f"{act.says['other']} is no candidate for {act.says['person']} at {act.by}: {found!r}.")
    if foreign := found.keys() - {handle for (by, _), handle in handles.participants.items() if by == act.by}:
        raise Trouble(f"{act.by} is shown handles that it does not hold: {sorted(foreign)}.")
