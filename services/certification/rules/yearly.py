"""Whether a yearly report (年度报告) can be taken: for which anniversary, of which day, and not twice."""

from __future__ import annotations

from datetime import date, timedelta

from services.certification.model import Life, Report, Scheme
from services.certification.rules.life import reports_due
from services.kit.messages import Reason, reason


def is_in_time(report: Report, scheme: Scheme) -> bool:
    """Before it could cost the holder anything: then it counts from the day on which it came, however long the check
    takes, and until it is found not in order.
    """
    return report.filed_on <= report.due_on + timedelta(days=scheme.figures["report.suspended_after"].count)


def problems(report: Report, life: Life, scheme: Scheme, today: date) -> list[Reason]:
    """Everything that stands against it on the day on which it is filed."""
    window = timedelta(days=scheme.figures["report.window"].count)
    due = next((one for one in reports_due(life, scheme) if one.on == report.due_on), None)
    found = []
    if due is None:
        found.append(reason("REPORT_OTHER_DAY", "report.due_date", day=report.due_on))
    elif due.filed_on:
        found.append(reason("REPORT_TWICE", "report.due_date", day=report.due_on))
    elif report.due_on - window > today:
        found.append(reason("REPORT_NOT_DUE_YET", "report.due_date", day=report.due_on - window))
    if report.as_at > today:
        found.append(reason("REPORT_AHEAD", "report.as_at"))
    elif report.as_at < report.due_on - window:
        found.append(reason("REPORT_TOO_OLD", "report.as_at", day=report.due_on - window))
    if report.women > report.staff:
        found.append(reason("FIELD_OUT_OF_RANGE", "report.women", bounds=f"≤ {report.staff}"))
    return found
