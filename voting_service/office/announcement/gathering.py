"""What the printed papers say, from the stores: one result, one set of figures for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from voting_service.contests.awards import Result, ResultDocument, load_certificates, load_results
from voting_service.contests.model import Contest, Language, Text
from voting_service.contests.published_cut import ballots_by_day, cut_figures
from voting_service.decisions.model import Decision
from voting_service.errors import Refused
from voting_service.office.model import Body
from voting_service.office.panel.candidates import load_recommended
from voting_service.office.panel.model import DISCUSSION, SCORING, Panel
from voting_service.office.panel.outcome import Outcome
from voting_service.office.panel.reading import score_text
from voting_service.office.printing.certificate import Certificate
from voting_service.office.printing.minutes import (
    AbsentExpert,
    ConflictOfInterest,
    PanelMinutes,
    PanelResult,
    TieBallot,
    WeighedCriterion,
)
from voting_service.office.printing.summary_report import (
    Awarded,
    PanelFigures,
    RecommendationFigures,
    RecommendedFrom,
    SelectionSummary,
    VoteFigures,
    VotingDay,
)
from voting_service.office.recommendations.model import Recommendation
from voting_service.office.recommendations.reading import load_recommendations
from voting_service.office.sealing import PersonalKeys
from voting_service.office.store import load_bodies
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries

QUERIES = Queries(__package__)
ISSUER = Text("市高技办", "Joint office for highly skilled talent")
CITATION = {
    "winner": Text("技艺精湛，贡献突出，荣获“{title}”称号，特颁此证。", ""),
    "nominee": Text("技艺精湛，贡献突出，荣获“{title}”提名，特颁此证。", ""),
}
_GROUNDS = {
    "declared": Text("本人申报回避", "declared"),
    "employer": Text("同一单位", "same employer"),
    "body": Text("本单位推荐", "recommended by the expert's body"),
}
_RECEIVED = frozenset({"submitted", "returned", "accepted", "rejected"})


async def newest_result(
    connection: AnyConnection, panel: Panel
) -> tuple[Contest, Result, ResultDocument]:
    """The contest and its newest approved result. Raises Refused before there is one."""
    results = () if panel.contest is None else await load_results(connection, panel.contest.id)
    if panel.contest is None or not results:
        raise Refused(
            "papers are made of an approved result; decide it first",
            zh="结果批准之后才能制作，请先确定评选结果。",
        )
    return panel.contest, results[-1], results[-1].read()


async def gather_certificates(
    connection: AnyConnection, panel: Panel, public_url: str
) -> tuple[Certificate, ...]:
    """One for everybody whom the newest result names, winners first. Raises Refused before they
    are numbered."""
    contest, result, document = await newest_result(connection, panel)
    known = {(c.number, c.award): c for c in await load_certificates(connection, contest.id)}
    batch = []
    for one in document.awarded:
        award = document.award_of(one.number)
        assert award is not None
        paper = known.get((one.number, award))
        if paper is None:
            raise Refused(
                "somebody has no certificate number yet; number the certificates first",
                zh="还有人员没有证书编号，请先编制证书号。",
            )
        batch.append(
            Certificate(
                selection=panel.selection.title,
                award=award,
                number=paper.serial,
                name=one.name.zh,
                citation=CITATION[award].zh.format(title=panel.selection.title.zh),
                issuers=(ISSUER.zh,),
                issued_on=result.visible_at.astimezone(panel.selection.zone).date(),
                verification_url=public_url.rstrip("/") + paper.path,
            )
        )
    return tuple(batch)


async def gather_summary(
    connection: AnyConnection, keys: PersonalKeys, panel: Panel, outcome: Outcome | None
) -> SelectionSummary:
    """The figures of every stage. Raises Refused before the result is approved."""
    contest, result, document = await newest_result(connection, panel)
    recommended = await load_recommended(connection, keys, panel)
    return SelectionSummary(
        selection=panel.selection.title,
        introduction=Text("", ""),
        recommendation=await _recommendation_figures(connection, keys, panel),
        vote=await _vote_figures(connection, contest, result.visible_at),
        panel=PanelFigures(
            experts=len(panel.experts),
            present=document.panel.experts if outcome is None else len(outcome.present),
            conflicts=len(panel.conflicts),
            winners=len(document.winners),
            nominees=len(document.nominees),
        ),
        awarded=tuple(
            Awarded(
                number=one.number,
                name=one.name.zh,
                employer=recommended[one.number].form.employer
                if one.number in recommended
                else one.district.zh,
                trade=one.trade.zh,
                award=document.award_of(one.number) or "nominee",
            )
            for one in document.awarded
        ),
        issuer=ISSUER,
        issued_on=result.visible_at.astimezone(panel.selection.zone).date(),
    )


async def _recommendation_figures(
    connection: AnyConnection, keys: PersonalKeys, panel: Panel
) -> RecommendationFigures:
    selection = panel.selection
    every = await load_recommendations(connection, keys, selection)
    received = [one for one in every if one.state in _RECEIVED]
    bodies = await load_bodies(connection)
    with domain_errors():
        counted = await connection.fetchrow(QUERIES["bodies"], selection.id)
        reviews = await connection.fetchrow(QUERIES["reviews"], selection.id)
        later = await connection.fetchrow(QUERIES["picks_and_objections"], selection.id)
    assert counted is not None
    assert reviews is not None
    assert later is not None
    return RecommendationFigures(
        bodies=counted["bodies"],
        bodies_active=counted["bodies_active"],
        received=len(received),
        accepted=sum(one.state == "accepted" for one in received),
        returned=reviews["returned"],
        rejected=sum(one.state == "rejected" for one in received),
        chosen=later["chosen"],
        objections=later["objections"],
        by_district=_by_body(received, bodies, "district"),
        by_department=_by_body(received, bodies, "department"),
        by_industry=_groups(received, selection.rules.industries, lambda one: one.form.industry),
    )


def _by_body(
    received: Iterable[Recommendation], bodies: Iterable[Body], kind: str
) -> tuple[RecommendedFrom, ...]:
    names = {str(body.id): body.name for body in bodies if body.kind == kind}
    return _groups(received, names, lambda one: str(one.body_id))


def _groups(
    received: Iterable[Recommendation],
    names: Mapping[str, Text],
    key: Callable[[Recommendation], str],
) -> tuple[RecommendedFrom, ...]:
    """Those from whom anything came, the most first."""
    found: dict[str, list[Recommendation]] = {}
    for one in received:
        if key(one) in names:
            found.setdefault(key(one), []).append(one)
    return tuple(
        RecommendedFrom(
            name=names[name],
            received=len(ones),
            accepted=sum(one.state == "accepted" for one in ones),
        )
        for name, ones in sorted(found.items(), key=lambda item: -len(item[1]))
    )


async def _vote_figures(connection: AnyConnection, contest: Contest, now: datetime) -> VoteFigures:
    figures = await cut_figures(connection, contest.id, now)
    if figures is None:
        raise Refused("the cut is not published", zh="入围名单尚未公布。")
    days = await ballots_by_day(connection, contest)
    return VoteFigures(
        opens_at=contest.opens_at.astimezone(contest.zone),
        closes_at=contest.closes_at.astimezone(contest.zone),
        ballots=figures.ballots,
        counted=figures.counted,
        void=figures.void,
        by_day=tuple(VotingDay(on=d.on, received=d.received, counted=d.counted) for d in days),
        advancing=figures.advancing,
        last_votes=figures.last_votes,
        margin=figures.margin,
    )


def gather_minutes(
    panel: Panel, outcome: Outcome, *, place: str, chair: str, secretary: str, language: Language
) -> PanelMinutes:
    """The minutes of a panel whose order is settled: the panel's scores, never an expert's beside
    a name."""
    assert panel.rules is not None
    assert panel.contest is not None
    names = {c.number: f"{c.number} {getattr(c.name, language)}" for c in panel.contest.candidates}
    people = {one.account_id: one.name for one in panel.experts}
    order = outcome.order or ()
    winners, last = panel.lines
    scores = {one.number: one for one in outcome.last or ()}
    zone = panel.selection.zone
    ended = max(one.ended_at for one in panel.ends.values())
    began = min((one.saved_at for one in panel.sheets), default=ended)
    return PanelMinutes(
        selection=panel.selection.title,
        began_at=began.astimezone(zone),
        ended_at=ended.astimezone(zone),
        place=place,
        chair=chair,
        secretary=secretary,
        present=tuple(one.name for one in panel.experts if one.account_id in outcome.present),
        absent=tuple(
            AbsentExpert(one.name) for one in panel.experts if one.account_id not in outcome.present
        ),
        conflicts=tuple(
            ConflictOfInterest(
                people[one.account_id], names[one.number], getattr(_GROUNDS[one.ground], language)
            )
            for one in panel.conflicts
        ),
        criteria=tuple(
            WeighedCriterion(c.name, str(c.weight), c.max_points) for c in panel.rules.criteria
        ),
        method="ranks" if panel.rules.method == "rank_sum" else panel.rules.method,
        trim=panel.rules.trim,
        discussion=_discussion(panel, language),
        results=tuple(
            PanelResult(
                rank=place_,
                number=number,
                name=names[number].partition(" ")[2],
                score=score_text(scores[number].score),
                judges=scores[number].judges,
                outcome="winner" if place_ <= winners else "nominee" if place_ <= last else "none",
            )
            for place_, number in enumerate(order, start=1)
        ),
        ties=tuple(
            TieBallot(
                tied=tuple(names[n] for n in one.tie.numbers),
                places=one.tie.places,
                ballots=one.ballots,
                order=tuple(names[n] for n in one.order),
            )
            for one in outcome.settled
        ),
        decisions=tuple(_decided(one, language) for one in panel.decisions if _counts(one)),
        signers=(chair, secretary),
    )


def _discussion(panel: Panel, language: Language) -> str:
    if DISCUSSION not in panel.ends:
        return ""
    revised = len(panel.handed_in(DISCUSSION))
    present = len(panel.handed_in(SCORING))
    said = Text(
        f"第一轮评分公开后集体讨论；{present} 位专家中有 {revised} 位提交了第二轮评分。",
        f"The scores of round 1 were discussed; {revised} of {present} experts handed in again.",
    )
    return str(getattr(said, language))


def _counts(decision: Decision) -> bool:
    return decision.kind in ("panel", "result") and decision.state == "approved"


def _decided(decision: Decision, language: Language) -> str:
    what, _, part = decision.subject.partition("/")
    matters = {
        "rules": Text(f"确定评审规则（第 {part} 版）", f"Rules of the panel, version {part}"),
        "close": Text(f"结束第 {part} 轮评审", f"Round {part} closed"),
    }
    matter = matters.get(what, Text(f"确定评选结果（第 {what} 版）", f"Result, version {what}"))
    said = Text(
        f"{matter.zh}：{decision.proposer}提议，{decision.approver}批准。",
        f"{matter.en}: proposed by {decision.proposer}, approved by {decision.approver}.",
    )
    return str(getattr(said, language))
