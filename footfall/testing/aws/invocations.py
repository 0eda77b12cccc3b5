"""Lambda's API as far as state machines need it: Invoke goes to our functions, all else to moto.

moto runs real state machines and calls back on a port; this is what listens there.
https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

import http.client
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

from footfall.testing.aws.altering_proxy import HOP
from footfall.testing.aws.function import Function, FunctionFailed
from footfall.testing.aws.loopback import QuietHandler, serving

__all__ = ["FUNCTION_ARN", "invocations"]

FUNCTION_ARN = "arn:aws:lambda:eu-central-1:123456789012:function:"
INVOKE = re.compile(r"/2015-03-31/functions/([^/?]+)/invocations")


@contextmanager
def invocations(port: int, functions: Mapping[str, Function], moto: str) -> Iterator[None]:
    """Listen on a port; functions are known by the names behind ``FUNCTION_ARN``."""
    where = urlsplit(moto)

    class Handler(QuietHandler):
        def _take(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            found = INVOKE.match(self.path)
            if found:
                name = unquote(found[1]).removeprefix(FUNCTION_ARN)
                self._say(200, *_invoked(functions[name], body))
            else:
                self._say(*_forwarded(self, body))

        do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _take

        def _say(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def _forwarded(asked: Handler, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=60)
        try:
            headers = {name: value for name, value in asked.headers.items() if name.lower() not in HOP}
            connection.request(asked.command, asked.path, body, headers)
            answer = connection.getresponse()
            told = {k: v for k, v in answer.getheaders() if k.lower() not in {*HOP, "date", "server"}}
            return answer.status, told, answer.read()
        finally:
            connection.close()

    with serving(Handler, port):
        yield


def _invoked(function: Function, body: bytes) -> tuple[dict[str, str], bytes]:
    """Return headers and payload; a function's own failure is a payload too."""
    try:
        return {}, json.dumps(function.invoke(json.loads(body))).encode()
    except FunctionFailed as error:
        cause = error.values["cause"]
        told = cause if isinstance(cause, dict) else {"errorType": "Lambda.Unknown", "errorMessage": cause}
        return {"X-Amz-Function-Error": "Unhandled"}, json.dumps(told).encode()
