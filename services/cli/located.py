"""A user's YAML or JSON as plain data that knows its lines, so that what is wrong can be pointed at."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from cradle.common.v1 import reason_pb2

from services.cli.failures import Exit, Failure, coded
from services.kit.law.page import Page, open_page, page_of
from services.kit.messages import Reason
from services.kit.reasons import reason_message


def read_located(path: Path) -> Page:
    """A whole file; `-` is standard input. Raises Failure with everything that keeps it from being read."""
    page = page_of("stdin", sys.stdin.buffer.read()) if str(path) == "-" else open_page(path)
    if page.problems:
        raise Failure(Exit.USAGE, [reason_message(problem, problem.place) for problem in page.problems])
    if page.content is None:
        raise Failure(Exit.USAGE, [coded("CLI_FILE_EMPTY", page.file)])
    return page


def placed(page: Page, given: Iterable[Reason]) -> list[reason_pb2.Reason]:
    """Reasons that name a path of the page, each with file and line before it."""
    return [reason_message(one, f"{page.file}:{page.line(one.field)} {one.field}".strip()) for one in given]
