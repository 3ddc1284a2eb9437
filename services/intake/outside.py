"""One signed HTTPS request to an address outside, and never to one inside.

Every connect resolves the name anew, refuses it when any of its addresses is inside, and connects to the address that
was checked. So a name that changes between check and connect leads nowhere else. TLS is verified for the name.
Redirects are not followed. The signature is that of Standard Webhooks: https://www.standardwebhooks.com.
"""

import base64
import hashlib
import hmac
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

SECONDS = 10.0
"""So long may one request take, from the first byte to the answer's first line."""
LONGEST_LINE_BYTES = 4096
NAT64 = ipaddress.IPv6Network("64:ff9b::/32")
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")

CameTo = Literal["taken", "refused", "redirected", "late", "inside", "unresolved", "untrusted", "unreachable"]
"""taken: any 2xx in time. refused: any other status. untrusted: TLS does not verify. late: after SECONDS."""
Resolve = Callable[[str, int], Sequence[str]]
"""The addresses of a host's name. Blocks; raises OSError."""


def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def is_outside(address: str) -> bool:
    """Whether this is an ordinary address of the public internet, and stands for no other."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if found.is_multicast or found.is_reserved or found.is_unspecified or not found.is_global:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        stands_for_another = found.ipv4_mapped or found.sixtofour or found.teredo or found in NAT64
        return found in GLOBAL_UNICAST and not stands_for_another
    return True


def signature(secret: bytes, identity: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`. timestamp: seconds since 1970."""
    signed = f"{identity}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


@dataclass(frozen=True, slots=True)
class Poster:
    """Posts to addresses outside. Blocks for SECONDS and the resolver's own time at most; a retry is safe.

    inside: the one `host:port` that is reached though it is inside, on a stack of one machine; never in production.
    """

    inside: str | None = None
    resolve: Resolve = resolve
    context: ssl.SSLContext | None = None
    seconds: float = SECONDS

    def post(
        self, address: str, secret: bytes, identity: str, timestamp: int, body: bytes
    ) -> tuple[CameTo, int | None]:
        """Send once. Returns what it came to, and the answer's status, if any. Raises nothing of the network."""
        at = urlsplit(address)
        host, port = at.hostname or "", at.port or 443
        try:
            places = self.resolve(host, port)
        except (OSError, UnicodeError):
            return "unresolved", None
        if at.netloc != self.inside and (not places or not all(is_outside(one) for one in places)):
            return "inside", None
        headers = {
            "Host": at.netloc,
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "Connection": "close",
            "User-Agent": "journeys-webhook/1",
            "webhook-id": identity,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(secret, identity, timestamp, body),
        }
        target = (at.path or "/") + (f"?{at.query}" if at.query else "")
        try:
            status = self._status(places[0], port, host, _head(target, headers) + body)
        except TimeoutError:
            return "late", None
        except ssl.SSLError:
            return "untrusted", None
        except (OSError, ValueError):
            return "unreachable", None
        if 200 <= status < 300:
            return "taken", status
        return ("redirected" if 300 <= status < 400 else "refused"), status

    def _status(self, place: str, port: int, host: str, request: bytes) -> int:
        until = time.monotonic() + self.seconds
        context = self.context or ssl.create_default_context()
        with socket.create_connection((place, port), self.seconds) as plain:
            plain.settimeout(_left(until))
            with context.wrap_socket(plain, server_hostname=host) as secure:
                secure.settimeout(_left(until))
                secure.sendall(request)
                return _status_of(_first_line(secure, until))


def _head(target: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"POST {target} HTTP/1.1", *(f"{name}: {said}" for name, said in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def _first_line(secure: ssl.SSLSocket, until: float) -> bytes:
    """The answer's first line; the rest is not read, so no answer is too long."""
    line = b""
    while b"\n" not in line and len(line) < LONGEST_LINE_BYTES:
        secure.settimeout(_left(until))
        if not (more := secure.recv(LONGEST_LINE_BYTES)):
            break
        line += more
    return line.partition(b"\n")[0]


def _status_of(line: bytes) -> int:
    version, _, rest = line.partition(b" ")
    if not version.startswith(b"HTTP/1.") or not rest[:3].isdigit():
        raise ValueError("no answer of HTTP/1")
    return int(rest[:3])


def _left(until: float) -> float:
    """The seconds that are left. Raises TimeoutError when there are none."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
