"""Every fuzzer, in the order in which they run."""

from __future__ import annotations

from typing import Any

from tests.fuzz.access import Access
from tests.fuzz.api import Api
from tests.fuzz.connections import Connections
from tests.fuzz.files import Files
from tests.fuzz.fuzzer import Fuzzer
from tests.fuzz.inbound import Inbound
from tests.fuzz.keys import Keys
from tests.fuzz.spoofing import Spoofing
from tests.fuzz.tokens import Tokens

FUZZERS: tuple[type[Fuzzer[Any]], ...] = (Inbound, Spoofing, Files, Keys, Tokens, Connections, Access, Api)
