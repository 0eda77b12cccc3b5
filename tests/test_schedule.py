"""Jobs by the clock: when they are due, that they run once, and what a crash leaves. Time is handed in."""

import threading
from contextlib import nullcontext
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from footfall.core.schedule import CLOSED, EVERY, Ended, Job, in_words, next_after
from footfall.core.secrets import masked_command, masked_text
from footfall.errors import BadSchedule, NotFound, StoreFailed
from footfall.services.alerts import Alerts
from footfall.services.health import check_jobs
from footfall.services.jobs import Jobs
from footfall.services.schedule import ATTEMPTS, Scheduler
from footfall.settings import Schedule
from footfall.testing.notifier import RecordingNotifier
from footfall.testing.schedule import NOON, MemorySchedule, make_job, make_run

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        ("0 6 * * 1", "UTC", "2026-11-21 12:00", "2026-11-23 06:00"),
        ("0 6 * * 1", "Europe/Berlin", "2026-11-21 12:00", "2026-11-23 05:00"),
        ("0 6 * * 1", "Europe/Berlin", "2026-07-21 12:00", "2026-07-27 04:00"),
        ("*/5 * * * *", "UTC", "2026-11-21 12:00", "2026-11-21 12:05"),
        # Berlin, 29 March 2026: 02:00 to 03:00 local is not there. Debian's cron runs it right after.
        ("30 2 * * *", "Europe/Berlin", "2026-03-28 12:00", "2026-03-29 01:00"),
        ("30 2 * * *", "Europe/Berlin", "2026-03-29 01:00", "2026-03-30 00:30"),
        # 25 October 2026: 02:00 to 03:00 local comes twice. It runs in the first.
        ("30 2 * * *", "Europe/Berlin", "2026-10-24 12:00", "2026-10-25 00:30"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25 00:30", "2026-10-26 01:30"),
        # Each hour is each hour, also the one that comes twice.
        ("0 * * * *", "Europe/Berlin", "2026-10-25 00:00", "2026-10-25 01:00"),
        ("0 9 * * *", "America/New_York", "2026-03-07 20:00", "2026-03-08 13:00"),
        (EVERY["hourly"], "Asia/Kolkata", "2026-11-21 12:00", "2026-11-21 12:30"),
        (EVERY["monthly"], "UTC", "2026-11-21 12:00", "2026-12-01 00:00"),
    ],
)
def test_when_a_job_comes_next(cron: str, zone: str, after: str, expected: str) -> None:
    assert next_after(cron, zone, at(after)) == at(expected)


@given(
    st.sampled_from(["0 6 * * 1", "30 2 * * *", "*/7 * * * *", "15 1-3 * 3,10 *"]),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)),  # noqa: DTZ001
)
def test_the_next_time_is_later_and_has_no_other_before_it(cron: str, zone: str, after: datetime) -> None:
    found = next_after(cron, zone, after)
    assert found > after
    assert next_after(cron, zone, after + (found - after) / 2) == found


@pytest.mark.parametrize(
    ("cron", "zone", "why"),
    [
        ("0 6 * *", "UTC", "five fields"),
        ("* * * * * *", "UTC", "five fields"),
        ("61 * * * *", "UTC", "no cron expression"),
        ("0 0 30 2 *", "UTC", "30 2"),
        ("0 6 * * 1", "Europe/Berlim", "time zone"),
        ("0 6 * * 1", "../../etc/passwd", "time zone"),
        ("0 6 * * 1", "", "time zone"),
    ],
)
def test_what_can_never_be_due_is_refused(cron: str, zone: str, why: str) -> None:
    with pytest.raises(BadSchedule, match=why):
        next_after(cron, zone, NOON)


def test_a_time_is_said_in_words() -> None:
    assert in_words("0 6 * * 1") == "At 06:00 on Monday"


class HeldJob:
    """A process that ends when the test says so, or soon after it is asked to."""

    def __init__(self, job: Job, obeys: bool) -> None:
        self.job = job
        self.end: Ended | None = None
        self.asked: list[str] = []
        self._obeys = obeys

    def ended(self) -> Ended | None:
        return self.end

    def stop(self, *, at_once: bool = False) -> None:
        self.asked.append("kill" if at_once else "ask")
        if at_once or self._obeys:
            self.end = self.end or Ended(-9 if at_once else -15, "")


class HeldRunner:
    """Starts held jobs and remembers them; refuses while ``trouble`` is set."""

    def __init__(self) -> None:
        self.started: list[HeldJob] = []
        self.obeys = True
        self.trouble: BadSchedule | None = None

    def start(self, job: Job) -> HeldJob:
        if self.trouble:
            raise self.trouble
        self.started.append(HeldJob(job, self.obeys))
        return self.started[-1]

    def under_way(self) -> list[str]:
        return [held.job.name for held in self.started if held.end is None]


class House:
    """A scheduler with a clock to advance; ``restart`` is what a crash and a new start do."""

    def __init__(self, **settings: object) -> None:
        self.store, self.runner, self.notifier = MemorySchedule(), HeldRunner(), RecordingNotifier()
        self.settings = Schedule(**settings)  # type: ignore[arg-type]
        self.now = NOON
        self.scheduler = self._scheduler()

    def _scheduler(self) -> Scheduler:
        alerts = Alerts(self.notifier, self.store, timedelta(hours=1))
        return Scheduler(self.store, self.runner, alerts, self.settings, lambda: self.now)

    def step(self, passed: timedelta = timedelta(0)) -> None:
        self.now += passed
        self.scheduler.step()

    def end(self, code: int = 0, said: str = "") -> None:
        """Let the oldest process that runs end, and the scheduler see it."""
        held = next(held for held in self.runner.started if held.end is None)
        held.end = Ended(code, said)
        self.step()

    def restart(self) -> None:
        """Die with all jobs, and start again; nothing was closed."""
        for held in self.runner.started:
            held.end = held.end or Ended(-9, "")
        self.scheduler = self._scheduler()
        self.scheduler.recover()

    def told(self) -> list[str]:
        """Wait for alerts under way; say what was told. Nothing can be told after."""
        self.scheduler.close()
        return [f"{alert.kind}: {alert.title}" for alert in self.notifier.sent]

    def states(self, name: str = "weekly") -> list[str]:
        """Return the states of a job's runs, oldest first."""
        return [f"{run.cause} {run.state}" for run in reversed(self.store.runs(name, 1_000))]


def test_a_job_runs_when_it_is_due_and_once() -> None:
    house = House()
    house.store.put(make_job(next_at=NOON + MINUTE))
    house.step()
    assert house.runner.started == []
    house.step(MINUTE)
    house.step()
    assert house.states() == ["due running"]
    assert house.store.job("weekly").next_at == at("2026-11-21 12:00")
    house.step(timedelta(seconds=30))
    house.end(0, "12 lines")
    [run] = house.store.runs("weekly")
    assert (run.state, run.exit_code, run.said, run.seconds) == ("ok", 0, "12 lines", 30.0)
    house.step(DAY - timedelta(seconds=90))
    assert house.states() == ["due ok", "due running"]


def test_several_missed_runs_are_made_good_by_one() -> None:
    house = House()
    house.store.put(make_job(cron="* * * * *"))
    house.step(5 * DAY)
    house.step()
    assert house.states() == ["catch_up running"]
    assert house.store.job("weekly").next_at == NOON.replace(microsecond=0) + 5 * DAY + MINUTE


def test_missed_runs_can_be_noted_instead() -> None:
    house = House(missed="note")
    house.store.put(make_job())
    house.step(5 * DAY)
    assert house.states() == ["catch_up missed"]
    assert house.runner.started == []
    house.step(DAY)
    assert house.states() == ["catch_up missed", "due running"]


def test_a_job_that_is_not_over_is_not_begun_again() -> None:
    house = House()
    house.store.put(make_job(cron="* * * * *", time_limit=600.0))
    for _ in range(3):
        house.step()
        house.step(MINUTE)
    assert house.runner.under_way() == ["weekly"]
    assert house.states() == ["due running", "due skipped", "due skipped", "due skipped"]
    house.end()
    assert house.states()[0] == "due ok"


def test_no_more_jobs_run_at_once_than_is_set() -> None:
    house = House(parallel=2)
    for name in "abcd":
        house.store.put(make_job(name))
    house.step()
    assert house.runner.under_way() == ["a", "b"]
    house.end()
    assert house.runner.under_way() == ["b", "c"]


def test_a_run_over_its_time_is_asked_to_end_then_made_to() -> None:
    house = House()
    house.runner.obeys = False
    house.store.put(make_job(time_limit=10.0))
    house.step()
    [held] = house.runner.started
    for seconds, asked in ((9, []), (1, ["ask"]), (4, ["ask"]), (2, ["ask", "kill"])):
        house.step(timedelta(seconds=seconds))
        assert held.asked == asked
    house.step()
    assert house.states() == ["due timed_out"]
    assert house.told() == ["failure: footfall: job weekly failed"]
    assert "stopped after 10 s" in house.notifier.sent[0].text


def test_a_removed_job_is_stopped() -> None:
    house = House()
    house.store.put(make_job())
    house.step()
    house.store.remove("weekly")
    house.step()
    assert house.runner.under_way() == []
    house.step()
    assert house.store.runs() == []
    assert house.told() == []


def test_a_run_that_a_crash_broke_off_is_done_again() -> None:
    house = House()
    house.store.put(make_job())
    house.step()
    house.restart()
    assert house.states() == ["due interrupted", "again queued"]
    house.step()
    house.end()
    assert house.states() == ["due interrupted", "again ok"]
    assert [run.attempt for run in house.store.runs("weekly")] == [2, 1]
    assert len({run.due_at for run in house.store.runs("weekly")}) == 1
    assert house.told() == []


def test_a_job_that_brings_the_platform_down_does_not_do_so_for_ever() -> None:
    house = House()
    house.store.put(make_job())
    for _ in range(ATTEMPTS + 2):
        house.step()
        house.restart()
    assert len(house.runner.started) == ATTEMPTS
    assert house.states() == ["due interrupted"] + ["again interrupted"] * (ATTEMPTS - 1)
    assert house.told() == ["failure: footfall: job weekly failed"]


def test_a_clean_stop_costs_no_attempt() -> None:
    house = House()
    house.store.put(make_job())
    house.step()
    for _ in range(ATTEMPTS + 2):
        house.scheduler.close()
        house.scheduler = house._scheduler()
        house.step()
    assert house.runner.under_way() == ["weekly"]
    assert {run.attempt for run in house.store.runs("weekly")} == {1}


def test_a_run_that_ended_just_before_the_stop_is_not_done_again() -> None:
    house = House()
    house.store.put(make_job())
    house.step()
    house.runner.started[0].end = Ended(0, "done")
    house.scheduler.close()
    assert house.states() == ["due ok"]


def test_what_cannot_be_started_failed() -> None:
    house = House()
    house.runner.trouble = BadSchedule(cause="its folder /x is gone", hint="Make it")
    house.store.put(make_job())
    house.step()
    [run] = house.store.runs("weekly")
    assert run.state == "failed"
    assert "its folder /x is gone" in run.said


def test_failures_and_recovery_are_told_with_what_the_job_said() -> None:
    house = House()
    house.store.put(
        make_job("mart", "export", "mysql", "--url", "mysql://bob:s3cret@db/x", cron="* * * * *")
    )
    for code in (1, 1, 1, 0):
        house.step(MINUTE)
        house.step()
        house.end(code, "mysql://bob:s3cret@db/x refused s3cret")
    assert house.told() == [
        "failure: footfall: job mart failed",
        "recovery: footfall: job mart works again",
    ]
    first, last = (alert.text for alert in house.notifier.sent)
    assert "mysql://bob:***@db/x refused ***" in first
    assert "failed 3 times in a row since 2026-11-20 12:01 UTC" in last
    assert "s3cret" not in first + last + str(house.store.runs("mart"))


def test_history_is_bounded() -> None:
    house = House(keep_runs=3)
    house.store.put(make_job(cron="* * * * *"))
    for _ in range(6):
        house.step(MINUTE)
        house.step()
        house.end()
    assert house.states() == ["due ok"] * 3


def test_a_broken_store_stops_the_work_and_not_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    house.store.put(make_job())
    good, stop = house.store.jobs, threading.Event()
    turns = iter([StoreFailed(store="x", cause="disk"), RuntimeError("a fault of ours"), None])

    def jobs() -> list[Job]:
        trouble = next(turns, None)
        if trouble:
            raise trouble
        stop.set()
        return good()

    monkeypatch.setattr(house.store, "jobs", jobs)
    house.scheduler.run(stop)
    assert house.states() == ["due running"]
    house.scheduler.close()


def test_a_job_whose_time_cannot_be_read_stops_no_other() -> None:
    house = House()
    house.store.put(make_job("a", timezone="Gone/Zone"))
    house.store.put(make_job("b"))
    house.step()
    assert (house.states("a"), house.states("b")) == ([], ["due running"])
    house.scheduler.close()


class AnyOrder(RuleBasedStateMachine):
    """Time, ends, crashes and hands in any order: what must hold at each moment."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House(parallel=2)
        for name in ("a", "b", "c"):
            self.house.store.put(make_job(name, cron="* * * * *", time_limit=150.0))

    @rule(seconds=st.integers(0, 200))
    def time_passes(self, seconds: int) -> None:
        self.house.step(timedelta(seconds=seconds))

    @precondition(lambda self: self.house.runner.under_way())
    @rule(code=st.sampled_from([0, 1]))
    def one_ends(self, code: int) -> None:
        self.house.end(code)

    @rule()
    def a_crash(self) -> None:
        self.house.restart()

    @rule(name=st.sampled_from("abc"))
    def by_hand(self, name: str) -> None:
        self.house.store.enter(make_run(name, cause="by_hand", due_at=self.house.now))

    @invariant()
    def one_process_a_job_and_two_in_all(self) -> None:
        running = self.house.runner.under_way()
        assert len(running) == len(set(running)) <= 2

    @invariant()
    def the_store_knows_what_runs(self) -> None:
        kept = [run.job for run in self.house.store.open_runs() if run.state == "running"]
        assert set(self.house.runner.under_way()) <= set(kept)

    @invariant()
    def what_is_over_has_an_end(self) -> None:
        for run in self.house.store.runs(limit=10_000):
            assert (run.state in CLOSED) == (run.finished_at is not None)

    def teardown(self) -> None:
        self.house.scheduler.close()


TestAnyOrder = AnyOrder.TestCase


def jobs_of(store: MemorySchedule) -> Jobs:
    return Jobs(store, Schedule(), lambda: NOON, lambda: nullcontext(None))


def test_jobs_are_told_without_their_secrets() -> None:
    jobs = jobs_of(MemorySchedule())
    command = ["export", "mysql", "--url", "mysql://bob:s3cr%40t@db:3306/x?ssl_key=hush"]
    job = jobs.add("mart", command, "0 6 * * 1", "Europe/Berlin", "/")
    assert job["command"] == "export mysql --url 'mysql://bob:***@db:3306/x?ssl_key=***'"
    assert job["when"] == "At 06:00 on Monday"
    assert job["next_at"] == "2026-11-23T05:00:00Z"
    assert [job] == jobs.all() == [jobs.show("mart")]


def test_a_job_is_paused_resumed_and_run_by_hand() -> None:
    store = MemorySchedule()
    jobs = jobs_of(store)
    jobs.add("a", ["import", "s3", "x"], "0 6 * * 1", "UTC", "/")
    assert jobs.switch("a", paused=True)["next_at"] is None
    assert jobs.switch("a", paused=False)["next_at"] == "2026-11-23T06:00:00Z"
    first = jobs.run_now("a")
    assert jobs.run_now("a")["id"] == first["id"]
    [run] = store.open_runs()
    store.turn(make_run("a", "running", id=run.id), "queued")
    with pytest.raises(BadSchedule, match="running already"):
        jobs.run_now("a")
    assert [each["state"] for each in jobs.history("a", 10)] == ["running"]
    jobs.remove("a")
    for call in (jobs.show, jobs.run_now, jobs.remove, lambda name: jobs.history(name, 1)):
        with pytest.raises(NotFound):
            call("a")


def test_the_doctor_names_jobs_whose_last_run_failed() -> None:
    store = MemorySchedule()
    jobs = jobs_of(store)
    for name, state in (("a", "failed"), ("b", "ok"), ("c", None)):
        jobs.add(name, ["ledger"], "0 6 * * 1", "UTC", "/")
        if state:
            store.enter(make_run(name, state, finished_at=NOON))  # type: ignore[arg-type]
    found = {each.part: (each.state, each.mend) for each in check_jobs(jobs.all())}
    assert found == {
        "job a": ("warning", '"footfall schedule show a" says why'),
        "job b": ("ok", ""),
        "job c": ("ok", ""),
    }


@pytest.mark.parametrize("name", ["", " ", "a/b", "a?b", "a#b", "50%", "x" * 101, "a\nb"])
def test_odd_names_are_refused(name: str) -> None:
    with pytest.raises(BadSchedule, match="no name"):
        jobs_of(MemorySchedule()).add(name, ["ledger"], "0 6 * * 1", "UTC", "/")


SECRETS = st.text("abcXYZ0189!$()*,;~-_", min_size=4, max_size=12).filter(lambda text: text.strip("*"))


@given(
    SECRETS,
    st.sampled_from(["mysql://bob:{}@db/x", "json://h/p?token={}", "--api-key={}", "--password {}"]),
)
def test_no_secret_of_a_command_is_ever_shown(secret: str, form: str) -> None:
    marked = f"Q{secret}Q"
    command = ["export", "mysql", *form.format(marked).split(" ")]
    assert marked not in masked_command(command)
    assert marked not in masked_text(f"trouble with {marked}: {' '.join(command)}", command)


def test_what_is_no_secret_stays() -> None:
    command = ["import", "s3", "s3://bucket/key=1/prefix", "--app", "my shop"]
    assert masked_command(command) == "import s3 s3://bucket/key=1/prefix --app 'my shop'"
    assert masked_text("see https://docs.example/x?page=2 at 12:00", command) == (
        "see https://docs.example/x?page=2 at 12:00"
    )
