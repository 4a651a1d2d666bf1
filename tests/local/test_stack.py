"""The local stack itself: that it comes up, comes back, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from deploy.local import kafka, layout, postgres, view
from deploy.local.errors import StackError
from deploy.local.parts import in_thread
from deploy.local.process import children_of
from deploy.local.roles import Role
from deploy.local.stack import SERVICES, Stack

pytestmark = pytest.mark.integration

TOY = Role("toy", (sys.executable, str(Path(__file__).with_name("toy.py"))))
BROKEN = Role("broken", (sys.executable, "-c", "raise SystemExit('no such luck')"))
HOLD = "import time; from tests.local.test_stack import TOY, Stack\nwith Stack({name!r}, [TOY]): time.sleep(600)"


def new(name: str, *roles: Role) -> Stack:
    return Stack(f"local-{name}-{os.getpid()}", roles)


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Stack, Stack]]:
    """Two stacks, started and running at the same time."""
    one, two = new("one", TOY), new("two", TOY)
    with ThreadPoolExecutor() as pool:
        list(pool.map(Stack.start, (one, two)))
    yield one, two
    for stack in (one, two):
        stack.stop()
        assert children_of(stack.folder) == []
        stack.remove()


@pytest.fixture
def lent(pair: tuple[Stack, Stack], monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A stack whose broker and server are, for this test, the caller's own."""
    for variable in ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL"):
        monkeypatch.setenv(variable, pair[1].environment[variable])
    return pair[1]


def eventually(question: Callable[[], bool], timeout_s: float = 15.0) -> bool:
    deadline_s = time.monotonic() + timeout_s
    while not question():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.05)
    return True


def living_groups() -> Iterator[int]:
    for process in psutil.process_iter():
        with suppress(ProcessLookupError):
            yield os.getpgid(process.pid)


async def topics(stack: Stack) -> set[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.environment["KAFKA_BOOTSTRAP_SERVERS"])
    await admin.start()
    try:
        return set(await admin.list_topics())
    finally:
        await admin.close()


async def ask(stack: Stack, sql: str, service: str = "claims") -> object:
    connection = await asyncpg.connect(f"{stack.environment['DATABASE_URL']}/cradle_{service}")
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def test_status_tells_where_each_process_answers_for_its_metrics(pair: tuple[Stack, Stack]) -> None:
    parts = {part["role"]: part for part in view.parts(pair[0].name)}

    assert parts["toy"]["metrics"] == pair[0].port("toy/metrics") != parts["toy"]["port"]
    assert parts["toy"]["healthy"]
    assert parts["kafka"]["metrics"] is None
    assert str(parts["toy"]["metrics"]) in list(view.table([parts["toy"]]).columns[3].cells)


def test_two_stacks_run_at_once_on_ports_of_their_own(pair: tuple[Stack, Stack]) -> None:
    one, two = pair

    assert one.environment["KAFKA_BOOTSTRAP_SERVERS"] != two.environment["KAFKA_BOOTSTRAP_SERVERS"]
    assert one.environment["DATABASE_URL"] != two.environment["DATABASE_URL"]
    assert not set(one.ports.values()) & set(two.ports.values())
    for stack in pair:
        assert in_thread(topics(stack)) >= {topic.name for topic in kafka.declared()[1]}
        assert [in_thread(ask(stack, "SELECT 1", service)) for service in SERVICES] == [1] * len(SERVICES)


def test_secrets_are_kept_where_only_their_owner_reads_them(pair: tuple[Stack, Stack]) -> None:
    for name in ("secrets.json", "state.json"):
        assert (pair[0].folder / name).stat().st_mode & 0o777 == 0o600
    assert (pair[0].folder / "postgres" / "data").stat().st_uid == postgres.identity()[0]
    assert pair[0].environment["CRADLE_SEALING_KEY"] != pair[1].environment["CRADLE_SEALING_KEY"]


def test_a_running_name_cannot_be_started_twice(pair: tuple[Stack, Stack]) -> None:
    with pytest.raises(StackError, match="runs already"):
        Stack(pair[0].name).start()

    assert pair[0].pid("kafka") is not None


def test_a_killed_role_comes_back(pair: tuple[Stack, Stack]) -> None:
    stack = pair[0]
    before = stack.pid("toy")

    stack.kill("toy")

    assert eventually(lambda: stack.pid("toy") not in (None, before))
    stack.wait_ready("toy", 10)
    assert stack.process("toy").restarts >= 1


def test_a_stopped_role_stays_down_until_it_is_started(pair: tuple[Stack, Stack]) -> None:
    stack = pair[0]
    stack.stop_role("toy")
    time.sleep(0.5)  # more than the first backoff
    assert stack.pid("toy") is None

    started = stack.start_role("toy", {"TOY_WORD": "again"})

    assert started.name == "toy"
    assert "toy serves again" in started.command.log.read_text()


def test_a_second_instance_runs_beside_the_first(pair: tuple[Stack, Stack]) -> None:
    stack = pair[0]

    second = stack.start_role("toy")

    assert second.name == "toy-2"
    assert second.pid not in (None, stack.pid("toy"))
    stack.stop_role("toy-2")


@pytest.mark.usefixtures("lent")
def test_a_role_that_only_dies_stops_the_start_with_its_own_words() -> None:
    stack = new("broken", BROKEN)

    with pytest.raises(StackError, match="no such luck"):
        stack.start()

    assert children_of(stack.folder) == []
    stack.remove()


@pytest.mark.parametrize("hard", [False, True], ids=["cleanly", "as a crash"])
def test_broker_and_database_return_on_the_same_port_with_their_data(pair: tuple[Stack, Stack], hard: bool) -> None:
    stack = pair[1]
    stack.create_topic(f"kept.{hard}", 1)
    in_thread(ask(stack, f"CREATE TABLE kept_{hard} AS SELECT 7 AS seven"))

    stack.broker_stop(kill=hard)
    stack.database_stop(immediate=hard)
    stack.database_start()
    stack.broker_start()

    assert f"kept.{hard}" in in_thread(topics(stack))
    assert in_thread(ask(stack, f"SELECT seven FROM kept_{hard}")) == 7


def test_a_broker_and_a_server_of_ones_own_are_used_and_left_running(lent: Stack) -> None:
    guest = new("guest", TOY)

    with guest:
        assert guest.environment["DATABASE_URL"] == lent.environment["DATABASE_URL"]
        assert [process.pid for process in children_of(guest.folder)] == [guest.pid("toy")]
        with pytest.raises(StackError, match="of your own"):
            guest.broker_stop()

    guest.remove()
    assert in_thread(ask(lent, "SELECT 1")) == 1


def _command(process: psutil.Process) -> str:
    """How it was started; empty for one that is gone by now, as those that set a database up soon are."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def test_a_killed_supervisor_leaves_nothing_running() -> None:
    name = f"local-dies-{os.getpid()}"
    folder = layout.home() / name
    holder = subprocess.Popen([sys.executable, "-c", HOLD.format(name=name)], cwd=layout.ROOT)
    assert eventually(lambda: any("toy.py" in _command(child) for child in children_of(folder)), 60)
    children = children_of(folder)
    groups = {os.getpgid(child.pid) for child in children}
    assert len(groups) >= 3  # Kafka, PostgreSQL and the toy; PostgreSQL's own children have groups of their own

    holder.kill()

    assert holder.wait(30) == -signal.SIGKILL
    psutil.wait_procs(children, timeout=15)
    assert children_of(folder) == []
    assert not groups & set(living_groups())
    Stack(name).remove()


@pytest.mark.parametrize("ask_to_end", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
@pytest.mark.usefixtures("lent")
def test_a_foreground_run_ends_in_order(ask_to_end: signal.Signals) -> None:
    name = f"local-run-{os.getpid()}"
    command = [sys.executable, "-m", "deploy.local", "run", "--bare", "--name", name]
    with subprocess.Popen(command, cwd=layout.ROOT, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert any(line.endswith(": ready\n") for line in run.stdout)

        run.send_signal(ask_to_end)

        assert run.wait(30) == 0
        assert run.stdout.read().splitlines()[-1].endswith(": stopped")
    assert layout.NameLock(name).holder() is None
    Stack(name).remove()


def test_without_java_fetch_says_what_to_do(tmp_path: Path) -> None:
    environment = {"PATH": str(tmp_path), "HOME": str(tmp_path)}

    done = subprocess.run(
        [sys.executable, "-m", "deploy.local", "fetch"],
        cwd=layout.ROOT, env=environment, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert "Java was not found" in done.stderr
    assert "apt-get install openjdk-17-jre-headless maven" in done.stderr
    assert "KAFKA_BOOTSTRAP_SERVERS" in done.stderr
