"""Values for the joint office's printed documents; nobody is in them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Literal

from voting_service.i18n.catalogues import load_text
from voting_service.i18n.text import Text
from voting_service.nomination.awards.report_texts import REPORT_SECTIONS
from voting_service.nomination.documents.album import Album, AlbumPerson
from voting_service.nomination.documents.certificate import Certificate
from voting_service.nomination.documents.minutes import (
    AbsentExpert,
    MinutedConflict,
    MinutedCriterion,
    PanelMinutes,
    PanelResult,
    Signer,
    TieBallot,
)
from voting_service.nomination.documents.notice_list import NoticeGroup, NoticeList, NoticeListRow
from voting_service.nomination.documents.summary_report import (
    PanelFigures,
    PublicityFigures,
    RecommendationFigures,
    RecommendationGroup,
    ReportedAward,
    SelectionSummary,
    VoteFigures,
    VotingDay,
)
from voting_service.nomination.form.model import (
    Achievement,
    Month,
    Opinion,
    RecommendationForm,
)

SELECTION = Text(zh="最美巴渝工匠", en="Most Beautiful Bayu Craftsmen")
ISSUER = Text(
    zh="重庆市高技能人才工作联席会办公室", en="Chongqing Joint Office for Highly Skilled Talent"
)
HOST = Text(
    zh="重庆市高技能人才工作联席会", en="Chongqing Joint Conference for Highly Skilled Talent"
)
DAY = date(2022, 11, 8)
SENTENCE = "参加技术改造，解决关键难题，带徒授艺，成果在全市推广。"


def long_text(characters: int) -> str:
    return (SENTENCE * (characters // len(SENTENCE) + 1))[:characters]


def full_form(
    *,
    skills: str = SENTENCE,
    deeds: str = SENTENCE,
    name: str = "推荐人选甲",
    opinion: str = "同意推荐。",
) -> RecommendationForm:
    signed = Opinion(text=opinion, signer="负责人甲", signed_on=date(2022, 6, 20))
    return RecommendationForm(
        name=name,
        sex="female",
        birth=Month(1980, 3),
        id_number="50010119800307000X",
        ethnic_group="土家族",
        political_status="中共党员",
        education="大学本科",
        trade="钳工",
        skill_grade="高级技师",
        employer="重庆某某机械制造有限责任公司第一分公司总装车间",
        first_employed=Month(2001, 7),
        employer_address="重庆市某区某街道某路一百二十三号",
        employer_postcode="400000",
        employer_contact="联系人甲",
        employer_telephone="023-00000000",
        skills=skills,
        deeds=deeds,
        conduct_declared=True,
        qualification="technician",
        qualification_pages="1",
        achievements=(
            Achievement(kind="innovation", pages="2-4"),
            Achievement(kind="special_skill", pages="5-10"),
        ),
        evidence_handler="经办人甲",
        evidence_confirmed_on=date(2022, 6, 18),
        employer_opinion=signed,
        body_opinion=signed,
    )


def listed(count: int = 50) -> NoticeList:
    return NoticeList(
        title=Text(zh="候选人公示名单", en="The candidates"),
        introduction=Text(zh="现将候选人名单予以公示。", en="These are the candidates."),
        groups=(
            NoticeGroup(
                Text(zh="一、候选人", en="1. Candidates"),
                tuple(
                    NoticeListRow(
                        number=number,
                        name=Text(zh=f"候选人{number}", en=f"Candidate {number}"),
                        employer=Text(
                            zh="某某机械制造有限责任公司第一分公司", en="A machine works, plant 1"
                        ),
                        trade=Text(zh="工业机器人系统操作员", en="Operator of industrial robots"),
                        body=Text(zh="某区人力社保局", en="A district bureau"),
                    )
                    for number in range(1, count + 1)
                ),
            ),
        ),
        issuer=ISSUER,
        issued_on=DAY,
        year=2022,
        document_code="渝高技办",
        contact_person="联系人甲",
    )


def minutes() -> PanelMinutes:
    return PanelMinutes(
        selection=SELECTION,
        began_at=datetime(2022, 8, 20, 1, tzinfo=UTC),
        ended_at=datetime(2022, 8, 20, 9, 30, tzinfo=UTC),
        place="第一会议室",
        chair="主持人甲",
        secretary="记录人甲",
        present=tuple(f"专家{letter}" for letter in "甲乙丙丁戊己"),
        absent=(AbsentExpert("专家庚", "因公出差"),),
        conflicts=(MinutedConflict("专家乙", "7 候选人7", "与候选人同一工作单位"),),
        criteria=(
            MinutedCriterion(Text(zh="技能水平", en="Skill"), "40%", 100),
            MinutedCriterion(Text(zh="创新贡献", en="Innovation"), "35%", 100),
            MinutedCriterion(Text(zh="带徒传艺", en="Training apprentices"), "25%", 100),
        ),
        method="trimmed_mean",
        trim=1,
        discussion="专家就候选人的技术贡献交换了意见。",
        results=tuple(
            PanelResult(
                rank=place,
                number=31 - place,
                name=f"候选人{31 - place}",
                score=f"{99 - place}.25",
                judges=5 if 31 - place == 7 else 6,
                outcome="winner" if place <= 10 else "nominee" if place <= 20 else "none",
            )
            for place in range(1, 31)
        ),
        ties=(
            TieBallot(
                line=20,
                tied=("21 候选人21", "20 候选人20"),
                places=1,
                ballots=6,
                order=("21 候选人21", "20 候选人20"),
            ),
        ),
        decisions=("通过当选名单 10 名。", "通过提名名单 10 名。"),
        signers=(
            Signer("chair", "主持人甲"),
            Signer("secretary", "记录人甲"),
            *(Signer("expert", f"专家{letter}") for letter in "甲乙丙丁戊己"),
        ),
    )


def summary() -> SelectionSummary:
    def groups(kind: str, english: str, count: int) -> tuple[RecommendationGroup, ...]:
        return tuple(
            RecommendationGroup(
                name=Text(zh=f"{kind}{first}", en=f"{english} {first}"),
                received=first % 7,
                accepted=first % 7 - (first % 7 > 3),
            )
            for first in range(1, count + 1)
        )

    opens = datetime(2022, 7, 18, 1, tzinfo=UTC)
    return SelectionSummary(
        selection=SELECTION,
        texts={
            section: Text(zh=SENTENCE * 4, en=f"What is written about the {section}. " * 4)
            for section in REPORT_SECTIONS
        },
        recommendation=RecommendationFigures(
            bodies=71,
            bodies_active=64,
            received=152,
            accepted=140,
            returned=23,
            rejected=12,
            chosen=50,
            objections=2,
            by_district=groups("区县", "District", 41),
            by_department=groups("部门", "Department", 30),
            by_industry=groups("产业", "Industry", 8),
        ),
        vote=VoteFigures(
            opens_at=opens,
            closes_at=opens + timedelta(days=14),
            ballots=1_234_567,
            counted=1_200_000,
            void=34_567,
            by_day=tuple(
                VotingDay(
                    on=date(2022, 7, 18) + timedelta(days=first),
                    received=80_000 + first * 1000,
                    counted=79_000 + first * 900,
                )
                for first in range(14)
            ),
            advancing=30,
            last_votes=23_456,
            margin=321,
        ),
        panel=PanelFigures(experts=7, present=6, conflicts=1, winners=10, nominees=10),
        publicity=PublicityFigures(stories=12, videos=3),
        awarded=tuple(
            ReportedAward(
                number=number,
                name=Text(zh=f"候选人{number}", en=f"Candidate {number}"),
                employer=Text(zh="某某机械制造有限责任公司", en="A machine works"),
                trade=Text(zh="工业机器人系统操作员", en="Operator of industrial robots"),
                award="winner" if number <= 10 else "nominee",
            )
            for number in range(1, 21)
        ),
        issuer=ISSUER,
        issued_on=DAY,
    )


def certificate(
    number: int = 1,
    *,
    award: Literal["winner", "nominee"] = "winner",
    name: str = "获奖人甲",
    citation: str = "",
) -> Certificate:
    return Certificate(
        title=SELECTION,
        year=2022,
        award=award,
        number=f"BYGJ-2022-{number:03}",
        name=Text(zh=name, en="Huojiangren Jia"),
        citation=Text(citation, citation)
        if citation
        else load_text("documents", f"certificate.citations.{award}", year=2022, award=SELECTION),
        issuers=(HOST,),
        issued_on=DAY,
        verification_url=f"https://vote.example.org/certificates/BYGJ-2022-{number:03}?code=0123456789abcdef",
    )


def make_album(pictures: tuple[bytes | None, ...], *, story: str = SENTENCE * 12) -> Album:
    return Album(
        selection=SELECTION,
        subtitle=Text(zh="二〇二二年", en="2022"),
        foreword=Text(zh=f"{SENTENCE * 6}\n{SENTENCE * 6}", en="They work with their hands. " * 30),
        people=tuple(
            AlbumPerson(
                name=Text(zh=f"获奖人{index}", en=f"Awarded {index}"),
                award="winner" if index % 2 else "nominee",
                trade=Text(zh="工业机器人系统操作员", en="Operator of industrial robots"),
                employer=Text(zh="某某机械制造有限责任公司", en="A machine works"),
                story=Text(zh=story, en="A story of years at the machine. " * 20),
                quotation=Text(zh="把每一个零件都当作作品。", en="Every part is a work."),
                picture=picture,
            )
            for index, picture in enumerate(pictures, start=1)
        ),
        issuers=(ISSUER,),
    )
