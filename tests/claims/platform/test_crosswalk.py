"""The crosswalk as data: read strictly, chosen by day, and only as sure as its source."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from services.claims.wire.content import ABOLISHED, COUNTIES, WIDER
from services.claims.wire.platform import Adapter, crosswalk, read_message
from services.claims.wire.platform.crosswalk import SHIPPED, choose, load
from services.kit.law.problems import ParameterError
from tests.builders import TODAY
from tests.claims.platform.mapped import claim_of, found
from tests.claims.platform.messages import DISCHARGE, raw, settlement

TEXT = (Path(crosswalk.__file__).parent / "2026.1.yaml").read_text("utf-8")


def written(folder: Path, text: str, name: str = "2026.1.yaml") -> Path:
    folder.joinpath(name).write_text(text, "utf-8")
    return folder


def problems(folder: Path) -> list[tuple[str, str]]:
    with pytest.raises(ParameterError) as caught:
        load(folder)
    for problem in caught.value.problems:
        assert problem.file or problem.code == "LAW_FOLDER_EMPTY"
    return [(problem.code, f"{problem.line} {problem.field}") for problem in caught.value.problems]


def line_of(text: str, fragment: str) -> int:
    return text[: text.index(fragment)].count("\n") + 1


def test_the_divisions_are_those_of_the_intake() -> None:
    codes = SHIPPED[0].sets["division"].codes

    assert {code: entry.to for code, entry in codes.items()} == {
        **{code: code for code in COUNTIES | WIDER},
        **ABOLISHED,
    }


def test_every_version_names_a_source_for_every_code() -> None:
    for version in SHIPPED:
        sets = [*version.sets.values(), *[one for used in version.lists.values() for one in used.values()]]
        entries = [entry for one in sets for entry in [*one.codes.values(), *one.prefixes.values()]]
        assert len(entries) > 80
        assert {entry.source for entry in entries} <= set(version.sources)
        assert all(title and title_en for title, title_en in version.sources.values())


@pytest.mark.parametrize(
    ("old", "new", "code", "path"),
    [
        ('"5212": {to: NEWBORN', '"52": {to: NEWBORN', "LAW_KEY_TWICE", "sets.med_type.codes.52"),
        ("description:", "descriptoin:", "LAW_KEY_UNKNOWN", "descriptoin"),
        ("  matn_type:  # 生育类别", "  matn_typ:", "LAW_KEY_UNKNOWN", "sets.matn_typ"),
        ("{to: NEWBORN,", "{to: NEWBRON,", "LAW_NOT_ONE_OF", "sets.med_type.codes.5212.to"),
        ('{to: "610305", confidence: confirmed', "{to: fengxiang, confidence: confirmed", "LAW_NOT_CODE", "sets.division.codes.610305.to"),  # noqa: E501
        ("confidence: recalled", "confidence: certain", "LAW_NOT_ONE_OF", "sets.med_type.codes.53.confidence"),
        ("source: jiangxi}", "source: nobody}", "LAW_NOT_ONE_OF", "lists.jiangxi.med_type.codes.2106.source"),
        ("{to: OUTPATIENT, confidence: secondary, source: platform}", "{to: OUTPATIENT, source: platform}", "LAW_KEY_MISSING", "sets.med_type.codes.51.confidence"),  # noqa: E501
        ("lists: [zhejiang, jiangxi]", "lists: [zhejiang, shanxi]", "LAW_NOT_ONE_OF", "senders.hospitals.lists[1]"),
        ("totals: hospital", "totals: all", "LAW_NOT_ONE_OF", "senders.hospitals.totals"),
        ("rounding_fen: {value: 3,", "rounding_fen: {value: 0.5,", "LAW_NOT_WHOLE", "limits.rounding_fen.value"),
        ("  - msgid", "  - inf_time", "LAW_CODE_TWICE", "fields.mapped[4]"),
        ("  - msgid", "  - ms gid", "CROSSWALK_FIELD_FORM", "fields.mapped[1]"),
        ("    TRANSPORT:", "    TRAFFIC:", "LAW_KEY_UNKNOWN", "fields.ignored.TRAFFIC"),
        ('version: "2026.1"', 'version: "2026.2"', "CROSSWALK_FILE_NAME", "version"),
        ("valid_from: 2022-05-25", "valid_from: 2022-5-25", "LAW_NOT_DATE", "valid_from"),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_told_with_line_and_path(
    tmp_path: Path, old: str, new: str, code: str, path: str
) -> None:
    text = TEXT.replace(old, new, 1)
    assert text != TEXT

    told = problems(written(tmp_path, text))

    assert (code, path) in [(found_code, place.partition(" ")[2]) for found_code, place in told]
    line = int(next(place for found_code, place in told if found_code == code).partition(" ")[0])
    assert line == (line_of(text, new) if code != "LAW_CODE_TWICE" else line_of(text, "  - inf_time\n  - fixmedins"))


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    text = TEXT.replace("{to: NEWBORN,", "{to: X,", 1).replace("totals: hospital", "totals: x", 1)

    assert len(problems(written(tmp_path, text))) == 2


def test_a_set_that_is_missing_is_told(tmp_path: Path) -> None:
    start, end = TEXT.index("  diag_code:"), TEXT.index("  fund_pay_type:")

    assert ("LAW_KEY_MISSING", "sets.diag_code") in [
        (code, place.partition(" ")[2]) for code, place in problems(written(tmp_path, TEXT[:start] + TEXT[end:]))
    ]


def test_an_empty_folder_and_two_versions_of_one_day_are_told(tmp_path: Path) -> None:
    assert problems(tmp_path) == [("LAW_FOLDER_EMPTY", "0 ")]

    written(written(tmp_path, TEXT), TEXT.replace("2026.1", "2026.2"), "2026.2.yaml")
    assert problems(tmp_path) == [("CROSSWALK_SAME_DAY", "0 valid_from")]


def test_the_version_is_that_of_the_day_of_settlement(tmp_path: Path) -> None:
    later = (
        TEXT.replace('"2026.1"', '"2026.2"')
        .replace("2022-05-25", "2026-03-13")
        .replace('"1": {to: DELIVERY_VAGINAL', '"1": {to: DELIVERY_CAESAREAN')
    )
    versions = load(written(written(tmp_path, TEXT), later, "2026.2.yaml"))

    read = {
        day: read_message(
            Adapter("hospitals", versions),
            raw(settlement({"output.setlinfo.setl_time": f"{day} 10:42:16", f"{DISCHARGE}oprn_oprt_code": ""})),
            TODAY,
        ).version
        for day in ("2026-03-12", "2026-03-13", "2026-03-14")
    }

    assert read == {"2026-03-12": "2026.1", "2026-03-13": "2026.2", "2026-03-14": "2026.2"}
    assert choose(versions, date(2022, 5, 24)) is None


def test_a_senders_own_list_is_laid_beside_the_national_codes(tmp_path: Path) -> None:
    own = """lists:
  vendor:
    matn_type:
      codes:
        "3": {to: DELIVERY_CAESAREAN, confidence: design, source: ours}
"""
    text = TEXT.replace("lists:  # what", f"{own}  # what", 1).replace("lists: []", "lists: [vendor]", 1)
    text = text.replace("  # what a region or a vendor has of its own; a sender names those it uses\n", "")
    (version,) = load(written(tmp_path, text))
    content = settlement(
        {
            f"{DISCHARGE}matn_type": "3 剖宫产",
            f"{DISCHARGE}oprn_oprt_code": "74.1x01",
            f"{DISCHARGE}diseinfo.0.diag_code": "O82.000",
        }
    )

    mapped = read_message(Adapter("counter", (version,)), raw(content), TODAY)

    assert claim_of(mapped).event.delivery_mode == 2
    assert found(mapped) == {
        ("DOUBT", "PLATFORM_CODE_LABELLED", f"{DISCHARGE}matn_type"),
        ("DOUBT", "PLATFORM_CODE_LOCAL", f"{DISCHARGE}matn_type"),
    }
