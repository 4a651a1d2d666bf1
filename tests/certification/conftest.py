"""What certification's tests share."""

from __future__ import annotations

import pytest

from deploy.local.stack import Stack
from tests.kit.live import new_database


@pytest.fixture
def dsn(stack: Stack) -> str:
    """A database of its own."""
    return new_database(stack, "certification")
