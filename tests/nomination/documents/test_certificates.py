"""Certificates: a page each, within their frame, with a code that a telephone reads."""

from __future__ import annotations

import re
from datetime import date
from io import BytesIO
from itertools import pairwise
from typing import Literal

import msgspec
import pypdfium2
import pytest
import zxingcpp

from tests.nomination.documents.page_layout import (
    check_texts,
    metadata,
    sheets,
)
from tests.nomination.documents.printed_samples import HOST, certificate, long_text
from tests.printed import printed
from voting_service.errors import InvalidInput
from voting_service.i18n.text import Text
from voting_service.infrastructure.typesetting.glyph_coverage import missing_glyphs
from voting_service.nomination.documents.certificate import (
    CITATION_CHARACTERS,
    qr_rows,
    render_certificates,
)
from voting_service.nomination.documents.formatting import ceremonial_day, quotable

FRAME_MILLIMETRES = 16


def test_a_batch_has_a_page_each_whose_code_leads_to_its_own_check() -> None:
    batch = [
        certificate(number, award="winner" if number < 3 else "nominee") for number in (1, 2, 3)
    ]
    pdf = render_certificates(batch, "zh")
    document = printed(pdf)
    assert [page.size for page in sheets(pdf)] == [(297, 210)] * 3
    check_texts(pdf, margin_millimetres=FRAME_MILLIMETRES)
    assert all(embedded for _, embedded in document.fonts)
    assert missing_glyphs(document.text) == ()
    assert metadata(pdf) == {"Title": "荣誉证书"}
    pages = pypdfium2.PdfDocument(BytesIO(pdf))
    for first, page, rendered in zip(batch, document.pages, pages, strict=True):
        assert first.number in page.text
        assert first.name.zh in page.text
        assert page.text.count("“") == 1, "the award is quoted once"
        for part in ("2022年度“最美巴渝工匠”", HOST.zh, "（签章）"):
            assert part in page.text.replace(" ", "")
        assert "二〇二二年十一月八日" in page.text
        assert ("最美巴渝工匠提名" in page.text) == (first.award == "nominee")
        assert not re.search("[A-Za-z]{4}", page.text.replace(first.number, ""))
        [code] = zxingcpp.read_barcodes(rendered.render(scale=2.5).to_pil())
        assert code.text == first.verification_url
    pages.close()


@pytest.mark.parametrize("award", ["winner", "nominee"])
def test_an_english_certificate_is_in_english_throughout(
    award: Literal["winner", "nominee"],
) -> None:
    pdf = render_certificates([certificate(award=award)], "en")
    check_texts(pdf, margin_millimetres=FRAME_MILLIMETRES)
    [page] = printed(pdf).pages
    assert not re.search("[\u2e80-\uffef]", page.text)
    for part in ("Huojiangren Jia", "Most Beautiful Bayu Craftsmen", HOST.en, "8 November 2022"):
        assert part in page.text
    assert ("Nominee" in page.text) == (award == "nominee")
    assert metadata(pdf) == {"Title": "Certificate of Honour"}


def test_quotation_marks_in_a_quoted_name_are_single() -> None:
    assert quotable(Text("“寻找最美巴渝工匠”活动", "“Seek”")) == Text(
        "‘寻找最美巴渝工匠’活动", "‘Seek’"
    )


@pytest.mark.parametrize("award", ["winner", "nominee"])
def test_the_longest_citation_and_names_stay_in_the_frame(award: str) -> None:
    citation = long_text(CITATION_CHARACTERS["zh"])
    first = certificate(name="长名字的获奖人·" + "某" * 20, citation=citation)
    many = (Text("重庆市人力资源和社会保障局某某委员会办公室", ""), Text("市总工会", ""), HOST)
    pdf = render_certificates([msgspec.structs.replace(first, award=award, issuers=many)], "zh")
    check_texts(pdf, margin_millimetres=FRAME_MILLIMETRES)
    assert "某" * 20 in printed(pdf).text


def test_gold_and_silver_look_different() -> None:
    first, second = printed(
        render_certificates([certificate(), certificate(award="nominee")], "zh")
    ).pages
    assert first.picture.tobytes() != second.picture.tobytes()


def test_what_cannot_be_printed_is_refused() -> None:
    with pytest.raises(InvalidInput):
        render_certificates([], "zh")
    with pytest.raises(InvalidInput, match="BYGJ-2022-001"):
        render_certificates([certificate(citation=long_text(CITATION_CHARACTERS["zh"] + 1))], "zh")


def test_a_name_with_a_character_that_no_font_has_leaves_a_gap() -> None:
    text = printed(render_certificates([certificate(name="获奖人𪚥·买买提")], "zh")).text
    assert "获奖人" in text
    assert "·买买提" in text


def test_runs_of_a_code_are_apart() -> None:
    for runs in qr_rows("https://vote.example.org/certificates/1"):
        assert all(a + length < b for (a, length), (b, _) in pairwise(runs))


@pytest.mark.parametrize(
    ("day", "written"),
    [
        ("2022-11-08", "二〇二二年十一月八日"),
        ("2023-10-10", "二〇二三年十月十日"),
        ("2024-01-20", "二〇二四年一月二十日"),
        ("2025-12-31", "二〇二五年十二月三十一日"),
    ],
)
def test_days_are_written_as_certificates_write_them(day: str, written: str) -> None:
    assert ceremonial_day(date.fromisoformat(day)) == written
