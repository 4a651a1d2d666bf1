"""Persons at the review desk of the running system: they list, take, move and answer over gRPC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc
from cradle.claims.v1 import review_pb2, review_pb2_grpc
from grpc_status import rpc_status

from deploy.local import authority
from deploy.local.stack import Stack
from services.cli.failures import reasons_of
from services.kit import rpc
from services.kit.tls import Identity
from tests.builders import claim, claim_number, submit
from tests.claims.harness import Answered, Insured, exchange, insured


@dataclass(frozen=True)
class Refusal(Exception):
    """What a refused call answered."""

    status: str
    codes: tuple[tuple[str, str], ...]
    text: str

    def __str__(self) -> str:
        return f"{self.status} {self.codes} {self.text}"


@dataclass(frozen=True)
class Reviewer:
    """One person; every call is a call of theirs."""

    stack: Stack
    name: str
    role: str = "city-reviewer"
    counties: tuple[str, ...] = ()

    @property
    def token(self) -> str:
        claims = {"cradle_role": self.role, **({"cradle_counties": list(self.counties)} if self.counties else {})}
        return self.stack.authority.token(self.name, claims)

    @property
    def identity(self) -> Identity:
        if self.role == "source":  # a system, and no person
            return self.stack.authority.identity("source/hospitals")
        return self.stack.authority.identity(authority.OPERATOR, token=self.token)

    def call(self, method: str, request: Any) -> Any:
        with rpc.blocking_channel(self.stack.environment["CRADLE_CLAIMS_TARGET"], self.identity) as channel:
            stub = review_pb2_grpc.ReviewServiceStub(channel)
            try:
                return getattr(stub, method)(request, timeout=20)
            except grpc.RpcError as error:
                raise refusal(error) from None

    def queue(self, **wanted: Any) -> list[review_pb2.Review]:
        return list(self.call("ListReviews", review_pb2.ListReviewsRequest(page_size=1000, **wanted)).reviews)

    def get(self, name: str) -> review_pb2.Review:
        found: review_pb2.Review = self.call("GetReview", review_pb2.GetReviewRequest(name=name))
        return found

    def of_claim(self, name: str, state: str = "") -> list[review_pb2.Review]:
        wanted = {"state": review_pb2.ReviewState.Value(f"REVIEW_STATE_{state}")} if state else {}
        return self.queue(claim=name, **wanted)

    def take(self, review: review_pb2.Review) -> review_pb2.Review:
        taken: review_pb2.Review = self.call("TakeReview", review_pb2.TakeReviewRequest(move=move(review)))
        return taken

    def answer(self, review: review_pb2.Review, *, request_id: str = "", note: str = "", **given: Any) -> Any:
        """One answer, given by its name, as in `decide=Supplement(...)`."""
        request = review_pb2.AnswerReviewRequest(move=move(review, request_id=request_id, note=note), **given)
        return self.call("AnswerReview", request)

    def confirm(self, review: review_pb2.Review, **given: Any) -> Any:
        """Decide: the employer named is hers."""
        return self.answer(review, decide=review_pb2.Supplement(employer_confirmed=True), **given)


def move(review: review_pb2.Review, *, request_id: str = "", note: str = "", etag: str = "") -> review_pb2.Move:
    return review_pb2.Move(name=review.name, etag=etag or review.etag, request_id=request_id, note=note)


def refusal(error: Any) -> Refusal:
    status = rpc_status.from_call(error)
    reasons = reasons_of(status.details) if status else []
    return Refusal(
        error.code().name, tuple((one.code, one.field) for one in reasons), reasons[0].text_en if reasons else ""
    )


def mismatched(stack: Stack, who: Insured | None = None, *, number: str = "", **changes: Any) -> Answered:
    """A claim that waits for a person: her contributions are paid by another employer than the one named."""
    who, other = who or insured(stack), insured(stack)
    sent = claim(number=number or claim_number(), person=who.number, employer=other.employer, **changes)
    (answer,) = exchange(stack, submit(sent))
    assert (answer.status, answer.codes) == ("PENDED", [("EMPLOYER_MISMATCH", "")])
    return answer
