"""Which files are taken as evidence: by what they are said to be, and by what they are."""

from __future__ import annotations

import io

import pytest

from services.certification.content import is_what_it_says
from services.certification.model import State
from services.certification.model.evidence import CSV, DOCX, XLSX, Held, Limits, Offered
from services.certification.rules.evidence import OPEN, not_open, problems
from tests.certification.files import CRITERION, EXECUTABLE, JPEG, PDF, PNG, TRUE, archive, offered, pdf
from tests.certification.sheets import LATEST

LIMITS = Limits(file_bytes=1000, application_bytes=3000, upload_s=5)


def codes(given: Offered, held: Held = Held()) -> list[tuple[str, str]]:  # noqa: B008  # a tuple
    return [(one.code, one.field) for one in problems(given, LATEST, held, LIMITS)]


@pytest.mark.parametrize("size", [1, 999, 1000])
def test_a_file_of_the_right_kind_and_size_is_taken(size: int) -> None:
    assert codes(offered(pdf(), size_bytes=size)) == []


def test_what_is_too_large_is_refused_by_what_it_says() -> None:
    assert codes(offered(pdf(), size_bytes=1001)) == [("EVIDENCE_TOO_LARGE", "file.size_bytes")]
    assert codes(offered(pdf(), size_bytes=2 * 10**9)) == [("EVIDENCE_TOO_LARGE", "file.size_bytes")]


@pytest.mark.parametrize(("held", "taken"), [(1999, True), (2000, True), (2001, False)])
def test_all_of_an_application_has_its_limit(held: int, taken: bool) -> None:
    found = codes(offered(pdf(), size_bytes=1000), Held(0, held))

    assert found == ([] if taken else [("EVIDENCE_TOO_MUCH", "file.size_bytes")])


@pytest.mark.parametrize(("held", "taken"), [(2, True), (3, False)])
def test_a_criterion_takes_as_many_as_the_scheme_says(held: int, taken: bool) -> None:
    assert codes(offered(pdf()), Held(held)) == ([] if taken else [("EVIDENCE_TOO_MANY", "file.criterion")])


def test_everything_that_is_wrong_is_told_at_once() -> None:
    strange = offered(pdf(), "application/x-msdownload", kind="PHOTO", size_bytes=1001)

    assert codes(strange) == [
        ("EVIDENCE_KIND", "file.kind"),
        ("EVIDENCE_MEDIA_TYPE", "file.media_type"),
        ("EVIDENCE_TOO_LARGE", "file.size_bytes"),
    ]
    assert codes(offered(pdf(), criterion="attitude.none", file_name="a.exe")) == [
        ("CRITERION_UNKNOWN", "file.criterion"),
        ("EVIDENCE_ENDING", "file.file_name"),
    ]


def test_it_is_taken_while_the_applicant_has_the_file_in_hand() -> None:
    taken = [state for state in State if not_open(state, (CRITERION,), CRITERION) is None]

    assert taken == [State.DRAFT, State.RETURNED, State.INFORMATION_REQUESTED]
    assert tuple(taken) == OPEN
    assert (why := not_open(State.INFORMATION_REQUESTED, ("care_support.other",), CRITERION))
    assert why.code == "CRITERION_NOT_ASKED"


# --- by its bytes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", TRUE)
@pytest.mark.parametrize("really", TRUE)
def test_a_file_is_what_it_says_and_nothing_else(said: str, really: str) -> None:
    text = {CSV, PDF}  # a PDF of our making is text, too
    fits = said == really or (said == CSV and really in text)

    assert is_what_it_says(io.BytesIO(TRUE[really]), said) is fits


@pytest.mark.parametrize(
    ("what", "media_type"),
    [
        *[(EXECUTABLE, media_type) for media_type in TRUE],
        *[(b"\x7fELF\x02\x01\x01" + bytes(99), media_type) for media_type in TRUE],
        (EXECUTABLE + pdf(), PDF),
        (b"", PDF),
        (b"<html><script>", PDF),
        (archive("[Content_Types].xml", "xl/workbook.xml", "xl/vbaProject.bin"), XLSX),
        (archive("a.txt"), DOCX),
        (TRUE[DOCX][:-8], DOCX),
        (b"PK\x03\x04" + bytes(99), XLSX),
        (b"a,b\n\x001,2\n", CSV),
        ("甲".encode("gb18030")[:1], CSV),
        (JPEG.encode(), JPEG),
        (PNG.encode(), PNG),
    ],
)
def test_what_only_has_the_name_is_refused(what: bytes, media_type: str) -> None:
    assert not is_what_it_says(io.BytesIO(what), media_type)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_is_text_in_either_encoding_however_it_is_cut(encoding: str) -> None:
    assert is_what_it_says(io.BytesIO(("姓名,天数\r\n" * 20_001).encode(encoding)), CSV)
