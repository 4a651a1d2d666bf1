"""What is said about a message fits, whatever is wrong with it."""

from __future__ import annotations

from datetime import UTC, datetime

from services.claims.wire.platform.report import Status, report
from services.kit.messages import REASONS_MAX
from services.kit.parking import Message
from tests.claims.platform.mapped import changed


def test_a_message_that_is_wrong_in_thousands_of_rows_has_a_report_that_can_be_sent() -> None:
    rows = [{"fund_pay_type": f"9{n:05d}", "inscp_scp_amt": "1.00", "fund_payamt": "1.00"} for n in range(5_000)]
    mapped = changed({"output.setldetail": rows})
    message = Message("claims.platform-intake.v1.hospitals", 0, 1, b"her", b"", 0)

    made = report(
        message, "hospitals", mapped, Status.PLATFORM_STATUS_NOT_MAPPED, "", datetime(2026, 11, 24, tzinfo=UTC)
    )

    assert len(mapped.findings) > 5_000
    assert len(made.findings) == REASONS_MAX + 1
    assert made.findings[-1].reason.code == "MORE_REASONS"
    assert made.ByteSize() < 100_000
