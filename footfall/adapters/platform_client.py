"""A running platform, spoken to over its API: what commands use while ``footfall up`` runs."""

import json
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from msgspec import Struct

from footfall.errors import FootfallError, PlatformRefused, PlatformRefusedForNow, PlatformUnreachable

__all__ = ["PlatformClient"]

CATCH_UP_SECONDS = 2.0


class PlatformClient:
    """The commands' view of a platform that another process runs.

    Each method gives the API's JSON. Raises PlatformUnreachable, or the platform's own error
    with its message.
    """

    def __init__(self, url: str, *, data: object, token: str = "", timeout: float = 120.0) -> None:
        self._url = url
        self._data = data
        self._token = token
        self._timeout = timeout

    def close(self) -> None:
        """Nothing is kept open between calls."""

    def metrics(self) -> Any:
        """List the metrics."""
        return self._call("GET", "/api/metrics")

    def metric(self, name: str, values: Mapping[str, str]) -> Any:
        """Answer one metric."""
        return self._call("GET", f"/api/metrics/{quote(name, safe='')}?{urlencode(values)}")

    def sql(self, query: str) -> Any:
        """Answer one SELECT."""
        return self._call("POST", "/api/sql", {"sql": query})

    def ledger(self) -> Any:
        """Return the books, after giving the loader a moment to reach the logs' ends."""
        return self._call("GET", f"/api/ledger?wait={CATCH_UP_SECONDS}")

    def trace(self, event_id: str) -> Any:
        """Return one event's life."""
        return self._call("GET", f"/api/events/{quote(event_id, safe='')}")

    def rejected(self, *, app: str | None = None, limit: int = 100) -> Any:
        """List rejected events."""
        values = {"limit": str(limit)} | ({"app": app} if app else {})
        return self._call("GET", f"/api/rejected?{urlencode(values)}")

    def rejected_one(self, rejected_id: str) -> Any:
        """Return one rejected event."""
        return self._call("GET", f"/api/rejected/{quote(rejected_id, safe='')}")

    def retry(
        self, *, ids: Sequence[str] | None = None, app: str | None = None, body: str | None = None
    ) -> Any:
        """Take rejected events in again."""
        order = {"ids": list(ids) if ids else None, "app": app, "body": body}
        return self._call("POST", "/api/rejected/retry", order)

    def health(self) -> Any:
        """Return what each part says of itself."""
        return self._call("GET", "/api/health")

    def import_files(
        self,
        format: str,
        paths: Sequence[str],
        app: str,
        on_progress: Callable[[Mapping[str, Any]], None],
        *,
        growing: bool = False,
    ) -> Any:
        """Have the platform import files; its progress comes line by line, the outcome last."""
        body = {"format": format, "paths": list(paths), "app": app, "growing": growing}
        return self._watched("/api/imports", body, on_progress)

    def imported(self, *, app: str | None = None, limit: int = 100) -> Any:
        """List imported sources."""
        values = {"limit": str(limit)} | ({"app": app} if app else {})
        return self._call("GET", f"/api/imports?{urlencode(values)}")

    def export_mart(self, url: str, whole: bool, on_progress: Callable[[Mapping[str, Any]], None]) -> Any:
        """Have the platform bring a relational mart up to date."""
        return self._watched("/api/exports", {"url": url, "whole": whole}, on_progress)

    def export_files(self, order: Struct, on_progress: Callable[[Mapping[str, Any]], None]) -> Any:
        """Have the platform write events to files of its machine, which is this one."""
        return self._watched("/api/exports/files", msgspec.to_builtins(order), on_progress)

    def _watched(self, path: str, body: object, on_progress: Callable[[Mapping[str, Any]], None]) -> Any:
        outcome: dict[str, Any] = {}
        for line in self._stream("POST", path, body):
            message = json.loads(line)
            if "error" in message:
                raise _error(message)
            if "done" in message:
                outcome = message["done"]
            else:
                on_progress(message)
        return outcome

    def _stream(self, method: str, path: str, body: object | None = None) -> Any:
        address = urlsplit(self._url)
        connection = HTTPConnection(address.hostname or "127.0.0.1", address.port, timeout=self._timeout)
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            payload = json.dumps(body) if body is not None else None
            connection.request(method, path, payload, headers)
            response = connection.getresponse()
            if response.status >= 400:
                raise _error(_message(response.read()))
            yield from response
        except (OSError, HTTPException) as error:
            raise PlatformUnreachable(data=self._data, url=self._url, cause=error) from error
        finally:
            connection.close()

    def _call(self, method: str, path: str, body: object | None = None) -> Any:
        return json.loads(b"".join(self._stream(method, path, body)))


def _message(raw: bytes) -> dict[str, Any]:
    try:
        message = json.loads(raw)
    except ValueError:
        return {"error": raw.decode("utf-8", "replace")[:500]}
    return message if isinstance(message, dict) else {"error": str(message)}


def _error(message: dict[str, Any]) -> FootfallError:
    kind = PlatformRefusedForNow if message.get("retryable") else PlatformRefused
    return kind(message=message.get("error", "unknown error"))
