"""Where a request comes from: the peer, or whom a trusted proxy names in X-Forwarded-For."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

from starlette.datastructures import Headers
from starlette.types import Scope

Network: TypeAlias = IPv4Network | IPv6Network
_Address: TypeAlias = IPv4Address | IPv6Address


def address_of(scope: Scope, proxies: Sequence[Network]) -> str | None:
    """The client's address; None where there is none, as on a unix socket.

    The header is read from its end, where the nearest proxy has written, and only as far as addresses are
    those of ``proxies``: what a client writes into it itself is never believed.
    """
    peer = _read((scope.get("client") or ("", 0))[0])
    if peer is None:
        return None
    found = peer
    for hop in _forwarded(Headers(scope=scope).getlist("x-forwarded-for")):
        if not _trusted(found, proxies):
            break
        address = _read(hop)
        if address is None:
            break
        found = address
    return str(found)


def _forwarded(headers: Iterable[str]) -> list[str]:
    """Every hop that was written down, the nearest first."""
    return [hop.strip() for hop in ",".join(headers).split(",")][::-1]


def _read(text: str) -> _Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _trusted(address: _Address, proxies: Sequence[Network]) -> bool:
    return any(address in network for network in proxies)
