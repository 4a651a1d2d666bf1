"""An application through the hands of employer and clerks, on the real PostgreSQL."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import pytest

from deploy.local.stack import Stack
from services.certification import rules
from services.certification.model import State
from services.certification.store import applications, file
from services.certification.usecases import deciding
from services.kit.errors import Invalid, Refused
from tests.certification.office import FOURTH, SECOND, THIRD, office

pytestmark = pytest.mark.integration


def codes(error: Invalid) -> list[str]:
    return [one.code for one in error.reasons]


def test_the_good_way_is_awarded_by_three_persons_after_the_notice(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with office(stack, dsn) as at:
            filed = await at.proposed()
            ends = filed.application.notice_ends_on
            assert ends == date(2026, 3, 9)
            at.on(ends)
            with pytest.raises(Refused, match="NOTICE_RUNS"):
                await at.does(FOURTH, deciding.award, filed, ())
            at.on(ends + timedelta(1))
            with pytest.raises(Refused, match="AWARD_SECOND_PERSON"):
                await at.does(THIRD, deciding.award, filed, ())
            with pytest.raises(Refused, match="DECIDER_IS_ASSESSOR"):
                await at.does(SECOND, deciding.award, filed, ())
            awarded = await at.does(FOURTH, deciding.award, filed, ())
            assert awarded.application.state is State.AWARDED
            made = await file.last_decision(at.desk.database, filed.id)
            scheme = await applications.scheme_content(at.desk.database, awarded.scheme_digest)
            assert made
            assert scheme
            assert rules.again(made.facts, scheme, made.rules_revision) == made.decision

    asyncio.run(way())
