"""`cradle conformance`: does a running system keep what docs/intake.md promises? Played, compared, and signed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from cradle.registry.v1.office_pb2_grpc import OfficeServiceStub

from services.cli import views
from services.cli.conformance import playing, report, scenarios
from services.cli.conformance.judging import judge, outcome_of, status_of
from services.cli.conformance.playing import Played
from services.cli.conformance.scenarios import Play
from services.cli.failures import Exit, Failure, asking_broker, coded
from services.cli.offices import import_records
from services.cli.session import Session, document
from services.kit.dates import civil
from services.kit.ids import new_id
from services.kit.messages import Reason
from services.kit.settings import load_conformance

app = typer.Typer(no_args_is_help=True, help="Does a running system keep its contract? Played, compared, signed.")

_KeyOption = typer.Option(exists=True, dir_okay=False, help="Ed25519, PEM; CRADLE_CONFORMANCE_KEY if not given")
_WORD = re.compile("[0-9a-f]{8}")
_COLUMNS = ("CASE", "STEP", "SENT_BY", "EXPECTED", "GOT", "RESULT")


_TodayOption = typer.Option(formats=["%Y-%m-%d"], help="of a system whose date stands")


@app.command()
def prepare(
    context: typer.Context,
    *,
    count: Annotated[int, typer.Option(min=1, max=50, help="for so many plays")] = 1,
    today: Annotated[datetime | None, _TodayOption] = None,
) -> None:
    """Record the women and employers of a play with the registry, and print the word by which it is played.

    For systems under test, by somebody who may tell the registry about people. They do not exist: no region's code
    begins as theirs.
    """
    session: Session = context.obj
    on = _today(today)
    plays = [scenarios.play(new_id().hex[-8:], on) for _ in range(count)]
    for play in plays:
        _record(session, play, on)
    if session.as_json:
        document({"plays": [play.run for play in plays]})
        return
    session.note("CLI_CONFORMANCE_PREPARED", count=count)
    for play in plays:
        typer.echo(play.run)


@app.command()
def run(
    context: typer.Context,
    word: Annotated[str, typer.Argument(metavar="PLAY", help="as `cradle conformance prepare` printed it")],
    source: Annotated[str, typer.Option(help="the source that is played")] = "sandbox",
    *,
    report_file: Annotated[Path | None, typer.Option("--report", dir_okay=False, help="written, and signed")] = None,
    key: Annotated[Path | None, _KeyOption] = None,
    timeout: Annotated[float, typer.Option(min=1, help="seconds to wait for the receipts")] = 60.0,
    today: Annotated[datetime | None, _TodayOption] = None,
) -> None:
    """Play good and bad submissions, and compare each receipt with what the contract promises.

    For systems under test, with the source's own certificate and nothing more; an operator has prepared the play.
    Exit status 1: a promise was not kept.
    """
    session: Session = context.obj
    own = load_conformance()
    signing = key or own.conformance_key
    if report_file is not None and signing is None:
        raise Failure(Exit.USAGE, [coded("CLI_CONFORMANCE_KEY_MISSING", "--key")])
    if source not in session.settings.sources:
        known = ", ".join(session.settings.sources)
        raise Failure(Exit.USAGE, [coded("CLI_SOURCE_UNKNOWN", "--source", source=source, known=known)])
    if not _WORD.fullmatch(word):
        raise Failure(Exit.USAGE, [coded("CLI_CONFORMANCE_NO_PLAY", "PLAY")])
    begun, on = scenarios.instant(), _today(today)
    play = scenarios.play(word, on)
    judged = [(one, judge(one, source)) for one in _played(session, play, source, timeout)]
    made = report.made(play.run, source, on, (begun, scenarios.instant()), judged)
    if report_file is not None and signing is not None:
        session.note("CLI_CONFORMANCE_WRITTEN", file=report_file, signature=report.write(made, report_file, signing))
    _show(session, made, judged)
    if not made["ok"]:
        raise typer.Exit(Exit.RETURNED)


@app.command()
def verify(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="REPORT", exists=True, dir_okay=False)],
    key: Annotated[Path | None, _KeyOption] = None,
) -> None:
    """Is this the report that the holder of the key signed? Exit status 1: it is not, or a promise was not kept."""
    session: Session = context.obj
    against = key or load_conformance().conformance_key
    if against is None:
        raise Failure(Exit.USAGE, [coded("CLI_CONFORMANCE_KEY_MISSING", "--key")])
    found = report.verified(file, against)
    if session.as_json:
        document({"verified": True, "report": found})
    else:
        typer.echo(session.text("CLI_CONFORMANCE_VERIFIED", **_figures(found), run=found["run"], ended=found["ended"]))
    if not found["ok"]:
        raise typer.Exit(Exit.RETURNED)


def _today(given: datetime | None) -> date:
    return given.date() if given else load_conformance().today or civil(scenarios.instant())


def _record(session: Session, play: Play, today: date) -> None:
    settings = session.settings
    employers, persons, provider = playing.registry_records(play, today)
    with session.channel(settings.registry_target) as channel:
        stub, deadline_s = OfficeServiceStub(channel), settings.grpc_deadline_s
        done = import_records(stub, employers, persons, lambda _: None, providers=[provider], timeout_s=deadline_s)
    if done.rejected:
        raise Failure(Exit.INTERNAL, [one.reason for one in done.rejected[:1]])


def _played(session: Session, play: Play, source: str, timeout_s: float) -> list[Played]:
    settings = session.settings
    steps = {by: [step for step in play.steps if step.by == by] for by in ("topic", "grpc", "stream")}
    with session.channel(settings.claims_target) as channel:
        playing.ask_leave(channel, source, play, settings.grpc_deadline_s)
        if playing.was_played(channel, source, play, settings.grpc_deadline_s):
            raise Failure(Exit.USAGE, [coded("CLI_CONFORMANCE_PLAYED", "PLAY", play=play.run)])
    with asking_broker(settings.kafka_bootstrap_servers):
        played = asyncio.run(playing.by_topic(session.broker, source, steps["topic"][:1], timeout_s))
        if not playing.is_prepared(played[0]):
            raise Failure(Exit.USAGE, [coded("CLI_CONFORMANCE_NOT_PREPARED", "PLAY", play=play.run)])
        played += asyncio.run(playing.by_topic(session.broker, source, steps["topic"][1:], timeout_s))
    with session.channel(settings.claims_target) as channel:
        played += playing.by_grpc(channel, source, steps["grpc"], timeout_s)
        played += playing.by_stream(channel, source, steps["stream"], timeout_s)
    return played


def _show(session: Session, made: dict[str, Any], judged: Sequence[tuple[Played, Sequence[Reason]]]) -> None:
    if session.as_json:
        document(made)
        return
    rows = [_row(session, played, problems) for played, problems in judged]
    session.show(views.table(session, [f"CLI_COL_{name}" for name in _COLUMNS], rows), piped_width=160)
    session.note("CLI_CONFORMANCE_COUNT", **_figures(made))


def _figures(made: dict[str, Any]) -> dict[str, Any]:
    return {name: made[name] for name in ("cases", "steps", "failed")}


def _row(session: Session, played: Played, problems: Sequence[Reason]) -> tuple[str, ...]:
    step, expected = played.step, played.step.expected
    told = played.told[0].receipt if played.told else None
    came = _words(status_of(told), outcome_of(told)) if told else ", ".join(played.refused or ())
    return (
        session.text(f"CLI_CONFORMANCE_{step.case.upper()}"),
        str(step.number),
        session.text(f"CLI_CONFORMANCE_BY_{step.by.upper()}"),
        "\n".join(filter(None, [_words(expected.status, expected.outcome), *expected.codes, *expected.refused])),
        came,
        "\n".join(problem.text(session.language) for problem in problems) or session.text("CLI_OK"),
    )


def _words(status: str, outcome: str) -> str:
    return " ".join(filter(None, (status, outcome)))
