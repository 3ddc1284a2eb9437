"""The local stack: real Kafka, real MongoDB and every service, on one machine without Docker.

For demonstrations, tests and development only. Production code may not import it; what it gives a
service, it gives through environment variables (`settings.CONTRACT`).

    from tools.stack import Settings, Stack
    with Stack(Settings.from_environment(os.environ)) as stack: ...
"""

from tools.stack.control import Control
from tools.stack.settings import Settings
from tools.stack.stack import Stack
from tools.stack.trouble import Trouble

__all__ = ["Control", "Settings", "Stack", "Trouble"]
