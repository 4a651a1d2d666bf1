"""The table of moves: every state is reached, none is a dead end, and a wrong table is told so."""

from __future__ import annotations

import pytest

from services.claims.model import MOVES, Move, State, refusal
from services.claims.model.moves import FINAL, Table, problems
from tools.states import stale


def test_the_table_is_whole() -> None:
    assert problems(MOVES) == []


def test_a_state_out_of_reach_or_without_a_way_on_is_told() -> None:
    cut: Table = {s: {m: to for m, to in moves.items() if m is not Move.RETURN} for s, moves in MOVES.items()}

    assert problems(cut) == ["RETURNED cannot be reached"]
    assert problems({**MOVES, State.WITHDRAWN: {}}) == ["WITHDRAWN is a dead end"]
    assert problems({**MOVES, State.VOIDED: {Move.REPLACE: frozenset({State.PENDED})}}) == [
        "VOIDED is final and has a way on"
    ]
    assert "ERROR is not on file" in problems({**MOVES, None: {Move.SUBMIT: frozenset({State.ERROR})}})


@pytest.mark.parametrize("state", [state for state in MOVES if state])
@pytest.mark.parametrize("move", [move for move in Move if move is not Move.SUBMIT])
def test_a_move_is_allowed_or_answered_with_those_that_are(state: State, move: Move) -> None:
    refused = refusal(state, move, "void.claim_number")

    if move in MOVES[state]:
        assert refused is None
    else:
        assert refused is not None
        assert dict(refused.values) == {"state": state, "allowed": ", ".join(MOVES[state]) or "-"}


def test_a_claim_is_voided_from_every_state_but_voided() -> None:
    assert {state for state in MOVES if state and Move.VOID not in MOVES[state]} == set(FINAL)


def test_every_readme_draws_its_tables_as_they_are() -> None:
    assert stale() == {}
