"""Who sent it: the cut address, the visitor of a day, and the client behind proxies."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core.sender import client_ip, cut_ip, make_sender, visitor_hash

PROXIES = [ip_network("10.0.0.0/8"), ip_network("127.0.0.0/8"), ip_network("2001:db8::/32")]


def nowhere(_ip: str) -> str | None:
    return None


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0"),
        ("203.0.113.77:4711", "203.0.113.0"),
        ("::ffff:203.0.113.77", "203.0.113.0"),
        ("2001:db8:1:2:3::4", "2001:db8:1::"),
        ("[2001:db8:1:2:3::4]:443", "2001:db8:1::"),
        ("fe80::1%eth0", "fe80::"),
        ("unix:/run/x", None),
        ("", None),
        (None, None),
    ],
)
def test_addresses_are_cut(address: str | None, network: str | None) -> None:
    assert cut_ip(address) == network


@given(st.ip_addresses(v=4) | st.ip_addresses(v=6))
def test_a_cut_address_is_its_network(address: object) -> None:
    cut = cut_ip(str(address))
    assert cut is not None
    assert cut_ip(cut) == cut
    width = 24 if "." in cut else 48
    mapped = getattr(address, "ipv4_mapped", None) or address
    assert str(ip_network((str(mapped), width), strict=False).network_address) == cut


def test_a_sender_holds_nothing_personal() -> None:
    sender = make_sender(
        "shop", "203.0.113.77", "Bot/1.0 (+https://b.example; jane@x.com)", "de-DE,de;q=0.9", b"salt",
        {"203.0.113.77": "DE"}.get,
    )  # fmt: skip
    assert sender.ip == "203.0.113.0"
    assert sender.country == "DE"
    assert sender.language == "de-DE"
    assert sender.user_agent == "Bot/1.0 (+https://b.example; [email])"
    assert sender.visitor_hash == visitor_hash(
        "shop", "203.0.113.77", "Bot/1.0 (+https://b.example; jane@x.com)", b"salt"
    )
    nobody = make_sender("shop", "unix:", None, "*", b"salt", nowhere)
    assert [
        *map(str, (nobody.ip, nobody.country, nobody.user_agent, nobody.language, nobody.visitor_hash))
    ] == ["None"] * 5
    assert make_sender("shop", None, "é\udcff" * 2_000, "x" * 500, b"salt", nowhere).user_agent


def test_visitors_are_told_apart_for_a_day() -> None:
    base = visitor_hash("a", "203.0.113.7", "ua", b"monday")
    assert base == visitor_hash("a", "::ffff:203.0.113.7", "ua", b"monday")
    others = [
        visitor_hash("a", "203.0.113.8", "ua", b"monday"),
        visitor_hash("a", "203.0.113.7", "ub", b"monday"),
        visitor_hash("b", "203.0.113.7", "ua", b"monday"),
        visitor_hash("a", "203.0.113.7", "ua", b"tuesday"),
        visitor_hash("a2", "03.0.113.7", "ua", b"monday"),
    ]
    assert len({base, *others}) == 6
    assert len(base) == 24


@pytest.mark.parametrize(
    ("remote", "forwarded", "client"),
    [
        ("203.0.113.7", None, "203.0.113.7"),
        ("203.0.113.7:55", "198.51.100.1", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1:80", "6.6.6.6, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "6.6.6.6, garbage, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", " , ", "10.0.0.1"),
        ("2001:db8::1", "2a02::7, 2001:db8::2", "2a02::7"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("unix:/run/x", "198.51.100.1", None),
        (None, None, None),
    ],
)
def test_only_trusted_proxies_are_believed(
    remote: str | None, forwarded: str | None, client: str | None
) -> None:
    assert client_ip(remote, forwarded, PROXIES) == client
