"""Which addresses nashr sends requests to that editors and admins have named: only public ones. Pure.

``ipaddress.is_global`` alone does not tell: it lets through addresses that carry a private one inside
(NAT64, 6to4, Teredo, IPv4-mapped) and multicast.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias
from urllib.parse import urlsplit

Address: TypeAlias = IPv4Address | IPv6Address
Block: TypeAlias = IPv4Network | IPv6Network


class Reach(StrEnum):
    """How far requests may go: to public addresses over https, also to this machine, also to its network."""

    public = "public"
    loopback = "loopback"
    private = "private"


_NEVER: Final = [
    ip_network(block)
    for block in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24",
        "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
        "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
    )
]  # fmt: skip
"""The special-purpose registries of IANA (RFC 6890 and after); of IPv6 what lies inside 2000::/3."""

_GLOBAL_V6: Final = ip_network("2000::/3")
"""The only IPv6 block that is given out: NAT64, mapped, ULA, link-local and multicast lie outside it."""

_LOOPBACK: Final = [ip_network("127.0.0.0/8"), ip_network("::1/128")]
_PRIVATE: Final = [
    ip_network(block)
    for block in ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
]


def may_reach(address: Address, reach: Reach = Reach.public) -> bool:
    """Whether a request may go to an address. Link-local ones (a cloud's metadata) never are reached."""
    if reach != Reach.public and _in(address, _LOOPBACK):
        return True
    if reach == Reach.private and _in(address, _PRIVATE):
        return True
    if address.version == 6 and address not in _GLOBAL_V6:
        return False
    return address.is_global and not _in(address, _NEVER)


def _in(address: Address, blocks: Sequence[Block]) -> bool:
    return any(address in block for block in blocks)


def refusal(url: str, reach: Reach = Reach.public) -> str | None:
    """Why a URL is refused before its name is looked up, with the cure; None if it is not."""
    try:
        parts = urlsplit(url)
        host, user, _ = parts.hostname, parts.username, parts.port
    except ValueError:
        return "not a URL: give an absolute https:// address"
    if not host or user is not None or parts.password is not None:
        return "give an absolute https:// address without a user name"
    if parts.scheme != "https" and (parts.scheme != "http" or reach == Reach.public):
        return "give an https:// address; http:// takes NASHR_WEBHOOKS_REACH"
    literal = as_address(host)
    if literal is not None and parts.scheme == "http" and may_reach(literal):
        return "give an https:// address: http:// is for this machine and its network"
    if literal is not None and not may_reach(literal, reach):
        return f"{host} is no public address; others take NASHR_WEBHOOKS_REACH"
    return None


def as_address(host: str) -> Address | None:
    """The address that a URL's host is by itself; None for a name."""
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None
