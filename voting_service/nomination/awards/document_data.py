"""The contents of certificates and the summary report, from the stores: one result and one set of
figures for all documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from voting_service.contests.model import Candidate, Contest
from voting_service.contests.published_cut import ballots_by_day, cut_figures
from voting_service.errors import Refused
from voting_service.i18n.catalogues import load_text
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.nomination.awards.published_result import (
    Result,
    ResultDocument,
    load_certificates,
    load_publicity,
    load_results,
)
from voting_service.nomination.documents.certificate import Certificate
from voting_service.nomination.documents.formatting import quotable
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
from voting_service.nomination.model import QUOTA_STATES, RecommendingBody
from voting_service.nomination.panel.candidates import load_recommended
from voting_service.nomination.panel.model import Panel
from voting_service.nomination.panel.outcome import PanelOutcome
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.recommendations.model import Recommendation
from voting_service.nomination.recommendations.repository import load_recommendations
from voting_service.nomination.repository import load_bodies

QUERIES = Queries(__package__)


async def load_newest_result(
    connection: AnyConnection, panel: Panel
) -> tuple[Contest, Result, ResultDocument]:
    """Load the contest and its newest approved result. Raises Refused before there is one."""
    results = () if panel.contest is None else await load_results(connection, panel.contest.id)
    if panel.contest is None or not results:
        raise Refused("nomination.awards.no_approved_result")
    return panel.contest, results[-1], results[-1].read()


def public_employer(candidate: Candidate, recommendation: Recommendation | None) -> Text:
    """Return the employer as the public profile names it, else as the form does, else the
    district."""
    if candidate.employer is not None and candidate.employer.zh:
        return candidate.employer
    if recommendation is not None and recommendation.form.employer:
        return Text(recommendation.form.employer, recommendation.form.employer)
    return candidate.district


def require_final(panel: Panel, document: ResultDocument, now: datetime) -> None:
    """Raise Refused as long as anybody may object to the result."""
    if now < document.objections_end:
        raise Refused(
            "nomination.awards.certificates_after_objections",
            until=document.objections_end.astimezone(panel.selection.zone),
        )


async def build_certificates(
    connection: AnyConnection, panel: Panel, public_url: str, now: datetime
) -> tuple[Certificate, ...]:
    """Load the certificates of everybody in the newest result, winners first. Raises Refused
    during the objection period, and before all have a serial number."""
    contest, result, document = await load_newest_result(connection, panel)
    require_final(panel, document, now)
    issued = {(c.number, c.award): c for c in await load_certificates(connection, contest.id)}
    rules, year = panel.selection.rules, panel.selection.year
    quoted = quotable(rules.award)
    certificates = []
    for person in document.awarded:
        award = document.find_award(person.number)
        assert award is not None
        certificate = issued.get((person.number, award))
        if certificate is None:
            raise Refused("nomination.awards.certificates_not_numbered")
        certificates.append(
            Certificate(
                title=rules.award,
                year=year,
                award=award,
                number=certificate.serial,
                name=person.name,
                citation=load_text(
                    "documents", f"certificate.citations.{award}", year=year, award=quoted
                ),
                issuers=(rules.host,),
                issued_on=result.visible_at.astimezone(panel.selection.zone).date(),
                verification_url=public_url.rstrip("/") + certificate.path,
            )
        )
    return tuple(certificates)


async def build_summary(
    connection: AnyConnection, keys: PersonalKeys, panel: Panel, outcome: PanelOutcome | None
) -> SelectionSummary:
    """Load the figures of every stage, without texts. Raises Refused before the result is
    approved."""
    contest, result, document = await load_newest_result(connection, panel)
    recommended = await load_recommended(connection, keys, panel)
    candidates = {candidate.number: candidate for candidate in contest.candidates}
    publicity = (await load_publicity(connection, contest.id)).values()
    return SelectionSummary(
        selection=panel.selection.title,
        texts={},
        recommendation=await _recommendation_figures(connection, keys, panel),
        vote=await _vote_figures(connection, contest, result.visible_at),
        panel=PanelFigures(
            experts=len(panel.experts),
            present=document.panel.experts if outcome is None else len(outcome.present),
            conflicts=len(panel.conflicts),
            winners=len(document.winners),
            nominees=len(document.nominees),
        ),
        publicity=PublicityFigures(
            stories=sum(bool(about.story.zh) for about in publicity),
            videos=sum(about.video_url is not None for about in publicity),
        ),
        awarded=tuple(
            ReportedAward(
                number=person.number,
                name=person.name,
                employer=public_employer(candidates[person.number], recommended.get(person.number)),
                trade=person.trade,
                award=document.find_award(person.number) or "nominee",
            )
            for person in document.awarded
        ),
        issuer=panel.selection.rules.office,
        issued_on=result.visible_at.astimezone(panel.selection.zone).date(),
    )


async def _recommendation_figures(
    connection: AnyConnection, keys: PersonalKeys, panel: Panel
) -> RecommendationFigures:
    selection = panel.selection
    recommendations = await load_recommendations(connection, keys, selection)
    received = [
        recommendation for recommendation in recommendations if recommendation.state in QUOTA_STATES
    ]
    bodies = await load_bodies(connection)
    with domain_errors():
        counted = await connection.fetchrow(QUERIES["bodies"], selection.id)
        reviews = await connection.fetchrow(QUERIES["reviews"], selection.id)
        later = await connection.fetchrow(QUERIES["shortlist_and_objections"], selection.id)
    assert counted is not None
    assert reviews is not None
    assert later is not None
    return RecommendationFigures(
        bodies=counted["bodies"],
        bodies_active=counted["bodies_active"],
        received=len(received),
        accepted=sum(recommendation.state == "accepted" for recommendation in received),
        returned=reviews["returned"],
        rejected=sum(recommendation.state == "rejected" for recommendation in received),
        chosen=later["chosen"],
        objections=later["objections"],
        by_district=_by_body(received, bodies, "district"),
        by_department=_by_body(received, bodies, "department"),
        by_industry=_groups(
            received,
            selection.rules.industries,
            lambda recommendation: recommendation.form.industry,
        ),
    )


def _by_body(
    received: Iterable[Recommendation], bodies: Iterable[RecommendingBody], kind: str
) -> tuple[RecommendationGroup, ...]:
    names = {str(body.id): body.name for body in bodies if body.kind == kind}
    return _groups(received, names, lambda recommendation: str(recommendation.body_id))


def _groups(
    received: Iterable[Recommendation],
    names: Mapping[str, Text],
    key: Callable[[Recommendation], str],
) -> tuple[RecommendationGroup, ...]:
    """Return the groups with any recommendation, largest first."""
    groups: dict[str, list[Recommendation]] = {}
    for recommendation in received:
        if key(recommendation) in names:
            groups.setdefault(key(recommendation), []).append(recommendation)
    return tuple(
        RecommendationGroup(
            name=names[name],
            received=len(group),
            accepted=sum(recommendation.state == "accepted" for recommendation in group),
        )
        for name, group in sorted(groups.items(), key=lambda item: -len(item[1]))
    )


async def _vote_figures(connection: AnyConnection, contest: Contest, now: datetime) -> VoteFigures:
    figures = await cut_figures(connection, contest.id, now)
    if figures is None:
        raise Refused("nomination.awards.cut_not_published")
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
