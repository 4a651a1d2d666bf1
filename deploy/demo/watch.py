"""How a run looks while it goes on: a live display on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Final, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.demo.account import Account, Came

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
    begun_s = time.perf_counter()
    if console.is_terminal:
        with console.status(f"{what} ..."):
            yield
    else:
        console.print(f"{what} ...", end=" ")
        yield
    console.print(f"{'' if not console.is_terminal else what + ': '}{time.perf_counter() - begun_s:.1f} s")


@contextmanager
def counting(console: Console, what: str, total: int) -> Iterator[Callable[[int], object]]:
    """Work of a known size; what is yielded is told how much more is done."""
    begun_s = time.perf_counter()
    if console.is_terminal:
        with _bars(console) as bars:
            task = bars.add_task(what, total=total)
            yield lambda count: bars.advance(task, count)
        console.print(f"{what}: {time.perf_counter() - begun_s:.1f} s")
    else:
        console.print(f"{what} ...", end=" ")
        yield lambda _: None
        console.print(f"{time.perf_counter() - begun_s:.1f} s")


@contextmanager
def following(console: Console, account: Account) -> Iterator[Callable[[], object]]:
    """The stream of claims; what is yielded is called several times a second."""
    begun_s = time.perf_counter()
    total = len(account.submissions)
    if console.is_terminal:
        with _bars(console) as bars:
            sent, answered = bars.add_task("sent", total=total), bars.add_task("answered", total=total)

            def show() -> None:
                bars.update(sent, completed=account.sent)
                bars.update(answered, completed=account.answered, description=_told(account, begun_s))

            yield show
    else:
        last_s = begun_s

        def tell() -> None:
            nonlocal last_s
            if (now_s := time.perf_counter()) - last_s >= _LINE_EVERY_S:
                last_s = now_s
                console.print(f"{now_s - begun_s:6.1f} s  sent {account.sent:>6,}  {_told(account, begun_s)}")

        yield tell


def _bars(console: Console) -> Progress:
    columns = (MofNCompleteColumn(), BarColumn(bar_width=16), TimeElapsedColumn(), TextColumn("{task.description}"))
    return Progress(*columns, console=console, transient=True)


def _told(account: Account, begun_s: float) -> str:
    rate = account.answered / max(time.perf_counter() - begun_s, 0.001)
    outcomes = "  ".join(f"{one} {account.came[one]:,}" for one in Came if account.came[one])
    return f"answered {account.answered:>6,}  {rate:>5,.0f}/s  {outcomes}"
