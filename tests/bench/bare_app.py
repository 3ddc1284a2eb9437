"""What an HTTP command is measured against: Flask and one transaction of the same writes, and nothing else.

No token, no validation, no idempotency, no reading. Served by the same server with the same threads.
"""

import os
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from flask import Flask, request
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from shared.edge.http_server import HttpServer, Limits

DATABASE = "bench_http"
THREADS = 32


def build() -> Flask:
    """The application, connected."""
    client: MongoClient[dict[str, Any]] = MongoClient(os.environ["MONGODB_URI"], tz_aware=True, w="majority")
    database = client[DATABASE]
    app = Flask(__name__)

    @app.post("/outputs")
    def log_output() -> tuple[dict[str, Any], int]:
        body = request.get_json()
        key = uuid.uuid4().hex

        def work(session: ClientSession) -> None:
            now = datetime.now(UTC)
            database["states"].insert_one({"_id": f"output/{key}", "v": 1, "state": body}, session=session)
            database["outputs"].insert_one({"_id": key, **body}, session=session)
            event = {"_id": f"output/{key}:1", "key": key, "ts": time.time_ns(), "body": request.get_data()}
            database["events"].insert_one(event, session=session)
            database["commands"].insert_one({"_id": f"c{key}", "at": now, "body": body}, session=session)

        with client.start_session() as session:
            session.with_transaction(
                work, read_concern=ReadConcern("snapshot"), write_concern=WriteConcern("majority")
            )
        return {"output_id": key, **body}, 201

    return app


if __name__ == "__main__":
    HttpServer(build(), "127.0.0.1", int(os.environ["HTTP_PORT"]), threads=THREADS, limits=Limits()).serve()
