"""Who may apply at all (受理条件), before any gate. What fails is returned, with every reason, and not declined."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from services.certification.model import Admission, Kind, Scheme, Standing
from services.certification.model.moves import CertificateState
from services.certification.rules.periods import assessed, is_long_enough
from services.kit.identifiers import uscc_problems


class Applicant(NamedTuple):
    """As the registers know it on the day of submission. `locked_until` is the last day of a lock-out."""

    uscc: str
    is_registered: bool
    is_in_baoji: bool
    staffed_since: date
    consents: bool
    locked_until: date | None = None
    has_open_application: bool = False


def problems(applicant: Applicant, scheme: Scheme, submitted_on: date) -> list[Admission]:
    found: list[Admission] = []
    if uscc_problems(applicant.uscc, "") or not (applicant.is_registered and applicant.is_in_baoji):
        found.append(Admission.NOT_A_BAOJI_EMPLOYER)
    if not is_long_enough(scheme, assessed(scheme, submitted_on, applicant.staffed_since)):
        found.append(Admission.OPERATING_TOO_SHORT)
    if applicant.locked_until is not None and submitted_on <= applicant.locked_until:
        found.append(Admission.LOCKED_OUT)
    if applicant.has_open_application:
        found.append(Admission.APPLICATION_ALREADY_OPEN)
    if not applicant.consents:
        found.append(Admission.CONSENT_MISSING)
    return found


def kind_of(wanted: Kind, standing: Standing | None, scheme: Scheme, submitted_on: date) -> Kind | None:
    """What an application is taken as: late for a certificate, it is NEW; None where it comes too early."""
    if wanted is Kind.NEW or standing is None:
        return Kind.NEW
    if standing.state not in {CertificateState.ACTIVE, CertificateState.SUSPENDED} or submitted_on > standing.valid_to:
        return Kind.NEW
    days = (standing.valid_to - submitted_on).days
    if days > scheme.figures["validity.window"].count:
        return None
    if wanted is Kind.EXTENSION and standing.kind is not Kind.NEW:
        return Kind.RECERTIFICATION  # extended once, or certified anew: all is assessed
    return wanted
