"""The address in the audit trail is the client's, and no client chooses it."""

from __future__ import annotations

from typing import Any

import pytest
from nashr.settings import BadSetting, load, networks
from nashr_ingest.origin import address_of

PROXIES = networks("10.0.0.0/8, ::1")


def scope(peer: str | None, *forwarded: str) -> dict[str, Any]:
    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    return {"type": "http", "client": (peer, 1234) if peer else None, "headers": headers}


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.7"], "203.0.113.9"),
        ("10.0.0.2", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.2", ["192.0.2.1, 198.51.100.7"], "198.51.100.7"),
        ("10.0.0.2", ["192.0.2.1, 198.51.100.7, 10.1.1.1"], "198.51.100.7"),
        ("10.0.0.2", ["192.0.2.1", "198.51.100.7"], "198.51.100.7"),
        ("10.0.0.2", ["10.3.3.3"], "10.3.3.3"),
        ("10.0.0.2", ["198.51.100.7, <script>"], "10.0.0.2"),
        ("10.0.0.2", [""], "10.0.0.2"),
        ("::1", ["2001:db8::5"], "2001:db8::5"),
        ("::ffff:10.0.0.2", ["198.51.100.7"], "198.51.100.7"),
        (None, ["198.51.100.7"], None),
    ],
)
def test_only_trusted_proxies_are_believed(peer: str | None, forwarded: list[str], found: str | None) -> None:
    """The header is read from its end and no further than proxies reach; nonsense ends the search."""
    assert address_of(scope(peer, *forwarded), PROXIES) == found


def test_nobody_is_trusted_unless_told() -> None:
    """Without the setting a header is never believed, from loopback neither."""
    assert address_of(scope("127.0.0.1", "198.51.100.7"), networks("")) == "127.0.0.1"


def test_a_setting_that_is_no_network_is_refused() -> None:
    """It would silently trust nobody, or everybody."""
    with pytest.raises(BadSetting, match="NASHR_TRUSTED_PROXIES"):
        load(trusted_proxies="10.0.0.0/8, proxy.example")
