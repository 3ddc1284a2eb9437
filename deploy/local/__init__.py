"""The local stack: real Kafka, real MongoDB and every service, on one machine without Docker.

For demonstrations, tests and development only. Production code may not import it; what it gives a
service, it gives through environment variables (`settings.CONTRACT`).

    from deploy.local import Settings, Stack
    with Stack(Settings.from_environment(os.environ)) as stack: ...
"""

from deploy.local.control import Control
from deploy.local.settings import Settings
from deploy.local.stack import Stack
from deploy.local.trouble import Trouble

__all__ = ["Control", "Settings", "Stack", "Trouble"]
