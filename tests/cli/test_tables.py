"""Tables at any width: no code, number or word is cut in two, and nothing is left out."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from cradle.claims.v1 import claim_pb2, receipt_pb2, review_pb2, submission_pb2
from cradle.registry.v1 import office_pb2
from google.type.date_pb2 import Date
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console, RenderableType

from services.cli import returned, review_views, views
from services.cli.failures import coded
from services.cli.session import Session
from services.cli.tables import Sheet, fit, folded
from services.kit.messages import Language

CHINESE, ENGLISH = Session(Language.ZH, "table"), Session(Language.EN, "table")
ID = "01a21ca5-a872-70f0-9c5e-f72c59494381"
PLACE = receipt_pb2.RecordPosition(topic="claims.intake.v1.hospitals", partition=2, offset=1_204_511)
WHY = [coded("DUPLICATE_DELIVERY", "submit.claim.event.date"), coded("COUNTY_UNKNOWN", "submit.claim.county")]


def drawn(what: RenderableType, width: int) -> list[str]:
    console = Console(width=width, markup=False, highlight=False, color_system=None)
    with console.capture() as capture:
        console.print(what)
    return capture.get().splitlines()


def queue(session: Session) -> RenderableType:
    one = review_pb2.Review(
        name=f"reviews/{ID}",
        source="hospitals",
        claim_number="BJ-2026-0000123",
        reason=WHY[0],
        due_date=Date(year=2026, month=12, day=4),
        risk=60,
        state=review_pb2.REVIEW_STATE_OPEN,
        assignee="person/li",
    )
    return review_views.queue(session, [one, one])


def submissions(session: Session) -> RenderableType:
    one = submission_pb2.Submission(
        source="hospitals",
        claim_number="BJ-2026-0000123",
        revision=1,
        status=submission_pb2.SUBMISSION_STATUS_RETURNED,
        county="610331",
        position=PLACE,
        reasons=WHY,
    )
    return returned._submissions(session, [one])


def statements(session: Session) -> RenderableType:
    return returned._statements(session, [office_pb2.ReturnedStatement(office="tax", record_number="7", reasons=WHY)])


def totals(session: Session) -> RenderableType:
    figures = submission_pb2.ControlTotalsFigures(submitted=1_200, claimed_fen=120_000_000)
    day = submission_pb2.ControlTotalsDay(
        source="hospitals",
        date=Date(year=2026, month=11, day=2),
        state=submission_pb2.CONTROL_TOTALS_STATE_DIFFER,
        said=figures,
        taken=figures,
    )
    return returned._days(session, [day])


def claims(session: Session) -> RenderableType:
    state = claim_pb2.CLAIM_STATE_PENDED
    return views.claims(session, [claim_pb2.Claim(source="hospitals", claim_number="BJ-2026-0000123", state=state)])


@pytest.mark.parametrize("width", [80, 100, 160])
@pytest.mark.parametrize("session", [CHINESE, ENGLISH], ids=["zh-CN", "en"])
@pytest.mark.parametrize("table", [queue, submissions, statements, totals, claims])
def test_a_list_at_the_width_of_a_terminal_keeps_each_code_and_number_whole(
    table: Callable[[Session], RenderableType], session: Session, width: int
) -> None:
    made = table(session)
    assert isinstance(made, Sheet)
    lines = drawn(made, width)

    assert max(map(cell_len, lines)) <= width
    written = {word for column in made.columns for cell in column.cells for word in pieces(str(cell))}
    assert written <= {word for line in lines for word in pieces(line)}


def pieces(text: str) -> list[str]:
    """Words, names up to each slash, and codes."""
    return re.findall(r"[\w.:-]+", text, re.ASCII)


def test_a_row_that_does_not_fit_beside_itself_stands_below_itself() -> None:
    wide, narrow = drawn(queue(ENGLISH), 160), drawn(queue(ENGLISH), 80)

    assert len([line for line in wide if ID in line]) == 2
    assert [line.split()[-1] for line in narrow if line.startswith("review")] == [ID, ID]
    assert not narrow[len(narrow) // 2].strip()


@pytest.mark.parametrize(("room", "widths"), [(8, None), (9, [5, 4]), (10, [5, 5]), (11, [6, 5]), (99, [6, 30])])
def test_what_is_left_goes_to_what_lacks_least(room: int, widths: list[int] | None) -> None:
    assert fit([(5, 6), (4, 30)], room) == widths


@given(st.text("ab/ 中文\n", max_size=60), st.integers(1, 30))
def test_folding_loses_nothing_but_spaces(text: str, width: int) -> None:
    shown = folded(text, width)

    assert re.sub(r"\s", "", shown) == re.sub(r"\s", "", text)
    longest = max([2, *(len(word) for word in re.findall(r"[ab]+/?|/", text))])
    assert max(map(cell_len, shown.split("\n"))) <= max(width, longest)
