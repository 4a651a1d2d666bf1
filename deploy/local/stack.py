"""The whole system on one machine, without containers: Kafka, PostgreSQL and every role, each its own process."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local import authority, kafka, layout
from deploy.local.errors import StackError, with_tail
from deploy.local.parts import Broker, Server, in_thread
from deploy.local.ports import Ports
from deploy.local.process import MARK, Command, Process, Supervisor, sweep
from deploy.local.roles import DEFAULT_ROLES, Role, is_ready
from services.kit.tls import Identity

SERVICES = (
    "registry",
    "claims",
    "treasury",
    "certification",
)  # each has a database of its own, whether or not it has a role here
_READY_TIMEOUT_S = 90.0
_MIGRATE_TIMEOUT_S = 120.0
_DEATHS_MAX = 5  # a role that dies this often before it was ever ready will not get better by waiting
_OURS = ("CRADLE_", "KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL")


class Stack:
    """A stack by its name: `with Stack("demo") as stack:` starts everything and ends with nothing left running.

    `settings` are environment variables laid over the stack's own. `KAFKA_BOOTSTRAP_SERVERS` and `DATABASE_URL` in
    the caller's environment stand in for our own broker and server. `fresh` begins with empty data. gRPC is always
    spoken with certificates on both sides; Kafka only with `broker_tls`, since it costs every test time.
    """

    def __init__(
        self,
        name: str,
        roles: Sequence[Role] = DEFAULT_ROLES,
        settings: Mapping[str, str] | None = None,
        *,
        fresh: bool = True,
        echo: bool = False,
        broker_tls: bool = False,
    ) -> None:
        self.name = name
        self.folder = layout.home() / name
        self._roles = {role.name: role for role in roles}
        self._settings = dict(settings or {})
        self._fresh = fresh
        self._echo = echo
        self.broker_tls = broker_tls
        self._lock = layout.NameLock(name)
        self._ports = Ports(layout.home() / "ports")
        self._port_of: dict[str, int] = {}
        self._processes: dict[str, Process] = {}
        self._phase = "starting"
        self._writing = threading.RLock()
        self._supervisor = Supervisor(self._say)
        self.environment: dict[str, str] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    # -- the whole --

    def start(self) -> None:
        """Start everything and return when every role says that it is ready; on any failure leave nothing running."""
        if not self._lock.take():
            raise StackError(f"the stack {self.name} runs already (pid {self._lock.holder()})")
        try:
            self._prepare()
            self._supervisor.start()
            with ThreadPoolExecutor(2) as pool:
                for started in [pool.submit(self._broker.start), pool.submit(self._start_server)]:
                    started.result()
            for role in self._roles.values():
                self._add_role(role, role.name)
            self._wait_ready([self._processes[name] for name in self._roles])
        except BaseException:
            self.stop()
            raise
        self._phase = "ready"
        self._say("ready")

    def stop(self) -> None:
        """Roles first, so that they end with their broker and database still there; then those two."""
        if self._phase == "stopped":
            return
        self._phase = "stopping"
        if self._supervisor.is_alive():
            self._say("stopping")
            parts = [self._broker.process, self._server.process]
            _stop_all([process for process in self._processes.values() if process not in parts])
            if self._broker.process is not None and self._fresh and layout.is_passing():
                self._broker.process.stop(force=True)  # nobody reads what it would yet write down
            _stop_all([process for process in parts if process is not None])
            self._supervisor.close()
            sweep(self.folder)
            self._phase = "stopped"
            self._say("stopped")
        self._phase = "stopped"
        self._ports.release()
        self._lock.drop()

    def remove(self) -> None:
        """Delete the folder of a stopped stack, and its name."""
        shutil.rmtree(self.folder, ignore_errors=True)
        (layout.home() / f"{self.name}.lock").unlink(missing_ok=True)

    # -- the parts, as tests that break things need them --

    def start_role(self, role: str | Role, env: Mapping[str, str] | None = None) -> Process:
        """Start a role that was stopped, one more instance of a running one, or a role the stack had not known."""
        role = self._roles.setdefault(role.name, role) if isinstance(role, Role) else self._roles[role]
        name = role.name
        running = self._processes.get(name)
        instance = name if running is None or not running.wanted else self._next_instance(name)
        process = self._add_role(role, instance, env or {})
        self._wait_ready([process])
        return process

    def process(self, role: str) -> Process:
        """The process of a role, or of an instance (`claims-worker-2`), or of `kafka` or `postgres`."""
        return self._processes[role]

    def pid(self, role: str) -> int | None:
        return self._processes[role].pid

    def kill(self, role: str, *, restart: bool = True) -> None:
        """SIGKILL, as a crash would; it comes back by itself unless told not to."""
        self._processes[role].kill(restart=restart)

    def stop_role(self, role: str) -> None:
        self._processes[role].stop()
        self._say(f"{role} stopped")

    def wait_ready(self, role: str, timeout_s: float = _READY_TIMEOUT_S) -> None:
        """Return when the role says that it is ready, after a kill for instance."""
        self._wait_ready([self._processes[role]], timeout_s)

    def broker_stop(self, *, kill: bool = False) -> None:
        """Stop Kafka, cleanly or by SIGKILL; it stays down until `broker_start`."""
        self._broker.stop(force=kill)
        self._say("kafka stopped")

    def broker_start(self) -> None:
        """Start Kafka again on the same port and data, and wait until it answers."""
        self._broker.start()

    def database_stop(self, *, immediate: bool = False) -> None:
        """Stop PostgreSQL; `immediate` cuts every connection and leaves recovery to the next start, as a crash does."""
        self._server.stop(immediate=immediate)
        self._say("postgres stopped")

    def database_start(self) -> None:
        """Start PostgreSQL again on the same port and data, and wait until it answers."""
        self._server.start()

    def create_database(self, service: str, like: str | None = None) -> str:
        """Create the database of a service, if it is not there, empty or like another's; answer its address."""
        return self._server.create_database(service, like)

    def create_topic(self, name: str, partitions: int, retention_days: int = 1) -> None:
        in_thread(
            kafka.create_topics(
                self._broker.client(), [kafka.Topic(name, partitions, retention_days, personal_data=False)]
            )
        )

    # -- inside --

    def _prepare(self) -> None:
        sweep(self.folder)
        if self._fresh:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.logs.mkdir(parents=True, exist_ok=True)
        self._preferred = layout.read_json(self.folder / "ports.json")
        kept = layout.keep_secrets(self.folder)
        password = kept.pop("database_password")
        self.authority = authority.keep(self.folder / "tls")
        self._broker = Broker(self, _given("KAFKA_BOOTSTRAP_SERVERS"))
        self._server = Server(self, _given("DATABASE_URL"), password, SERVICES)
        self.environment = {
            "KAFKA_BOOTSTRAP_SERVERS": self._broker.bootstrap,
            "DATABASE_URL": self._server.address,
            "CRADLE_ENVIRONMENT": "local",
            "CRADLE_SOURCES": ",".join(kafka.declared()[0]),
            "CRADLE_KAFKA_SECURITY": "SSL" if self.broker_tls else "PLAINTEXT",
            **kept,
            **layout.keep_banks(self.folder),
            "CRADLE_EVIDENCE": str(self.folder / "evidence"),
            **self._targets(),
            **self.authority.settings(layout.ROOT / "deploy" / "access.yaml"),
            **self._public(),
            "CRADLE_CERTIFICATE_KEYS": str(self.authority.certificate_key()),
            "CRADLE_CERTIFICATE_FONTS": str(layout.ROOT / "build" / "fonts"),
            **authority.variables(self.operator),
            "CRADLE_TOKEN": self.operator.token,
            **self._settings,
        }

    @property
    def operator(self) -> Identity:
        """Who the demo, the tests and whoever takes our environment are: an operator, through the operators' tool."""
        return self.authority.operator()

    def _targets(self) -> dict[str, str]:
        apis = [role for role in self._roles.values() if role.service and role.name == f"{role.service}-api"]
        return {f"CRADLE_{api.service.upper()}_TARGET": f"127.0.0.1:{self.port(f'{api.name}/grpc')}" for api in apis}

    @property
    def ports(self) -> dict[str, int]:
        """Every port in use, by what it is for."""
        return dict(self._port_of)

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    def port(self, use: str) -> int:
        """The port for a use, the same for as long as the stack lives, and after it if it can be had."""
        with self._writing:
            if use not in self._port_of:
                preferred = [self._preferred[use]] if use in self._preferred else []
                self._port_of[use] = self._ports.claim(preferred)
                layout.write_private(self.folder / "ports.json", self._port_of)
            return self._port_of[use]

    def run_once(self, command: Command, timeout_s: float) -> None:
        """Run a command of the stack to its end; a failure is raised with the end of its log."""
        status = self._supervisor.run_once(command, timeout_s)
        if status:
            raise with_tail(f"{command.name} ended with status {status}", command.log)

    def add(self, command: Command) -> Process:
        process = self._supervisor.add(command)
        with self._writing:
            self._processes[command.name] = process
            self._write_state()
        return process

    def command(self, name: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> Command:
        """A command of this stack, run as ourselves from the root of the clone."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(_OURS)}
        own = {"PYTHONUNBUFFERED": "1", MARK: str(self.folder), **self.environment, **(env or {})}
        log = self.logs / f"{name}.log"
        return Command(name, tuple(argv), {**inherited, **own}, layout.ROOT, log, os.geteuid(), os.getegid())

    def _public(self) -> dict[str, str]:
        address = f"127.0.0.1:{self.port('public')}"
        return {"CRADLE_PUBLIC_LISTEN": address, "CRADLE_CERTIFICATE_URL": f"http://{address}"}

    def _start_server(self) -> None:
        """With every table in its databases, while Kafka is still starting."""
        self._server.start()
        self._migrate()

    def _migrate(self) -> None:
        services = sorted({role.service for role in self._roles.values()} - {""})
        with ThreadPoolExecutor() as pool:
            for done in [pool.submit(self._migrate_one, service) for service in services]:
                done.result()

    def _migrate_one(self, service: str) -> None:
        python = next(role.argv[0] for role in self._roles.values() if role.service == service)
        command = self.command(f"{service}-migrate", (python, "-m", f"services.{service}", "migrate"))
        self.run_once(command, _MIGRATE_TIMEOUT_S)

    def _add_role(self, role: Role, instance: str, env: Mapping[str, str] | None = None) -> Process:
        addresses = {
            "CRADLE_GRPC_LISTEN": f"127.0.0.1:{self.port(f'{instance}/grpc')}",
            "CRADLE_METRICS_LISTEN": f"127.0.0.1:{self.port(f'{instance}/metrics')}",
        }
        return self.add(self.command(instance, role.argv, {**addresses, **self._own(role), **role.env, **(env or {})}))

    def _own(self, role: Role) -> dict[str, str]:
        """A service is itself, and nobody's token is given to it."""
        if not role.service:
            return {}
        own = self.authority.identity(f"service/{role.service}")
        return {**authority.variables(own), "CRADLE_TOKEN": ""}

    def _next_instance(self, name: str) -> str:
        numbered = (f"{name}-{number}" for number in range(2, 1_000))
        return next(i for i in numbered if i not in self._processes or not self._processes[i].wanted)

    def _wait_ready(self, processes: Sequence[Process], timeout_s: float = _READY_TIMEOUT_S) -> None:
        deadline_s = time.monotonic() + timeout_s
        waiting = list(processes)
        while waiting:
            waiting = [process for process in waiting if not self._is_ready(process)]
            for process in waiting:
                if process.failures >= _DEATHS_MAX or time.monotonic() > deadline_s:
                    raise with_tail(f"{process.name} does not become ready", process.command.log)
            time.sleep(0.05 if waiting else 0)

    def _is_ready(self, process: Process) -> bool:
        role = self._role_of(process.name)
        if role is not None and not role.answers_readyz:
            return process.pid is not None
        return is_ready(process.command.env["CRADLE_METRICS_LISTEN"])

    def _role_of(self, instance: str) -> Role | None:
        return self._roles.get(instance) or self._roles.get(instance.rsplit("-", 1)[0])

    def _say(self, line: str) -> None:
        said = f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {self.name}: {line}\n"
        with (self.logs / "supervisor.log").open("a") as log:
            log.write(said)
        if self._echo:
            print(said, end="", flush=True)  # the foreground run shows what the log is told
        self._write_state()

    def _write_state(self) -> None:
        with self._writing:
            state = {
                "supervisor": os.getpid(),
                "phase": self._phase,
                "environment": self.environment,
                "processes": {name: self._state_of(name, process) for name, process in self._processes.items()},
            }
            layout.write_private(self.folder / "state.json", state)

    def _state_of(self, name: str, process: Process) -> dict[str, object]:
        role = self._role_of(name)
        listens = f"127.0.0.1:{self.port(name if role is None else f'{name}/grpc')}"
        ready = None if role is None or not role.answers_readyz else process.command.env["CRADLE_METRICS_LISTEN"]
        log = str(process.command.log)
        return {"pid": process.pid, "restarts": process.restarts, "listens": listens, "readyz": ready, "log": log}


def _given(variable: str) -> str | None:
    """An address of the caller's own, unless it came from a stack of ours by `eval "$(... env)"`."""
    return None if "CRADLE_STACK" in os.environ else os.environ.get(variable)


def _stop_all(processes: Sequence[Process]) -> None:
    if processes:
        with ThreadPoolExecutor(len(processes)) as pool:
            list(pool.map(Process.stop, processes))
