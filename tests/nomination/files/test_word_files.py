"""Word files: of every writer they are cleaned of all but what they print; what reaches out or runs
is refused."""

from __future__ import annotations

import re
import zipfile
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.nomination.files.hostile_rich_text import RICH_TEXTS
from tests.nomination.files.hostile_word_files import WORD_FILES
from tests.nomination.files.samples import Sample
from tests.nomination.files.word_files import docx, paragraph, table, word_field
from tests.nomination.files.word_makers import BEGIN, END, SEPARATE, field
from tests.nomination.files.word_samples import SAMPLES
from tests.nomination.files.writer_samples import WORD
from voting_service.nomination.files.docx_xml import clean_xml
from voting_service.nomination.files.model import Rejection
from voting_service.nomination.files.rejections import FileRejected, RejectionReason
from voting_service.nomination.files.word_cleaner import CleaningResult, CleanWord, clean_word
from voting_service.nomination.files.word_links import PlaceKind, place

REACHING = re.compile(
    rb"https?://(?!schemas\.|purl\.oclc\.org|www\.w3\.org)|ftp:|file:|TargetMode|oleObject|"
    rb"INCLUDE|HYPERLINK[ &]|\bDDE|<!DOCTYPE|attachedTemplate|externalData|gfxdata|href=",
    re.IGNORECASE,
)
NAMESPACE = re.compile(rb' xmlns(:\w+)?="[^"]*"')
"""The name of a vocabulary, which nobody opens."""
OURS = re.compile(
    r"\[Content_Types\]\.xml|_rels/\.rels|word/(document|part\d+)\.(xml|png|jpeg|gif|bmp|tiff|emf)"
    r"|word/_rels/(document|part\d+)\.xml\.rels"
)


def accepted(result: CleaningResult) -> CleanWord:
    assert isinstance(result, CleanWord), result
    return result


def check_clean(content: bytes) -> None:
    """A cleaned file has names of ours, and nothing that leads out of it."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        for name in archive.namelist():
            assert OURS.fullmatch(name)
            text = NAMESPACE.sub(b"", archive.read(name))
            assert not name.endswith((".xml", ".rels")) or not REACHING.search(text)


def test_honest_files_are_cleaned() -> None:
    assert len(SAMPLES) >= 100
    for sample in (Sample(*entry) for entry in (*SAMPLES, *WORD.items())):
        result = clean_word(sample.make())
        assert isinstance(result, CleanWord), (sample.name, result)
        is_new = sample.name.endswith(".docx")
        assert (result.format == "docx") == is_new
        if is_new:
            check_clean(result.content)


HOSTILE = WORD_FILES | RICH_TEXTS


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(name: str) -> None:
    case = HOSTILE[name]
    result = clean_word(case.make())
    assert isinstance(result, Rejection)
    refused = FileRejected(RejectionReason[result.reason], **result.details)
    assert refused.reason is case.reason
    [fault] = refused.faults
    assert re.search(r"[a-z]{3}", fault.message)
    assert re.search(r"[\u4e00-\u9fff]{3}.*。$", fault.zh)
    assert "{" not in fault.message + fault.zh


def text(body: str) -> str:
    """What is left of the text of a document's body."""
    cleaned, _ = clean_xml(f"<w:b xmlns:w='w' xmlns:r='r'>{body}</w:b>".encode(), {"r9": None})
    return re.sub(r"<[^>]*>", "", cleaned.decode().partition("?>")[2]).strip()


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (field("MERGEFIELD 姓名", "李明"), "李明"),
        (field("PAGE", "3"), "PAGE 3"),
        (word_field("XE 索引"), "x"),
        (f'<w:fldSimple w:instr="AUTHOR">{paragraph("李明")}</w:fldSimple>', "李明"),
        (
            f"<w:p>{BEGIN}<w:r><w:instrText>IF 1=</w:instrText></w:r>{field('QUOTE 9', '9')[5:-6]}"
            f"{SEPARATE}<w:r><w:t>是</w:t></w:r>{END}<w:r><w:t>。</w:t></w:r></w:p>",
            "是。",
        ),
        (f"<w:p>{BEGIN}<w:r><w:t>QUOTE 9</w:t></w:r>{END}<w:r><w:t>后</w:t></w:r></w:p>", "后"),
        ('<w:p><w:hyperlink r:id="r9"><w:r><w:t>电话</w:t></w:r></w:hyperlink></w:p>', "电话"),
        ("<w:ins><w:r><w:t>新</w:t></w:r></w:ins><w:del><w:r><w:t>旧</w:t></w:r></w:del>", "新"),
        ("<w:p><w:r><w:t>a&lt;b &amp; c</w:t></w:r></w:p>", "a&lt;b &amp; c"),
    ],
)
def test_the_result_of_a_field_stays(body: str, left: str) -> None:
    assert text(body) == left


def test_chinese_that_is_marked_as_english_is_marked_as_chinese() -> None:
    """LibreOffice would draw its full stops in mid-line."""
    kept = '<w:lang w:eastAsia="ja-JP"/><w:lang w:eastAsia="zh-TW" w:val="en-US"/>'
    xml = f'<w:a xmlns:w="w"><w:lang w:val="en-US" w:eastAsia="en-US"/>{kept}</w:a>'
    cleaned, _ = clean_xml(xml.encode(), {})
    languages = re.findall('eastAsia="([^"]*)"', cleaned.decode())
    assert languages == ["zh-CN", "ja-JP", "zh-TW"]
    assert cleaned.count(b'w:val="en-US"') == 2


def test_what_leads_nowhere_is_left_out() -> None:
    xml = (
        '<w:a xmlns:w="w" xmlns:r="r"><w:headerReference r:id="r9"/><w:blip r:link="r9" w:x="1"/>'
        '<w:blip r:embed="r1"/></w:a>'
    )
    cleaned, prints = clean_xml(xml.encode(), {"r9": None, "r1": "word/part1.png"})
    assert b"headerReference" not in cleaned
    assert b'<w:blip w:x="1">' in cleaned
    assert b'<w:blip r:embed="r1">' in cleaned
    assert not prints


@pytest.mark.parametrize(
    ("address", "leads_to"),
    [
        ("https://example.org", PlaceKind.WEB),
        ("www.example.org/a.exe", PlaceKind.WEB),
        (" ht\ntp://example.org", PlaceKind.WEB),
        ("mailto:a@example.org", PlaceKind.HERE),
        ("tel:110", PlaceKind.HERE),
        ("#_Toc1", PlaceKind.HERE),
        ("qq.com", PlaceKind.HERE),
        ("C:\\a\\b.docx", PlaceKind.HERE),
        ("file:///C:/a/b.docx", PlaceKind.HERE),
        ("file:////Users/a/b.png", PlaceKind.HERE),
        ("file://localhost/a.png", PlaceKind.HERE),
        ("/var/folders/a.png", PlaceKind.HERE),
        ("NULL", PlaceKind.HERE),
        ("\\\\host\\share", PlaceKind.OUTSIDE),
        ("//host/share", PlaceKind.OUTSIDE),
        ("%5C%5Chost%5Cshare", PlaceKind.OUTSIDE),
        ("file://host/share", PlaceKind.OUTSIDE),
        ("file:////host/share", PlaceKind.OUTSIDE),
        ("file:\\\\host\\share", PlaceKind.OUTSIDE),
        ("file:///C:/a/Normal.dotm", PlaceKind.HERE),
        ("javascript:alert(1)", PlaceKind.OUTSIDE),
        ("ms-msdt:/id", PlaceKind.OUTSIDE),
        ("search-ms:query=a", PlaceKind.OUTSIDE),
    ],
)
def test_addresses_lead_somewhere(address: str, leads_to: PlaceKind) -> None:
    assert place(address) is leads_to


SAMPLE = docx(word_field("PAGE") + table(2, paragraph("甲")) + field("QUOTE x", "y"))


@given(st.lists(st.tuples(st.integers(0, len(SAMPLE)), st.binary(max_size=12)), max_size=6))
@settings(max_examples=100, deadline=None)
def test_a_damaged_file_is_cleaned_or_refused(changes: list[tuple[int, bytes]]) -> None:
    content = SAMPLE
    for at, new in changes:
        content = content[:at] + new + content[at + len(new) :]
    result = clean_word(content)
    if isinstance(result, CleanWord):
        check_clean(result.content)


PIECES = [
    "<w:p>",
    "</w:p>",
    "<w:r>",
    "</w:r>",
    "<w:t>文</w:t>",
    "<w:instrText>PAGE</w:instrText>",
    BEGIN,
    SEPARATE,
    END,
    "<w:instrText>QUOTE</w:instrText>",
    '<w:fldSimple w:instr="x">',
    "<w:del>",
    "</w:fldSimple>",
    "</w:del>",
    '<w:hyperlink r:id="r9">',
    "</w:hyperlink>",
    "<w:sectPr/>",
]


@given(st.lists(st.sampled_from(PIECES), max_size=30))
@settings(max_examples=200, deadline=None)
def test_any_order_of_elements_is_written_well_formed_or_refused(pieces: list[str]) -> None:
    xml = f"<w:b xmlns:w='w' xmlns:r='r'>{''.join(pieces)}</w:b>".encode()
    try:
        cleaned, _ = clean_xml(xml, {"r9": None})
    except FileRejected as refused:
        assert refused.zh
    else:
        assert clean_xml(cleaned, {})[0] == cleaned
