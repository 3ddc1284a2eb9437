"""The description of a service's interface: its purpose, and recorded requests and answers of its routes."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from shared.edge.interface import NO_CONTACT, Interface
from shared.edge.openapi import Examples
from shared.runtime.parts import Service

OPERATIONS = Path(__file__).with_name("examples.json")


def interface_of(service: Service, contact: str = NO_CONTACT) -> Interface:
    """The content of the service's document and of `/api-info`. contact: an e-mail address."""
    return Interface(service.title, *service.purpose, contact)


def examples_of(service: Service) -> Examples:
    """{operationId: recorded requests and answers}, of the service's own routes and of the operators'."""
    own = {} if service.examples is None else _read(service.examples)
    return {**_read(OPERATIONS), **own}


@cache
def _read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found
