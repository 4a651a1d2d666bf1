"""The code sets of a certification, each by the scheme's or the glossary's term."""

from __future__ import annotations

from enum import StrEnum


class Size(StrEnum):
    LARGE = "LARGE"
    SME = "SME"  # 中小单位


class Dimension(StrEnum):
    """The six (六个维度), in the order in which points are told."""

    ATTITUDE = "attitude"
    CAREER = "career"
    MATERNITY_PROTECTION = "maternity_protection"
    CARE_SUPPORT = "care_support"
    WORK_ARRANGEMENT = "work_arrangement"
    OCCUPATIONAL_HEALTH = "occupational_health"


class Kind(StrEnum):
    """What is applied for."""

    NEW = "NEW"
    EXTENSION = "EXTENSION"  # 延续
    RECERTIFICATION = "RECERTIFICATION"  # 复认证


class Outcome(StrEnum):
    AWARDED = "AWARDED"
    DECLINED = "DECLINED"
    REVIEW = "REVIEW"  # a person must look before it can be decided
    ERROR = "ERROR"  # facts that cannot be


class GateFact(StrEnum):
    """What a gate asks; several gates may ask the same of different authorities."""

    OPEN_VIOLATION = "open_violation"
    ARREARS = "arrears"
    LEAVE_REFUSED = "leave_refused"
    NURSING_ROOM_MISSING = "nursing_room_missing"


class Why(StrEnum):
    """Why it was decided so, by the codes of the catalogue."""

    GATE_OPEN_VIOLATION = "GATE_OPEN_VIOLATION"
    GATE_ARREARS = "GATE_ARREARS"
    GATE_LEAVE_REFUSED = "GATE_LEAVE_REFUSED"
    GATE_NURSING_ROOM_MISSING = "GATE_NURSING_ROOM_MISSING"
    MATERNITY_PROTECTION_BELOW_FLOOR = "MATERNITY_PROTECTION_BELOW_FLOOR"
    SCORE_BELOW_THRESHOLD = "SCORE_BELOW_THRESHOLD"
    FACT_OUT_OF_RANGE = "FACT_OUT_OF_RANGE"
    SECOND_ASSESSOR_MISSING = "SECOND_ASSESSOR_MISSING"
    THIRD_ASSESSOR_NEEDED = "THIRD_ASSESSOR_NEEDED"
    DIMENSION_MOSTLY_NOT_APPLICABLE = "DIMENSION_MOSTLY_NOT_APPLICABLE"


class Admission(StrEnum):
    """Why an application is returned before any gate."""

    NOT_A_BAOJI_EMPLOYER = "NOT_A_BAOJI_EMPLOYER"
    OPERATING_TOO_SHORT = "OPERATING_TOO_SHORT"
    LOCKED_OUT = "LOCKED_OUT"
    APPLICATION_ALREADY_OPEN = "APPLICATION_ALREADY_OPEN"
    CONSENT_MISSING = "CONSENT_MISSING"


class Veto(StrEnum):
    """What revokes a certificate at once (一票否决)."""

    PREGNANCY_DISMISSAL = "PREGNANCY_DISMISSAL"
    FALSE_DATA = "FALSE_DATA"
    INSURANCE_FRAUD = "INSURANCE_FRAUD"
    NURSERY_ABUSE = "NURSERY_ABUSE"
    HARASSMENT_CONCEALED = "HARASSMENT_CONCEALED"
    GRAVE_ACCIDENT = "GRAVE_ACCIDENT"


class Suspension(StrEnum):
    """What suspends a certificate until it ends."""

    VIOLATION_OPENED = "VIOLATION_OPENED"
    ARREARS = "ARREARS"
    NURSING_ROOM_CLOSED = "NURSING_ROOM_CLOSED"
    REPORT_OVERDUE = "REPORT_OVERDUE"


class Reminding(StrEnum):
    REPORT_OPENS = "REPORT_OPENS"  # the yearly report may come
    REPORT_OVERDUE = "REPORT_OVERDUE"
    RENEWAL_OPENS = "RENEWAL_OPENS"  # an extension or recertification may be applied for


class Happening(StrEnum):
    """What is known to have happened to a certificate, or to its holder."""

    REPORT = "REPORT"  # a yearly report came, and was not found out of order
    RENEWAL = "RENEWAL"
    SUSPENSION = "SUSPENSION"
    ARREARS = "ARREARS"
    VETO = "VETO"
    SURRENDER = "SURRENDER"
    SUPERSEDED = "SUPERSEDED"


class IndicatorKind(StrEnum):
    GATE = "GATE"  # 必备
    SCORED = "SCORED"  # 评分
    BONUS = "BONUS"  # 加分


class Source(StrEnum):
    """Whose word it is that counts."""

    APPLICANT = "APPLICANT"
    REGISTRY = "REGISTRY"
    CLAIMS = "CLAIMS"
    SITE_VISIT = "SITE_VISIT"
    THIRD_PARTY = "THIRD_PARTY"


class Over(StrEnum):
    """How the figures of several spans are one: of each 12 months, of each month, of each season."""

    LEAST = "least"
    GREATEST = "greatest"
    MEAN = "mean"


class Comparison(StrEnum):
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    LESS_THAN = "less_than"


class Zero(StrEnum):
    """What a denominator of nothing means."""

    NOT_APPLICABLE = "NOT_APPLICABLE"
    NOT_MET = "NOT_MET"
    MET = "MET"
