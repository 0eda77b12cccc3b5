"""Lambda's Runtime API as a server: functions under AWS's own runtime client ask it for their next call.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import queue
import select
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from footfall.testing.aws.loopback import QuietHandler, serving

__all__ = ["Call", "RuntimeApi", "runtime_api"]

VERSION = "/2018-06-01/runtime"
ARN = "arn:aws:lambda:eu-central-1:000000000000:function:"
PAYLOAD_BYTES = 6_291_556


@dataclass
class Call:
    """One invocation: its payload, and what became of it."""

    payload: bytes
    deadline: float
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    reply: bytes = b""
    error: dict[str, Any] | None = None
    done: threading.Event = field(default_factory=threading.Event)


@dataclass
class RuntimeApi:
    """``address`` is for AWS_LAMBDA_RUNTIME_API; calls wait in a queue for whichever instance asks."""

    address: str
    name: str
    waiting: "queue.Queue[Call]" = field(default_factory=queue.Queue)
    running: dict[str, Call] = field(default_factory=dict)
    init_error: dict[str, Any] | None = None

    def submit(self, payload: bytes, seconds: float) -> Call:
        """Queue a call that may take so long."""
        call = Call(payload, time.time() + seconds)
        self.running[call.id] = call
        self.waiting.put(call)
        return call

    def ended(self, call_id: str, reply: bytes, *, failed: bool) -> None:
        """Note how a call ended."""
        call = self.running.pop(call_id, None)
        if call is None or call.done.is_set():
            return  # its time was over
        if failed:
            call.error = json.loads(reply or b"{}")
        elif len(reply) > PAYLOAD_BYTES:
            message = f"Response payload size ({len(reply)} bytes) exceeded maximum allowed payload size"
            call.error = {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message}
        else:
            call.reply = reply
        call.done.set()


@contextmanager
def runtime_api(name: str) -> Iterator[RuntimeApi]:
    """Serve the Runtime API of one function."""

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            call = api.waiting.get()
            if self._is_gone():
                api.waiting.put(call)
                self.close_connection = True
                return
            headers = {
                "Lambda-Runtime-Aws-Request-Id": call.id,
                "Lambda-Runtime-Deadline-Ms": str(int(call.deadline * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": f"{ARN}{name}",
                "Content-Type": "application/json",
            }
            self._say(200, call.payload, headers)

        def _is_gone(self) -> bool:
            """Whether the instance died while it waited: another has to take the call."""
            readable, _, _ = select.select([self.connection], [], [], 0)
            return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            parts = self.path.removeprefix(VERSION).strip("/").split("/")
            match parts:
                case ["invocation", call_id, "response" | "error" as kind]:
                    api.ended(call_id, body, failed=kind == "error")
                case ["init", "error"]:
                    api.init_error = json.loads(body or b"{}")
                case _:
                    self._say(404, b"{}", {})
                    return
            self._say(202, b'{"status":"OK"}', {})

        def _say(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for each, value in headers.items():
                self.send_header(each, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with serving(Handler) as address:
        api = RuntimeApi(address, name)
        yield api
