"""Every field is told that is not carried over, by its path; and no value that may be somebody's is ever repeated."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.claims.wire.platform import Adapter, Mapped, crosswalk, read_message
from services.claims.wire.platform.crosswalk.reading import MAPPED
from services.kit.messages import CATALOGUE, Language
from tests.builders import MOTHER, TODAY
from tests.claims.platform.mapped import ADAPTER, changed, claim_of, found, read
from tests.claims.platform.messages import DISCHARGE, INFO, NAME, put, settlement, totals, undo

SOURCE = Path(__file__).parents[3] / "services" / "claims"
PLANTED = "13809171234"


def said(mapped: Mapped) -> str:
    texts = [one.reason.text(language) for one in mapped.findings for language in Language]
    return json.dumps([texts, [[one.reason.code, one.reason.field, *one.reason.values] for one in mapped.findings]])


def test_what_is_not_carried_over_is_told_with_its_reason() -> None:
    told = found(read(settlement()), ignored=True)

    assert {
        ("IGNORED", "PLATFORM_IGNORED_PERSONAL", f"{INFO}psn_name"),
        ("IGNORED", "PLATFORM_IGNORED_PERSONAL", "opter_name"),
        ("IGNORED", "PLATFORM_IGNORED_TRANSPORT", "recer_sys_code"),
        ("IGNORED", "PLATFORM_IGNORED_OTHER_FUND", f"{INFO}oth_pay"),
        ("IGNORED", "PLATFORM_IGNORED_UNUSED", f"{DISCHARGE}diseinfo[0].dise_dor_name"),
    } <= told
    assert not [path for _, _, path in told if path.endswith(("fpsc_no", "hifp_pay"))]  # empty, so nothing is lost


def test_a_field_nobody_knows_is_told_by_its_path_once() -> None:
    mapped = changed({f"{DISCHARGE}new_field": "x", "context_2301.feedetail.0.other": "1"})

    assert claim_of(mapped)
    assert found(mapped) == {
        ("UNMAPPED", "PLATFORM_FIELD_UNKNOWN", f"{DISCHARGE}new_field"),
        ("UNMAPPED", "PLATFORM_FIELD_UNKNOWN", "context_2301.feedetail[0].other"),
    }


def test_very_many_unknown_fields_are_counted_and_not_listed() -> None:
    mapped = changed({f"x{number}": "1" for number in range(60)})

    codes = [one.reason.code for one in mapped.findings]
    assert codes.count("PLATFORM_FIELD_UNKNOWN") == 50
    assert dict(next(one.reason.values for one in mapped.findings if "MORE" in one.reason.code)) == {"count": "10"}


@pytest.mark.parametrize("name", [NAME, MOTHER, f"tel_{PLANTED}", f"a.{MOTHER}"])
def test_a_personal_value_as_a_fields_name_is_not_repeated(name: str) -> None:
    content = settlement()
    content["output"]["setlinfo"][name] = "1"

    mapped = read(content)

    assert "PLATFORM_FIELD_UNKNOWN" in said(mapped)
    assert not any(part in said(mapped) for part in (json.dumps(NAME)[1:-1], MOTHER, PLANTED))


def leaf_paths(content: Any, path: str = "") -> list[str]:
    if isinstance(content, dict):
        return [one for key, inside in content.items() for one in leaf_paths(inside, f"{path}.{key}" if path else key)]
    if isinstance(content, list):
        return [one for number, inside in enumerate(content) for one in leaf_paths(inside, f"{path}.{number}")]
    return [path]


@pytest.mark.parametrize("planted", [MOTHER, NAME, PLANTED, f"{NAME}{MOTHER}"])
@pytest.mark.parametrize("message", [settlement(), undo(), totals()], ids=["2304", "2305", "3201"])
def test_a_personal_value_in_any_field_is_never_repeated(message: dict[str, Any], planted: str) -> None:
    """The vendor's mistake of yesterday: a name where a code belongs, a number where an amount does."""
    shown = {planted, json.dumps(planted)[1:-1]}
    for path in leaf_paths(message):
        content = json.loads(json.dumps(message))
        put(content, path, planted)

        mapped = read(content)

        told = said(mapped)
        assert not [word for word in shown if word in told], path
        where = (mapped.infno, mapped.msgid, mapped.hospital, mapped.settlement_id, mapped.version)
        if planted != PLANTED or not path.endswith("setl_id"):  # eleven digits may be a settlement's number
            assert not [word for word in shown if word in "".join(where)], path


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=8), inside, max_size=4),
        max_leaves=12,
    )
)
def test_any_json_gets_findings_and_nothing_raises(content: Any) -> None:
    mapped = read_message(ADAPTER, json.dumps(content).encode(), TODAY)

    assert mapped.intake is None
    assert mapped.findings


@given(st.data())
def test_any_value_in_any_field_gets_findings_and_nothing_raises(data: st.DataObject) -> None:
    content = data.draw(st.sampled_from([settlement(), undo(), totals()]))
    path = data.draw(st.sampled_from(leaf_paths(content)))
    value = data.draw(st.none() | st.booleans() | st.integers() | st.text(max_size=30) | st.lists(st.text(max_size=3)))
    put(content, path, value)

    assert read_message(ADAPTER, json.dumps(content).encode(), TODAY).version


@given(st.binary(max_size=300))
def test_any_bytes_get_findings_and_nothing_raises(raw: bytes) -> None:
    assert read_message(Adapter("hospitals"), raw, TODAY).findings


# --- the catalogue and the crosswalk against the code ----------------------------------------------------------------


def told_in_the_source() -> list[tuple[str, set[str], str]]:
    """Code, names of values and place of everything said by a sheet."""
    found_calls = []
    for path in [*(SOURCE / "wire" / "platform").glob("*.py"), *(SOURCE / "usecases" / "platform").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute | ast.Name):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            if name in {"doubt", "unmapped", "contradiction", "reason"} and node.args:
                values = {keyword.arg for keyword in node.keywords if keyword.arg}
                texts = [one.value for one in ast.walk(node.args[0]) if isinstance(one, ast.Constant)]
                found_calls += [(str(text), values, f"{path.name}:{node.lineno}") for text in texts]
    return [one for one in found_calls if one[0].isupper()]


def test_everything_that_is_said_has_its_sentence_with_its_values() -> None:
    told = told_in_the_source()

    assert len({code for code, _, _ in told}) > 60
    for code, values, place in told:
        assert code in CATALOGUE, place
        named = {name for _, name, _, _ in Formatter().parse(CATALOGUE[code][Language.EN]) if name}
        assert named == values, f"{place} {code}"


def test_every_field_the_crosswalk_says_is_mapped_is_read_by_the_mapping() -> None:
    """Else a field that is told as used would be lost."""
    mapped_paths = {path for path, use in crosswalk.SHIPPED[0].fields.items() if use == MAPPED}
    literals = {
        node.value
        for path in (SOURCE / "wire" / "platform").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    joined = " ".join(literals)
    assert [path for path in mapped_paths if path.replace("[]", "").rpartition(".")[2] not in joined] == []


@pytest.mark.parametrize(
    "key", ["x[\ud800", "x[张三 6103-0319-9108-0511-39", "x[1", "x]1[", "x[1]y", "x[6103][0319][9108]"]
)
def test_what_stands_behind_a_bracket_is_not_repeated_either(key: str) -> None:
    message = json.dumps(settlement({f"{DISCHARGE}{key}": "1"})).encode()

    told = [at for _, code, at in found(read_message(ADAPTER, message, TODAY)) if code == "PLATFORM_FIELD_UNKNOWN"]
    assert told == [f"{DISCHARGE}?"]


def test_a_place_in_a_list_that_a_sender_made_up_is_not_repeated() -> None:
    """Nor where the rest of the name is a field that is told as left out."""
    assert MOTHER not in said(changed({f"{DISCHARGE}diseinfo[{MOTHER}]": "1"}))


@pytest.mark.parametrize("depth", range(900, 1_000, 3))
def test_nesting_is_told_at_whatever_depth_it_cannot_be_read_or_written(depth: int) -> None:
    message = b'{"infno":"2304","input":' + b"[" * depth + b"]" * depth + b"}"

    assert read_message(ADAPTER, message, TODAY).findings


def test_a_code_of_any_length_is_looked_up() -> None:
    """By its beginning, and no further than codes are long: every beginning of a megabyte would take minutes."""
    assert changed({f"{INFO}med_type": "5" * 1_000_000}).findings


@pytest.mark.parametrize("line", ["{}\n", "{x\n"])
def test_a_record_that_is_many_is_told_by_the_first_two(line: str) -> None:
    (finding,) = read_message(ADAPTER, (line * 300_000).encode(), TODAY).findings

    assert finding.reason.code in {"PLATFORM_SEVERAL_MESSAGES", "PLATFORM_JSON_BROKEN"}
