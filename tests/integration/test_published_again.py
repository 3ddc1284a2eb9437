"""When the log is made anew, what was said of a journey is said again, and no answer that its sender has had."""

from typing import Any

from pymongo import MongoClient

from deploy.backup.log import publish_again
from shared.language.events import ANSWERS_TOPIC, CONTROL_TOPIC, TOPICS
from tools.stack import Stack


def test_answers_and_requests_are_not_published_again(stack: Stack) -> None:
    topics = (TOPICS["activity-tracking"], CONTROL_TOPIC, ANSWERS_TOPIC, "inbound.urkraft.replies.v1")
    with MongoClient[dict[str, Any]](stack.admin_mongo_uri) as client:
        archive = client["published_again"]["events"]
        archive.insert_many([{"_id": topic, "topic": topic, "key": "k"} for topic in topics])
        assert publish_again(archive) == 1
        assert [row["_id"] for row in archive.find({"pend": {"$exists": True}})] == [topics[0]]
