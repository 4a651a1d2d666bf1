"""What a reader gets to see of the paying, 100 columns wide."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final

from cradle.treasury.v1 import money_pb2, run_pb2, service_pb2
from rich.console import Group
from rich.table import Table

from deploy.demo import city
from deploy.demo.paying import Books
from deploy.demo.report import OTHER, as_all_got, counted, county_name, table_of, whole
from deploy.demo.wrap import Wrapped

_FUNDS: Final = {
    money_pb2.FUND_EMPLOYEE_INSURANCE: "职工医保（元）\nemployees",
    money_pb2.FUND_RESIDENT_INSURANCE: "居民医保（元）\nresidents",
}
_KINDS: Final = {
    money_pb2.PAYEE_KIND_PERSON: "本人 women",
    money_pb2.PAYEE_KIND_EMPLOYER: "用人单位 employers",
    money_pb2.PAYEE_KIND_PROVIDER: "医药机构 hospitals",
}
_ENDED: Final = {
    run_pb2.PAYMENT_STATE_RECONCILED: "已付并核对\npaid, proven",
    run_pb2.PAYMENT_STATE_REJECTED: "银行拒付\nrejected",
    run_pb2.PAYMENT_STATE_RETURNED: "退汇\nreturned",
}
_SAID: Final = {
    "AM04": "账户余额不足 too little in our account",
    "AC04": "收款账户已注销 the payee's account is closed",
}
_HELD: Final = service_pb2.ORDER_STATE_HELD


def by_run(books: Books) -> Table:
    """Each run with what was planned and how its payments ended."""
    found = table_of("批次 run", "计划（笔）\nplanned", "计划（元）\nplanned", *_ENDED.values(), "未列入\nleft out")
    for number, run in enumerate(books.runs, 1):
        counts = Counter({state: sum(one.count for one in run.sums if one.state == state) for state in _ENDED})
        who = f"{number}  {run.planned_by} / {run.approved_by}"
        amounts = (counted(run.planned_count), whole(run.planned_fen))
        found.add_row(who, *amounts, *(counted(counts[state]) for state in _ENDED), counted(run.exceptions))
    return found


def by_county(books: Books) -> Table:
    """What was paid by fund, and what waits for its county's budget."""
    paid: dict[str, Counter[int]] = defaultdict(Counter)
    held: dict[str, Counter[str]] = defaultdict(Counter)
    orders: Counter[str] = Counter()
    for order in books.orders:
        if not order.owed_fen:
            continue
        code = order.county if order.county in city.load().counties else OTHER
        orders[code] += 1
        paid[code][order.fund] += order.settled_fen
        if order.state == _HELD:
            held[code].update(orders=1, fen=order.owed_fen - order.settled_fen)
    found = table_of("县区 county", "支付项\norders", *_FUNDS.values(), "待预算\nheld", "待预算（元）\nheld")
    for code in (*city.load().counties, OTHER):
        money = (whole(paid[code][fund]) for fund in _FUNDS)
        found.add_row(
            county_name(code), counted(orders[code]), *money, counted(held[code]["orders"]), whole(held[code]["fen"])
        )
    total_paid, total_held = sum(paid.values(), Counter()), sum(held.values(), Counter())
    found.add_section()
    found.add_row(
        "合计 total",
        counted(orders.total()),
        *(whole(total_paid[fund]) for fund in _FUNDS),
        counted(total_held["orders"]),
        whole(total_held["fen"]),
        style="bold",
    )
    return found


def by_payee(books: Books) -> Table:
    found = table_of("收款人 payee", "已付（项）\npaid", "已付（元）\npaid")
    for kind, name in _KINDS.items():
        mine = [order.settled_fen for order in books.orders if order.payee.kind == kind and order.settled_fen]
        found.add_row(name, counted(len(mine)), whole(sum(mine)))
    return found


def why_not(books: Books) -> Table:
    """Why something was not paid, by run: what the bank said, and what was left out of a plan."""
    found = table_of("批次 run", "笔\ncount", "为什么 why")
    found.columns[2].justify = "left"
    for number, left_out in enumerate(books.left_out, 1):
        for code, told in sorted(_reasons(left_out).items()):
            chinese, english = as_all_got(code, told)
            texts = Group(Wrapped(f"{code}  {chinese}"), Wrapped(english, "dim"))
            found.add_row(f"{number} 未列入 left out", counted(len(told)), texts)
    for (status, code), count in sorted(Counter(_said(one) for one in books.bank).items()):
        if status != "accepted":
            found.add_row("银行 bank", counted(count), Wrapped(f"{code} {status}  {_SAID.get(code, '')}"))
    return found


def _said(payment: dict[str, object]) -> tuple[str, str]:
    return str(payment["status"]), str(payment.get("reason") or payment.get("return_reason") or "")


def _reasons(left_out: Sequence[run_pb2.PlanException]) -> dict[str, list[tuple[str, str]]]:
    """Of each code what was told, every time, in both languages."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for one in left_out:
        for reason in one.reasons:
            found[reason.code].append((reason.text_zh, reason.text_en))
    return found
