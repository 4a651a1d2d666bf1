"""The access file: read strictly, told with its lines; what a certificate or a token then is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.kit import auth
from services.kit.auth import AccessError, Principal, acting, current, read
from tests.kit.answering import ACCESS

UNTIL = datetime(2026, 11, 23, tzinfo=UTC)
GOOD = """trust_domain: cradle
tenant: baoji
tenant_claim: tenant
token_carriers: [tool]
roles:
  source: {description: one, sees: own-source, permissions: [claims.read]}
  clerk: {description: two, sees: own-counties, permissions: [claims.read]}
  boss: {description: three, sees: everything, permissions: [claims.read, claims.decide]}
grants:
- {system: source/*, role: source}
- {system: service/claims, role: boss}
- {person: {role: clerk}, role: clerk, counties_claim: counties}
- {person: {role: boss, team: night}, role: boss}
"""


@pytest.fixture
def access(tmp_path: Path) -> auth.Access:
    return written(tmp_path, GOOD)


def written(folder: Path, text: str) -> auth.Access:
    (folder / "access.yaml").write_text(text)
    return read(folder / "access.yaml")


def wrong(folder: Path, *changes: tuple[str, str]) -> list[tuple[str, str, int]]:
    text = GOOD
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    with pytest.raises(AccessError) as error:
        written(folder, text)
    assert all(problem.file == str(folder / "access.yaml") for problem in error.value.problems)
    return [(problem.code, problem.field, problem.line) for problem in error.value.problems]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("tenant: baoji\n", "", ("LAW_KEY_MISSING", "tenant", 1)),
        ("tenant: baoji", "tenant: Baoji City", ("ACCESS_NOT_WORD", "tenant", 2)),
        ("tenant: baoji", "tenant: baoji\ntenant: xian", ("LAW_KEY_TWICE", "tenant", 3)),
        ("tenant: baoji", "tenant: baoji\ntenants: 2", ("LAW_KEY_UNKNOWN", "tenants", 3)),
        ("[tool]", "tool", ("LAW_NOT_LIST", "token_carriers", 4)),
        ("[tool]", "[]", ("LAW_NOT_LIST", "token_carriers", 4)),
        ("sees: own-source", "sees: all", ("LAW_NOT_ONE_OF", "roles.source.sees", 6)),
        ("[claims.read, claims.decide]", "['*']", ("ACCESS_NOT_PERMISSION", "roles.boss.permissions[0]", 8)),
        ("[claims.read, claims.decide]", "[claims.*]", ("ACCESS_NOT_PERMISSION", "roles.boss.permissions[0]", 8)),
        ("[claims.read, claims.decide]", "[]", ("LAW_NOT_LIST", "roles.boss.permissions", 8)),
        ("description: one, ", "", ("LAW_KEY_MISSING", "roles.source.description", 6)),
        ("source/*, role: source", "source/*, role: sauce", ("LAW_NOT_ONE_OF", "grants[0].role", 10)),
        ("system: source/*", "system: source", ("ACCESS_NOT_SYSTEM", "grants[0].system", 10)),
        ("system: source/*", "system: '*/*'", ("ACCESS_NOT_SYSTEM", "grants[0].system", 10)),
        ("system: service/claims", "system: person/anna", ("ACCESS_NOT_SYSTEM", "grants[1].system", 11)),
        ("source/*, role: source", "office/*, role: source", ("ACCESS_SCOPE_UNKNOWN", "grants[0].role", 10)),
        ("service/claims, role: boss", "service/claims, role: clerk", ("ACCESS_SCOPE_UNKNOWN", "grants[1].role", 11)),
        (", counties_claim: counties", "", ("ACCESS_SCOPE_UNKNOWN", "grants[2].role", 12)),
        ("team: night}, role: boss", "team: night}, role: source", ("ACCESS_SCOPE_UNKNOWN", "grants[3].role", 13)),
        ("{role: boss, team: night}", "{}", ("ACCESS_WHOM", "grants[3].person", 13)),
        ("{system: service/claims, ", "{", ("ACCESS_WHOM", "grants[1]", 11)),
        ("{system: service/claims, ", "{system: a/b, person: {c: d}, ", ("ACCESS_WHOM", "grants[1]", 11)),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, before: str, after: str, told: tuple[str, str, int]
) -> None:
    assert told in wrong(tmp_path, (before, after))


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    found = wrong(tmp_path, ("tenant: baoji", "tenant: 7!"), ("own-source", "all"), ("source/*", "source"))

    assert len(found) == 3


@pytest.mark.parametrize("text", ["", "[]", "a: [", "\t", "just words"])
def test_what_is_no_file_of_ours_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(AccessError):
        written(tmp_path, text)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(AccessError, match=r"none\.yaml"):
        read(tmp_path / "none.yaml")


def test_the_shipped_file_is_read() -> None:
    assert "operator" in {role.name for role in read(ACCESS).roles}


# --- certificates ---------------------------------------------------------------------------------------------------


def test_a_certificate_names_a_system(access: auth.Access) -> None:
    assert access.named(["spiffe://cradle/source/hospitals"]) == ("source", "hospitals")


@pytest.mark.parametrize(
    "uris",
    [
        [],
        ["spiffe://cradle/source/hospitals", "spiffe://cradle/service/claims"],
        ["spiffe://elsewhere/source/hospitals"],
        ["spiffe://cradle.evil/source/hospitals"],
        ["https://cradle/source/hospitals"],
        ["spiffe://cradle/source"],
        ["spiffe://cradle/source/hospitals/more"],
        ["spiffe://cradle/source/"],
        ["spiffe://cradle/source/*"],
        ["spiffe://cradle/source/Hospitals"],
        ["spiffe://cradle/source/hospitals\n"],
        ["xspiffe://cradle/source/hospitals"],
    ],
)
def test_a_certificate_that_does_not_name_exactly_one_names_nobody(access: auth.Access, uris: list[str]) -> None:
    assert access.named(uris) is None


def test_a_source_is_bounded_to_itself_and_a_service_is_not(access: auth.Access) -> None:
    source, service = access.system("source", "hospitals"), access.system("service", "claims")

    assert source is not None
    assert service is not None
    assert (source.name, source.sources, source.counties) == ("source/hospitals", frozenset({"hospitals"}), None)
    assert (service.name, service.sources, service.tenant) == ("service/claims", None, "baoji")
    assert source.may("claims.read")
    assert not source.may("claims.decide")


def test_a_system_without_a_grant_is_nobody(access: auth.Access) -> None:
    assert access.system("service", "registry") is None
    assert access.system("person", "anna") is None


# --- persons --------------------------------------------------------------------------------------------------------


def person(access: auth.Access, **claims: Any) -> Principal | None:
    said: Mapping[str, Any] = {"sub": "anna", "tenant": "baoji", **claims}
    return access.person(said, UNTIL)


def test_a_clerk_sees_the_counties_of_the_token(access: auth.Access) -> None:
    found = person(access, role="clerk", counties=["610304", "610331"])

    assert found is not None
    assert (found.name, found.counties, found.until) == ("person/anna", frozenset({"610304", "610331"}), UNTIL)


def test_a_claim_may_be_one_of_a_list_and_all_must_be_there(access: auth.Access) -> None:
    assert person(access, role=["x", "boss"], team="night") is not None
    assert person(access, role="boss") is None
    assert person(access, role="boss", team="day") is None


@pytest.mark.parametrize("counties", [None, [], "", "6103", ["610304", "all"], ["610304", 610331], {"610304": 1}, "*"])
def test_a_clerk_whose_counties_cannot_be_read_is_nobody(access: auth.Access, counties: object) -> None:
    assert person(access, role="clerk", counties=counties) is None


WITHOUT = [
    {"tenant": "xian"},
    {"tenant": None},
    {"sub": ""},
    {"sub": 7},
    {"sub": "a b"},
    {"sub": "x" * 65},
    {"role": "x"},
]


@pytest.mark.parametrize("claims", WITHOUT, ids=str)
def test_who_has_no_name_no_role_or_another_tenant_is_nobody(access: auth.Access, claims: dict[str, Any]) -> None:
    assert person(access, role="boss", team="night") is not None
    assert person(access, **{"role": "boss", "team": "night", **claims}) is None


# --- scope ----------------------------------------------------------------------------------------------------------


def bounded(sources: frozenset[str] | None = None, counties: frozenset[str] | None = None) -> Principal:
    return Principal("person", "anna", "x", "baoji", frozenset(), sources, counties)


@pytest.mark.parametrize(
    ("principal", "seen"),
    [
        (bounded(), [True, True, True, True]),
        (bounded(sources=frozenset({"a"})), [True, False, True, False]),
        (bounded(counties=frozenset({"1"})), [True, True, False, False]),
        (bounded(frozenset({"a"}), frozenset({"1"})), [True, False, False, False]),
        (bounded(counties=frozenset()), [False, False, False, False]),
    ],
)
def test_what_is_in_scope(principal: Principal, seen: list[bool]) -> None:
    things = [("a", "1"), ("b", "1"), ("a", "2"), ("b", "")]

    assert [principal.sees(source=source, county=county) for source, county in things] == seen


def test_outside_a_call_nobody_asks() -> None:
    with pytest.raises(LookupError):
        current()


def test_code_that_is_driven_without_a_call_says_for_whom() -> None:
    with acting(bounded()):
        assert current().name == "person/anna"
    with pytest.raises(LookupError):
        current()


def test_an_employers_system_acts_for_the_employer_that_its_name_says(tmp_path: Path) -> None:
    path = tmp_path / "access.yaml"
    path.write_text(
        """trust_domain: cradle
tenant: baoji
tenant_claim: tenant
token_carriers: [tool]
roles:
  hr: {description: one, sees: own-employer, permissions: [claims.read]}
grants:
- {system: employer/*, role: hr}
""",
        "utf-8",
    )
    access = auth.read(path)
    own, other = access.system("employer", "uscc-91610302ma6xa1b21p"), access.system("employer", "hr")

    assert own is not None
    assert (own.acts_for("91610302MA6XA1B21P"), own.acts_for("91610302MA6XA1B22P")) == (True, False)
    assert own.sees_employer("91610302MA6XA1B21P", "610302")
    assert other is not None
    assert not other.acts_for("HR")
    path.write_text(path.read_text("utf-8").replace("employer/*", "source/*"), "utf-8")
    with pytest.raises(auth.AccessError):
        auth.read(path)
