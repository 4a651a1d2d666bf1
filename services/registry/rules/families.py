"""When a husband's coverage counts for his wife, and which children a mother cannot have."""

from __future__ import annotations

from datetime import date
from typing import Final

from services.registry.model import Category, Coverage

_BY_HIM: Final = frozenset({None, Category.RESIDENT, Category.SPOUSE_OF_EMPLOYEE})


def with_husband(hers: Coverage, his: Coverage) -> Coverage:
    """Social Insurance Law art. 54: the spouse without work of an insured employee has the medical benefits, from his
    contributions. Who is insured by work herself has her own; residents' insurance gives way to his.
    """
    if his.category is not Category.EMPLOYEE or hers.category not in _BY_HIM:
        return hers
    return hers._replace(
        category=Category.SPOUSE_OF_EMPLOYEE,
        insured_by=his.insured_by,
        is_student=False,
        wages=his.wages,
        bases=his.bases,
        contributions=his.contributions,
    )


def born_on(id_number: str) -> date:
    """The date of birth in a national ID number whose check digit is right."""
    return date(int(id_number[6:10]), int(id_number[10:12]), int(id_number[12:14]))


def is_older_than_mother(child_born: date, mother_id_number: str) -> bool:
    """Born on her own date of birth or before it, a child is another one's or a number is wrong."""
    return child_born <= born_on(mother_id_number)
