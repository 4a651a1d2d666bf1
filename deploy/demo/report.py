"""What a reader gets to see of a run, 100 columns wide."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from statistics import quantiles
from typing import Final

from cradle.claims.v1 import intake_pb2
from google.protobuf.message import DecodeError
from rich import box
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from deploy.demo import city, dirt
from deploy.demo.account import Account, Answer, Came
from deploy.demo.claims import Submission
from deploy.demo.expect import Difference, approved_claims, is_sound
from deploy.demo.explain import Explained
from deploy.demo.wrap import Wrapped
from services.kit.messages import Kept, Language

WIDTH: Final = 100
_SHOWN: Final = 10
OTHER: Final = "other"
_OUTCOMES: Final = {
    Came.APPROVED: "核准\napproved",
    Came.DENIED: "不予\ndenied",
    Came.DUPLICATE_DELIVERY: "重复\ndouble",
    Came.PENDED: "待补\npended",
    Came.RETURNED: "退回\nreturned",
    Came.SAME_AGAIN: "重发\nagain",
    Came.VOIDED: "作废\nvoided",
}
_TROUBLE: Final = {Came.PARKED: "搁置\nparked", Came.NOTHING: "无回执\nno answer"}
EFFECTS: Final = {
    "": "sound",
    "KEEP": "tolerated",
    "PEND": "waits for somebody",
    "DECIDE": "decided as it is",
    "DUP": "sent twice",
    "RETURN": "sent back to be mended",
    "FATAL": "unreadable, sent back",
}
_REASONS_SHOWN: Final = 3


def by_county(answers: Sequence[Answer]) -> Table:
    """Counties in rows, outcomes in columns; the sum is of the claims as they stand after their corrections."""
    counts: dict[str, Counter[Came]] = defaultdict(Counter)
    allowance: Counter[str] = Counter()
    medical: Counter[str] = Counter()
    for answer in answers:
        counts[county_of(answer.submission)][answer.came] += 1
    for claim in approved_claims(answers):
        if claim.receipt is not None:
            allowance[county_of(claim.submission)] += claim.receipt.allowance_fen
            medical[county_of(claim.submission)] += claim.receipt.medical_fen
    total: Counter[Came] = sum(counts.values(), Counter())
    columns = {**_OUTCOMES, **{one: title for one, title in _TROUBLE.items() if total[one]}}
    table = table_of("县区 county", "发送\nsent", *columns.values(), "津贴（元）\nallowance", "医疗（元）\nmedical")
    table.padding = 0  # it is as wide as the page
    for column in (table.columns[0], *table.columns[-2:]):
        column.no_wrap = True
    for code in (*city.load().counties, OTHER):
        row = counts[code]
        table.add_row(
            county_name(code),
            counted(row.total()),
            *(counted(row[one]) for one in columns),
            whole(allowance[code]),
            whole(medical[code]),
        )
    table.add_section()
    table.add_row(
        "合计 total",
        counted(total.total()),
        *(counted(total[one]) for one in columns),
        whole(allowance.total()),
        whole(medical.total()),
        style="bold",
    )
    return table


def by_reason(answers: Iterable[Answer]) -> Table:
    """Every code on a receipt, with the texts as the senders got them."""
    counts: Counter[str] = Counter()
    texts: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for answer in answers:
        for reason in answer.receipt.reasons if answer.receipt else ():
            counts[reason.code] += 1
            texts[reason.code].add((reason.text_zh, reason.text_en))
    table = table_of("理由 reason", "次数\ncount", "回执上的说明 what the sender reads")
    table.columns[0].no_wrap = True
    table.columns[2].justify = "left"
    for code, count in counts.most_common():
        chinese, english = as_all_got(code, texts[code])
        table.add_row(code, counted(count), Group(Wrapped(chinese), Wrapped(english, "dim")))
    return table


def as_all_got(code: str, texts: Collection[tuple[str, str]]) -> tuple[str, str]:
    """What all were told in both languages; where it names what differs, a day or a sum, the sentence without."""
    told = set(texts)
    if len(told) == 1:
        return told.pop()
    return Kept(code).text(Language.ZH), Kept(code).text(Language.EN)


def by_truth(answers: Iterable[Answer]) -> Table:
    """What each kind of dirt became. A claim with a second error counts with its first."""
    came: dict[str, Counter[Came]] = defaultdict(Counter)
    codes: dict[str, Counter[str]] = defaultdict(Counter)
    for answer in answers:
        kind = answer.submission.truth.partition("+")[0]
        came[kind][answer.came] += 1
        codes[kind].update(answer.codes)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("the truth", no_wrap=True)
    table.add_column("sent", justify="right")
    table.add_column("what came of it", ratio=4)
    table.add_column("reasons given", ratio=5)
    for effect, title in EFFECTS.items():
        kinds = [kind for kind in came if _effect(kind) == effect]
        if kinds:
            table.add_row(title, style="bold")
        for kind in sorted(kinds, key=lambda kind: -came[kind].total()):
            table.add_row("  " + kind, counted(came[kind].total()), _most(came[kind], len(Came)), _most(codes[kind]))
    return table


def explanation(explained: Explained) -> Group:
    """The notice as it would be printed, in both languages."""
    title = f"{explained.why}  {explained.number}"
    pages = [Text(page, no_wrap=True) for page in (explained.zh, explained.en)]
    return Group(*[Panel(page, title=title, title_align="left", box=box.ROUNDED) for page in pages])


def pace(account: Account, cpu_s: Mapping[str, float]) -> Group:
    """How fast it went, and which process was busy."""
    elapsed_s = account.elapsed_s()
    marks = quantiles(account.waits_s(), n=100) if len(account.waits_s()) > 1 else [0.0] * 99
    rate = account.answered / elapsed_s if elapsed_s else 0.0
    lines: list[RenderableType] = [
        f"{rate:,.0f} claims/s: {account.answered:,} in {elapsed_s:.1f} s, from first sent to last receipt read",
        f"from handing a claim to the producer to reading its receipt: p50 {marks[49]:.1f} s, p99 {marks[98]:.1f} s",
        Text(
            "All claims are sent at once, so these are mostly time in the queue; `make bench` measures latency.", "dim"
        ),
    ]
    if cpu_s and elapsed_s:
        parts = "  ".join(f"{name} {spent / elapsed_s:.0%}" for name, spent in cpu_s.items())
        lines.append(f"of one core meanwhile: {parts}")
    if account.repeated:
        lines.append(f"{account.repeated} receipts came twice and were counted once")
    return Group(*lines)


def unexpected(found: Sequence[Difference]) -> Group:
    """What did not become what it should have, by its place in Kafka; no personal data."""
    lines = [
        f"  {one.answer.submission.truth}: expected {one.expected}, came {one.answer.came}"
        f" {' '.join(one.answer.codes)} at {_place(one.answer)}"
        for one in found[:_SHOWN]
    ]
    if len(found) > _SHOWN:
        lines.append(f"  and {len(found) - _SHOWN} more")
    return Group(*(Text(line) for line in lines))


def missing(answers: Iterable[Answer]) -> list[str]:
    """What nothing is known of, in words."""
    silent = [answer for answer in answers if answer.came is Came.NOTHING]
    if not silent:
        return []
    unsent = sum(answer.position is None for answer in silent)
    lines = [f"nothing moves any more: {len(silent):,} without an answer, {unsent:,} of them never confirmed by Kafka"]
    lines += [f"  {answer.submission.truth} at {_place(answer)}" for answer in silent[:_SHOWN]]
    return lines


def heading(console: Console, title: str) -> None:
    console.print()
    console.print(Rule(title, align="left", style="dim"))


def county_of(submission: Submission) -> str:
    """The county that the sender named, by its current code; `other` where there is none of ours or none at all."""
    try:
        intake = intake_pb2.ClaimIntake.FromString(submission.value)
    except DecodeError:
        return OTHER
    code = (intake.replace if intake.HasField("replace") else intake.submit).claim.county  # a void names none
    figures = city.load()
    current = next((old.now for old in figures.places.retired.values() if old.code == code), code)
    return current if current in figures.counties else OTHER


def table_of(*headings: str) -> Table:
    """The first column is of names, the others of figures."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in headings:
        table.add_column(heading, justify="right" if table.columns else "left")
    return table


def county_name(code: str) -> str:
    county = city.load().counties.get(code)
    return f"{county.zh} {county.en}" if county else "其他 other"


def _effect(kind: str) -> str:
    return "" if is_sound(kind) else dirt.effect(city.load(), kind)


def whole(fen: int) -> str:
    """Whole yuan, half up; the fen are on the receipts."""
    return f"{(fen + 50) // 100:,}"


def counted(count: int) -> str:
    return f"{count:,}" if count else "·"


def _most(counts: Mapping[Came, int] | Mapping[str, int], shown: int = _REASONS_SHOWN) -> str:
    """The most frequent first."""
    ordered = sorted(counts.items(), key=lambda pair: -pair[1])
    more = [f"{len(ordered) - shown} more"] if len(ordered) > shown else []
    return ", ".join([*(f"{name} {count:,}" for name, count in ordered[:shown]), *more])


def _place(answer: Answer) -> str:
    return "/".join(map(str, answer.position)) if answer.position else answer.submission.source
