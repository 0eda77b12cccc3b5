"""Rows into OpenSearch by ``_bulk``, each created once under the id of its app and event id."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from footfall.adapters.aws.piecemeal import Bounds, Failure, Patience, send_piecemeal
from footfall.core.json_rows import json_rows
from footfall.core.search_index import ALIAS, age_policy, document_ids, index_names, index_template
from footfall.errors import MissingExtra, StoreFailed
from footfall.ports.delivery import Written

__all__ = ["SearchSink", "search_client"]

REQUEST = Bounds(things=5_000, size=5_000_000)
THERE = 409  # version_conflict_engine_exception: this event is in the index already


def search_client(endpoint: str, region: str = "", *, seconds: float = 10.0) -> Any:
    """Return a client; with a region its requests are signed with the process's rights for ``es``.

    Raises MissingExtra.
    """
    try:
        from botocore.session import get_session  # type: ignore[import-untyped]
        from opensearchpy import OpenSearch, Urllib3AWSV4SignerAuth, Urllib3HttpConnection
    except ImportError as error:
        raise MissingExtra(feature="OpenSearch", extra="aws") from error
    rights = get_session().get_credentials() if region else None
    return OpenSearch(
        [endpoint],
        http_auth=Urllib3AWSV4SignerAuth(rights, region, "es") if rights else None,
        connection_class=Urllib3HttpConnection,
        http_compress=True,
        max_retries=0,
        timeout=seconds,
    )


class _Document(NamedTuple):
    day: str
    name: str
    row: bytes

    def lines(self) -> bytes:
        action = {"create": {"_index": self.day, "_id": self.name}}
        return msgspec.json.encode(action) + b"\n" + self.row + b"\n"


class SearchSink:
    """The Sink port on one OpenSearch domain."""

    name = "search"
    once = True

    def __init__(self, client: Any, patience: Patience | None = None) -> None:
        self._client = client
        self._patience = patience or Patience()

    def prepare(
        self, *, shards: int = 1, replicas: int = 1, keep_days: int = 30, policy: bool = True
    ) -> None:
        """Put the index template, and the policy of age where the domain has ISM. Raises StoreFailed."""
        self._ask("PUT", f"/_index_template/{ALIAS}", index_template(shards, replicas))
        if policy:
            self._ask("PUT", f"/_plugins/_ism/policies/{ALIAS}", age_policy(keep_days=keep_days))

    def write(self, rows: pa.Table) -> Written:
        """See the port; refused is what the mapping does not take."""
        created = pc.strftime(rows["created_at"], format="%Y-%m-%d").to_pylist()
        ids = document_ids(rows["app_id"].to_pylist(), rows["event_id"].to_pylist())
        documents = list(map(_Document, index_names(created), ids, json_rows(rows, "iso", nested=True)))
        failed = send_piecemeal(
            documents, self._bulk, lambda document: len(document.row) + 150, REQUEST, self._patience
        )
        refused = {place: failure.reason for place, failure in failed.items() if not failure.for_now}
        left = {place: failure.reason for place, failure in failed.items() if failure.for_now}
        return Written(refused, left)

    def _bulk(self, group: Sequence[_Document]) -> Mapping[int, Failure]:
        from opensearchpy.exceptions import OpenSearchException, TransportError

        body = b"".join(document.lines() for document in group)
        try:
            answer = self._client.transport.perform_request("POST", "/_bulk", body=body)
        except TransportError as error:
            return dict.fromkeys(range(len(group)), _failure_of(error))
        except OpenSearchException as error:  # no answer that could be read
            return dict.fromkeys(range(len(group)), Failure(str(error), for_now=True))
        if not answer["errors"]:
            return {}
        outcomes = (item["create"] for item in answer["items"])
        return {
            place: _of_item(outcome)
            for place, outcome in enumerate(outcomes)
            if "error" in outcome and outcome["status"] != THERE
        }

    def _ask(self, method: str, path: str, body: Mapping[str, Any]) -> None:
        from opensearchpy.exceptions import OpenSearchException

        try:
            self._client.transport.perform_request(method, path, body=body)
        except OpenSearchException as error:
            raise StoreFailed(store="OpenSearch", cause=error) from error


def _of_item(outcome: Mapping[str, Any]) -> Failure:
    error, status = outcome["error"], int(outcome["status"])
    cause = error.get("caused_by", {}).get("reason")
    reason = f"{error['type']}: {error['reason']}" + (f" ({cause})" if cause else "")
    return Failure(reason, for_now=status == 429 or status >= 500)


def _failure_of(error: Any) -> Failure:
    """Return what a refused request says of every document in it.

    A domain that can't be reached, or that won't let us in, takes the same rows later.
    """
    status = error.status_code if isinstance(error.status_code, int) else 0
    reason = f"{error.status_code}: {error.error}"
    if status in (400, 413):  # a body that it can't read, or one that is too large
        return Failure(reason, for_now=False, whole=True)
    return Failure(reason, for_now=True)
