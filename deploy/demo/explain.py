"""Three determinations worth reading, explained by the service in both languages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cradle.claims.v1 import claim_pb2, intake_pb2, service_pb2
from cradle.claims.v1.service_pb2_grpc import ClaimsServiceStub

from deploy.demo.account import Answer, Came
from deploy.demo.stories import CLEAN
from services.kit import rpc
from services.kit.tls import Identity

_CALL_TIMEOUT_S: Final = 30.0
_THIRD_CHILD: Final = 3


@dataclass(frozen=True, slots=True)
class Explained:
    why: str
    number: str
    zh: str
    en: str


def explain(target: str, identity: Identity, answers: Sequence[Answer]) -> list[Explained]:
    """An approval with as many parts of leave as can be found, a plain denial, and a delivery approved before.

    Where no delivery was claimed twice, an approval with a top-up stands in for it.
    """
    with rpc.blocking_channel(target, identity) as channel:
        stub = ClaimsServiceStub(channel)
        return [_explained(stub, why, answer) for why, answer in _chosen(answers)]


def _chosen(answers: Sequence[Answer]) -> Iterator[tuple[str, Answer]]:
    corrected = {answer.receipt.claim for answer in answers if answer.receipt and answer.receipt.revision > 1}
    latest = [answer for answer in answers if answer.receipt and answer.receipt.claim not in corrected]
    sound = [answer for answer in latest if answer.submission.truth == CLEAN]
    approved = [answer for answer in sound if answer.came is Came.APPROVED]
    denied = [answer for answer in sound if "CONTRIB_SHORT" in answer.codes]
    before = [answer for answer in latest if answer.came is Came.DUPLICATE_DELIVERY]
    if approved:
        yield "核准 approved", max(approved, key=lambda answer: (_parts(answer), _own_wage_fen(answer)))
    if denied:
        yield "不予支付 denied", max(denied, key=lambda answer: (_own_wage_fen(answer) > 0, -_parts(answer)))
    if before:
        yield "重复分娩 duplicate delivery", before[0]
    elif approved:
        yield "单位补差 with a top-up", max(approved, key=_own_wage_fen)


def _explained(stub: ClaimsServiceStub, why: str, answer: Answer) -> Explained:
    receipt = answer.receipt
    assert receipt is not None  # noqa: S101  # only answered ones are chosen

    def text(language: service_pb2.Language.ValueType) -> str:
        request = service_pb2.ExplainDeterminationRequest(name=receipt.claim, language=language)
        return stub.ExplainDetermination(request, timeout=_CALL_TIMEOUT_S).text

    return Explained(why, receipt.claim_number, text(service_pb2.LANGUAGE_ZH_CN), text(service_pb2.LANGUAGE_EN))


def _parts(answer: Answer) -> int:
    """How many things lengthen the leave."""
    event = _claim(answer).event
    return sum(
        (
            event.delivery_mode == claim_pb2.DELIVERY_MODE_CAESAREAN or event.dystocia,
            event.infants > 1,
            event.birth_order >= _THIRD_CHILD,
            event.prepregnancy_check,
        )
    )


def _own_wage_fen(answer: Answer) -> int:
    return _claim(answer).own_monthly_wage_fen


def _claim(answer: Answer) -> intake_pb2.ClaimSubmission:
    return intake_pb2.ClaimIntake.FromString(answer.submission.value).submit.claim
