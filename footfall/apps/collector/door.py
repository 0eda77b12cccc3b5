"""What every route of one worker works with: its parts, the apps' policies, the senders it knows."""

import datetime
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from footfall.apps.collector.counters import Counters, Row
from footfall.apps.collector.lately import Lately
from footfall.apps.collector.pace import Pace
from footfall.apps.collector.reading import Slow
from footfall.apps.collector.seen import Seen
from footfall.core.access import Access
from footfall.core.intake import DEFAULT_APP, Policy, Taken, refuse, take
from footfall.core.protocols.reading import derived_id
from footfall.core.record import AppId, Sender
from footfall.core.scrub import Action, plan_for
from footfall.core.sender import client_ip, make_sender, visitor_hash
from footfall.ports import CountryLookup
from footfall.services.collect import Commit
from footfall.settings import Collector as Limits

__all__ = ["Door", "Intake", "Visit"]

DAY = 86_400_000_000
KNOWN = 8_192  # senders, a kilobyte each
EPOCH = datetime.date(1970, 1, 1)

Visit = tuple[str, str | None, str | None, str | None]
"""What tells senders apart: peer, X-Forwarded-For, User-Agent, Accept-Language."""


class Intake:
    """The core's intake with what it needs at hand; senders and policies are made once, then kept.

    ``salt_of`` gives the salt of a UTC day and ``key`` the installation's key; both may raise
    KeysFailed. ``actions`` are the scrub overrides of each configured app.
    """

    def __init__(
        self,
        salt_of: Callable[[datetime.date], bytes],
        key: Callable[[], bytes],
        country_of: CountryLookup,
        actions: Mapping[AppId, Mapping[str, Action]],
        proxies: Sequence[IPv4Network | IPv6Network],
    ) -> None:
        self._salt_of = salt_of
        self._key = key
        self._country_of = country_of
        self._actions = actions
        self._proxies = proxies
        self._day = -1
        self._salt = b""
        self._secret = b""
        self._policies: dict[AppId | None, Policy] = {}
        self._senders: dict[tuple[AppId | None, Visit], Sender] = {}

    def take(self, body: bytes, *, app: AppId | None, origin: str, visit: Visit, now: int) -> Taken:
        """Judge a body; ``app`` is None where senders may choose, ``now`` is in microseconds."""
        policy, sender = self._known(app, visit, now)
        return take(
            body,
            policy=policy,
            origin=origin,
            received_at=now,
            sender=sender,
            country_of=self._country_of,
            visitor_of=lambda ip, agent: visitor_hash(app or DEFAULT_APP, ip, agent, self._salt),
        )

    def refuse(
        self, body: bytes, why: str, *, app: AppId | None, origin: str, visit: Visit, now: int
    ) -> Taken:
        """Keep a body that no event could be made out of, with the reason."""
        policy, sender = self._known(app, visit, now)
        return refuse(body, why, policy=policy, origin=origin, received_at=now, sender=sender)

    def secret(self) -> bytes:
        """Return 32 bytes of the installation's own, for what a reply has to sign. Raises KeysFailed."""
        if not self._secret:
            self._secret = hashlib.blake2b(b"replies", key=self._key()[:64], digest_size=32).digest()
        return self._secret

    def named(self, visit: Visit, parts: Sequence[bytes], now: int) -> tuple[str, str]:
        """Return the day's hash of the sender, and a name for these bytes of theirs.

        Both are hashed with the day's salt: nobody leads them back once that is gone. Raises KeysFailed.
        """
        visitor = self._known(None, visit, now)[1].visitor_hash or ""
        return visitor, derived_id(self._salt, visitor.encode(), *parts)

    def network(self, visit: Visit) -> str:
        """Return the network that a request came from, for the rate limit."""
        return (
            make_sender(
                DEFAULT_APP, client_ip(visit[0], visit[1], self._proxies), None, None, b"-", lambda _: None
            ).ip
            or ""
        )

    def _known(self, app: AppId | None, visit: Visit, now: int) -> tuple[Policy, Sender]:
        if now // DAY != self._day:
            self._salt = self._salt_of(EPOCH + datetime.timedelta(days=now // DAY))
            self._day = now // DAY
            self._senders.clear()
        policy = self._policies.get(app) or self._policy(app)
        return policy, self._senders.get((app, visit)) or self._sender(policy, visit)

    def _policy(self, app: AppId | None) -> Policy:
        policy = Policy(app, plan_for(self._actions.get(app or DEFAULT_APP, {}), self._key()))
        self._policies[app] = policy
        return policy

    def _sender(self, policy: Policy, visit: Visit) -> Sender:
        if len(self._senders) >= KNOWN:
            self._senders.clear()
        peer, forwarded, agent, language = visit
        sender = make_sender(
            policy.app_id or DEFAULT_APP,
            client_ip(peer, forwarded, self._proxies),
            agent,
            language,
            self._salt,
            self._country_of,
            policy.plan,
        )
        self._senders[policy.app_id, visit] = sender
        return sender


@dataclass(frozen=True, slots=True)
class Door:
    """The parts of one worker; ``clock`` gives UTC microseconds."""

    limits: Limits
    access: Access
    commit: Commit
    intake: Intake
    slow: Slow
    counters: Counters
    row: Row
    clock: Callable[[], int]
    pace: Pace | None = None
    seen: Seen = field(default_factory=Seen)
    lately: Lately = field(default_factory=Lately)
