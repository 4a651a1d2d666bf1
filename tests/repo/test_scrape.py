"""What the running roles tell is what the alert rules read."""

from __future__ import annotations

import asyncio
import urllib.request
from datetime import date

import pytest
from cradle.certification.v1 import certificates_pb2, certificates_pb2_grpc
from cradle.claims.v1 import service_pb2
from cradle.treasury.v1 import service_pb2 as treasury_pb2
from cradle.treasury.v1 import service_pb2_grpc as treasury_grpc
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from deploy.local.stack import Stack
from services.claims import usecases
from services.kit import db, rpc
from services.kit.clock import Clock
from tests.builders import control_totals
from tests.claims.harness import asking, claims_dsn, exchange, record
from tests.kit.live import eventually
from tests.repo.alerting import alerts

RELAY = {name: set[str]() for name in ("cradle_outbox_age_seconds", "cradle_outbox_leader", "cradle_outbox_set_aside")}
INBOX = {
    "cradle_inbox_lag_seconds": {"consumer", "topic", "partition"},
    "cradle_parked_records": {"consumer"},
}
CALLS = {"grpc_server_handled_total": {"grpc_service", "grpc_method", "grpc_code"}}
TELLS = {
    "claims-api": {**CALLS, "cradle_timer_failed_total": {"kind"}},
    "claims-worker": {
        **INBOX,
        "cradle_timer_failed_total": {"kind"},
        "cradle_reviews_overdue": {"kind"},
        "cradle_claims_overdue": {"reason"},
    },
    "claims-relay": RELAY,
    "claims-platform": INBOX,
    "registry-api": CALLS,
    "registry-worker": INBOX,
    "registry-relay": RELAY,
    "treasury-api": CALLS,
    "treasury-worker": {
        **INBOX,
        "cradle_timer_failed_total": {"kind"},
        "cradle_orders_held": {"reason"},
        "cradle_ledger_imbalance_fen": set(),
        "cradle_recovery_age_seconds": {"state"},
        "cradle_recoveries_overdue": set(),
        "cradle_refused_account_age_seconds": set(),
    },
    "treasury-bank": {
        "cradle_timer_failed_total": {"kind"},
        "cradle_payments_unknown": set(),
        "cradle_break_age_seconds": set(),
        "cradle_treasury_hold": set(),
    },
    "treasury-relay": RELAY,
    "certification-api": CALLS,
    "certification-worker": {
        **INBOX,
        "cradle_timer_failed_total": {"kind"},
        "cradle_applications_overdue": {"state"},
        "cradle_certificate_report_wait_days": set(),
    },
    "certification-relay": RELAY,
}
# What is told only once something happened; the names are in every scrape all the same.
SELDOM = {"cradle_inbox_waits_total", "cradle_control_totals_difference", "cradle_platform_undos_waiting", "up"}
SELDOM |= {"cradle_control_totals_missing", "cradle_statement_days_awaited"}
SELDOM |= {"cradle_budget_available_fen", "cradle_budget_appropriated_fen", "cradle_bank_away"}


def read() -> set[str]:
    """Every metric that some rule reads."""
    return set().union(*(alert.metrics for alert in alerts()))


async def call(stack: Stack) -> None:
    """Call each service once, for calls are counted by method."""
    await record(stack)
    async with asking(stack) as claims:
        await claims.ListClaims(service_pb2.ListClaimsRequest(page_size=1), timeout=10)
    async with rpc.channel(stack.environment["CRADLE_TREASURY_TARGET"], stack.operator) as channel:
        treasury = treasury_grpc.TreasuryServiceStub(channel)
        await treasury.ListBudgets(treasury_pb2.ListBudgetsRequest(), timeout=10)
    async with rpc.channel(stack.environment["CRADLE_CERTIFICATION_TARGET"], stack.operator) as channel:
        certificates = certificates_pb2_grpc.CertificateServiceStub(channel)
        await certificates.ListCertificates(certificates_pb2.ListCertificatesRequest(parent="employers/-"), timeout=10)


def scrape(stack: Stack, role: str) -> tuple[set[str], list[Sample]]:
    """The names in a scrape, and the series that have a value."""
    address = stack.process(role).command.env["CRADLE_METRICS_LISTEN"]
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    names = {family.name + ("_total" if family.type == "counter" else "") for family in families}
    return names, [sample for family in families for sample in family.samples]


@pytest.mark.integration
@pytest.mark.parametrize("role", TELLS)
def test_a_scrape_of_each_role_has_what_the_rules_read(stack: Stack, role: str) -> None:
    wanted = {**TELLS[role], "process_start_time_seconds": set(), "cradle_build_info": {"compiled"}}

    async def is_told() -> bool:
        names, samples = scrape(stack, role)
        labels = {sample.name: set(sample.labels) for sample in samples}
        return read() - {"up"} <= names and {name: labels.get(name) for name in wanted} == wanted

    async def act() -> None:
        await call(stack)
        await eventually(is_told)  # a role tells some of it a second after its start

    asyncio.run(act())


def test_every_metric_of_the_rules_is_looked_for_in_some_role() -> None:
    assert read() == set().union(SELDOM, {"process_start_time_seconds"}, *TELLS.values())


@pytest.mark.integration
def test_control_totals_that_differ_raise_the_figure_that_the_alert_reads(stack: Stack) -> None:
    (answered,) = exchange(stack, control_totals(date(2025, 1, 2), 7), source="counter")

    async def watch() -> None:
        async with db.connect(claims_dsn(stack)) as database:
            await usecases.watch(database, Clock(), ("counter",))

    asyncio.run(watch())
    figure = REGISTRY.get_sample_value("cradle_control_totals_difference", {"source": "counter"})

    assert answered.status == "TOTALS_DIFFER"
    assert figure == 1
