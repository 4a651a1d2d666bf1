"""Looking on while a service works: until it is done, and how far it is."""

from __future__ import annotations

import pytest
from cradle.treasury.v1 import run_pb2

from services.cli import run_views
from services.cli.session import Session
from services.cli.watching import watch
from services.kit.messages import Language

LINES = {run_pb2.PAYMENT_STATE_CREATED: 30, run_pb2.PAYMENT_STATE_RESERVED: 60, run_pb2.PAYMENT_STATE_CANCELLED: 10}
RUN = run_pb2.Run(
    planned_count=100, exceptions=7, sums=[run_pb2.RunSum(state=state, count=n) for state, n in LINES.items()]
)


def test_who_watches_sees_how_far_it_is_until_it_is_done(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as a terminal that can do something
    monkeypatch.setenv("TERM", "xterm")
    looks = iter([RUN, run_pb2.Run(is_ready=True)])

    seen = watch(
        Session(None, "table"),
        "CLI_PROGRESS_COMMITTING",
        lambda: next(looks),
        lambda run: run.is_ready,
        run_views.committed,
    )

    told = capsys.readouterr()
    assert (seen.is_ready, told.out) == (True, "")
    assert "committing the money" in told.err
    assert "70/100" in told.err


def test_a_plan_does_not_know_yet_of_how_many() -> None:
    assert run_views.planned(RUN) == (107, None)


@pytest.mark.parametrize(("planned", "exceptions", "told"), [(100, 7, True), (0, 7, True), (100, 0, False)])
def test_a_plan_that_leaves_out_something_says_where_to_read_why(
    capsys: pytest.CaptureFixture[str], planned: int, exceptions: int, told: bool
) -> None:
    run = run_pb2.Run(name="runs/1", state=run_pb2.RUN_STATE_PLANNED, planned_count=planned, exceptions=exceptions)

    run_views.run(Session(Language.EN, "table"), run)

    why = f"{exceptions} are left out; why: cradle treasury runs status 1 --exceptions"
    assert (why in capsys.readouterr().err) is told
