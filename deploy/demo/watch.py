"""How a run looks while it goes on: a live display on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Final, TypeVar

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from deploy.demo.account import DETERMINED, Account, Came

T = TypeVar("T")
_LINE_EVERY_S: Final = 2.0


def in_background(work: Callable[[], T]) -> Future[T]:
    """Run it beside us, in a thread that an early end does not wait for."""
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001  # raised again where the result is asked for
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return done


@contextmanager
def phase(console: Console, what: str) -> Iterator[None]:
    """A piece of work with the time it took."""
    with _timed(console, what):
        if console.is_terminal:
            with console.status(f"{what} ..."):
                yield
        else:
            yield


@contextmanager
def counting(console: Console, what: str, total: int) -> Iterator[Callable[[int], object]]:
    """Work of a known size; what is yielded is told how much more is done."""
    with _timed(console, what):
        if console.is_terminal:
            with Progress(*_columns(), console=console, transient=True) as bars:
                task = bars.add_task(what, total=total)
                yield lambda count: bars.advance(task, count)
        else:
            yield lambda _: None


@contextmanager
def following(console: Console, account: Account) -> Iterator[Callable[[], object]]:
    """The stream of claims; what is yielded is called several times a second."""
    begun_s = time.perf_counter()
    if not console.is_terminal:
        yield _lines(console, account, begun_s)
        return
    total = len(account.submissions)
    bars = Progress(*_columns(), console=console)
    sent, answered = bars.add_task("sent", total=total), bars.add_task("answered", total=total)
    with Live(bars, console=console, transient=True) as live:

        def show() -> None:
            bars.update(sent, completed=account.sent)
            bars.update(answered, completed=account.answered)
            live.update(Group(bars, Text(_told(account, begun_s), "dim")))

        yield show


def _lines(console: Console, account: Account, begun_s: float) -> Callable[[], object]:
    last_s = begun_s

    def tell() -> None:
        nonlocal last_s
        if (now_s := time.perf_counter()) - last_s >= _LINE_EVERY_S:
            last_s = now_s
            told = f"{now_s - begun_s:6.1f} s: {account.sent:,} sent, {_told(account, begun_s)}"
            console.print(told, soft_wrap=True)

    return tell


@contextmanager
def _timed(console: Console, what: str) -> Iterator[None]:
    """Ends its line whatever happens."""
    begun_s = time.perf_counter()
    if not console.is_terminal:
        console.print(f"{what} ...", end=" ")
    try:
        yield
    finally:
        console.print(f"{what + ': ' if console.is_terminal else ''}{time.perf_counter() - begun_s:.1f} s")


def _columns() -> tuple[ProgressColumn, ...]:
    return (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())


def _told(account: Account, begun_s: float) -> str:
    rate = account.answered / max(time.perf_counter() - begun_s, 0.001)
    came = account.came
    determined = sum(came[one] for one in DETERMINED)
    others = ", ".join(f"{came[one]:,} {one}" for one in (Came.PENDED, Came.RETURNED, Came.SAME_AGAIN))
    return f"{account.answered:,} answered ({rate:,.0f}/s), {determined:,} determined, {others}"
