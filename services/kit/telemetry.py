"""Logs in JSON, the metrics by name, and the small HTTP endpoint operators and probes read."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import structlog
from prometheus_client import Counter, Gauge, Histogram, Info, make_wsgi_app

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_BEAT_MAX_S: Final = 120.0
_SIZES: Final = (1, 5, 10, 25, 50, 100, 250, 500, 1000, 2000)

BUILD = Info("cradle_build", "Whether what decides was compiled (tools/compiled.py), or is plain Python and slower")

# The inbox: streams of record.
INBOX_RECORDS = Counter("cradle_inbox_records_total", "Records whose effect was committed", ["consumer", "topic"])
INBOX_BATCH_SIZE = Histogram("cradle_inbox_batch_records", "Records in a committed batch", ["consumer"], buckets=_SIZES)
INBOX_BATCH_SECONDS = Histogram(
    "cradle_inbox_batch_seconds", "From taking a batch to its commit", ["consumer"], buckets=_SECONDS
)
INBOX_LAG_RECORDS = Gauge(
    "cradle_inbox_lag_records", "Records in the topic not yet taken", ["consumer", "topic", "partition"]
)
INBOX_LAG_SECONDS = Gauge(
    "cradle_inbox_lag_seconds",
    "Age of the last record taken where more wait, else 0",
    ["consumer", "topic", "partition"],
)
INBOX_WAITS = Counter("cradle_inbox_waits_total", "Waits for something that is away", ["consumer"])
INBOX_CONFLICTS = Counter("cradle_inbox_conflicts_total", "Batches decided again after a lost race", ["consumer"])
INBOX_FENCED = Counter("cradle_inbox_fenced_total", "Batches dropped because another worker had them", ["consumer"])
INBOX_PARKED = Counter("cradle_inbox_parked_total", "Records parked", ["consumer", "state"])
PARKED_RECORDS = Gauge("cradle_parked_records", "Records that are parked now, with those held behind", ["consumer"])

PUBLIC_ANSWERS = Counter("cradle_public_answers_total", "Answers of the public page", ["path", "status"])

# The outbox and its relay.
OUTBOX_SENT = Counter("cradle_outbox_sent_total", "Events acknowledged by the broker", ["topic"])
OUTBOX_AGE_SECONDS = Gauge("cradle_outbox_age_seconds", "Age of the oldest event not yet sent")
OUTBOX_LEADER = Gauge("cradle_outbox_leader", "1 while this relay is the one that sends")
OUTBOX_SET_ASIDE = Gauge("cradle_outbox_set_aside", "Events that could not be sent, and those held behind them")

TIMER_FAILED = Counter("cradle_timer_failed_total", "Times that work of a timer failed", ["kind"])

# gRPC, by the field's own names.
GRPC_STARTED = Counter("grpc_server_started_total", "Calls begun", ["grpc_service", "grpc_method"])
GRPC_HANDLED = Counter("grpc_server_handled_total", "Calls answered", ["grpc_service", "grpc_method", "grpc_code"])
GRPC_SECONDS = Histogram(
    "grpc_server_handling_seconds", "Time to answer", ["grpc_service", "grpc_method"], buckets=_SECONDS
)

# The business.
HANDED_IN = Counter("cradle_claims_handed_in_total", "Submissions over gRPC", ["source", "result"])
CLAIMS = Counter("cradle_claims_total", "Submissions by what became of them", ["source", "outcome"])
PLATFORM_MESSAGES = Counter(
    "cradle_platform_messages_total", "Messages of the national platform by what became of them", ["source", "status"]
)
PLATFORM_UNDOS_WAITING = Gauge(
    "cradle_platform_undos_waiting", "Undone settlements of the platform whose settlement has not come", ["source"]
)
CONTROL_TOTALS_DIFFERENCE = Gauge(
    "cradle_control_totals_difference", "Days whose control totals differ from what was taken in", ["source"]
)
CONTROL_TOTALS_MISSING = Gauge(
    "cradle_control_totals_missing",
    "Days of the last week of which a source that told totals before told none",
    ["source"],
)
CLAIMS_OVERDUE = Gauge(
    "cradle_claims_overdue", "Claims that wait, for no reviewer, past the last day for deciding them", ["reason"]
)
ALLOWANCE_FEN = Counter("cradle_allowance_fen_total", "Allowance determined, in fen", ["payee"])
STATEMENTS = Counter("cradle_statements_total", "Records of offices by what became of them", ["office", "outcome"])
ERASED = Counter("cradle_erased_total", "What was taken away of persons who were erased", ["what"])
REVIEWS_OPEN = Gauge("cradle_reviews_open", "Reviews that are not closed", ["kind"])
REVIEWS_OVERDUE = Gauge("cradle_reviews_overdue", "Reviews not closed on the day they were due by law", ["kind"])

ORDERS = Counter("cradle_orders_total", "Orders by what became of them", ["outcome"])
ORDERS_HELD = Gauge("cradle_orders_held", "Orders that are held, by reason", ["reason"])
BUDGET_AVAILABLE_FEN = Gauge("cradle_budget_available_fen", "What budgets have left", ["fund", "county", "year"])
BUDGET_APPROPRIATED_FEN = Gauge("cradle_budget_appropriated_fen", "What budgets were given", ["fund", "county", "year"])
LIMIT_UNSET = Gauge("cradle_limit_unset", "1 while a sum has no limit, because the city has set none", ["parameter"])
PAYMENTS_UNKNOWN = Gauge("cradle_payments_unknown", "Payments of which nobody knows whether they were made")
UNMATCHED = Gauge("cradle_bank_unmatched", "Breaks between what banks said and the ledger that wait for a person")
BREAK_AGE_S = Gauge("cradle_break_age_seconds", "How long the oldest of them has been open")
RECOVERIES_FEN = Gauge("cradle_recoveries_outstanding_fen", "What is asked back and has not come back", ["state"])
RECOVERY_AGE_S = Gauge("cradle_recovery_age_seconds", "How long the oldest that waits for us has waited", ["state"])
RECOVERIES_OVERDUE = Gauge("cradle_recoveries_overdue", "Payees who were told and have not answered in time")
REFUSED_ACCOUNT_ORDERS = Gauge("cradle_refused_account_orders", "Orders whose payee's account a bank has refused")
REFUSED_ACCOUNT_AGE_S = Gauge("cradle_refused_account_age_seconds", "How long the oldest of them has waited")
APPLICATIONS = Gauge("cradle_applications", "Applications for a certification that are not decided", ["state"])
APPLICATIONS_OVERDUE = Gauge("cradle_applications_overdue", "Those past the last day of their state", ["state"])
BANK_AWAY = Gauge("cradle_bank_away", "1 while the bank of this account of ours cannot be heard", ["account"])
STATEMENT_DAYS = Gauge(
    "cradle_statement_days_awaited", "Working days gone by since a payment that no statement has", ["account"]
)
HOLD = Gauge("cradle_treasury_hold", "1 while nothing may leave the treasury, as after a restore")
LEDGER_IMBALANCE_FEN = Gauge("cradle_ledger_imbalance_fen", "What the ledger is out of balance by; 0")

CERTIFICATES = Gauge("cradle_certificates", "Certificates as they stand", ["state"])
CERTIFICATE_REMINDERS = Counter("cradle_certificate_reminders_total", "Reminders that fell due")
CERTIFICATE_REPORT_WAIT_DAYS = Gauge(
    "cradle_certificate_report_wait_days", "How long a report has waited for its check"
)


def configure_logs(service: str, role: str) -> None:
    """One JSON object a line on standard error, from our code and the libraries alike."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("aiokafka").setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(service=service, role=role)


def log(name: str) -> Any:
    return structlog.stdlib.get_logger(name)


@dataclass(slots=True)
class Health:
    """Ready while every named part says so; alive while the role makes progress."""

    parts: dict[str, bool] = field(default_factory=dict)
    beat_at: float | None = None

    def set(self, part: str, ready: bool) -> None:
        self.parts[part] = ready

    def beat(self) -> None:
        """Called by a loop each time around; a loop that stops calling is no longer alive."""
        self.beat_at = time.monotonic()

    @property
    def alive(self) -> bool:
        return self.beat_at is None or time.monotonic() - self.beat_at < _BEAT_MAX_S

    @property
    def ready(self) -> bool:
        return bool(self.parts) and all(self.parts.values())


class _Threaded(ThreadingMixIn, WSGIServer):
    """A thread a request, so that one silent connection does not hide the process from its probes."""

    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    timeout = 5

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        """A scrape every few seconds is no news."""


def serve(listen: str, health: Health) -> Callable[[], None]:
    """Serve /metrics, /livez and /readyz from a thread of its own; returns the function that stops it."""
    metrics = make_wsgi_app()

    def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        match environ.get("PATH_INFO"):
            case "/metrics":
                return list(metrics(environ, start))
            case "/livez":
                start("200 OK" if health.alive else "503 Service Unavailable", [("Content-Type", "text/plain")])
                return [b"alive\n" if health.alive else b"stuck\n"]
            case "/readyz":
                start("200 OK" if health.ready else "503 Service Unavailable", [("Content-Type", "text/plain")])
                return [f"{name}: {'ready' if ready else 'waiting'}\n".encode() for name, ready in health.parts.items()]
            case _:
                start("404 Not Found", [("Content-Type", "text/plain")])
                return [b"/metrics /livez /readyz\n"]

    host, port = listen.rsplit(":", 1)
    server = make_server(host, int(port), answer, server_class=_Threaded, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server.shutdown
