"""Certificates: a page each, within their frame, with a code that a telephone reads."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from itertools import pairwise

import msgspec
import pypdfium2
import pytest
import zxingcpp

from tests.nomination.documents.page_layout import (
    check_texts,
    metadata,
    sheets,
)
from tests.nomination.documents.printed_samples import certificate, long_text
from tests.printed import printed
from voting_service.errors import InvalidInput, MissingGlyphs
from voting_service.infrastructure.typesetting.glyph_coverage import missing_glyphs
from voting_service.nomination.documents.certificate import (
    CITATION_CHARACTERS,
    qr_rows,
    render_certificates,
)
from voting_service.nomination.documents.formatting import ceremonial_day

FRAME_MILLIMETRES = 16


def test_a_batch_has_a_page_each_whose_code_leads_to_its_own_check() -> None:
    batch = [
        certificate(number, award="winner" if number < 3 else "nominee") for number in (1, 2, 3)
    ]
    pdf = render_certificates(batch)
    document = printed(pdf)
    assert [page.size for page in sheets(pdf)] == [(297, 210)] * 3
    check_texts(pdf, margin_millimetres=FRAME_MILLIMETRES)
    assert all(embedded for _, embedded in document.fonts)
    assert missing_glyphs(document.text) == ()
    assert metadata(pdf) == {"Title": "荣誉证书"}
    pages = pypdfium2.PdfDocument(BytesIO(pdf))
    for first, page, rendered in zip(batch, document.pages, pages, strict=True):
        assert first.number in page.text
        assert first.name in page.text
        assert "二〇二二年十一月八日" in page.text
        assert ("最美巴渝工匠提名" in page.text) == (first.award == "nominee")
        [code] = zxingcpp.read_barcodes(rendered.render(scale=2.5).to_pil())
        assert code.text == first.verification_url
    pages.close()


@pytest.mark.parametrize("award", ["winner", "nominee"])
def test_the_longest_citation_and_names_stay_in_the_frame(award: str) -> None:
    first = certificate(name="长名字的获奖人·" + "某" * 20, citation=long_text(CITATION_CHARACTERS))
    many = ("重庆市人力资源和社会保障局某某委员会办公室", "市总工会", "市高技办")
    pdf = render_certificates([msgspec.structs.replace(first, award=award, issuers=many)])
    check_texts(pdf, margin_millimetres=FRAME_MILLIMETRES)
    assert "某" * 20 in printed(pdf).text


def test_gold_and_silver_look_different() -> None:
    first, second = printed(
        render_certificates([certificate(), certificate(award="nominee")])
    ).pages
    assert first.picture.tobytes() != second.picture.tobytes()


def test_what_cannot_be_printed_is_refused() -> None:
    with pytest.raises(InvalidInput):
        render_certificates([])
    with pytest.raises(InvalidInput, match="BYGJ-2022-001"):
        render_certificates([certificate(citation=long_text(CITATION_CHARACTERS + 1))])
    with pytest.raises(MissingGlyphs):
        render_certificates([certificate(name="获奖人𪚥")])


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
