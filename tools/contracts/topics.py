"""What `deploy/topics.yaml` declares of each topic, for the AsyncAPI document."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DECLARATION = Path(__file__).resolve().parents[2] / "deploy" / "topics.yaml"


@dataclass(frozen=True, slots=True)
class TopicSettings:
    """A topic as declared. `config` has Kafka's own names: `retention.ms`, `cleanup.policy`."""

    partitions: int
    config: Mapping[str, Any]

    def bindings(self) -> dict[str, Any]:
        """The channel's Kafka bindings."""
        config = dict(self.config)
        if "cleanup.policy" in config:
            config["cleanup.policy"] = [config["cleanup.policy"]]
        return {"bindings": {"kafka": {"partitions": self.partitions, "topicConfiguration": config}}}


def topic_settings(path: Path = DECLARATION) -> dict[str, TopicSettings]:
    """{topic: its settings}; a topic of each organisation's own has `{organisation}` in its name."""
    declared = yaml.safe_load(path.read_text(encoding="utf-8"))["topics"]
    return {
        name.replace("{agency}", "{organisation}"): TopicSettings(one["partitions"], one["config"])
        for name, one in declared.items()
    }
