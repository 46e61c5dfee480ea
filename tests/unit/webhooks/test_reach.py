"""Which addresses are reached: public ones, and no others by any spelling."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from nashr.domain.reach import Reach, may_reach, refusal

NOT_PUBLIC = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.0.3",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.170", "192.0.2.1",
    "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:7f00:1::1",
    "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::", "2002:a00:1::1", "2002:808:808::1",
    "3fff::1", "5f00::1", "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip
PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "93.184.215.14",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700:4700::1111",
    "2a00:1450::1",
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_no_address_but_public_ones_is_reached(address: str) -> None:
    """Private, loopback, link-local, CGNAT, multicast, reserved, and what carries an IPv4 address inside."""
    assert not may_reach(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_reached(address: str) -> None:
    """What is next to a blocked range is not blocked with it."""
    assert may_reach(ip_address(address))


def test_a_setting_opens_this_machine_or_its_network_and_nothing_else() -> None:
    """loopback and private never reach link-local addresses, where clouds keep their credentials."""
    reached = {reach: {text for text in NOT_PUBLIC if may_reach(ip_address(text), reach)} for reach in Reach}
    assert reached[Reach.public] == set()
    assert reached[Reach.loopback] == {"127.0.0.1", "127.255.0.3", "::1"}
    assert reached[Reach.private] == reached[Reach.loopback] | {
        "10.0.0.1", "100.64.0.1", "100.127.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "fc00::1", "fd12:3456::1",
    }  # fmt: skip


@pytest.mark.parametrize(
    "url",
    ["http://example.com/", "ftp://example.com/", "https:///x", "https://user@example.com/", "//example.com",
     "https://user:pass@example.com/", "https://127.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/",
     "https://[fe80::1%25eth0]/", "https://10.0.0.1:8443/", "https://169.254.169.254/latest/meta-data/",
     "https://example.com:99999/", "javascript:alert(1)", "file:///etc/passwd", "https://0.0.0.0/"],
)  # fmt: skip
def test_bad_addresses_are_refused_as_written(url: str) -> None:
    """Other schemes, user names and literal addresses that are not public, before any name is looked up."""
    assert refusal(url)


def test_a_good_address_is_not_refused() -> None:
    """https to a name or a public address, on any port; http where the setting opens it."""
    assert refusal("https://cms.example/nashr?x=1") is None
    assert refusal("https://8.8.8.8:8443/hook") is None
    assert refusal("http://127.0.0.1:9000/hook", Reach.loopback) is None
    assert refusal("http://10.0.0.8/hook", Reach.loopback)
    assert refusal("http://8.8.8.8/hook", Reach.private)
    assert refusal("http://10.0.0.8/hook", Reach.private) is None
