"""The `cradle` command: its groups, its global options, and the one place where failures become exit codes."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from services.cli import (
    audit,
    calculators,
    cases,
    certification,
    claims,
    conformance,
    doctor,
    law,
    parked,
    registry,
    reviews,
    topics,
    treasury,
)
from services.cli.failures import Exit, Failure
from services.cli.session import Session, tell_failure
from services.kit.messages import Language

_HELP = """Cradle from the command line: a client of its gRPC APIs and of its Kafka topics.

Addresses come from the environment: CRADLE_CLAIMS_TARGET, CRADLE_REGISTRY_TARGET, CRADLE_TREASURY_TARGET,
CRADLE_CERTIFICATION_TARGET, KAFKA_BOOTSTRAP_SERVERS and CRADLE_SOURCES. --language and --output may stand anywhere on
the line.

Exit codes: 0 done; 1 done, but something was returned or a check failed; 2 wrong usage, unreadable file or missing
settings; 3 not found; 4 a service is unavailable; 5 internal error.
"""
_GLOBAL = ("--language", "--output")


class Commands(TyperGroup):
    """Takes the global options anywhere on the line, and ends every Failure with its reasons and exit code."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, hoisted(args))

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Failure as failure:
            tell_failure(failure, ctx.obj)
            raise typer.Exit(failure.exit_code) from failure


def hoisted(args: list[str]) -> list[str]:
    """The global options first, wherever they stood before `--`."""
    first: list[str] = []
    rest: list[str] = []
    left = iter(args)
    for argument in left:
        if argument == "--":
            rest += [argument, *left]
        elif argument in _GLOBAL:
            value = next(left, None)
            first += [argument] if value is None else [argument, value]
        elif argument.startswith(tuple(f"{name}=" for name in _GLOBAL)):
            first.append(argument)
        else:
            rest.append(argument)
    return first + rest


app = typer.Typer(
    name="cradle",
    cls=Commands,
    help=_HELP,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(claims.app, name="claims")
app.add_typer(registry.app, name="registry")
app.add_typer(parked.app, name="parked")
app.add_typer(audit.app, name="audit")
app.add_typer(reviews.app, name="reviews")
app.add_typer(treasury.app, name="treasury")
app.add_typer(certification.app, name="certification")
app.add_typer(cases.app, name="cases")
app.add_typer(calculators.app, name="calc")
app.add_typer(law.app, name="law")
app.add_typer(conformance.app, name="conformance")
app.command()(topics.topics)
app.command()(doctor.doctor)


@app.callback()
def cradle(
    context: typer.Context,
    language: Annotated[
        Literal["zh-CN", "en"] | None, typer.Option(help="of what is shown; from LANG if not given")
    ] = None,
    output: Annotated[
        Literal["table", "json", "csv"],
        typer.Option(help="for a person, one JSON document, or CSV (treasury and claims redetermine)"),
    ] = "table",
) -> None:
    if output == "csv" and context.invoked_subcommand not in {"treasury", "claims"}:
        raise typer.BadParameter("csv is for tables of money", param_hint="--output")
    context.obj = Session(Language(language) if language else None, output)


def run() -> None:
    """The entry point. A bug shows its traceback and ends with an exit code of its own."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it logs every refused connection; we say it once
    try:
        app()
    except Exception:  # noqa: BLE001  # the last line of a command: what nobody foresaw must not look like exit code 1
        traceback.print_exc()
        sys.exit(Exit.INTERNAL)
