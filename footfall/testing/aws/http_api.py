"""A stand-in for API Gateway's HTTP API: HTTP in, payload format 2.0 to a function, its answer out.

Emulated is the event and the answer's form; not authorizers, throttling, custom domains, or how the
gateway itself answers what is no HTTP.
"""

import base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from footfall.errors import FootfallError
from footfall.testing.aws.loopback import QuietHandler, serving

__all__ = ["http_api", "payload"]

BODY_BYTES = 10_485_760
TEXT = ("text/", "application/json", "application/xml", "application/javascript")
Invoke = Callable[[Mapping[str, Any]], Any]


def payload(
    method: str, target: str, headers: Mapping[str, str], body: bytes, address: str = "203.0.113.9"
) -> dict[str, Any]:
    """Return the event of a request; ``headers`` have names in lower case."""
    parts = urlsplit(target)
    forwarded = headers.get("x-forwarded-for")
    given = {
        **headers,
        "x-forwarded-for": f"{forwarded}, {address}" if forwarded else address,
        "x-forwarded-proto": "https",
        "x-forwarded-port": "443",
    }
    now = datetime.now(UTC)
    encoded, text = _body(headers, body)
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": unquote(parts.path),
        "rawQueryString": parts.query,
        "headers": given,
        "queryStringParameters": dict(parse_qsl(parts.query)),
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "emulated",
            "domainName": headers.get("host", ""),
            "http": {
                "method": method,
                "path": unquote(parts.path),
                "protocol": "HTTP/1.1",
                "sourceIp": address,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": "emulated",
            "routeKey": "$default",
            "stage": "$default",
            "time": f"{now:%d/%b/%Y:%H:%M:%S +0000}",
            "timeEpoch": int(now.timestamp() * 1000),
        },
        **({"body": text} if body else {}),
        "isBase64Encoded": encoded,
    }


def _body(headers: Mapping[str, str], body: bytes) -> tuple[bool, str]:
    if headers.get("content-type", "").startswith(TEXT) and "content-encoding" not in headers:
        try:
            return False, body.decode()
        except UnicodeDecodeError:
            pass
    return bool(body), base64.b64encode(body).decode()


@contextmanager
def http_api(invoke: Invoke, port: int = 0) -> Iterator[str]:
    """Serve an API whose only route is a function; give its address."""

    class Handler(QuietHandler):
        def _call(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length)
            headers: dict[str, str] = {}
            for name, value in self.headers.items():
                known = headers.get(name.lower())
                headers[name.lower()] = f"{known},{value}" if known else value
            if length > BODY_BYTES:
                self._say(413, {}, b'{"message":"Request Entity Too Large"}')
                return
            try:
                reply = invoke(payload(self.command, self.path, headers, body, self.client_address[0]))
            except FootfallError:
                self._say(500, {}, b'{"message":"Internal Server Error"}')
                return
            told = reply.get("body") or ""
            content = base64.b64decode(told) if reply.get("isBase64Encoded") else told.encode()
            self._say(reply["statusCode"], reply.get("headers", {}), content)

        do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do_OPTIONS = do_PATCH = _call

        def _say(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, str(value))
            if status != 204:
                self.send_header("content-length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    with serving(Handler, port) as address:
        yield f"http://{address}"
