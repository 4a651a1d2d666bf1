"""The code sets of a claim, each by its standard or glossary term."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """State of a claim on file and outcome of a line, in X12's words; `moves` says how one follows another.

    A returned submission never becomes a claim; RETURNED is a claim that waited for what never came. ERROR is an
    outcome only: facts that cannot be. Intake returns such a claim before it is on file.
    """

    PENDED = "PENDED"
    APPROVED = "APPROVED"
    PARTIALLY_APPROVED = "PARTIALLY_APPROVED"
    DENIED = "DENIED"
    DUPLICATE = "DUPLICATE"
    ERROR = "ERROR"
    RETURNED = "RETURNED"
    WITHDRAWN = "WITHDRAWN"
    VOIDED = "VOIDED"
    REVERSED = "REVERSED"  # voided after it was paid


class Payment(StrEnum):
    """How far what a claim owes is paid (支付状态). It stands beside the state, which tells what was determined."""

    PAYABLE = "PAYABLE"
    IN_PAYMENT = "IN_PAYMENT"
    PAID = "PAID"
    OVERPAID = "OVERPAID"


class ReceiptStatus(StrEnum):
    DETERMINED = "DETERMINED"
    PENDED = "PENDED"
    RETURNED = "RETURNED"
    DUPLICATE = "DUPLICATE"
    VOIDED = "VOIDED"
    TOTALS_AGREE = "TOTALS_AGREE"
    TOTALS_DIFFER = "TOTALS_DIFFER"


class Sent(StrEnum):
    """What a record of the intake holds, by the name of its field."""

    SUBMIT = "submit"
    REPLACE = "replace"
    VOID = "void"
    CONTROL_TOTALS = "control_totals"


class VoidReason(StrEnum):
    """Why a sender takes its claim back (作废原因)."""

    ENTERED_TWICE = "ENTERED_TWICE"
    ENTERED_WRONGLY = "ENTERED_WRONGLY"
    SETTLEMENT_UNDONE = "SETTLEMENT_UNDONE"
    WITHDRAWN_BY_CLAIMANT = "WITHDRAWN_BY_CLAIMANT"


class ClaimKind(StrEnum):
    """How the claim came: it decides who is paid for medical cost."""

    PROVIDER_SETTLEMENT = "PROVIDER_SETTLEMENT"  # 直接结算: the hospital settled and is paid
    REIMBURSEMENT = "REIMBURSEMENT"  # 手工报销: she paid and is paid back
    ALLOWANCE = "ALLOWANCE"  # 生育津贴


class Benefit(StrEnum):
    """What is asked for."""

    MEDICAL = "MEDICAL"  # 生育医疗费用
    ALLOWANCE = "ALLOWANCE"  # 生育津贴


class Category(StrEnum):
    """How she is insured (参保身份)."""

    EMPLOYEE = "EMPLOYEE"
    UNINSURED_EMPLOYEE = "UNINSURED_EMPLOYEE"
    FLEXIBLE = "FLEXIBLE"
    UNEMPLOYMENT_BENEFIT = "UNEMPLOYMENT_BENEFIT"
    SPOUSE_OF_EMPLOYEE = "SPOUSE_OF_EMPLOYEE"
    RESIDENT = "RESIDENT"


class EventType(StrEnum):
    DELIVERY = "DELIVERY"  # 分娩
    MISCARRIAGE = "MISCARRIAGE"  # 流产
    FAMILY_PLANNING_SURGERY = "FAMILY_PLANNING_SURGERY"  # 计划生育手术


class DeliveryMode(StrEnum):
    VAGINAL = "VAGINAL"
    CAESAREAN = "CAESAREAN"


class Surgery(StrEnum):
    """Family-planning surgery by the national code set (birctrl_type)."""

    IUD_INSERTION = "1"
    IUD_REMOVAL = "2"
    ABORTION = "3"
    INDUCTION = "4"
    LIGATION = "5"
    LIGATION_REVERSAL = "6"
    VASECTOMY = "7"
    VASECTOMY_REVERSAL = "8"
    OTHER = "9"


class Level(StrEnum):
    """Level of a hospital (医院等级)."""

    TOWNSHIP = "TOWNSHIP"
    PRIMARY = "PRIMARY"
    SECONDARY = "SECONDARY"
    TERTIARY = "TERTIARY"


class OutOfCity(StrEnum):
    """How a stay outside the city came about (异地就医)."""

    LONG_TERM_FILED = "LONG_TERM_FILED"
    TRANSFER_FILED = "TRANSFER_FILED"
    EMERGENCY_UNFILED = "EMERGENCY_UNFILED"
    OTHER_UNFILED = "OTHER_UNFILED"


class Programme(StrEnum):
    """A list of items the fund may pay by itself."""

    ANALGESIA = "ANALGESIA"  # 分娩镇痛
    ART = "ART"  # 辅助生殖


class PriorKind(StrEnum):
    """What was decided before for the same person."""

    DELIVERY_SETTLED = "DELIVERY_SETTLED"  # medical cost, by the employees' fund
    RESIDENT_SETTLED = "RESIDENT_SETTLED"  # medical cost, by the residents' fund
    ALLOWANCE_APPROVED = "ALLOWANCE_APPROVED"  # under another claim number


class DenyReason(StrEnum):
    """Why a reviewer denies."""

    NOT_PROVEN = "NOT_PROVEN"  # 生育事实无法证实
    EMPLOYMENT_NOT_REAL = "EMPLOYMENT_NOT_REAL"  # 劳动关系不实
    PAPERS_FALSE = "PAPERS_FALSE"  # 材料虚假


class Payee(StrEnum):
    PERSON = "PERSON"
    EMPLOYER = "EMPLOYER"
    PROVIDER = "PROVIDER"


class Fund(StrEnum):
    """Whose money it is (基金)."""

    EMPLOYEE_INSURANCE = "EMPLOYEE_INSURANCE"
    RESIDENT_INSURANCE = "RESIDENT_INSURANCE"


class Progress(StrEnum):
    """What the treasury tells of an order, or of one attempt to pay it."""

    HELD = "HELD"
    REFUSED = "REFUSED"
    RESERVED = "RESERVED"
    RECOVERY = "RECOVERY"
    SENT = "SENT"
    SETTLED = "SETTLED"
    FAILED = "FAILED"
    RETURNED = "RETURNED"


class LineKind(StrEnum):
    """What a claim line is for. CATASTROPHIC is paid by 大病保险 of the residents, not by the fund."""

    ALLOWANCE = "ALLOWANCE"
    STAY = "STAY"
    SURGERY = "SURGERY"
    VISIT = "VISIT"
    ITEM = "ITEM"
    CATASTROPHIC = "CATASTROPHIC"
