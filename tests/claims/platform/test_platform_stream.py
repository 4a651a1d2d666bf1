"""From the platform's topic to the intake and its receipts: once, in order, and sealed on the way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from cradle.claims.v1 import claim_pb2, intake_pb2, platform_pb2
from cradle.registry.v1 import service_pb2 as registry_pb2
from cradle.registry.v1 import service_pb2_grpc as registry_grpc
from typer.testing import CliRunner

from deploy.local.stack import Stack
from services.claims import store, streams
from services.claims.model.submission import Submitted
from services.claims.store.submissions import WantedSubmissions
from services.claims.usecases.platform import Gateway, prepare, take_in
from services.claims.wire.intake import read
from services.cli.main import app
from services.kit import db, rpc
from services.kit.clock import Clock
from services.kit.dates import to_proto
from services.kit.inbox import Inbox
from services.kit.member_key import member_key
from services.kit.messages import Kept
from services.kit.outbox import opened
from services.kit.parking import Message, Parking
from services.kit.telemetry import Health
from tests.builders import MOTHER, TODAY, message
from tests.claims.harness import Receipt, claims_dsn, insured
from tests.claims.platform.messages import (
    DATA,
    DISCHARGE,
    HOSPITAL,
    INFO,
    NAME,
    SETTLEMENT,
    msgid,
    raw,
    settlement,
    undo,
)
from tests.kit.live import (
    eventually,
    new_database,
    read_until,
    rows,
    running,
    sealer_of,
    send,
    settings_of,
    unique,
    value,
)

pytestmark = pytest.mark.integration
TOPIC = "claims.platform-intake.v1.hospitals"
PSN = "61000006100000000010012345"
TABLES = ("outbox", "platform_settlement", "platform_undo", "platform_message", "submission", "parked", "consumed")


def messages(*contents: dict[str, Any], start: int = 0) -> list[Message]:
    return [message(raw(one), topic=TOPIC, offset=start + place) for place, one in enumerate(contents)]


def gateway_of(stack: Stack) -> Gateway:
    return Gateway(Clock(TODAY), sealer_of(stack))


async def taken(stack: Stack, dsn: str, batch: Sequence[Message]) -> None:
    gateway = gateway_of(stack)
    async with db.connect(dsn) as database, database.transaction() as tx:
        await take_in(gateway, tx, await prepare(gateway, batch))


async def left(stack: Stack, dsn: str) -> tuple[list[intake_pb2.ClaimIntake], list[platform_pb2.PlatformReport]]:
    """What lies in the outbox for the intake, opened, and for the reports."""
    found = [opened(row, sealer_of(stack)) for row in await rows(dsn, "SELECT * FROM outbox ORDER BY id")]
    intakes = [one for one in found if one["topic"] == "claims.intake.v1.hospitals"]
    reports = [one for one in found if one["topic"] == "claims.platform-report.v1.hospitals"]
    assert all(one["sealed"] for one in intakes)
    assert not any(one["sealed"] for one in reports)
    assert {one["key"] for one in intakes} <= {member_key(MOTHER)}
    return (
        [intake_pb2.ClaimIntake.FromString(one["payload"]) for one in intakes],
        [platform_pb2.PlatformReport.FromString(one["payload"]) for one in reports],
    )


async def not_accepted(dsn: str) -> list[Submitted]:
    async with db.connect(dsn) as database:
        return await store.list_submissions(database, WantedSubmissions(), before=None, limit=10)


def statuses(reports: Sequence[platform_pb2.PlatformReport]) -> list[str]:
    return [platform_pb2.PlatformStatus.Name(one.status).removeprefix("PLATFORM_STATUS_") for one in reports]


def kinds(intakes: Sequence[intake_pb2.ClaimIntake]) -> list[str]:
    return [str(one.WhichOneof("event")) for one in intakes]


# --- what lies in the database ------------------------------------------------------------------------------------


def test_what_leaves_can_be_read_by_the_intake_and_every_message_has_its_report(stack: Stack) -> None:
    dsn = new_database(stack, "claims")
    good, bad = settlement(), settlement({f"{INFO}certno": "", "msgid": msgid()})

    asyncio.run(taken(stack, dsn, messages(good, bad, undo())))

    intakes, reports = asyncio.run(left(stack, dsn))
    assert kinds(intakes) == ["submit", "void"]
    for one in intakes:
        received = read(message(one.SerializeToString()), TODAY, date(2022, 5, 25), 65_536, bytes)
        assert received.reasons == ()
    assert statuses(reports) == ["MAPPED", "NOT_MAPPED", "MAPPED"]
    assert [(one.claim_number, one.infno) for one in reports] == [
        (SETTLEMENT, "2304"),
        ("", "2304"),
        (SETTLEMENT, "2305"),
    ]
    assert reports[1].findings[0].reason.code == "PLATFORM_MISSING"
    assert all(found.reason.text_zh and found.reason.text_en for one in reports for found in one.findings)
    assert [one.position.offset for one in reports] == [0, 1, 2]
    (kept,) = asyncio.run(not_accepted(dsn))
    assert (kept.source, kept.status, kept.claim_number, kept.position) == (
        "hospitals", "NOT_MAPPED", SETTLEMENT, f"{TOPIC}/0/1",
    )  # fmt: skip
    assert (str(kept.receipt_id), kept.reasons) == (reports[1].report_id, (Kept("PLATFORM_MISSING"),))


def test_no_table_and_no_report_shows_who_she_is(stack: Stack) -> None:
    dsn = new_database(stack, "claims")
    planted = (MOTHER, NAME, PSN, member_key(MOTHER).hex(), member_key(PSN).hex())
    wrong = {f"{DISCHARGE}matn_type": NAME, f"{DISCHARGE}geso_val": MOTHER, f"{DATA}invono": MOTHER, "msgid": msgid()}
    unusable = {f"{INFO}setl_id": MOTHER, f"{INFO}medins_setl_id": MOTHER, "msgid": MOTHER}

    early = undo({f"{DATA}setl_id": "610300S26031300001111"})
    asyncio.run(taken(stack, dsn, messages(settlement(), settlement(wrong), settlement(unusable), early)))

    async def found() -> dict[str, int]:
        words = [form for word in planted for form in (word, word.encode().hex())]
        sql = 'SELECT count(*) FROM "{0}" WHERE "{0}"::text ~ $1'
        return {table: await value(dsn, sql.format(table), "|".join(words)) for table in TABLES}

    counts = asyncio.run(value_of_each(dsn))
    assert all(counts[table] for table in TABLES[:4]), counts
    assert asyncio.run(found()) == dict.fromkeys(TABLES, 0)
    _, reports = asyncio.run(left(stack, dsn))
    said = b"".join(one.SerializeToString() for one in reports)
    assert [word for word in planted if word.encode() in said] == []


async def value_of_each(dsn: str) -> dict[str, int]:
    return {table: await value(dsn, f'SELECT count(*) FROM "{table}"') for table in TABLES}


# --- twice is once, in any order ------------------------------------------------------------------------------------


def test_the_same_messages_again_leave_nothing_new(stack: Stack) -> None:
    dsn = new_database(stack, "claims")
    batch = (settlement(), undo())

    asyncio.run(taken(stack, dsn, messages(*batch)))
    asyncio.run(taken(stack, dsn, messages(*batch, start=2)))

    intakes, reports = asyncio.run(left(stack, dsn))
    assert kinds(intakes) == ["submit", "void"]
    assert statuses(reports) == ["MAPPED", "MAPPED", "REPEATED", "REPEATED"]


@pytest.mark.parametrize("by", ["platform", "hospital"])
@pytest.mark.parametrize("batches", [1, 2])
def test_an_undo_before_its_settlement_is_kept_and_follows_it(stack: Stack, by: str, batches: int) -> None:
    dsn = new_database(stack, "claims")
    own = {f"{DATA}setl_id": None, f"{DATA}medins_setl_id": f"{HOSPITAL}-0042"} if by == "hospital" else {}
    both = messages(undo(own), settlement())

    for batch in [both] if batches == 1 else [both[:1], both[1:]]:
        asyncio.run(taken(stack, dsn, batch))

    intakes, reports = asyncio.run(left(stack, dsn))
    assert kinds(intakes) == ["submit", "void"]
    assert intakes[1].void.claim_number == SETTLEMENT
    assert statuses(reports) == ["WAITING", "MAPPED"]
    waiting = "SELECT count(*) FROM platform_undo WHERE matched_at IS NULL"
    assert asyncio.run(value(dsn, waiting)) == 0


def test_an_undo_in_a_later_batch_finds_its_settlement_and_its_key(stack: Stack) -> None:
    dsn = new_database(stack, "claims")

    asyncio.run(taken(stack, dsn, messages(settlement())))
    asyncio.run(taken(stack, dsn, messages(undo(), start=1)))

    intakes, _ = asyncio.run(left(stack, dsn))
    assert kinds(intakes) == ["submit", "void"]


def test_undo_and_settlement_taken_at_once_by_two_workers_never_miss_each_other(stack: Stack) -> None:
    """In two partitions they may be; whoever comes first, one void follows one submission."""
    dsn = new_database(stack, "claims")
    numbers = [f"610300S2603130000{number:04d}" for number in range(25)]

    async def act() -> None:
        gateway = gateway_of(stack)
        async with db.connect(dsn) as database:

            async def take(content: dict[str, Any], offset: int) -> None:
                async with database.transaction() as tx:
                    await take_in(gateway, tx, await prepare(gateway, messages(content, start=offset)))

            for place, number in enumerate(numbers):
                one = settlement({f"{INFO}setl_id": number, "msgid": msgid()})
                await asyncio.gather(take(one, place), take(undo({f"{DATA}setl_id": number}), 100 + place))

    asyncio.run(act())

    intakes, _ = asyncio.run(left(stack, dsn))
    submitted = [one.submit.claim.claim_number for one in intakes if one.HasField("submit")]
    voided = [one.void.claim_number for one in intakes if one.HasField("void")]
    assert submitted == voided == numbers


def test_a_record_delivered_again_is_taken_once(stack: Stack) -> None:
    """The offset moves with the effect: a second worker that starts from the beginning finds it done."""
    dsn, topic = new_database(stack, "claims"), unique("claims.platform-intake.v1.s").replace("_", "-")
    stack.create_topic(topic, 1)

    async def act() -> None:
        await send(stack, topic, [(b"k", raw(settlement())), (b"k", b"\x00\xff no message")])
        for _ in range(2):
            async with db.connect(dsn) as database:
                source = topic.rpartition(".")[2]
                stream = streams.platform_messages(gateway_of(stack), [source])
                parking = Parking(stream.consumer, sealer_of(stack))
                inbox = Inbox(stream, database, settings_of(stack), parking, Health(), asyncio.Event())
                async with running(inbox) as task:

                    async def done() -> bool:
                        return bool(await value(dsn, "SELECT count(*) FROM consumed WHERE next_offset = 2"))

                    await eventually(done, task)

    asyncio.run(act())

    topics = asyncio.run(rows(dsn, "SELECT topic, count(*) FROM outbox GROUP BY topic ORDER BY topic"))
    assert [row["count"] for row in topics] == [1, 2]  # one submission; a report for each record
    assert asyncio.run(value(dsn, "SELECT count(*) FROM parked")) == 0


# --- through the running roles ----------------------------------------------------------------------------------------


async def registered(stack: Stack, hospital: str) -> None:
    """Have the registry know the hospital, under contract."""
    contract = registry_pb2.ContractSpan(
        first_day=to_proto(date(2020, 1, 1)),
        last_day=to_proto(date(2030, 1, 1)),
        level=registry_pb2.PROVIDER_LEVEL_SECONDARY,
    )
    record = registry_pb2.ProviderRecord(code=hospital, name="凤翔测试医院", county="610305", contracts=[contract])
    async with rpc.channel(stack.environment["CRADLE_REGISTRY_TARGET"], stack.operator) as channel:
        request = registry_pb2.BatchRecordCoverageRequest(providers=[record])
        await registry_grpc.RegistryServiceStub(channel).BatchRecordCoverage(request, timeout=10)


def hers(number: str, settlement_id: str, changes: dict[str, Any] | None = None) -> dict[str, Any]:
    born = f"{number[6:10]}-{number[10:12]}-{number[12:14]}"
    person = {f"{INFO}certno": number, f"{INFO}brdy": born, f"{INFO}setl_id": settlement_id, "msgid": msgid()}
    return settlement({**person, **(changes or {})})


async def receipts_of(stack: Stack, number: str, count: int) -> list[Receipt]:
    def mine(found: list[Any]) -> list[Receipt]:
        return [receipt for one in found if (receipt := Receipt.FromString(one.value)).claim_number == number]

    found = await read_until(stack, ["claims.receipt.v1.hospitals"], lambda read_: len(mine(read_)) >= count)
    return mine(found)


def test_a_settlement_is_determined_and_its_undo_voids_it(stack: Stack) -> None:
    who, number = insured(stack), f"610300S{unique('t').replace('_', '')}"
    key = member_key(PSN)

    async def act() -> list[Receipt]:
        await registered(stack, HOSPITAL)
        sent = hers(who.number, number)
        await send(stack, TOPIC, [(key, raw(sent)), (key, raw(sent))])
        await receipts_of(stack, number, 1)
        again = sent | {"msgid": msgid()}
        await send(stack, TOPIC, [(key, raw(again)), (key, raw(undo({f"{DATA}setl_id": number})))])
        return await receipts_of(stack, number, 3)

    first, repeated, voided = asyncio.run(act())

    assert (first.revision, [one.code for one in first.reasons]) == (1, [])
    assert first.outcome == claim_pb2.CLAIM_STATE_APPROVED
    assert first.medical_fen == 203_526
    assert repeated.status == 4  # the same content under another message id
    assert voided.status == 5
    assert voided.outcome == claim_pb2.CLAIM_STATE_VOIDED
    logs = {log.name: log.read_bytes() for log in stack.logs.glob("*.log")}
    assert logs["claims-platform.log"]
    words = [word.encode() for word in (who.number, NAME, PSN)]
    assert [(name, word) for name, text in logs.items() for word in words if word in text] == []


def test_a_miscarriage_of_16_weeks_is_sent_without_its_days_and_that_is_told(stack: Stack) -> None:
    who, number = insured(stack), f"610300S{unique('w').replace('_', '')}"
    lost = {
        f"{DISCHARGE}matn_type": "05",
        f"{DISCHARGE}oprn_oprt_code": "",
        f"{DISCHARGE}diseinfo.0.diag_code": "O03.900",
        f"{DISCHARGE}geso_val": "16",
    }

    async def act() -> tuple[Receipt, platform_pb2.PlatformReport]:
        await registered(stack, HOSPITAL)
        await send(stack, TOPIC, [(member_key(PSN), raw(hers(who.number, number, lost)))])
        (receipt,) = await receipts_of(stack, number, 1)

        def mine(found: list[Any]) -> list[platform_pb2.PlatformReport]:
            reports = [platform_pb2.PlatformReport.FromString(one.value) for one in found]
            return [one for one in reports if one.claim_number == number]

        found = await read_until(stack, ["claims.platform-report.v1.hospitals"], lambda read_: bool(mine(read_)))
        return receipt, mine(found)[0]

    receipt, report = asyncio.run(act())

    claim_id = UUID(receipt.claim.removeprefix("claims/"))
    facts = json.loads(
        asyncio.run(value(claims_dsn(stack), "SELECT facts FROM determination WHERE claim_id = $1", claim_id))
    )
    assert ("PLATFORM_GESTATION_UNCLEAR", f"{DISCHARGE}geso_val") in [
        (found.reason.code, found.reason.field) for found in report.findings
    ]
    assert receipt.claim_number == number
    assert receipt.outcome == claim_pb2.CLAIM_STATE_APPROVED  # of the cost; leave and allowance need the days
    assert "gestation_days" not in facts["event"]


def test_an_imported_file_is_taken_in_and_a_second_time_nothing_is_new(stack: Stack, tmp_path: Any) -> None:
    who, number = insured(stack), f"610300S{unique('f').replace('_', '')}"
    asyncio.run(registered(stack, HOSPITAL))
    rows_ = [undo({f"{DATA}setl_id": number}), hers(who.number, number), hers(MOTHER[:17], "610300S2")]
    path = tmp_path / "day.ndjson"
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows_), "utf-8")
    arguments = ["claims", "platform", "import", str(path), "--source", "hospitals", "--language", "en"]
    arguments += ["--errors", str(tmp_path / "errors.ndjson")]

    done = [CliRunner().invoke(app, arguments, env=stack.environment) for _ in range(2)]

    receipts = asyncio.run(receipts_of(stack, number, 4))
    for one in done:
        assert one.exit_code == 1
        assert "Sent: 1 claims, 1 voids, 0 control totals." in one.output
        assert "cradle claims returned --source hospitals" in one.output
        assert "3 messages: 2 mapped, 1 not mapped, 0 repeated" in one.output
    told = [json.loads(line) for line in (tmp_path / "errors.ndjson").read_text("utf-8").splitlines()]
    assert {(line["line"], line["code"]) for line in told} >= {(3, "PLATFORM_CERTNO_WITHOUT_X")}
    assert not {who.number, MOTHER[:17], NAME} & set(json.dumps(told, ensure_ascii=False).split('"'))
    assert [receipt.status for receipt in receipts[:2]] == [1, 5]
    assert 1 not in {receipt.status for receipt in receipts[2:]}


def test_an_undo_from_the_topic_voids_a_settlement_imported_from_a_file(stack: Stack, tmp_path: Any) -> None:
    who, number = insured(stack), f"610300S{unique('i').replace('_', '')}"
    asyncio.run(registered(stack, HOSPITAL))
    path = tmp_path / "one.json"
    path.write_bytes(raw(hers(who.number, number)))
    arguments = ["claims", "platform", "import", str(path), "--source", "hospitals"]
    assert CliRunner().invoke(app, arguments, env=stack.environment).exit_code == 0

    async def act() -> list[Receipt]:
        await receipts_of(stack, number, 1)
        await send(stack, TOPIC, [(member_key(PSN), raw(undo({f"{DATA}setl_id": number})))])
        return await receipts_of(stack, number, 2)

    assert [receipt.status for receipt in asyncio.run(act())] == [1, 5]
