"""The two things under the roles, Kafka and PostgreSQL: ours, or the ones that the caller named."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from deploy import acls
from deploy.local import authority, kafka, layout, postgres
from deploy.local.errors import StackError, with_tail
from deploy.local.process import Command, Process

if TYPE_CHECKING:
    from deploy.local.stack import Stack

_START_TIMEOUT_S = 60.0
_T = TypeVar("_T")


class Broker:
    """Kafka with every declared topic."""

    def __init__(self, stack: Stack, given: str | None) -> None:
        self._stack = stack
        self._given = given
        self._folder = stack.folder / "kafka"
        self.process: Process | None = None
        self.bootstrap = given or f"127.0.0.1:{stack.port('kafka')}"

    def client(self) -> dict[str, Any]:
        """What a client of ours is made with, as in `services.kit.tls.broker`."""
        where = {"bootstrap_servers": self.bootstrap}
        if not self._stack.broker_tls:
            return where
        return {**where, "security_protocol": "SSL", "ssl_context": self._stack.operator.ssl_context()}

    def start(self) -> None:
        """Start it, or start it again, and return when it answers and every topic is there."""
        if self._given is None:
            self._start_own()
        topics = kafka.declared()[1]
        deadline_s = time.monotonic() + _START_TIMEOUT_S
        try:
            in_thread(kafka.wait_ready(self.client(), deadline_s))
        except StackError as error:
            raise error if self.process is None else with_tail(str(error), self.process.command.log) from None
        in_thread(kafka.create_topics(self.client(), topics))
        if self._stack.broker_tls:
            in_thread(kafka.create_acls(self.client(), acls.declared()))

    def stop(self, *, force: bool) -> None:
        _own(self.process, "KAFKA_BOOTSTRAP_SERVERS").stop(force=force)

    def _start_own(self) -> None:
        if self.process is not None:
            self.process.start()
            return
        kafka.fetch()
        own = self._stack.authority.identity(authority.BROKER) if self._stack.broker_tls else None
        kafka.write_settings(self._folder, self._stack.port("kafka"), self._stack.port("kafka/controller"), own)
        if not kafka.is_formatted(self._folder):
            command = self._stack.command("kafka-format", kafka.format_argv(self._folder))
            self._stack.run_once(command, _START_TIMEOUT_S)
        self.process = self._stack.add(self._stack.command("kafka", kafka.server_argv(self._folder)))


class Server:
    """PostgreSQL with a database for every service."""

    def __init__(self, stack: Stack, given: str | None, password: str, services: Sequence[str]) -> None:
        self._stack = stack
        self._services = services
        self._given = given
        self._password = password
        self._folder = stack.folder / "postgres"
        self.process: Process | None = None
        self.address = given or f"postgresql://{postgres.USER}:{password}@127.0.0.1:{stack.port('postgres')}"

    def start(self) -> None:
        """Start it, or start it again, and return when it answers and every database is there."""
        if self._given is None:
            self._start_own()
        try:
            in_thread(postgres.wait_ready(self.address, time.monotonic() + _START_TIMEOUT_S))
        except StackError as error:
            raise error if self.process is None else with_tail(str(error), self.process.command.log) from None
        in_thread(postgres.create_databases(self.address, self._services))

    def stop(self, *, immediate: bool) -> None:
        process = _own(self.process, "DATABASE_URL")
        process.stop(by=signal.SIGQUIT if immediate else None)

    def create_database(self, service: str, like: str | None) -> str:
        in_thread(postgres.create_databases(self.address, [service], f"cradle_{like}" if like else "template1"))
        return f"{self.address}/cradle_{service}"

    def _start_own(self) -> None:
        if self.process is not None:
            self.process.start()
            return
        bin_folder = postgres.programs(layout.home())
        data = self._folder / "data"
        if not (data / "PG_VERSION").exists():
            self._initialise(bin_folder)
        postgres.write_settings(data, self._stack.port("postgres"))
        argv = postgres.server_argv(bin_folder, data)
        # Interrupt is PostgreSQL's fast shutdown. Should we die, it quits at once and leaves no shared memory behind.
        command = replace(self._command("postgres", argv), stop_signal=signal.SIGINT, death_signal=signal.SIGQUIT)
        self.process = self._stack.add(command)

    def _initialise(self, bin_folder: Path) -> None:
        uid, gid = postgres.identity()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(mode=0o700)
        os.chown(self._folder, uid, gid)
        password_file = self._folder / "password"
        with os.fdopen(os.open(password_file, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(self._password)
        os.chown(password_file, uid, gid)
        data = self._folder / "data"
        try:
            command = self._command("postgres-init", postgres.initdb_argv(bin_folder, data, password_file))
            self._stack.run_once(command, _START_TIMEOUT_S)
        finally:
            password_file.unlink()

    def _command(self, name: str, argv: tuple[str, ...]) -> Command:
        uid, gid = postgres.identity()
        return replace(self._stack.command(name, argv), uid=uid, gid=gid, cwd=self._folder)


def in_thread(work: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine to its end from a synchronous caller, which may itself sit in a running event loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def _own(process: Process | None, variable: str) -> Process:
    if process is None:
        raise StackError(f"{variable} names a server of your own; the stack does not stop it")
    return process
