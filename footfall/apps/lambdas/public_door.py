"""The collector's door on AWS: its keys in Secrets Manager and DynamoDB, its log a stream."""

import asyncio
import functools
import ipaddress
import secrets
import time
from collections.abc import Mapping
from typing import Any

from footfall.adapters.aws import firehose_stream, kinesis
from footfall.adapters.aws.clients import client
from footfall.adapters.aws.keys import SaltsTable, secret_key
from footfall.adapters.aws.placed_lines import Places
from footfall.adapters.geo import open_country_lookup
from footfall.apps.collector.answers import refusal
from footfall.apps.collector.app import Collector
from footfall.apps.collector.counters import Counters
from footfall.apps.collector.door import Door, Intake
from footfall.apps.collector.pace import Pace
from footfall.apps.collector.policy import access_of, setting_problems
from footfall.apps.collector.reading import Slow
from footfall.apps.lambdas.http_api import Reply, Scope, is_from_edge
from footfall.core.record import AppId
from footfall.errors import BadSettings
from footfall.ports.delivery import Stream
from footfall.services.collect import DirectCommit
from footfall.settings import Settings

__all__ = ["PublicDoor"]

ANYWHERE = "0.0.0.0"  # noqa: S104 - not bound: who the API can be reached by
NEEDED = ("key_secret", "salts_table")
NOT_THE_EDGE = refusal(403, "this address takes no requests of its own", "send to the site's own address")


class PublicDoor:
    """Answers one request at a time. Raises BadSettings when these settings can't be served."""

    def __init__(self, settings: Settings) -> None:
        access = access_of(settings)
        problems = setting_problems(settings, access, ANYWHERE)
        problems += [f"aws.{name} is not set" for name in NEEDED if not getattr(settings.aws, name)]
        if not (settings.aws.stream or settings.aws.firehose):
            problems.append("neither aws.stream nor aws.firehose is set, so events had nowhere to go")
        if problems:
            raise BadSettings(problems="; ".join(problems))
        self._edge_secret = settings.aws.edge_secret
        self._loop = asyncio.new_event_loop()
        counters = Counters(1)
        rate = settings.collector.rate_limit
        self._collector = Collector(
            Door(
                limits=settings.collector,
                access=access,
                commit=DirectCommit(_stream(settings)),
                intake=_intake(settings),
                slow=Slow(self._loop),
                counters=counters,
                row=counters.row(0),
                clock=_microseconds,
                pace=Pace(rate) if rate else None,
            )
        )

    def answer(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a request, both in payload format 2.0."""
        scope = Scope(event, edge=bool(self._edge_secret))
        reply = Reply(scope)
        if is_from_edge(event, self._edge_secret):
            self._loop.run_until_complete(self._collector.__rsgi__(scope, reply))
        else:
            reply.response_bytes(NOT_THE_EDGE.status, NOT_THE_EDGE.headers, NOT_THE_EDGE.body)
        return reply.value

    def close(self) -> None:
        """Release the event loop."""
        self._loop.close()


def _stream(settings: Settings) -> Stream:
    """Return Kinesis, or where there is none the Firehose stream that makes rows by itself."""
    name = f"collect-{secrets.token_hex(6)}"
    if settings.aws.stream:
        places = Places(name, _microseconds, kinesis.RECORD_BYTES)
        return kinesis.KinesisStream(settings.aws.stream, client("kinesis"), places)
    places = Places(name, _microseconds, firehose_stream.RECORD_BYTES)
    return firehose_stream.FirehoseStream(settings.aws.firehose, client("firehose"), places)


def _intake(settings: Settings) -> Intake:
    return Intake(
        SaltsTable(settings.aws.salts_table, client("dynamodb")).daily_salt,
        functools.cache(lambda: secret_key(settings.aws.key_secret, client("secretsmanager"))),
        open_country_lookup(settings.loader.geo_database),
        {AppId(name): app.scrub for name, app in settings.apps.items()},
        [ipaddress.ip_network(network) for network in settings.collector.trusted_proxies],
    )


def _microseconds() -> int:
    return time.time_ns() // 1_000
