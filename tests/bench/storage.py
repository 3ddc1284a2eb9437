"""What an event takes on disk: in the outbox, which is the archive too, in its index, and in the topic."""

from typing import Any

from shared.host.connections import RUNTIME_INDEXES
from tests.bench.folding import folded
from tests.bench.surroundings import Bench
from tools.stack.broker import folder_of

DATABASE = "bench_bytes"


def measure(bench: Bench) -> dict[str, Any]:
    """Fold the usual load, saying an event for each, and look at what that left behind; then at the load's topic.

    The archive as it is once all is published. A document says more than a record: where it goes, and in which order.
    """
    client = bench.client
    database = client[DATABASE]
    client.drop_database(DATABASE)
    database["events"].create_indexes(RUNTIME_INDEXES["events"])
    folded(client, bench.options, bench.topic, bench.events, database=DATABASE, emits=True)
    database["events"].update_many({}, {"$unset": {"pend": 1}})
    client.admin.command("fsync")
    said = database.command("collStats", "events")
    states = database.command("collStats", "states")
    logs = (folder_of(bench.stack.settings, "broker") / "data").glob(f"{bench.topic}-*/*.log")
    in_topic = sum(log.stat().st_size for log in logs)
    client.drop_database(DATABASE)
    return {
        "bytes_per_event": {
            "archive": {
                "document": said["avgObjSize"],
                "on disk": said["storageSize"] / said["count"],
                "indexes on disk": said["totalIndexSize"] / said["count"],
            },
            "topic": {"record on disk": in_topic / bench.events},
            "state of a journey": {
                "document": states["avgObjSize"],
                "on disk": states["storageSize"] / states["count"],
            },
        }
    }
