"""A request of API Gateway's HTTP API (payload format 2.0) as the collector takes it, and its answer back.

The collector is an RSGI application; here it is given requests by Lambda in place of Granian, so that
every path, rule and answer is the same. Headers come with names in lower case, and joined by commas.
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

import base64
import hmac
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

__all__ = ["Reply", "Scope", "is_from_edge"]

EDGE = "x-footfall-edge"
VIEWER = "cloudfront-viewer-address"


def is_from_edge(event: Mapping[str, Any], secret: str) -> bool:
    """Whether the CDN sent the request, as its secret shows; any request where no secret is set."""
    return not secret or hmac.compare_digest(event["headers"].get(EDGE, ""), secret)


class Scope:
    """RSGI's HTTP scope, as far as the collector reads it; ``body`` is the request's, in bytes.

    Behind a CDN (``edge``) the sender is the one that the CDN saw, with its port.
    """

    def __init__(self, event: Mapping[str, Any], *, edge: bool) -> None:
        http = event["requestContext"]["http"]
        body = event.get("body") or ""
        self.body = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
        self.method: str = http["method"]
        self.path: str = event["rawPath"]
        self.query_string: str = event.get("rawQueryString") or ""
        viewer = event["headers"].get(VIEWER) if edge else None
        self.client: str = viewer or f"{http['sourceIp']}:0"
        # The gateway has read the whole body: how it came is of no matter any more.
        self.headers: dict[str, str] = {**event["headers"], "content-length": str(len(self.body))}
        self.headers.pop("transfer-encoding", None)


class Reply:
    """RSGI's HTTP protocol for one request; ``value`` is the answer in payload format 2.0."""

    def __init__(self, scope: Scope) -> None:
        self._body = scope.body
        self._silent = scope.method == "HEAD"
        self.value: dict[str, Any] = {}

    async def __call__(self) -> bytes:
        """Return the request's body."""
        return self._body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the request's body."""
        yield self._body

    def response_empty(self, status: int, headers: Sequence[tuple[str, str]]) -> None:
        """Answer without a body."""
        joined: dict[str, str] = {}
        for name, value in headers:
            joined[name] = f"{joined[name]}, {value}" if name in joined else value
        self.value = {"statusCode": status, "headers": joined, "body": "", "isBase64Encoded": False}

    def response_bytes(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        """Answer with a body; what is no text goes in Base64."""
        self.response_empty(status, headers)
        if self._silent:
            return
        try:
            self.value["body"] = body.decode()
        except UnicodeDecodeError:
            self.value["body"] = base64.b64encode(body).decode()
            self.value["isBase64Encoded"] = True
