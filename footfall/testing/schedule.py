"""For tests with a schedule: a store in memory, jobs to put into it, and the contract of every store.

To prove a store of your own, subclass ``ScheduleStoreContract`` and give it a fixture ``open_store``; a
call opens the store, and a second call the same again.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import count

import pytest
from msgspec.structs import replace

from footfall.core.alerting import Standing
from footfall.core.schedule import OPEN, Job, Run, State
from footfall.errors import BadSchedule, NotFound
from footfall.ports import ScheduleStore

__all__ = ["MemorySchedule", "OpenStore", "ScheduleStoreContract", "make_job", "make_run"]

NOON = datetime(2026, 11, 20, 12, 0, 0, 5)  # noqa: DTZ001 - our times are UTC without a zone

OpenStore = Callable[[], ScheduleStore]


def make_job(name: str = "weekly", *command: str, **fields: object) -> Job:
    """Return a job that is due at noon, and each day at that hour."""
    values: dict[str, object] = {
        "cron": "0 12 * * *",
        "timezone": "UTC",
        "folder": "/",
        "time_limit": 60.0,
        "created_at": NOON - timedelta(days=1),
        "next_at": NOON,
    }
    return Job(name=name, command=command or ("import", "s3", "s3://bucket"), **(values | fields))  # type: ignore[arg-type]


def make_run(job: str = "weekly", state: State = "queued", **fields: object) -> Run:
    """Return a run that no store has seen yet."""
    return Run(job=job, state=state, **({"cause": "due", "due_at": NOON} | fields))  # type: ignore[arg-type]


class MemorySchedule:
    """The ScheduleStore port in memory, for one process."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._runs: dict[int, Run] = {}
        self._standings: dict[str, Standing] = {}
        self._ids = count(1)

    def put(self, job: Job) -> None:
        if job.name in self._jobs:
            raise BadSchedule(cause=f"there is a job {job.name!r} already", hint="Choose another name")
        self._jobs[job.name] = job

    def jobs(self) -> list[Job]:
        return sorted(self._jobs.values(), key=lambda job: job.name)

    def job(self, name: str) -> Job:
        if name not in self._jobs:
            raise NotFound(what="job", name=name, hint="jobs() has them all")
        return self._jobs[name]

    def change(self, name: str, *, paused: bool, next_at: datetime) -> Job:
        self._jobs[name] = replace(self.job(name), paused=paused, next_at=next_at)
        return self._jobs[name]

    def remove(self, name: str) -> None:
        del self._jobs[self.job(name).name]
        self._standings.pop(name, None)
        self._runs = {key: run for key, run in self._runs.items() if run.job != name}

    def enter(self, run: Run, next_at: datetime | None = None) -> Run | None:
        job = self.job(run.job)
        if next_at is not None:
            self._jobs[run.job] = replace(job, next_at=next_at)
        if run.state in OPEN and any(each.job == run.job for each in self.open_runs()):
            return None
        kept = replace(run, id=next(self._ids))
        self._runs[kept.id] = kept
        return kept

    def turn(self, run: Run, was: State) -> bool:
        if run.id not in self._runs or self._runs[run.id].state != was:
            return False
        self._runs[run.id] = run
        return True

    def open_runs(self) -> list[Run]:
        return [run for run in self._runs.values() if run.state in OPEN]

    def runs(self, name: str | None = None, limit: int = 50) -> list[Run]:
        return [run for run in reversed(self._runs.values()) if name in (None, run.job)][:limit]

    def trim(self, keep: int) -> int:
        old = [
            run.id
            for name in self._jobs
            for run in [each for each in self.runs(name, len(self._runs)) if each.state not in OPEN][keep:]
        ]
        for each in old:
            del self._runs[each]
        return len(old)

    def standing(self, subject: str) -> Standing:
        return self._standings.get(subject, Standing())

    def stand(self, subject: str, standing: Standing) -> None:
        self._standings[subject] = standing

    def close(self) -> None:
        """Nothing is held."""


class ScheduleStoreContract:
    """What every ScheduleStore promises; see the port."""

    def test_a_job_comes_back_as_it_was_put(self, open_store: OpenStore) -> None:
        job = make_job("Ünï 'weekly'; --", "export", "mysql", "--url", "mysql://a:b@c/d", folder="/tmp/ä")  # noqa: S108
        other = make_job("b", paused=True, time_limit=0.5)
        store = open_store()
        for each in (job, other):
            store.put(each)
        assert store.jobs() == sorted([job, other], key=lambda each: each.name)
        store.close()
        assert open_store().job(job.name) == job

    def test_a_name_is_taken_once(self, open_store: OpenStore) -> None:
        store = open_store()
        store.put(make_job())
        with pytest.raises(BadSchedule, match="weekly"):
            store.put(make_job(cron="0 0 * * *"))
        assert store.jobs() == [make_job()]

    def test_what_is_not_there_is_not_found(self, open_store: OpenStore) -> None:
        store = open_store()
        for call in (
            lambda: store.job("x"),
            lambda: store.remove("x"),
            lambda: store.change("x", paused=True, next_at=NOON),
            lambda: store.enter(make_run("x")),
        ):
            with pytest.raises(NotFound):
                call()
        assert store.runs() == store.open_runs() == []

    def test_a_job_is_paused_and_resumed(self, open_store: OpenStore) -> None:
        store = open_store()
        store.put(make_job())
        later = NOON + timedelta(days=1)
        assert store.change("weekly", paused=True, next_at=later) == make_job(paused=True, next_at=later)
        assert store.job("weekly").paused

    def test_a_job_has_one_open_run_whoever_asks(self, open_store: OpenStore) -> None:
        store = open_store()
        store.put(make_job())
        with ThreadPoolExecutor(8) as pool:
            entered = list(pool.map(lambda _: store.enter(make_run()), range(16)))
        runs = [run for run in entered if run]
        assert len(runs) == 1
        assert store.open_runs() == runs
        assert open_store().enter(make_run(cause="by_hand")) is None
        assert store.enter(make_run(state="skipped")) is not None

    def test_when_a_job_comes_next_is_kept_with_its_run(self, open_store: OpenStore) -> None:
        store = open_store()
        store.put(make_job())
        tomorrow = NOON + timedelta(days=1)
        store.enter(make_run(), tomorrow)
        assert store.job("weekly").next_at == tomorrow
        assert store.enter(make_run(), tomorrow + timedelta(days=1)) is None
        assert store.job("weekly").next_at == tomorrow + timedelta(days=1)

    def test_a_run_goes_from_state_to_state_once(self, open_store: OpenStore) -> None:
        store = open_store()
        store.put(make_job())
        queued = store.enter(make_run())
        assert queued is not None
        running = replace(queued, state="running", started_at=NOON)
        assert store.turn(running, "queued")
        assert not store.turn(running, "queued")
        done = replace(running, state="failed", finished_at=NOON, exit_code=1, said="no bucket\n\x1b[0m")
        assert store.turn(done, "running")
        assert store.runs("weekly") == [done]
        assert store.open_runs() == []
        assert store.enter(make_run()) is not None

    def test_runs_are_told_newest_first_and_trimmed_by_job(self, open_store: OpenStore) -> None:
        store = open_store()
        for name in ("a", "b"):
            store.put(make_job(name))
            for number in range(5):
                store.enter(make_run(name, "ok", due_at=NOON + timedelta(hours=number)))
        store.enter(make_run("a"))
        assert [run.due_at.hour for run in store.runs("b")] == [16, 15, 14, 13, 12]
        assert len(store.runs(limit=7)) == 7
        assert store.trim(2) == 6
        assert [run.state for run in store.runs("a")] == ["queued", "ok", "ok"]
        assert [run.due_at.hour for run in store.runs("b")] == [16, 15]

    def test_with_a_job_its_runs_and_standing_go(self, open_store: OpenStore) -> None:
        store = open_store()
        store.put(make_job())
        running = store.enter(make_run(state="running"))
        store.stand("weekly", Standing(failures=2, since=NOON, told_at=NOON, open=True))
        store.remove("weekly")
        assert [store.jobs(), store.runs(), store.open_runs()] == [[], [], []]
        assert store.standing("weekly") == Standing()
        assert running is not None
        assert not store.turn(replace(running, state="ok"), "running")
        store.put(make_job())
        assert store.runs("weekly") == []

    def test_a_standing_is_kept(self, open_store: OpenStore) -> None:
        store = open_store()
        assert store.standing("weekly") == Standing()
        for standing in (Standing(failures=1, since=NOON), Standing(told_at=NOON, open=True)):
            store.stand("weekly", standing)
            assert open_store().standing("weekly") == standing
