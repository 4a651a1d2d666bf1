"""The file that says who has which role, and what a role may (`deploy/access.yaml`). Who is not named may nothing.

It is read strictly, at start: everything that is wrong with it is told at once, by file, line and path.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, cast

from services.kit.auth.principal import Principal
from services.kit.law.page import Page, below, open_page
from services.kit.law.problems import Problem
from services.kit.messages import Language, reason

Sees = Literal["everything", "own-source", "own-employer", "own-counties"]
PERSON: Final = "person"
_SEES: Final = ("everything", "own-source", "own-employer", "own-counties")
# An employer's system is named by its code, in small letters: employer/uscc-91610300...
_EMPLOYER: Final = "uscc-"
_KEYS: Final = ("trust_domain", "tenant", "tenant_claim", "token_carriers", "roles", "grants")
_ROLE: Final = ("description", "sees", "permissions")
_GRANT: Final = ("system", "person", "role", "counties_claim")
_WORD: Final = re.compile(r"[a-z][a-z0-9-]*")
_PERMISSION: Final = re.compile(r"[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+")
_COUNTY: Final = re.compile(r"\d{6}")
_SUBJECT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,63}")


class AccessError(ValueError):
    """The file cannot be used; `problems` are all there are, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(problem.told(Language.EN) for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Role:
    name: str
    sees: Sees
    permissions: frozenset[str]


@dataclass(frozen=True, slots=True)
class SystemGrant:
    """To every system of a kind, or to one of it."""

    kind: str
    own_name: str  # "*": every one
    role: Role

    def fits(self, kind: str, own_name: str) -> bool:
        return self.kind == kind and self.own_name in ("*", own_name)


@dataclass(frozen=True, slots=True)
class PersonGrant:
    """To every person whose token says all of this."""

    claims: tuple[tuple[str, str], ...]
    role: Role
    counties_claim: str

    def fits(self, claims: Mapping[str, Any]) -> bool:
        return all(_says(claims.get(name), value) for name, value in self.claims)


@dataclass(frozen=True, slots=True)
class Access:
    """The file as read. Of several grants that fit, the first counts."""

    trust_domain: str
    tenant: str
    tenant_claim: str
    token_carriers: frozenset[str]  # kinds of system over whose connection a person's token is taken
    roles: tuple[Role, ...]
    systems: tuple[SystemGrant, ...]
    persons: tuple[PersonGrant, ...]

    def named(self, uris: Sequence[str]) -> tuple[str, str] | None:
        """Kind and name in a certificate; none, if it does not name exactly one of ours."""
        found = re.fullmatch(rf"spiffe://{re.escape(self.trust_domain)}/([^/]+)/([^/]+)", uris[0]) if uris else None
        if len(uris) != 1 or not found or not all(map(_WORD.fullmatch, found.groups())):
            return None
        return found[1], found[2]

    def system(self, kind: str, own_name: str) -> Principal | None:
        for grant in self.systems:
            if grant.fits(kind, own_name):
                sources = frozenset({own_name}) if grant.role.sees == "own-source" else None
                employers = _employers(own_name) if grant.role.sees == "own-employer" else None
                return replace(self._as(kind, own_name, grant.role), sources=sources, employers=employers)
        return None

    def person(self, claims: Mapping[str, Any], until: datetime) -> Principal | None:
        """Whose token this is. None for one of another tenant, without a role, or without the county that it needs."""
        subject = claims.get("sub")
        if (
            not isinstance(subject, str)
            or not _SUBJECT.fullmatch(subject)
            or claims.get(self.tenant_claim) != self.tenant
        ):
            return None
        for grant in self.persons:
            if grant.fits(claims):
                counties = _counties(claims.get(grant.counties_claim)) if grant.role.sees == "own-counties" else None
                if counties is not None and not counties:
                    return None
                return replace(self._as(PERSON, subject, grant.role), counties=counties, until=until)
        return None

    def _as(self, kind: str, own_name: str, role: Role) -> Principal:
        return Principal(kind, own_name, role.name, self.tenant, role.permissions)


def _says(given: Any, value: str) -> bool:
    return given == value or (isinstance(given, list) and value in given)


def _employers(own_name: str) -> frozenset[str]:
    """The employer whose system it is; none for one that is named otherwise."""
    code = own_name.removeprefix(_EMPLOYER)
    return frozenset() if code == own_name else frozenset({code.upper()})


def _counties(given: Any) -> frozenset[str]:
    """Every county of the claim, or none of them if one is not written as one."""
    codes = [given] if isinstance(given, str) else given if isinstance(given, list) else []
    return frozenset(codes) if all(isinstance(code, str) and _COUNTY.fullmatch(code) for code in codes) else frozenset()


# --- reading ----------------------------------------------------------------------------------------------------------


def read(path: Path) -> Access:
    """The access file. Raises AccessError with everything that is wrong with it."""
    page = open_page(path)
    raw: Mapping[str, Any] = {}
    if not page.problems:
        raw = page.mapping("", page.content, _KEYS, _KEYS)
    roles = dict(_roles(page, raw["roles"])) if "roles" in raw else {}
    systems, persons = _grants(page, raw["grants"], roles) if "grants" in raw else ([], [])
    access = Access(
        _word(page, "trust_domain", raw.get("trust_domain", "")) if "trust_domain" in raw else "",
        _word(page, "tenant", raw["tenant"]) if "tenant" in raw else "",
        page.words("tenant_claim", raw["tenant_claim"]) if "tenant_claim" in raw else "",
        frozenset(_word(page, *item) for item in _items(page, "token_carriers", raw)),
        tuple(roles.values()),
        tuple(systems),
        tuple(persons),
    )
    if page.problems:
        raise AccessError(page.problems)
    return access


def _items(page: Page, path: str, of: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The entries of a list, each with its path."""
    key = path.rpartition(".")[2]
    if key not in of:
        return []
    if not isinstance(of[key], list) or not of[key]:
        page.wrong(path, reason("LAW_NOT_LIST"))
        return []
    return [(f"{path}[{number}]", item) for number, item in enumerate(of[key])]


def _word(page: Page, path: str, given: Any) -> str:
    if not isinstance(given, str) or not _WORD.fullmatch(given):
        page.wrong(path, reason("ACCESS_NOT_WORD"))
        return ""
    return given


def _roles(page: Page, given: Any) -> list[tuple[str, Role]]:
    found = []
    for name, raw in page.mapping("roles", given).items():
        path = below("roles", name)
        inside = page.mapping(path, raw, _ROLE, _ROLE)
        sees = page.one_of(below(path, "sees"), inside["sees"], _SEES) if "sees" in inside else ""
        permissions = [
            text for at, text in _items(page, below(path, "permissions"), inside) if _permitted(page, at, text)
        ]
        found.append((_word(page, path, name), Role(name, cast("Sees", sees), frozenset(permissions))))
    return found


def _permitted(page: Page, path: str, given: Any) -> bool:
    """No pattern: a permission is written out, so that a new method is open to nobody until somebody says so."""
    if isinstance(given, str) and _PERMISSION.fullmatch(given):
        return True
    page.wrong(path, reason("ACCESS_NOT_PERMISSION"))
    return False


def _grants(page: Page, given: Any, roles: Mapping[str, Role]) -> tuple[list[SystemGrant], list[PersonGrant]]:
    systems: list[SystemGrant] = []
    persons: list[PersonGrant] = []
    for path, raw in _items(page, "grants", {"grants": given}):
        inside = page.mapping(path, raw, _GRANT, ("role",))
        if ("system" in inside) == ("person" in inside):
            page.wrong(path, reason("ACCESS_WHOM"))
            continue
        name = page.one_of(below(path, "role"), inside["role"], roles) if "role" in inside else ""
        if not name:
            continue
        if "system" in inside:
            systems.append(_system(page, path, inside, roles[name]))
        else:
            persons.append(_person(page, path, inside, roles[name]))
    return systems, persons


def _system(page: Page, path: str, given: Mapping[str, Any], role: Role) -> SystemGrant:
    kind, _, own_name = str(given["system"]).partition("/")
    if not _WORD.fullmatch(kind) or kind == PERSON or not (own_name == "*" or _WORD.fullmatch(own_name)):
        page.wrong(below(path, "system"), reason("ACCESS_NOT_SYSTEM"))
    of_kind = {"own-source": "source", "own-employer": "employer"}
    if role.sees == "own-counties" or of_kind.get(role.sees, kind) != kind:
        page.wrong(below(path, "role"), reason("ACCESS_SCOPE_UNKNOWN", sees=role.sees))
    if "counties_claim" in given:
        page.wrong(below(path, "counties_claim"), reason("ACCESS_SCOPE_UNKNOWN", sees=role.sees))
    return SystemGrant(kind, own_name, role)


def _person(page: Page, path: str, given: Mapping[str, Any], role: Role) -> PersonGrant:
    wanted = page.mapping(below(path, "person"), given["person"])
    if not wanted and isinstance(given["person"], dict):
        page.wrong(below(path, "person"), reason("ACCESS_WHOM"))
    claims = tuple((name, page.words(below(f"{path}.person", name), value)) for name, value in wanted.items())
    counties = page.words(below(path, "counties_claim"), given["counties_claim"]) if "counties_claim" in given else ""
    if role.sees in {"own-source", "own-employer"} or (role.sees == "own-counties") != bool(counties):
        page.wrong(below(path, "role"), reason("ACCESS_SCOPE_UNKNOWN", sees=role.sees))
    return PersonGrant(claims, role, counties)
