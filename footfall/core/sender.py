"""Who sent a request, with nothing personal left: the cut address, the country, the visitor's hash."""

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address

from footfall.core.record import Sender
from footfall.core.scrub import ScrubPlan, cut_address, plan_for, scrub_text
from footfall.core.validate import address_of

__all__ = ["client_ip", "cut_ip", "make_sender", "visitor_hash", "visitor_hasher"]

LONGEST_AGENT = 2_000
LONGEST_LANGUAGE = 35  # BCP 47's own advice for buffers (RFC 5646, 4.4.1)
_MASKING = b"masks only"


def cut_ip(address: str | None) -> str | None:
    """Return the address's network: /24 of IPv4 (also mapped into IPv6), /48 of IPv6, or None."""
    found = address_of(address) if address else None
    return cut_address(found) if found else None


def visitor_hash(app_id: str, ip: str | None, user_agent: str | None, salt: bytes) -> str:
    """Return 24 hex digits for the app, full address and agent; of use only while the salt is.

    Keyed BLAKE2b (RFC 7693) over the parts, each with its length before it, so that no two triples
    run together. ``salt`` is the day's, 1 to 64 bytes.
    """
    return visitor_hasher(app_id, salt)(ip, user_agent)


def visitor_hasher(app_id: str, salt: bytes) -> Callable[[str | None, str | None], str]:
    """Return ``visitor_hash`` of an address and an agent: what a day's visitors share is hashed once."""
    begun = hashlib.blake2b(_part(app_id), digest_size=12, key=salt)

    def visitor(ip: str | None, user_agent: str | None) -> str:
        digest = begun.copy()
        digest.update(_address_part(ip) + _part(user_agent or ""))
        return digest.hexdigest()

    return visitor


@lru_cache(1 << 14)
def _address_part(ip: str | None) -> bytes:
    return _part(address_of(ip) or ip if ip else "")


@lru_cache(1 << 14)
def _part(text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    return len(data).to_bytes(8) + data


def make_sender(
    app_id: str,
    ip: str | None,
    user_agent: str | None,
    language: str | None,
    salt: bytes,
    country_of: Callable[[str], str | None],
    plan: ScrubPlan | None = None,
) -> Sender:
    """Return the sender of a request from its full address and headers.

    ``language`` is Accept-Language: its first tag is kept. The agent is scrubbed by ``plan``, else
    with every rule masking. ``visitor_hash`` is None when neither address nor agent is known.
    """
    address = address_of(ip) if ip else None
    agent = user_agent[:LONGEST_AGENT].encode("utf-8", "replace").decode() if user_agent else None
    plan = plan or plan_for({}, _MASKING)
    tag = (language or "").split(",")[0].split(";")[0].strip()[:LONGEST_LANGUAGE]
    return Sender(
        ip=cut_address(address) if address else None,
        country=country_of(address) if address else None,
        user_agent=scrub_text(agent, "agent", plan) if agent else None,
        language=tag if tag and tag != "*" and tag.replace("-", "").isalnum() else None,
        visitor_hash=visitor_hash(app_id, address, user_agent, salt) if address or user_agent else None,
    )


def client_ip(
    remote: str | None, x_forwarded_for: str | None, trusted: Sequence[IPv4Network | IPv6Network]
) -> str | None:
    """Return the client's address: the rightmost of the chain that is no trusted proxy.

    ``remote`` is the peer (a port behind it is dropped). The header is believed only as far as trusted
    peers wrote it, so nobody can write themselves another address. A broken part ends the chain at
    the proxy that passed it on; None when the peer is no address.
    """
    found = address_of(remote) if remote else None
    chain = [part for part in (x_forwarded_for or "").split(",") if part.strip()]
    while found is not None and chain:
        address = ip_address(found)
        if not any(address.version == network.version and address in network for network in trusted):
            break
        behind = address_of(chain.pop())
        if behind is None:
            break
        found = behind
    return found
