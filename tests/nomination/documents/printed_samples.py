"""Values for the joint office's printed documents; nobody is in them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Literal

from voting_service.i18n.text import Text
from voting_service.nomination.documents.album import Album, AlbumPerson
from voting_service.nomination.documents.certificate import Certificate
from voting_service.nomination.documents.minutes import (
    AbsentExpert,
    MinutedConflict,
    MinutedCriterion,
    PanelMinutes,
    PanelResult,
    TieBallot,
)
from voting_service.nomination.documents.notice_list import NoticeList, NoticeListRow
from voting_service.nomination.documents.summary_report import (
    PanelFigures,
    RecommendationFigures,
    RecommendationGroup,
    ReportedAward,
    SelectionSummary,
    VoteFigures,
    VotingDay,
)
from voting_service.nomination.form.model import (
    Month,
    Opinion,
    RecommendationForm,
)

SELECTION = Text(zh="最美巴渝工匠", en="Most Beautiful Bayu Craftsmen")
ISSUER = Text(zh="市高技办", en="Joint Office for Highly Skilled Talent")
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
        employer_opinion=signed,
        body_opinion=signed,
    )


def listed(count: int = 50) -> NoticeList:
    return NoticeList(
        selection=SELECTION,
        title=Text(zh="候选人公示名单", en="The candidates"),
        introduction=Text(zh="现将候选人名单予以公示。", en="These are the candidates."),
        people=tuple(
            NoticeListRow(
                number=number,
                name=f"候选人{number}",
                employer="某某机械制造有限责任公司第一分公司",
                trade="工业机器人系统操作员",
                body=Text(zh="某区人力社保局", en="A district bureau"),
            )
            for number in range(1, count + 1)
        ),
        issuer=ISSUER,
        issued_on=DAY,
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
                tied=("21 候选人21", "20 候选人20"),
                places=1,
                ballots=6,
                order=("21 候选人21", "20 候选人20"),
            ),
        ),
        decisions=("通过当选名单 10 名。", "通过提名名单 10 名。"),
        signers=("主持人甲", "记录人甲", *(f"专家{letter}" for letter in "甲乙丙丁戊己")),
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
        introduction=Text(zh=SENTENCE * 4, en="How the selection went, in figures. " * 4),
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
        awarded=tuple(
            ReportedAward(
                number=number,
                name=f"候选人{number}",
                employer="某某机械制造有限责任公司",
                trade="工业机器人系统操作员",
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
    citation: str = "技艺精湛，贡献突出，荣获“最美巴渝工匠”称号，特颁此证。",
) -> Certificate:
    return Certificate(
        selection=SELECTION,
        award=award,
        number=f"BYGJ-2022-{number:03}",
        name=name,
        citation=citation,
        issuers=("市人力资源和社会保障局", "市总工会", "市高技办"),
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
