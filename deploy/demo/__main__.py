"""`python -m deploy.demo`: a synthetic Baoji sends its claims to the real system, and reads what becomes of them.

The last line of standard output says whether every submission was accounted for; the exit status says the same.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import date
from functools import partial
from itertools import chain
from types import FrameType
from typing import Final

import grpc
import psutil
from aiokafka.errors import KafkaError
from cradle.treasury.v1.service_pb2 import ORDER_STATE_HELD
from rich.console import Console
from rich.text import Text

from deploy.demo import (
    accounts,
    bank,
    budgets,
    city,
    claims,
    expect_paid,
    explain,
    pay_report,
    paying,
    report,
    run,
    totals,
    watch,
)
from deploy.demo.account import Account, Came
from deploy.demo.bank import MockBank
from deploy.demo.claims import City
from deploy.demo.expect import differences
from deploy.demo.run import Addresses
from deploy.local.errors import StackError
from deploy.local.stack import Stack

TODAY: Final = date(2026, 11, 23)
_INTERRUPTED: Final = 130
_PARTS: Final = {
    "worker": "claims-worker",
    "relay": "claims-relay",
    "registry": "registry-api",
    "postgres": "postgres",
    "kafka": "kafka",
}
_ENDING: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def main() -> int:
    options = _options()
    console = Console(highlight=False, emoji=False)
    if not console.is_terminal or console.width > report.WIDTH:
        console.width = report.WIDTH
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    account = Account()
    problems, status = ["a bug in the demo itself; its traceback follows"], 1
    try:
        problems = demonstrate(console, account, options)
    except KeyboardInterrupt:
        problems, status = ["interrupted"], _INTERRUPTED
    except (StackError, run.RegistryRefusedError, KafkaError) as error:
        problems = [str(error) or type(error).__name__]
    except grpc.RpcError as error:
        problems = [f"a service does not answer: {error}"]
    finally:
        for problem in problems:
            print(problem, file=sys.stderr, flush=True)
        print(f"demo: {'FAILED' if problems else 'ok'} {account.balance()} {account.tally}", flush=True)
    return status if problems else 0


def demonstrate(console: Console, account: Account, options: argparse.Namespace) -> list[str]:
    """The whole demo; answers what went wrong. Nothing of it runs any more when this returns or raises."""
    console.print(
        Text(
            "Synthetic Baoji (宝鸡市): every person, employer and claim here is made up, and every figure is an "
            "estimate for test data, not a statistic.",
            style="bold",
        )
    )
    console.print(f"{options.count:,} submissions, seed {options.seed}, dirt {options.dirt}, on {TODAY}", end="\n\n")
    making = watch.in_background(lambda: claims.generate(options.seed, options.count, TODAY, options.dirt))
    with bank.folders() as (folder, settings), _running(console, settings) as stack:
        addresses = Addresses.of(stack.environment)
        mock = bank.start(stack, folder, TODAY)
        made = _fill(console, addresses, making)
        with watch.phase(console, "treasury: the year's budgets of every county and fund"):
            tight_fen = city.load().paying.tight_fen_a_submission * options.count
            budgets.appropriate(stack.environment, TODAY, tight_fen=tight_fen)
        console.print(f"claims: {len(made.submissions):,} submissions to Kafka, and their receipts back ...")
        account.submissions = made.submissions
        before = _cpu_s(stack)
        with watch.following(console, account) as on_tick:
            asyncio.run(run.stream(addresses, account, on_tick))
        _afterwards(console, addresses, account, made)
        spent = {name: after - before[name] for name, after in _cpu_s(stack).items() if after > before[name]}
        control = _control(console, addresses, account)
        problems = [*verdict(account), *disagreeing(control)]
        if not problems:
            books, problems = _pay(console, stack, mock, account, made)
        _report(console, account, spent)
        if not problems:
            _report_paying(console, books)
        if problems:
            down = [f"{process} is not running" for process in _PARTS.values() if stack.pid(process) is None]
            return [*problems, *down, f"the logs are in {stack.logs}"]
        report.heading(console, "核定说明 three determinations, explained")
        for explained in explain.explain(addresses.claims, addresses.identity, list(account.answers())):
            console.print(report.explanation(explained), "")
    return []


def verdict(account: Account) -> list[str]:
    """Everything that is not as it must be; empty if all is well."""
    problems = report.missing(account.answers())
    if twice := account.answered_twice():
        problems.append(f"{len(twice)} submissions answered in two ways, the first at {'/'.join(map(str, twice[0]))}")
    if found := differences(account):
        problems.append(f"{len(found)} submissions became something else than the truth about them calls for")
    if waiting := account.waiting_for_coverage():
        problems.append(f"{waiting} claims still wait for coverage that was reported")
    if account.sent != len(account.submissions) or not account.balance().is_even:
        problems.append(f"out of balance: {len(account.submissions)} submissions, {account.balance()}")
    return problems


def disagreeing(control: Account) -> list[str]:
    """Control totals that are not those that the system reckons."""
    wrong = [answer for answer in control.answers() if answer.came is not Came.AGREES]
    return (
        [f"{len(wrong)} of {len(control.submissions)} control totals do not agree: {wrong[0].codes}"] if wrong else []
    )


def _afterwards(console: Console, addresses: Addresses, account: Account, made: City) -> None:
    """The office reports the women who were not known, and their claims are decided."""
    waiting, reported = account.waiting_for_coverage(), len(made.late_persons)
    with watch.phase(console, f"registry: {reported:,} women reported late, {waiting:,} claims waited for it"):
        fill = partial(run.fill_registry, addresses, (), made.late_persons, (), lambda _: None)
        asyncio.run(run.late(addresses, account, fill))


def _control(console: Console, addresses: Addresses, account: Account) -> Account:
    """Every source tells what it sent on each of the last days."""
    control = Account(tuple(totals.told(account.submissions, TODAY)))
    with watch.phase(console, f"control totals: {len(control.submissions)} days of sources"):
        asyncio.run(run.stream(addresses, control, lambda: None))
    return control


def _pay(
    console: Console, stack: Stack, mock: MockBank, account: Account, made: City
) -> tuple[paying.Books, list[str]]:
    """Two clerks pay what is owed, in three runs; answers what the books say, and what is wrong with them."""
    addresses = Addresses.of(stack.environment)
    answers = list(account.answers())
    owed = expect_paid.owed(answers)
    first_county = city.load().paying.first_county
    with paying.office(stack, mock) as office:
        with watch.phase(console, f"treasury: orders for {len(owed):,} claims"):
            paying.ordered(office, sum(one.fen for one in owed.values()))
        with watch.phase(console, f"run 1: planned by {paying.CLERK}, approved by {paying.SECOND}; one county first"):
            first = paying.small_county_first(office, first_county)
        with watch.phase(console, "run 2: everybody else; the bank pays as long as our account there has money"):
            second = paying.all_others(office)
        runs = [run for run in (first, second) if run]
        with watch.phase(console, "three days pass at the bank; what it returns comes back"):
            paying.days_pass(office, runs)
            if first:
                paying.comes_back(office, first)
            paying.close(office, runs)
        with watch.phase(console, "the office records accounts it had not, and new ones where money came back"):
            _new_accounts(addresses, made, first_county)
        with watch.phase(console, "run 3: what was left out, rejected and returned is paid again"):
            third = paying.what_is_left(office)
            last = [third] if third else []
            paying.days_pass(office, last)
            paying.close(office, last)
            runs += last
            books = paying.books(office, runs)
    account.tally = expect_paid.tally(books)
    with watch.phase(console, "claims hear that they are paid"):
        sources = sorted({submission.source for submission in account.submissions})
        waiting = {order.case_id for order in books.orders if order.state == ORDER_STATE_HELD}
        paid = asyncio.run(run.paid_claims(addresses, sources, len(set(owed) - waiting)))
    return books, expect_paid.wrong(owed, books, paid)


def _new_accounts(addresses: Addresses, made: City, county: str) -> None:
    """Nobody is paid again where money came back: whoever may have been paid in the county tells another account."""
    employers = [employer for employer in made.employers if employer.county == county]
    elsewhere = {employer.uscc for employer in made.employers if employer.county != county}
    women = [woman for woman in made.persons if woman.employer_uscc not in elsewhere]
    told = chain(
        accounts.of_women(made.late_persons),
        accounts.of_women(women, nth=1),
        accounts.of_employers(employers, nth=1),
        accounts.of_hospitals(made.providers, nth=1),
    )
    accounts.record(addresses.registry, addresses.identity, told)


def _report_paying(console: Console, books: paying.Books) -> None:
    report.heading(console, "支付 by run: planned by one, approved by another")
    console.print(pay_report.by_run(books))
    report.heading(console, "支付 by county and fund")
    console.print(pay_report.by_county(books))
    report.heading(console, "支付 by payee")
    console.print(pay_report.by_payee(books))
    report.heading(console, "未付 why not, at first")
    console.print(pay_report.why_not(books))


def _fill(console: Console, addresses: Addresses, making: Future[City]) -> City:
    made = making.result()
    records = len(made.employers) + len(made.persons)
    what = (
        f"registry: {len(made.providers)} hospitals, {len(made.employers):,} employers and {len(made.persons):,} women"
    )
    with watch.counting(console, what, records) as on_progress:
        run.fill_registry(addresses, made.employers, made.persons, made.providers, on_progress)
    with watch.phase(console, "registry: where they are paid"):
        told = chain(
            accounts.of_hospitals(made.providers),
            accounts.of_employers(made.employers),
            accounts.of_women(made.persons),
        )
        accounts.record(addresses.registry, addresses.identity, told)
    return made


def _report(console: Console, account: Account, cpu_s: dict[str, float]) -> None:
    answers = list(account.answers())
    report.heading(console, "各县区 by county")
    console.print(report.by_county(answers))
    console.print(Text("The sums count a claim once, as it stands after its corrections.", "dim"))
    report.heading(console, "理由 reasons on the receipts")
    console.print(report.by_reason(answers))
    report.heading(console, "what each kind of dirt became")
    console.print(report.by_truth(answers))
    console.print(
        Text(
            "Order holds within a source: of two claims for one birth from two sources, the one read first wins.", "dim"
        )
    )
    report.heading(console, "速度 pace")
    console.print(report.pace(account, cpu_s))
    if found := differences(account):
        report.heading(console, f"{len(found)} not as expected")
        console.print(report.unexpected(found))


@contextmanager
def _running(console: Console, settings: Mapping[str, str]) -> Iterator[Stack]:
    """The stack, stopped whatever happens; an impatient second Ctrl-C does not leave half of it running."""
    stack = Stack("demo", settings={"CRADLE_TODAY": TODAY.isoformat(), **settings})
    try:
        with watch.phase(console, "Kafka, PostgreSQL and the services; the city meanwhile"):
            stack.start()
        yield stack
    finally:
        before = {number: signal.signal(number, signal.SIG_IGN) for number in _ENDING}
        stack.stop()
        for number, handler in before.items():
            signal.signal(number, handler)


def _cpu_s(stack: Stack) -> dict[str, float]:
    """CPU seconds so far of each part of the stack, and of ourselves."""
    spent = {name: _tree_cpu_s(stack.pid(process)) for name, process in _PARTS.items()}
    return {**spent, "this demo": _own_cpu_s(psutil.Process())}


def _tree_cpu_s(pid: int | None) -> float:
    try:
        top = psutil.Process(pid or 0)
        return sum(_own_cpu_s(process) for process in [top, *top.children(recursive=True)])
    except psutil.Error:
        return 0.0  # it ended meanwhile; this is an ornament


def _own_cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.demo", description=__doc__)
    profiles = city.load().dirt.profiles
    parser.add_argument("--count", type=_positive, default=20_000, help="how many submissions (default 20000)")
    parser.add_argument("--seed", type=int, default=162, help="the same seed makes the same city (default 162)")
    parser.add_argument("--dirt", choices=list(profiles), default="realistic", help="how much goes wrong")
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError(text)
    return number


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
