"""The recommendation form prints as the paper form, with any text that the rules allow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw

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
    Page,
    Printed,
    check_looks_right,
    printed,
)
from voting_service.errors import InvalidInput
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.text import Text
from voting_service.infrastructure.typesetting.glyph_coverage import FONTS, use_fonts
from voting_service.nomination.documents.recommendation_form import (
    JointOfficeOpinion,
    RecommendationSheet,
    SubmissionReceipt,
    render_recommendation_form,
)
from voting_service.nomination.form.model import (
    DEEDS_CHARACTERS,
    SKILLS_CHARACTERS,
    RecommendationForm,
)
from voting_service.nomination.form.page_ranges import format_page_ranges
from voting_service.nomination.form.validation import LONGEST
from voting_service.nomination.model import SelectionRules

RECEIPT = SubmissionReceipt(
    number="2022-07-0003",
    received_at=datetime(2022, 6, 29, 3, 4, 5, tzinfo=UTC),
    sha256="0123456789abcdef" * 4,
)
RULES = SelectionRules(
    title=Text("2022年“最美巴渝工匠”选树", "Most Beautiful Bayu Craftsmen 2022"),
    industries={},
    office_address=Text("市人力社保局二号楼404", "Room 404"),
)
COVER = "2022年“最美巴渝工匠”推荐表姓名：{name}单位：{employer}电话：{telephone}" \
    "重庆市高技能人才工作联席会办公室制2022年"  # fmt: skip
TABLE = (
    *("姓名", "性别", "出生年月", "身份证号", "民族", "政治面貌", "文化程度", "职业工种"),
    *("职业资格等级", "工作单位", "参加工作时间", "单位通讯地址", "邮政编码", "单位联系人"),
    *("单位联系电话", "技能技术特长、主要事迹贡献和获奖情况（1000字内）"),
)
"""In the order of the paper."""
OPINIONS = (
    "所在单位意见",
    "区县（自治县）人力社保部门、市级主管部门意见",
    "市高技办审批意见",
)
NOTES = (
    "填表说明：",
    "1.本表纸质版报送1份至市人力社保局二号楼404，",
    "2.附1500字的事迹材料，要实事求是，简明扼要，统一用A4纸双面打印。",
    "3.申报人技能技术等级、获奖及荣誉称号需附复印件或旁证材料（不超过10页）。",
)


def set_form(form: RecommendationForm, **more: Any) -> bytes:
    return render_recommendation_form(
        RecommendationSheet(rules=RULES, form=form, body="渝中区", **more)
    )


def looked_at(pdf: bytes) -> Printed:
    """The form, after everything that is true of all of them was tried."""
    document = printed(pdf)
    check_looks_right(document)
    check_texts(pdf, margin_millimetres=8)
    assert {page.size for page in sheets(pdf)} == {A4}
    in_order(plain(document), (*TABLE, *OPINIONS, *NOTES))
    return document


def in_order(text: str, parts: Iterable[str]) -> None:
    place = text.index("推荐表")
    for part in parts:
        assert part in text[place:], f"{part} is missing or not where it stands on paper"
        place = text.index(part, place)


def plain(document: Printed) -> str:
    return re.sub(r"\s", "", document.text)


def without_feet(pages: Sequence[Page]) -> str:
    """The text of pages without their numbers."""
    texts = (re.sub(r"\s", "", page.text) for page in pages)
    return "".join(re.sub(r"—\d+—", "", text) for text in texts)


def test_a_full_form_has_the_pages_of_the_paper_in_their_order() -> None:
    form = full_form()
    document = looked_at(set_form(form, photo=jpeg(), receipt=RECEIPT))
    cover, table, opinions, blank, deeds, conditions = document.pages
    assert "此页无正文" in blank.text, "the deeds begin on a sheet of their own"
    assert re.sub(r"\s", "", cover.text) == COVER.format(
        name=form.name, employer=form.employer, telephone=form.employer_telephone
    )
    for value in ("推荐人选甲", "女", "50010119800307000X", "土家族", "023-00000000", "400000"):
        assert value in table.text
    assert "1980年3月" in re.sub(r"\s", "", table.text)
    assert SENTENCE in re.sub(r"\s", "", table.text)
    assert re.sub(r"\s", "", opinions.text).count("盖章") == 3
    assert re.sub(r"\s", "", opinions.text).count("2022年6月20日") == 2
    assert "事迹材料" in deeds.text
    assert SENTENCE in re.sub(r"\s", "", deeds.text)
    text = re.sub(r"\s", "", conditions.text)
    for words in (
        "2022-07-0003", "11:04（北京时间）", RECEIPT.sha256, "推荐单位：渝中区", "此件与原件相符",
        *claimed_conditions(form),
    ):  # fmt: skip
        assert words in text, words


def claimed_conditions(form: RecommendationForm) -> list[str]:
    words = load_catalogue("recommendations", "zh")
    assert form.qualification is not None
    return [
        f"{words['qualifications'][form.qualification]}；见佐证材料第{form.qualification_pages}页",
        *(
            f"{words['achievements'][achievement.kind]}；见佐证材料第{format_page_ranges(achievement.pages)}页"
            for achievement in form.achievements
        ),
    ]


def test_an_empty_form_is_there_to_be_filled_in_by_hand() -> None:
    document = looked_at(set_form(RecommendationForm()))
    assert len(document.pages) == 3
    assert "两寸像片" in re.sub(r"\s", "", document.pages[1].text)
    assert "回执" not in document.text


def test_labels_are_in_song_and_what_is_filled_in_in_the_operators_fangsong(tmp_path: Path) -> None:
    """As no registry has a free one, it is Song where the folder has none."""
    names = {name.partition("+")[2] for name, _ in printed(set_form(full_form())).fonts}
    assert {"NotoSerifSC-Regular", "NotoSerifSC-Bold"} <= names
    rename_font(FONTS / "NotoSansSC-Regular.ttf", tmp_path / "simfang.ttf", "FangSong")
    use_fonts(tmp_path)
    try:
        document = printed(set_form(full_form()))
    finally:
        use_fonts(None)
    names = {name.partition("+")[2] for name, _ in document.fonts}
    assert "FangSong" in names
    assert "NotoSerifSC-Regular" in names


def rename_font(source: Path, target: Path, family: str) -> None:
    with TTFont(source) as font:
        for record in font["name"].names:
            if record.nameID in {1, 4, 6, 16}:
                record.string = family
        font.save(target)


def test_the_joint_offices_opinion_is_in_the_third_box_with_its_stamp() -> None:
    stamp = Image.new("RGBA", (300, 300), (200, 30, 30, 0))
    ImageDraw.Draw(stamp).ellipse((8, 8, 291, 291), outline=(200, 30, 30, 230), width=16)
    opinion = JointOfficeOpinion(
        text="同意推荐。", signed_on=date(2022, 7, 12), stamp=saved(stamp, "PNG")
    )
    bare = looked_at(set_form(full_form()))
    stamped = looked_at(set_form(full_form(), joint_office_opinion=opinion))
    third = plain(stamped)[plain(stamped).index("市高技办审批意见") :]
    assert third.startswith("市高技办审批意见同意推荐。盖章2022年7月12日")
    assert plain(bare)[plain(bare).index("市高技办审批意见") :].startswith(
        "市高技办审批意见盖章年月日"
    )
    assert stamped.pages[2].ink > bare.pages[2].ink


def test_the_longest_skills_stay_in_the_table_and_the_deeds_follow_whole() -> None:
    form = full_form(skills=long_text(SKILLS_CHARACTERS), deeds=long_text(DEEDS_CHARACTERS))
    document = looked_at(set_form(form, photo=jpeg()))
    assert long_text(SKILLS_CHARACTERS) in re.sub(r"\s", "", document.pages[1].text)
    assert long_text(DEEDS_CHARACTERS) in without_feet(document.pages[3:])


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
    assert long_text(LONGEST["employer"]) in re.sub(r"\s", "", document.pages[1].text)


def test_opinions_longer_than_their_box_make_it_grow() -> None:
    document = looked_at(set_form(full_form(opinion="\n".join([SENTENCE] * 40))))
    assert plain(document).count(SENTENCE) >= 80


def test_rare_characters_are_printed_or_leave_a_gap() -> None:
    for name in ("推荐人㐀䶵堃", "买买提·吐尔逊", "阿里木•江", "古丽・娜"):
        assert name in looked_at(set_form(full_form(name=name))).text
    written = looked_at(set_form(full_form(name="王𬎆𠮷明")))
    assert "王" in written.text
    assert "𠮷" not in written.text
    gapless = looked_at(set_form(full_form(name="王明")))
    assert written.pages[0].ink > gapless.pages[0].ink  # the lines of the gaps


def test_the_photo_is_of_two_inches_and_carries_nothing_but_pixels() -> None:
    exif = Image.Exif()
    exif[0x010E] = "planted-description"
    exif.get_ifd(0x8825)[1] = "N"
    photo = saved(halves(1200, 1400), "JPEG", exif=exif, comment=b"planted-comment")
    assert b"planted-description" in photo
    pdf = set_form(full_form(), photo=photo)
    assert b"planted" not in pdf
    assert b"Exif" not in pdf
    assert sheets(pdf)[1].dots == (300,)
    assert metadata(pdf) == {"Title": "2022年“最美巴渝工匠”推荐表"}


def test_a_photo_that_is_none_is_refused_by_whose_it_is() -> None:
    with pytest.raises(InvalidInput, match="推荐人选甲"):
        set_form(full_form(), photo=b"%PDF-1.7")
