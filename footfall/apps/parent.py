"""A child process that outlives its supervisor is a leak: this ends it."""

import os
import threading
import time
from collections.abc import Callable

__all__ = ["stop_without_parent"]

LOOK_SECONDS = 0.5


def stop_without_parent(stop: Callable[[], None]) -> None:
    """Call ``stop`` once this process' parent is gone, even after ``kill -9``.

    Polled, since the parent-death signal of Linux has no like elsewhere.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_SECONDS)
        stop()

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
