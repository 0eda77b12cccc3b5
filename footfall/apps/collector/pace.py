"""The rate limit: a token bucket per sender network, in bounded memory."""

import ipaddress

__all__ = ["Pace", "network_of"]

NETWORKS = 65_536


class Pace:
    """Lets each network through ``rate`` times a second, with bursts of one second's worth.

    Each worker counts for itself. The longest known networks are forgotten when too many are kept;
    a forgotten one starts with a full bucket.
    """

    def __init__(self, rate: int, networks: int = NETWORKS) -> None:
        self._rate = rate
        self._networks = networks
        self._buckets: dict[str, tuple[float, float]] = {}

    def allows(self, network: str, now: float) -> bool:
        """Take a token at ``now`` (seconds of any steady clock); False when there is none."""
        tokens, before = self._buckets.pop(network, (float(self._rate), now))
        tokens = min(float(self._rate), tokens + (now - before) * self._rate)
        allowed = tokens >= 1.0
        self._buckets[network] = (tokens - allowed, now)
        if len(self._buckets) > self._networks:
            del self._buckets[next(iter(self._buckets))]
        return allowed


def network_of(ip: str) -> str:
    """Return the /24 or /48 of an address; the text itself when it is none."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ip
    bits = 24 if address.version == 4 else 48
    return str(ipaddress.ip_network((address, bits), strict=False))
