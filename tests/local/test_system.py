"""The whole system as the `stack` fixture gives it."""

from __future__ import annotations

import pytest

from deploy.local.roles import DEFAULT_ROLES, is_listening
from deploy.local.stack import Stack


@pytest.mark.integration
def test_every_role_runs_and_both_apis_listen(stack: Stack) -> None:
    assert all(stack.pid(role.name) for role in DEFAULT_ROLES)
    assert is_listening(stack.environment["CRADLE_REGISTRY_TARGET"])
    assert is_listening(stack.environment["CRADLE_CLAIMS_TARGET"])
