"""Where a request comes from: the connection says, or a proxy we were told to trust."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Whence:
    """The client's address, whether it came over TLS, and what it calls us."""

    address: str
    secure: bool
    host: str

    @property
    def origin(self) -> str:
        """Our own origin as the client sees it (RFC 6454)."""
        return f"{'https' if self.secure else 'http'}://{self.host}".lower()


WHENCE: web.RequestKey[Whence] = web.RequestKey("whence", Whence)


class Proxies:
    """Believes ``X-Forwarded-*`` if, and only if, a trusted proxy sends it."""

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = trusted

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Find out before anything else."""
        request[WHENCE] = self.whence(request)
        return await handler(request)

    def whence(self, request: web.Request) -> Whence:
        """Where a request comes from."""
        remote = request.remote or "unknown"
        if not self._trusts(remote):
            return Whence(remote, request.secure, request.host)
        proto = _nearest(request, "X-Forwarded-Proto") or request.scheme
        host = _nearest(request, "X-Forwarded-Host") or request.host
        return Whence(self._client(request, remote), proto.lower() == "https", host)

    def _client(self, request: web.Request, remote: str) -> str:
        """The nearest address that is no proxy of ours; what is left of it anybody can make up."""
        passed = ",".join(request.headers.getall(hdrs.X_FORWARDED_FOR, ())).split(",")
        nearest = remote
        for told in reversed([each.strip() for each in passed]):
            if not _is_address(told):
                break
            nearest = told
            if not self._trusts(told):
                break
        return nearest

    def _trusts(self, address: str) -> bool:
        if not self._trusted or not _is_address(address):
            return False
        ip = ip_address(address)
        mapped = getattr(ip, "ipv4_mapped", None) or ip
        return any(mapped in network for network in self._trusted)


def whence(request: web.Request) -> Whence:
    """What was found out."""
    return request[WHENCE]


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _nearest(request: web.Request, header: str) -> str:
    return request.headers.get(header, "").rpartition(",")[2].strip()
