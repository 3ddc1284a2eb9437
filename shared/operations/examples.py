"""What a service says of its interface: its purpose, and what its routes and the operators' were asked and answered."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from shared.edge.interface import Interface
from shared.edge.openapi import Examples
from shared.runtime.parts import Service

OPERATIONS = Path(__file__).with_name("examples.json")


def interface_of(service: Service) -> Interface:
    """What the service's document and `/api-info` say."""
    return Interface(service.title, *service.purpose)


def examples_of(service: Service) -> Examples:
    """{operationId: what was recorded of it}, of the service's own routes and of the operators'."""
    own = {} if service.examples is None else _read(service.examples)
    return {**_read(OPERATIONS), **own}


@cache
def _read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found
