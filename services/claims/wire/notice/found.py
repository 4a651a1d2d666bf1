"""What was asked and what was found: the facts that a determination rests on, none of which names a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from services.claims.model import Benefit, Category, ClaimKind, EventType, Facts, Item, Line, LineKind, Paid, Stay
from services.claims.wire.notice import words
from services.kit.messages import Language, text
from services.kit.money import yuan

Row = tuple[str, str]

EMPLOYED: Final = {Category.EMPLOYEE, Category.UNINSURED_EMPLOYEE}
_WITH_MONTHS: Final = {Category.EMPLOYEE, Category.FLEXIBLE}


def rows(facts: Facts, language: Language) -> Iterator[Row]:
    """Each fact with its name, in the order in which a clerk asks for them."""
    yield text("FOUND_ASKED", language), _asked(facts, language)
    yield text("FOUND_EVENT", language), _event(facts, language)
    yield text("FOUND_INSURED", language), _insured(facts, language)
    if Benefit.ALLOWANCE in facts.benefits:
        yield from _of_allowance(facts, language)
    if facts.father and facts.father.leave_requested:
        code = "FOUND_FATHER_APART" if facts.father.living_apart else "FOUND_FATHER_ASKED"
        yield text("FOUND_FATHER", language), text(code, language)
    if Benefit.MEDICAL in facts.benefits:
        yield from _costs(facts, language)
    for prior in facts.prior:
        said = text(f"PRIOR_{prior.kind}", language)
        if prior.paid_fen:
            said = text("FOUND_PRIOR_SUM", language, prior=said, amount=yuan(prior.paid_fen))
        event = text(f"EVENT_{prior.event_type}", language)
        date = words.day(prior.event_date, language)
        yield (
            text("FOUND_PRIOR", language),
            _capital(text("FOUND_PRIOR_IS", language, date=date, event=event, prior=said)),
        )
    yield text("FOUND_PAID", language), _paid(facts.paid, language)


def line_name(line: Line, facts: Facts, lines: tuple[Line, ...], language: Language) -> str:
    """A line by its benefit; where there are several of a kind, by its number as well, and its day or code."""
    name = text(f"LINE_KIND_{line.kind}", language)
    match line.kind:
        case LineKind.STAY | LineKind.SURGERY:
            which = words.day(facts.stays[line.number - 1].admission, language)
        case LineKind.VISIT:
            which = words.day(facts.visits[line.number - 1].date, language)
        case LineKind.ITEM:
            item = facts.items[line.number - 1]
            name, which = text(f"PROGRAMME_{item.programme}", language), item.code
        case _:
            return name
    if sum(other.kind is line.kind for other in lines) > 1:
        name = f"{name} {line.number}"
    elif line.kind is not LineKind.ITEM:
        return name
    return words.which(name, which, language)


def _asked(facts: Facts, language: Language) -> str:
    asked = [text(f"BENEFIT_{benefit}", language) for benefit in facts.benefits]
    if Benefit.MEDICAL in facts.benefits and facts.kind is not ClaimKind.ALLOWANCE:
        kind = text(f"KIND_{facts.kind}", language)
        asked[facts.benefits.index(Benefit.MEDICAL)] = words.which(text("BENEFIT_MEDICAL", language), kind, language)
    return _capital(words.listed(asked, language))


def _event(facts: Facts, language: Language) -> str:
    event = facts.event
    named = text(f"SURGERY_{event.surgery}" if event.surgery else f"EVENT_{event.type}", language)
    parts = [_capital(text("FOUND_EVENT_IS", language, date=words.day(event.date, language), event=named))]
    if event.type is EventType.DELIVERY:
        parts += [
            text(f"MODE_{event.mode}", language) if event.mode else "",
            text("FOUND_DYSTOCIA", language) if event.dystocia else "",
            text("FOUND_INFANTS", language, count=event.infants),
            text("FOUND_ORDER", language, order=event.birth_order) if event.birth_order is not None else "",
            text("FOUND_CHECKED", language) if event.prepregnancy_check else "",
        ]
    elif event.gestation_days is not None:
        parts.append(text("FOUND_GESTATION", language, gestation=words.gestation(event.gestation_days, language)))
    if not event.registered:
        parts.append(text("FOUND_UNREGISTERED", language))
    return words.clauses(parts, language)


def _insured(facts: Facts, language: Language) -> str:
    category = text(f"CATEGORY_{facts.insured.category}", language)
    return _capital(text("FOUND_STUDENT", language, category=category) if facts.insured.student else category)


def _of_allowance(facts: Facts, language: Language) -> Iterator[Row]:
    insured, year = facts.insured, facts.event.date.year - 1
    if insured.category in _WITH_MONTHS:
        yield text("FOUND_MONTHS", language), _months(facts, language)
    if insured.category is Category.EMPLOYEE:
        bases = dict(facts.employer_bases)
        if year not in bases or year in dict(facts.employer_wages):
            yield text("FOUND_WAGE", language), _of_year(dict(facts.employer_wages).get(year), year, language)
        if year in bases:
            yield text("FOUND_BASE", language), _of_year(bases[year], year, language)
    if insured.category in EMPLOYED:
        wage = insured.own_monthly_wage_fen
        said = text("FOUND_NOT_STATED", language) if wage is None else text("FOUND_YUAN", language, amount=yuan(wage))
        yield text("FOUND_OWN_WAGE", language), said


def _of_year(amount_fen: int | None, year: int, language: Language) -> str:
    if amount_fen is None:
        return text("FOUND_NOT_KNOWN", language)
    return text("FOUND_OF_YEAR", language, year=year, amount=yuan(amount_fen))


def _months(facts: Facts, language: Language) -> str:
    insured = facts.insured
    if insured.paid_months is None:
        return text("FOUND_NOT_STATED", language)
    spans = [_span(first, last, language) for first, last in insured.paid_months]
    late = [
        text("FOUND_LATE", language, month=words.month(month, language), day=words.day(paid_on, language))
        for month, paid_on in insured.back_paid
    ]
    return words.listed([*spans, *late], language) or text("FOUND_NONE", language)


def _span(first: int, last: int, language: Language) -> str:
    if first == last:
        return words.month(first, language)
    return text("FOUND_SPAN", language, first=words.month(first, language), last=words.month(last, language))


def _costs(facts: Facts, language: Language) -> Iterator[Row]:
    yield from _numbered("FOUND_STAY", [_stay(stay, language) for stay in facts.stays], language)
    visits = [
        text("FOUND_COST_IS", language, date=words.day(one.date, language), amount=yuan(one.policy_range_fen))
        for one in facts.visits
    ]
    yield from _numbered("FOUND_VISIT", visits, language)
    yield from _numbered("FOUND_ITEM", [_item(item, language) for item in facts.items], language)


def _numbered(code: str, said: list[str], language: Language) -> Iterator[Row]:
    """Each under the name, with its number where there are several."""
    name = text(code, language)
    for number, one in enumerate(said, 1):
        yield name if len(said) == 1 else f"{name} {number}", one


def _stay(stay: Stay, language: Language) -> str:
    said = text(
        "FOUND_STAY_IS",
        language,
        hospital=words.hospital(stay.hospital, language),
        level=text(f"LEVEL_{stay.level}", language),
        admission=words.day(stay.admission, language),
        discharge=words.day(stay.discharge, language),
        amount=yuan(stay.policy_range_fen),
    )
    filed = text("FOUND_TRANSFER", language) if stay.transfer_filed else ""
    away = text(f"AWAY_{stay.out_of_city}", language) if stay.out_of_city else ""
    return _capital(words.clauses([said, filed, away], language))


def _item(item: Item, language: Language) -> str:
    said = text(
        "FOUND_ITEM_IS",
        language,
        programme=text(f"PROGRAMME_{item.programme}", language),
        code=item.code,
        date=words.day(item.date, language),
        amount=yuan(item.policy_range_fen),
    )
    return words.clauses([said, text("FOUND_ITEM_AWAY", language) if item.out_of_city else ""], language)


def _paid(paid: Paid, language: Language) -> str:
    return _capital(
        words.clauses(
            [
                text(f"FOUND_PAID_{name.upper()}", language, amount=yuan(fen))
                for name, fen in zip(paid._fields, paid, strict=True)
                if fen
            ],
            language,
        )
    )


def _capital(said: str) -> str:
    return said[:1].upper() + said[1:]
