"""The local stack: real Kafka, real MongoDB and every service, on one machine without Docker.

For demonstrations, tests and development only. Production code may not import it; what it gives a
service, it gives through environment variables (`settings.CONTRACT`).

    from tools.stack import Settings, Stack
    with Stack(Settings.from_environment(os.environ)) as stack: ...

The names below are imported when they are first used: the image holds the issuer and its settings alone.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tools.stack.control import Control
    from tools.stack.settings import Settings
    from tools.stack.stack import Stack
    from tools.stack.trouble import Trouble

__all__ = ["Control", "Settings", "Stack", "Trouble"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{name.lower()}"), name)
