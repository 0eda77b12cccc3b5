"""The JobRunner port: each job as a child process that speaks to the running platform.

The command goes in by standard input and the settings' token by the environment, since other users of
the machine can read a process's arguments, and a command may hold a password.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

import msgspec

from footfall.core.schedule import Ended, Job
from footfall.errors import BadSchedule
from footfall.settings import Settings

__all__ = ["ProcessRunner"]

SAID_BYTES = 4_096


class ProcessRunner:
    """Starts jobs for one data folder. A job stays in this process's group and ends with it."""

    def __init__(self, settings: Settings) -> None:
        self._environment = {
            **os.environ,
            "FOOTFALL_DATA": str(settings.data.absolute()),
            "FOOTFALL_CONSOLE_TOKEN": settings.console.token,
            "COLUMNS": "120",
            "NO_COLOR": "1",
        }

    def start(self, job: Job) -> "JobProcess":
        """See the port."""
        if not Path(job.folder).is_dir():
            hint = "Make it, or remove the job and add it from another folder"
            raise BadSchedule(cause=f"its folder {job.folder} is gone", hint=hint)
        said = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "footfall.apps.job"],
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=said,
                cwd=job.folder,
                env=self._environment,
            )
        except OSError as error:
            said.close()
            raise BadSchedule(cause=f"its process can't be started ({error})", hint="Try again") from error
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError), process.stdin as pipe:  # what it said tells why
                pipe.write(msgspec.json.encode(job.command))
        return JobProcess(process, said)


class JobProcess:
    """See the port RunningJob."""

    def __init__(self, process: "subprocess.Popen[bytes]", said: IO[bytes]) -> None:
        self._process = process
        self._said = said
        self._ended: Ended | None = None

    def ended(self) -> Ended | None:
        """See the port."""
        code = self._process.poll()
        if code is not None and self._ended is None:
            self._ended = Ended(code, _tail(self._said))
            self._said.close()
        return self._ended

    def stop(self, *, at_once: bool = False) -> None:
        """See the port; ``at_once`` returns when it is gone."""
        if at_once:
            self._process.kill()
            self._process.wait()
            self.ended()
        else:
            self._process.terminate()


def _tail(file: IO[bytes]) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - SAID_BYTES))
    text = file.read().decode("utf-8", "replace").strip()
    return f"… {text}" if size > SAID_BYTES else text
