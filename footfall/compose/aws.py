"""An installation on AWS as commands see it: found by its name, asked with the rights of who calls."""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import msgspec

from footfall.adapters.aws import firehose_stream, kinesis
from footfall.adapters.aws.clients import client
from footfall.adapters.aws.delivery_errors import DeliveryErrors
from footfall.adapters.aws.dynamodb import EventsTable
from footfall.adapters.aws.firehose import FirehoseSink
from footfall.adapters.aws.keys import secret_key
from footfall.adapters.aws.opensearch import SearchSink, search_client
from footfall.adapters.aws.piecemeal import Patience
from footfall.adapters.aws.placed_lines import Places
from footfall.adapters.aws.sqs import LetterQueue
from footfall.adapters.aws.stacks import settings_of
from footfall.adapters.geo import open_country_lookup
from footfall.adapters.key_file import derived_salt
from footfall.adapters.s3_objects import S3Objects
from footfall.core.dead_letter import DeadLetter
from footfall.core.record import AppId
from footfall.core.scrub import ScrubPlan, plan_for
from footfall.errors import BadSettings, NotFound
from footfall.ports.delivery import LetterSource, Sink, Stream
from footfall.services.imports.rows import ImportRules
from footfall.services.redrive import Chosen, Redriven, listed_letters, redrive
from footfall.services.wire import letter_json
from footfall.settings import App, Aws, Settings, load_settings

__all__ = ["Installation", "RemoteLetters", "installation"]

PATIENCE = Patience(seconds=30.0)
MOST_TOLD = 100


@dataclass(frozen=True)
class Installation:
    """An installation's name and its settings: what its stacks tell, under what this machine sets."""

    name: str
    settings: Settings

    def need(self, *names: str) -> None:
        """Raise BadSettings when one of these settings of ``[aws]`` is not known."""
        missing = [f"aws.{name}" for name in names if not getattr(self.settings.aws, name)]
        if missing:
            told = f"the stacks of {self.name} do not tell {', '.join(missing)}: deploy it once more"
            raise BadSettings(problems=told)

    def key(self) -> bytes:
        """Return the installation's key. Raises SecretFailed."""
        self.need("key_secret")
        return secret_key(self.settings.aws.key_secret, client("secretsmanager"))

    def plan_of(self, key: bytes) -> Callable[[str], ScrubPlan]:
        """Return what gives an app's scrub rules."""
        apps = self.settings.apps
        return cache(lambda app: plan_for(apps.get(app, App()).scrub, key))


def installation(name: str, data: Path | None = None) -> Installation:
    """Return the installation of that name in the account that the environment names.

    Apps, and whatever ``[aws]`` says here, come from footfall.toml (beside ``data``, or here) and
    ``FOOTFALL_*`` as always. Raises NotFound, AwsRefused, BadSettings.
    """
    here = load_settings(flags={"data": data})
    told = settings_of(name, client("cloudformation"))
    usual = msgspec.structs.asdict(Aws())
    given = {key: value for key, value in msgspec.structs.asdict(here.aws).items() if value != usual[key]}
    return Installation(name, msgspec.structs.replace(here, aws=msgspec.convert(told | given, Aws)))


class RemoteLetters:
    """The dead letters of an installation: the calls of ``rejected`` as a platform here answers them."""

    def __init__(self, found: Installation) -> None:
        found.need("dead_letters", "lake_bucket")
        aws = found.settings.aws
        self._found = found
        self._queue = LetterQueue(aws.dead_letters, client("sqs"), PATIENCE)
        self._sources: list[LetterSource] = [self._queue, DeliveryErrors(S3Objects(aws.lake_bucket))]

    def rejected(self, *, app: str | None = None, limit: int = 100) -> Any:
        """List letters, the newest of those looked at first; they stay where they are."""
        letters = [
            letter for source in self._sources for letter in listed_letters(source, limit, Chosen(app=app))
        ]
        return [letter_json(each) for each in sorted(letters, key=_moment, reverse=True)[:limit]]

    def rejected_one(self, rejected_id: str) -> Any:
        """Return one letter. Raises NotFound."""
        for source in self._sources:
            if found := listed_letters(source, 1, Chosen(frozenset([rejected_id]))):
                return letter_json(found[0])
        raise self._absent([rejected_id])

    def retry(
        self, *, ids: Sequence[str] | None = None, app: str | None = None, body: str | None = None
    ) -> Any:
        """Bring letters on. Raises NotFound for ids that are not there, once the others are done."""
        chosen = Chosen(frozenset(ids) if ids else None, app)
        parts = self._stream(), self._sinks(), self._rules()
        runs = [redrive(source, *parts, chosen, body) for source in self._sources]
        done = Redriven(
            sent=sum(run.sent for run in runs), still_dead=[each for run in runs for each in run.still_dead]
        )
        seen = len(done.still_dead) + done.sent
        if chosen.ids and seen < len(chosen.ids):
            raise self._absent(sorted(chosen.ids), done)
        refused = [
            {"rejected_id": each.letter_id, "reasons": each.reasons} for each in done.still_dead[:MOST_TOLD]
        ]
        counts = {"retried": seen, "sent": done.sent, "still_rejected": len(done.still_dead)}
        return {**counts, "refused": refused}

    def count(self) -> tuple[int, int]:
        """Return about how many letters wait, and how many somebody has in hand."""
        return self._queue.count()

    def _absent(self, ids: Sequence[str], done: Redriven | None = None) -> NotFound:
        brought = f"; {done.sent} of those named were brought on" if done else ""
        hint = (
            f'"footfall rejected list --aws {self._found.name}" names them; one that somebody else has in '
            f"hand is back within five minutes{brought}"
        )
        return NotFound(what="dead letter", name=", ".join(ids), hint=hint)

    def _stream(self) -> Stream:
        """Return what collect writes to: an event that goes on arrives anew."""
        aws = self._found.settings.aws
        log = f"redrive-{secrets.token_hex(6)}"
        if aws.stream:
            places = Places(log, _microseconds, kinesis.RECORD_BYTES)
            return kinesis.KinesisStream(aws.stream, client("kinesis"), places, PATIENCE)
        self._found.need("firehose")
        places = Places(log, _microseconds, firehose_stream.RECORD_BYTES)
        return firehose_stream.FirehoseStream(aws.firehose, client("firehose"), places, PATIENCE)

    def _sinks(self) -> dict[str, Sink]:
        """Return the stores that rows may wait for; without Kinesis, Firehose takes records and no rows."""
        aws = self._found.settings.aws
        sinks: list[Sink] = []
        if aws.stream and aws.firehose:
            sinks.append(FirehoseSink(aws.firehose, client("firehose"), PATIENCE))
        if aws.search:
            sinks.append(SearchSink(search_client(aws.search, _region(aws.search)), PATIENCE))
        if aws.events_table:
            sinks.append(EventsTable(aws.events_table, client("dynamodb"), PATIENCE))
        return {sink.name: sink for sink in sinks}

    def _rules(self) -> Callable[[AppId], ImportRules]:
        key = self._found.key()
        plan_of = self._found.plan_of(key)
        country_of = open_country_lookup(self._found.settings.loader.geo_database)
        return lambda app: ImportRules(app, plan_of(app), partial(derived_salt, key), country_of)


def _moment(letter: DeadLetter) -> tuple[int, str]:
    return letter.received_at, letter.letter_id


def _region(endpoint: str) -> str:
    """Return the region of a domain's address, which requests to it are signed for."""
    return endpoint.split(".")[1] if endpoint.endswith(".es.amazonaws.com") else ""


def _microseconds() -> int:
    return time.time_ns() // 1_000
