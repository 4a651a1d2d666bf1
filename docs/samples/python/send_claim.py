"""Sends one claim to your intake topic and waits for its receipt.

    python send_claim.py CLAIM_NUMBER ID_NUMBER CREDIT_CODE YYYY-MM-DD

KAFKA_BOOTSTRAP_SERVERS and CRADLE_SOURCE say where and as whom; with CRADLE_KAFKA_SECURITY=SSL your certificate is in
CRADLE_TLS_CERTIFICATE, CRADLE_TLS_KEY and CRADLE_TLS_AUTHORITIES. Needs aiokafka and the generated contract
(protos/gen; `pip install .` of this repository brings both).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import ssl
import sys
import unicodedata
from datetime import date
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from cradle.claims.v1 import claim_pb2, intake_pb2, receipt_pb2
from google.protobuf import json_format
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date

WAIT_S = 60
SOURCE = os.environ.get("CRADLE_SOURCE", "sandbox")
INTAKE, RECEIPT = f"claims.intake.v1.{SOURCE}", f"claims.receipt.v1.{SOURCE}"


def claim(number: str, id_number: str, credit_code: str, delivered: date) -> intake_pb2.ClaimIntake:
    made = intake_pb2.ClaimSubmission(
        claim_number=number,
        person_id_number=id_number,
        employer_uscc=credit_code,
        county="610304",
        kind=claim_pb2.CLAIM_KIND_ALLOWANCE,
        event=intake_pb2.MaternityEvent(
            type=claim_pb2.EVENT_TYPE_DELIVERY,
            date=Date(year=delivered.year, month=delivered.month, day=delivered.day),
            delivery_mode=claim_pb2.DELIVERY_MODE_VAGINAL,
            infants=1,
            birth_order=1,
        ),
        submit_time=Timestamp(seconds=(delivered.toordinal() - date(1970, 1, 1).toordinal() + 1) * 86_400),
    )
    return intake_pb2.ClaimIntake(submit=intake_pb2.SubmitClaim(claim=made))


def member_key(id_number: str) -> bytes:
    """docs/intake.md, "The key": published, and the same for every sender."""
    folded = unicodedata.normalize("NFKC", id_number).strip().upper()
    return hmac.new(b"cradle.claims.intake.v1/member_key", folded.encode(), hashlib.sha256).digest()[:16]


def client() -> dict[str, Any]:
    where: dict[str, Any] = {"bootstrap_servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"]}
    if os.environ.get("CRADLE_KAFKA_SECURITY") == "SSL":
        context = ssl.create_default_context(cafile=os.environ["CRADLE_TLS_AUTHORITIES"])
        context.load_cert_chain(os.environ["CRADLE_TLS_CERTIFICATE"], os.environ["CRADLE_TLS_KEY"])
        where |= {"security_protocol": "SSL", "ssl_context": context}
    return where


async def send(given: intake_pb2.ClaimIntake) -> str:
    """From the broker's answer on, the claim is Cradle's responsibility; before it, send the same again."""
    async with AIOKafkaProducer(**client(), enable_idempotence=True, acks="all") as producer:
        key = member_key(given.submit.claim.person_id_number)
        place = await producer.send_and_wait(INTAKE, given.SerializeToString(), key=key)
    return f"{place.topic}/{place.partition}/{place.offset}"


async def receipt_of(place: str) -> receipt_pb2.ClaimReceipt:
    """A receipt names the record it answers. It may come twice, with the same receipt_id."""
    async with asyncio.timeout(WAIT_S), AIOKafkaConsumer(RECEIPT, **client(), auto_offset_reset="earliest") as consumer:
        await consumer.seek_to_beginning()
        async for record in consumer:
            receipt = receipt_pb2.ClaimReceipt.FromString(record.value)
            at = receipt.position
            if f"{at.topic}/{at.partition}/{at.offset}" == place:
                return receipt
    raise AssertionError("a consumer does not end")


async def main(number: str, id_number: str, credit_code: str, delivered: str) -> None:
    place = await send(claim(number, id_number, credit_code, date.fromisoformat(delivered)))
    receipt = json_format.MessageToDict(await receipt_of(place), preserving_proto_field_name=True)
    print(json.dumps({"place": place, "receipt": receipt}, ensure_ascii=False))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
