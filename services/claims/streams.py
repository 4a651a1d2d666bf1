"""The streams of record of claims: the intake of every source, the platform's messages, the registry's on coverage,
employers and persons, the treasury's on payments.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.claims import usecases
from services.claims.store.erasing import Erasure
from services.claims.usecases import Hearing, Office, Prepared, erasing, paying, platform
from services.claims.usecases.paying import Told
from services.claims.wire.intake import intake_topics
from services.claims.wire.platform import PLATFORM_INTAKE
from services.claims.wire.registry import COVERAGE, EMPLOYER, PERSON, WagesChanged, wages_changed
from services.claims.wire.treasury import PAYMENTS
from services.kit.db import Database, Tx
from services.kit.parking import Message
from services.kit.stream import Stream

CONSUMER = "claims"
PAYMENT_CONSUMER = "claims.payment"
COVERAGE_CONSUMER = "claims.coverage"
EMPLOYER_CONSUMER = "claims.employer"
PERSON_CONSUMER = "claims.person"
PLATFORM_CONSUMER = "claims.platform"


def intake(office: Office) -> Stream[Prepared]:
    async def prepare(messages: Sequence[Message]) -> Prepared:
        return await usecases.prepare(office, messages)

    async def apply(tx: Tx, prepared: Prepared) -> None:
        await usecases.take_in(office, tx, prepared)

    return Stream(CONSUMER, intake_topics(office.settings.sources), prepare, apply)


def coverage(office: Office, database: Database) -> Stream[Hearing]:
    async def prepare(messages: Sequence[Message]) -> Hearing:
        return await usecases.prepare_hearing(office, database, messages)

    async def apply(tx: Tx, hearing: Hearing) -> None:
        await usecases.hear(office, tx, hearing)

    return Stream(COVERAGE_CONSUMER, (COVERAGE,), prepare, apply)


def employers() -> Stream[Sequence[WagesChanged]]:
    async def prepare(messages: Sequence[Message]) -> Sequence[WagesChanged]:
        return [changed for message in messages if (changed := wages_changed(message.value))]

    return Stream(EMPLOYER_CONSUMER, (EMPLOYER,), prepare, usecases.hear_wages)


def persons(office: Office) -> Stream[Sequence[Erasure]]:
    async def prepare(messages: Sequence[Message]) -> Sequence[Erasure]:
        return erasing.read(messages)

    async def apply(tx: Tx, heard: Sequence[Erasure]) -> None:
        await erasing.erase(office, tx, heard)

    return Stream(PERSON_CONSUMER, (PERSON,), prepare, apply)


def payments(office: Office) -> Stream[Sequence[Told]]:
    async def prepare(messages: Sequence[Message]) -> Sequence[Told]:
        return paying.read(messages)

    async def apply(tx: Tx, told: Sequence[Told]) -> None:
        await paying.hear_payments(office, tx, told)

    return Stream(PAYMENT_CONSUMER, (PAYMENTS,), prepare, apply)


def platform_messages(gateway: platform.Gateway, sources: Sequence[str]) -> Stream[platform.Prepared]:
    async def prepare(messages: Sequence[Message]) -> platform.Prepared:
        return await platform.prepare(gateway, messages)

    async def apply(tx: Tx, prepared: platform.Prepared) -> None:
        await platform.take_in(gateway, tx, prepared)

    return Stream(PLATFORM_CONSUMER, tuple(PLATFORM_INTAKE + source for source in sources), prepare, apply)
