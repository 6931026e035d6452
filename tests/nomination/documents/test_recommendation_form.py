"""The recommendation form prints as the paper form, with any text that the rules allow."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from PIL import Image

from tests.nomination.documents.page_layout import (
    A4,
    check_texts,
    metadata,
    sheets,
)
from tests.nomination.documents.printed_samples import (
    SENTENCE,
    full_form,
    long_text,
)
from tests.picture_files import (
    halves,
    jpeg,
    saved,
)
from tests.printed import (
    Printed,
    check_looks_right,
    printed,
)
from voting_service.errors import InvalidInput, MissingGlyphs
from voting_service.nomination.documents.recommendation_form import (
    RecommendationSheet,
    SubmissionReceipt,
    render_recommendation_form,
)
from voting_service.nomination.form.model import (
    DEEDS_CHARACTERS,
    SKILLS_CHARACTERS,
    RecommendationForm,
)
from voting_service.nomination.form.validation import LONGEST

RECEIPT = SubmissionReceipt(
    number="2022-07-0003",
    received_at=datetime(2022, 6, 29, 3, 4, 5, tzinfo=UTC),
    sha256="0123456789abcdef" * 4,
)
LABELS = (
    *("姓名", "性别", "出生年月", "身份证号", "民族", "政治面貌", "文化程度", "职业工种"),
    *("职业资格等级", "工作单位", "参加工作时间", "单位通讯地址", "邮政编码", "单位联系人"),
    *("单位联系电话", "技能技术特长、主要事迹贡献和获奖情况（1000字内）", "所在单位意见"),
    *("区县（自治县）人力社保部门、市级主管部门意见", "市高技办审批意见"),
    "最美巴渝工匠推荐表",
)


def set_form(form: RecommendationForm, **more: Any) -> bytes:
    return render_recommendation_form(
        RecommendationSheet(selection="最美巴渝工匠", form=form, body="渝中区", **more)
    )


def looked_at(pdf: bytes) -> Printed:
    """The form, after everything that is true of all of them was tried."""
    document = printed(pdf)
    check_looks_right(document)
    check_texts(pdf, margin_millimetres=8)
    assert {page.size for page in sheets(pdf)} == {A4}
    for label in LABELS:
        assert label in plain(document), label
    return document


def plain(document: Printed) -> str:
    return re.sub(r"\s", "", document.text)


def test_a_full_form_has_its_front_its_back_and_the_deeds() -> None:
    pdf = set_form(full_form(), photo=jpeg(), receipt=RECEIPT)
    document = looked_at(pdf)
    front, back, deeds = document.pages
    for value in ("推荐人选甲", "女", "50010119800307000X", "土家族", "023-00000000", "400000"):
        assert value in front.text
    assert "1980年3月" in re.sub(r"\s", "", front.text)
    assert back.text.count("（盖章）") == 3
    assert re.sub(r"\s", "", back.text).count("2022年6月20日") == 2
    assert SENTENCE in re.sub(r"\s", "", deeds.text)
    assert "2022-07-0003" in deeds.text
    assert "11:04（北京时间）" in deeds.text
    assert RECEIPT.sha256 in re.sub(r"\s", "", deeds.text)


def test_an_empty_form_is_there_to_be_filled_in_by_hand() -> None:
    document = looked_at(set_form(RecommendationForm()))
    assert len(document.pages) == 2
    assert "照片" in document.pages[0].text
    assert "回执" not in document.text


def test_the_longest_skills_stay_on_the_front_and_the_deeds_follow_whole() -> None:
    form = full_form(skills=long_text(SKILLS_CHARACTERS), deeds=long_text(DEEDS_CHARACTERS))
    document = looked_at(set_form(form, photo=jpeg()))
    assert len(document.pages) == 4
    assert long_text(SKILLS_CHARACTERS) in re.sub(r"\s", "", document.pages[0].text)
    deeds = re.sub(r"\s", "", "".join(page.text for page in document.pages[2:]))
    without_feet = re.sub(r"最美巴渝工匠推荐表第\d页，共4页", "", deeds)
    assert long_text(DEEDS_CHARACTERS) in without_feet


@pytest.mark.parametrize(
    "skills", ["\n".join(["带徒授艺。"] * 160), "x" * SKILLS_CHARACTERS, "匠" * SKILLS_CHARACTERS]
)
def test_skills_of_any_shape_are_printed_whole(skills: str) -> None:
    document = looked_at(set_form(full_form(skills=skills)))
    expected = re.sub(r"\s", "", skills)[:3]
    assert plain(document).count(expected[0]) >= skills.count(expected[0])


def test_fields_of_the_greatest_length_stay_in_their_cells() -> None:
    form = full_form()
    for path, most in LONGEST.items():
        owner, _, field = path.rpartition(".")
        if owner.endswith("_opinion"):
            opinion = msgspec.structs.replace(getattr(form, owner), **{field: long_text(most)})
            form = msgspec.structs.replace(form, **{owner: opinion})
        elif isinstance(getattr(form, path, None), str):
            form = msgspec.structs.replace(form, **{path: long_text(most)})
    document = looked_at(set_form(form, photo=jpeg()))
    assert long_text(LONGEST["employer"]) in re.sub(r"\s", "", document.pages[0].text)


def test_opinions_longer_than_their_box_make_it_grow() -> None:
    document = looked_at(set_form(full_form(opinion="\n".join([SENTENCE] * 40))))
    assert plain(document).count(SENTENCE) >= 80


def test_rare_characters_are_printed_or_named_in_both_languages() -> None:
    assert "推荐人㐀䶵堃" in looked_at(set_form(full_form(name="推荐人㐀䶵堃"))).text
    with pytest.raises(MissingGlyphs) as caught:
        set_form(full_form(name="推荐人𠀀"))
    assert "𠀀 (U+20000)" in str(caught.value)
    assert "𠀀 (U+20000)" in caught.value.zh


def test_the_photo_is_of_two_inches_and_carries_nothing_but_pixels() -> None:
    exif = Image.Exif()
    exif[0x010E] = "planted-description"
    exif.get_ifd(0x8825)[1] = "N"
    photo = saved(halves(1200, 1400), "JPEG", exif=exif, comment=b"planted-comment")
    assert b"planted-description" in photo
    pdf = set_form(full_form(), photo=photo)
    assert b"planted" not in pdf
    assert b"Exif" not in pdf
    assert sheets(pdf)[0].dots == (300,)
    assert metadata(pdf) == {"Title": "最美巴渝工匠推荐表"}


def test_a_photo_that_is_none_is_refused_by_whose_it_is() -> None:
    with pytest.raises(InvalidInput, match="推荐人选甲"):
        set_form(full_form(), photo=b"%PDF-1.7")
