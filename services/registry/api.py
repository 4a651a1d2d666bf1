"""gRPC of the registry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

import grpc
from cradle.registry.v1 import (
    intake_pb2,
    office_pb2,
    office_pb2_grpc,
    record_pb2,
    record_pb2_grpc,
    service_pb2,
    service_pb2_grpc,
    standing_pb2,
    standing_pb2_grpc,
)

from services.kit import auth
from services.kit.errors import Invalid, unseen
from services.kit.filters import code_of, span_of
from services.kit.identifiers import plain
from services.kit.messages import reason
from services.kit.stream import read_each
from services.registry import store, usecases
from services.registry.store.statements import Wanted
from services.registry.usecases import Asker, Office
from services.registry.usecases import showing as shown
from services.registry.wire import asking, checks, intake, payees, records, showing, standing, statements

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_PAGE = 50


class Registry(service_pb2_grpc.RegistryServiceServicer):
    def __init__(self, office: Office) -> None:
        self.office = office

    async def BatchGetCoverage(
        self, request: service_pb2.BatchGetCoverageRequest, context: Context
    ) -> service_pb2.BatchGetCoverageResponse:
        known_at = instant(request, self.office)
        persons, providers = asking.questions(request), asking.institutions(request)
        found = await usecases.get_coverage(self.office, persons, known_at, asker(request.purpose))
        response = asking.answers(found, await usecases.get_institutions(self.office, providers, known_at))
        response.known_at.FromDatetime(known_at)
        return response

    async def BatchRecordCoverage(
        self, request: service_pb2.BatchRecordCoverageRequest, context: Context
    ) -> service_pb2.BatchRecordCoverageResponse:
        if problems := checks.problems(request, self.office.clock.today()):
            raise Invalid(*problems)
        employers = [records.employer(record) for record in request.employers]
        persons = [records.person(record) for record in request.persons]
        providers = [records.provider(record) for record in request.providers]
        await usecases.record(self.office, employers, persons, providers)
        return service_pb2.BatchRecordCoverageResponse(
            employers=len(employers), persons=len(persons), providers=len(providers)
        )

    async def BatchRecordPayees(
        self, request: service_pb2.BatchRecordPayeesRequest, context: Context
    ) -> service_pb2.BatchRecordPayeesResponse:
        stated = payees.stated(request, self.office.clock.today())
        return service_pb2.BatchRecordPayeesResponse(changed=await usecases.record_payees(self.office, stated))

    async def BatchGetPayees(
        self, request: service_pb2.BatchGetPayeesRequest, context: Context
    ) -> service_pb2.BatchGetPayeesResponse:
        asked = payees.asked(request)
        return payees.answers(await usecases.get_payees(self.office, asked, asker(request.purpose)))


class Offices(office_pb2_grpc.OfficeServiceServicer):
    def __init__(self, office: Office, names: Sequence[str], bytes_max: int) -> None:
        self.office = office
        self.names = names
        self.bytes_max = bytes_max

    async def BatchTakeInCoverage(
        self, request: intake_pb2.BatchTakeInCoverageRequest, context: Context
    ) -> intake_pb2.BatchTakeInCoverageResponse:
        today, now, digest = self.office.clock.today(), self.office.clock.now(), self.office.sealer.digest
        caller = auth.current().name
        received = await read_each(
            request.records, lambda one: intake.called(one, caller, today, now, self.bytes_max, digest)
        )
        if request.validate_only:
            settled = await usecases.dry_run(self.office, received)
        else:
            async with self.office.database.transaction() as tx:
                settled = await usecases.take_in(self.office, tx, received)
        return intake_pb2.BatchTakeInCoverageResponse(receipts=[intake.receipt(one) for one in settled])

    async def ListStatements(
        self, request: office_pb2.ListStatementsRequest, context: Context
    ) -> office_pb2.ListStatementsResponse:
        limit, caller = request.page_size or _PAGE, auth.current()
        wanted = Wanted(
            office_seen(request.office, self.names),
            code_of(request.reason, "reason"),
            span_of(request.receive_date, "receive_date") if request.HasField("receive_date") else None,
            caller.own_name if caller.kind == "office" else "",
        )
        before = statements.read_page_token(request.page_token, request)
        found = await store.list_returned(self.office.database, wanted, before=before, limit=limit + 1)
        return office_pb2.ListStatementsResponse(
            statements=[statements.to_message(one) for one in found[:limit]],
            next_page_token=statements.page_token(found[limit - 1].place, request) if len(found) > limit else "",
        )

    async def ErasePerson(
        self, request: office_pb2.ErasePersonRequest, context: Context
    ) -> office_pb2.ErasePersonResponse:
        number, person = asking.one_person(request)
        if request.validate_only:
            found = await usecases.find(self.office, number, person, asker(request.reason))
        else:
            found = await usecases.erase(self.office, number, person, request.reason, asker(request.reason))
        return asking.erased(found.person, found.at, before=found.before)


class Standings(standing_pb2_grpc.StandingServiceServicer):
    def __init__(self, office: Office) -> None:
        self.office = office

    async def BatchRecordViolations(
        self, request: standing_pb2.BatchRecordViolationsRequest, context: Context
    ) -> standing_pb2.BatchRecordViolationsResponse:
        authority = auth.current().name
        given = standing.stated(request, authority, self.office.clock.today())
        changed = await usecases.record_violations(self.office, authority, given, keep=not request.validate_only)
        return standing_pb2.BatchRecordViolationsResponse(changed=changed)

    async def BatchGetEmployerStanding(
        self, request: standing_pb2.BatchGetEmployerStandingRequest, context: Context
    ) -> standing_pb2.BatchGetEmployerStandingResponse:
        known_at = instant(request, self.office)
        found = await usecases.get_standing(self.office, standing.asked(request), known_at, asker(request.purpose))
        response = standing_pb2.BatchGetEmployerStandingResponse(answers=[standing.answer(*one) for one in found])
        response.known_at.FromDatetime(known_at)
        return response


class Records(record_pb2_grpc.RecordServiceServicer):
    def __init__(self, office: Office) -> None:
        self.office = office

    async def GetPerson(self, request: record_pb2.GetPersonRequest, context: Context) -> record_pb2.Person:
        look, on = self._look(request), showing.day(request)
        reference, number = showing.named(request, "person", "person_id_number")
        return showing.person(await shown.show_person(self.office, reference, plain(number), look), on)

    async def GetHousehold(self, request: record_pb2.GetHouseholdRequest, context: Context) -> record_pb2.Household:
        look, reference = self._look(request), showing.reference_of(request.household, "household")
        return showing.household(await shown.show_household(self.office, reference, look))

    async def GetEmployer(self, request: record_pb2.GetEmployerRequest, context: Context) -> record_pb2.Employer:
        look, (reference, uscc) = self._look(request), showing.named(request, "employer", "uscc")
        return showing.employer(await shown.show_employer(self.office, reference, plain(uscc), look))

    async def GetProvider(self, request: record_pb2.GetProviderRequest, context: Context) -> record_pb2.Provider:
        look, (reference, code) = self._look(request), showing.named(request, "provider", "code")
        return showing.provider(await shown.show_provider(self.office, reference, plain(code), look))

    def _look(self, request: showing.Request) -> shown.Look:
        return shown.Look(auth.current(), showing.purpose(request), instant(request, self.office))


Asked: TypeAlias = service_pb2.BatchGetCoverageRequest | standing_pb2.BatchGetEmployerStandingRequest | showing.Request


def instant(request: Asked, office: Office) -> datetime:
    """What was known at this instant is asked for; unset: now."""
    if not request.HasField("known_at"):
        return office.clock.now()
    try:
        return request.known_at.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Invalid(reason("DATE_INVALID", "known_at")) from None


def office_seen(given: str, names: Sequence[str]) -> str:
    """The office that a list is narrowed to, if any. To an office another one is as one that is not there."""
    caller, given = auth.current(), given.removeprefix("office/")
    known = [caller.own_name] if caller.kind == "office" else names
    if given and given not in known:
        raise unseen(reason("OFFICE_UNKNOWN", "office", known=", ".join(known)), is_there=given in names)
    return given


def asker(purpose: str) -> Asker:
    """Who calls, by certificate or token, and what for."""
    return Asker(principal=auth.current().name, purpose=purpose)
