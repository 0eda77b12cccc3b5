"""The API's routes for jobs by the clock.

Jobs are added and removed by command only: one runs with the platform's rights, and may name any file of
its machine.
"""

from typing import Annotated, Any

from litestar import get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, QueryParameter

from footfall.apps.console.room import ErrorBody, InRoom

__all__ = ["SCHEDULE_ROUTES"]

NONE_SUCH = {404: ResponseSpec(data_container=ErrorBody, description="There is no job of that name.")}
UNDER_WAY = {400: ResponseSpec(data_container=ErrorBody, description="The job is running already.")}
Name = Annotated[str, PathParameter(description="The job's name.")]
Limit = Annotated[int, QueryParameter(ge=1, le=1_000, description="Most runs.")]


@get("/api/schedule", tags=["schedule"])
async def list_jobs(room: InRoom) -> list[dict[str, Any]]:
    """List the jobs: command (without its secrets), when each comes next, and its last run."""
    found: list[dict[str, Any]] = await room.answers.run(room.platform.jobs.all, quick=True)
    return found


@get("/api/schedule/{name:str}", tags=["schedule"], responses=NONE_SUCH)
async def read_job(room: InRoom, name: Name) -> dict[str, Any]:
    """Tell one job."""
    job: dict[str, Any] = await room.answers.run(lambda: room.platform.jobs.show(name), quick=True)
    return job


@get("/api/schedule/{name:str}/runs", tags=["schedule"], responses=NONE_SUCH)
async def list_runs(room: InRoom, name: Name, limit: Limit = 50) -> list[dict[str, Any]]:
    """List a job's runs, newest first: how each ended, how long it took, and what it printed last."""
    runs: list[dict[str, Any]] = await room.answers.run(
        lambda: room.platform.jobs.history(name, limit), quick=True
    )
    return runs


@post(
    "/api/schedule/{name:str}/run", tags=["schedule"], status_code=202, responses={**NONE_SUCH, **UNDER_WAY}
)
async def run_job(room: InRoom, name: Name) -> dict[str, Any]:
    """Queue a run now; it starts within a second, and ``GET .../runs`` tells how it goes on."""
    run: dict[str, Any] = await room.answers.run(lambda: room.platform.jobs.run_now(name), quick=True)
    return run


@post("/api/schedule/{name:str}/pause", tags=["schedule"], status_code=200, responses=NONE_SUCH)
async def pause_job(room: InRoom, name: Name) -> dict[str, Any]:
    """Run a job no more until it is resumed."""
    job: dict[str, Any] = await room.answers.run(
        lambda: room.platform.jobs.switch(name, paused=True), quick=True
    )
    return job


@post("/api/schedule/{name:str}/resume", tags=["schedule"], status_code=200, responses=NONE_SUCH)
async def resume_job(room: InRoom, name: Name) -> dict[str, Any]:
    """Run a job again, from the next time that it comes."""
    job: dict[str, Any] = await room.answers.run(
        lambda: room.platform.jobs.switch(name, paused=False), quick=True
    )
    return job


SCHEDULE_ROUTES = [list_jobs, read_job, list_runs, run_job, pause_job, resume_job]
