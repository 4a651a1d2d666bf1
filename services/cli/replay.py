"""`cradle claims replay`: stored determinations decided again, by their own law and rules, or under a draft."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

import asyncpg
import typer
from cradle.common.v1 import reason_pb2
from rich import box
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from services.claims import rules
from services.claims.model import LineKind
from services.claims.usecases.replay import Asked, Report, Watch, WorkerDied
from services.claims.usecases.replay import replay as decide_again
from services.claims.wire.content import ABOLISHED, COUNTIES, WIDER
from services.cli.failures import Exit, Failure, coded
from services.cli.session import Session, document
from services.kit import law as laws
from services.kit.db import service_dsn
from services.kit.errors import Invalid, Unavailable, is_away
from services.kit.law import Law
from services.kit.messages import Language
from services.kit.money import yuan
from services.kit.reasons import reason_message
from services.kit.settings import load_replay

_INTERRUPTED = 130  # what a shell says of a program that Ctrl-C ended
_LISTED_OF_A_DRAFT = 20
_SAY_EVERY_ROWS = 100_000
_PIPED_WIDTH = 160
_COLUMNS = (
    *("DETERMINATIONS", "FUND_BEFORE", "FUND_AFTER", "FUND_DIFFERENCE"),
    *("BETTER", "WORSE", "OTHER_OUTCOME", "WAITING", "PEOPLE"),
)


def replay(  # noqa: PLR0917  # they are the command's options
    context: typer.Context,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="decided on that day or later")
    ] = None,
    county: Annotated[str, typer.Option(metavar="CODE", help="of this county only, by its division code")] = "",
    sample: Annotated[int | None, typer.Option(min=1, metavar="N", help="so many, drawn evenly")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**62, help="of the sample; the same seed draws the same")] = 0,
    law: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="decide the latest of each claim under this draft and tell the difference"),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="processes; one for each core if not given")
    ] = None,
    checkpoint: Annotated[Path | None, typer.Option(metavar="FILE", help="where what is done is kept")] = None,
    list_: Annotated[
        int | None, typer.Option("--list", min=0, metavar="N", help="show so many; all, or 20 of a draft's changes")
    ] = None,
    changes: Annotated[Path | None, typer.Option(metavar="FILE", help="write all that differ, one JSON a line")] = None,
    *,
    all_: Annotated[bool, typer.Option("--all", help="every one; so it is without --sample")] = False,
) -> None:
    """Decide stored determinations again and compare.

    Without --law: each from its own facts, by its own law and rules, to the byte. With --law: what a draft would cost.
    Reads only, and needs DATABASE_URL. Interrupted, the same command goes on. Exit status 1: some came out otherwise.
    """
    session: Session = context.obj
    _check(sample, county, everything=all_)
    settings = load_replay()
    draft = _draft(law, settings.law_overrides) if law else None
    dsn = service_dsn(settings.database_url.get_secret_value(), "claims")
    listed = _LISTED_OF_A_DRAFT if list_ is None and draft else list_
    asked = Asked(since.date() if since else None, county, sample, seed, draft, listed, changes)
    file, processes = checkpoint or asked.checkpoint(dsn), jobs or os.cpu_count() or 1
    with _Shown(session, processes) as shown, _told(session, dsn, file):
        report = decide_again(dsn, asked, processes, file, shown)
    if draft is None:
        _show_again(session, report, file)
        raise typer.Exit(Exit.RETURNED if report.different else Exit.DONE)
    _show_draft(session, report, draft)


def _check(sample: int | None, county: str, *, everything: bool) -> None:
    if sample is not None and everything:
        raise Failure(Exit.USAGE, [coded("CLI_AGAIN_CHOICE", "--sample")])
    if county and county not in {*COUNTIES, *WIDER, *ABOLISHED}:
        raise Failure(Exit.USAGE, [coded("COUNTY_UNKNOWN", "--county")])


def _draft(folder: Path, overrides: Path | None) -> Law:
    """The law of the folder: whole, or laid over the one in force here."""
    try:
        return laws.read_law(folder, laws.effective(rules.LAW, overrides))
    except laws.ParameterError as error:
        raise Failure(Exit.USAGE, [reason_message(problem, problem.place) for problem in error.problems]) from error


@contextmanager
def _told(session: Session, dsn: str, checkpoint: Path) -> Iterator[None]:
    """Turns what can go wrong into a Failure."""
    address = urlsplit(dsn)
    place = f"{address.hostname}:{address.port or 5432}{address.path}"
    try:
        yield
    except KeyboardInterrupt:
        session.note("CLI_AGAIN_INTERRUPTED", checkpoint=checkpoint)
        raise typer.Exit(_INTERRUPTED) from None
    except Invalid as error:
        raise Failure(Exit.USAGE, [reason_message(given) for given in error.reasons]) from error
    except WorkerDied as error:
        raise Failure(Exit.INTERNAL, [coded("CLI_AGAIN_WORKER_DIED", checkpoint=checkpoint)]) from error
    except (Unavailable, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        away = is_away(error)
        named = str(error) if isinstance(error, Unavailable) else type(error).__name__
        code = "CLI_DATABASE_AWAY" if away else "CLI_DATABASE_UNUSABLE"
        told: reason_pb2.Reason = coded(code, "DATABASE_URL", address=place, error=named)
        raise Failure(Exit.UNAVAILABLE if away else Exit.USAGE, [told]) from error


class _Shown(Watch):
    """How it goes, on standard error: a bar where a person watches, a line now and then elsewhere."""

    def __init__(self, session: Session, jobs: int) -> None:
        self._session = session
        self._jobs = jobs
        self._said = 0
        console = Console(stderr=True)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task: TaskID = self._progress.add_task(session.text("CLI_AGAIN_PROGRESS"), total=None, rate="")
        self._total = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def began(self, checkpoint: Path, rows: int, resumed: int) -> None:
        self._total = rows
        self._session.note("CLI_AGAIN_BEGINS", rows=f"{rows:,}", jobs=self._jobs, checkpoint=checkpoint)
        if resumed:
            self._session.note("CLI_AGAIN_GOES_ON", done=f"{resumed:,}", rows=f"{rows:,}")
        self._progress.update(self._task, total=rows, completed=resumed)
        self._said = resumed

    def went_on(self, rows: int, different: int, per_s: float) -> None:
        rate = f"{per_s:,.0f}/s" + (f"  ≠ {different:,}" if different else "")
        self._progress.update(self._task, completed=rows, rate=escape(rate))
        if self._progress.disable and rows - self._said >= _SAY_EVERY_ROWS:
            self._said = rows
            typer.echo(f"{rows:,} / {self._total:,}  {rate}", err=True)


# --- what came of it ---------------------------------------------------------------------------------------------


def _summary(report: Report) -> dict[str, Any]:
    return {
        "total": report.rows,
        "same": report.same,
        "different": report.different,
        "resumed": report.resumed,
        "seconds": float(f"{report.seconds:.2f}"),
        "per_s": int(report.per_s),
    }


def _show_again(session: Session, report: Report, checkpoint: Path) -> None:
    if session.as_json:
        kept = str(checkpoint) if report.different else None
        document({**_summary(report), "checkpoint": kept, "differences": report.cases})
        return
    if report.cases:
        session.show(_differences(session, report.cases), piped_width=_PIPED_WIDTH)
    typer.echo(_done(session, report, "CLI_AGAIN_DONE"))
    _say_more(session, report)
    if report.different:
        session.note("CLI_AGAIN_KEPT", checkpoint=checkpoint)


def _differences(session: Session, cases: Iterable[dict[str, Any]]) -> Table:
    """One line each, so that a claim can be searched for; of a long value, its beginning."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("CLAIM", "VERSION", "PATH", "STORED", "AGAIN"):
        keeps = name in {"CLAIM", "VERSION", "PATH"}
        made.add_column(session.text(f"CLI_COL_{name}"), no_wrap=True, overflow="fold" if keeps else "ellipsis")
    for case in cases:
        claim = f"claims/{case['claim']}"
        made.add_row(claim, str(case["version"]), case["path"] or "-", case["stored"], case["again"])
    return made


def _done(session: Session, report: Report, code: str) -> str:
    return session.text(
        code,
        total=f"{report.rows:,}",
        same=f"{report.same:,}",
        different=f"{report.different:,}",
        seconds=f"{report.seconds:.1f}",
        rate=f"{report.per_s:,.0f}",
    )


def _say_more(session: Session, report: Report) -> None:
    if report.different > len(report.cases):
        session.note("CLI_AGAIN_MORE", more=f"{report.different - len(report.cases):,}")


def _show_draft(session: Session, report: Report, draft: Law) -> None:
    cost = report.cost.as_data() if report.cost else {}
    if session.as_json:
        document({**_summary(report), "law": draft.digest, **cost, "changes": report.cases})
        return
    total = cost["total"]
    typer.echo(session.text("CLI_DRAFT_TITLE", digest=draft.digest[:16], total=f"{report.rows:,}"))
    session.show(*_tables(session, cost), piped_width=_PIPED_WIDTH)
    typer.echo(
        session.text(
            "CLI_DRAFT_PEOPLE",
            better=f"{total['people_better']:,}",
            worse=f"{total['people_worse']:,}",
            outcome=f"{total['people_outcome']:,}",
        )
    )
    if LineKind.CATASTROPHIC in cost["kinds"]:
        typer.echo(session.text("CLI_DRAFT_APART"))
    if total["waiting"]:
        names = ", ".join(sorted(cost["unset"]))
        amount = yuan(total["waiting_fen"])
        typer.echo(session.text("CLI_DRAFT_WAITING", waiting=f"{total['waiting']:,}", amount=amount, names=names))
    if total["undecided"]:
        amount = yuan(total["undecided_fen"])
        typer.echo(session.text("CLI_DRAFT_UNDECIDED", undecided=f"{total['undecided']:,}", amount=amount))
    if report.cases:
        typer.echo("\n" + session.text("CLI_DRAFT_FEW", count=len(report.cases)))
    for case in report.cases:
        typer.echo("\n".join(_case(session, case)))
    _say_more(session, report)
    typer.echo(_done(session, report, "CLI_DRAFT_DONE"), err=True)


def _tables(session: Session, cost: dict[str, Any]) -> Iterator[RenderableType]:
    """By county with the total below, then by kind of line."""
    total = (session.text("CLI_DRAFT_TOTAL"), cost["total"])
    yield _table(session, (*cost["counties"].items(), total))
    yield _table(session, ((session.text(f"LINE_KIND_{kind}"), group) for kind, group in cost["kinds"].items()))


def _table(session: Session, groups: Iterable[tuple[str, dict[str, int]]]) -> Table:
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    made.add_column(session.text("CLI_COL_GROUP"))
    for name in _COLUMNS:
        made.add_column(session.text(f"CLI_COL_{name}"), justify="right")
    for name, group in groups:
        made.add_row(*_row(name, group))
    return made


def _row(name: str, group: dict[str, int]) -> Sequence[str]:
    return (
        name,
        f"{group['determinations']:,}",
        yuan(group["before_fen"]),
        yuan(group["after_fen"]),
        yuan(group["difference_fen"]),
        f"{group['better']:,}",
        f"{group['worse']:,}",
        f"{group['outcome']:,}",
        f"{group['waiting'] + group['undecided']:,}",
        f"{group['people_better']:,} / {group['people_worse']:,}",
    )


def _case(session: Session, case: dict[str, Any]) -> Iterator[str]:
    def outcome(code: str) -> str:
        return session.text(f"OUTCOME_{code}") if code else session.text("CLI_DRAFT_NO_LINE")

    yield session.text(
        "CLI_DRAFT_CASE",
        claim=f"claims/{case['claim']}",
        county=case["county"],
        before=outcome(case["outcome_before"]),
        after=outcome(case["outcome_after"]),
    )
    if case["status"] == "UNDECIDED":
        yield "  " + session.text("CLI_DRAFT_LACKS", name=case["name"])
        return
    for line in case["lines"]:
        number = f" {line['number']}" if line["number"] > 1 else ""
        reasons = f" [{', '.join(line['reasons'])}]" if line["reasons"] else ""
        told = session.text(
            "CLI_DRAFT_LINE",
            line=session.text(f"LINE_KIND_{line['kind']}") + number,
            before=outcome(line["outcome_before"]),
            before_fen=yuan(line["before_fen"]),
            after=outcome(line["outcome_after"]),
            after_fen=yuan(line["after_fen"]),
        )
        yield f"  {told}{reasons}"
    chinese = session.language is Language.ZH
    for parameter in case["parameters"]:
        told = session.text(
            "CLI_DRAFT_PARAMETER",
            name=parameter["name"],
            old=parameter["old"] or session.text("CLI_DRAFT_UNSET"),
            new=parameter["new"] or session.text("CLI_DRAFT_UNSET"),
            citation=parameter["citation" if chinese else "citation_en"] or "-",
        )
        yield f"  {told}"
