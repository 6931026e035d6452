"""Pages that are the same for every visitor, as prepared bytes.

A page is rendered when first requested. A new `PageCache` is created when the contest changes,
enters another phase, or has an hour or a day less to go. A shuffled list exists in `VARIANTS`
orders; a cookie keeps a visitor's order.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Hashable, Mapping, Sequence
from datetime import datetime
from functools import cached_property, lru_cache

from voting_service.contests.candidate_changes.descriptions import (
    describe_corrections,
    describe_withdrawals,
)
from voting_service.contests.model import Candidate, Contest, Phase, Platform
from voting_service.contests.phases import published_at
from voting_service.contests.pictures.model import Picture
from voting_service.contests.pictures.share_picture import SharePictureText
from voting_service.contests.settings.descriptions import describe_changes
from voting_service.contests.settings.repository import AnnouncedChange
from voting_service.errors import NotFound
from voting_service.i18n.formatting import written_list
from voting_service.i18n.text import Language
from voting_service.sites.public.caches.candidate_list import (
    EVERYBODY,
    CandidateList,
    ListFilter,
)
from voting_service.sites.public.caches.countdown import count_down
from voting_service.sites.public.caches.share_pictures import (
    WHOLE_CONTEST,
    Shared,
    SharePicture,
    describe,
    picture_text,
)
from voting_service.sites.public.caches.shown_pages import ShownPages
from voting_service.sites.public.rendering import (
    dated,
    deadline,
    render,
    texts,
)
from voting_service.sites.shared.page_frame import PageFrame
from voting_service.sites.shared.prepared_pages import PreparedPage
from voting_service.voting.tally.standings import Standings

VARIANTS = 64
"""Number of orders of a shuffled list: enough to be fair to all, few enough to cache."""
FILTERED_PAGES = 256
"""Pages kept of lists and profiles that were reached with a filter."""


def ordered_candidates(contest: Contest, variant: int) -> tuple[Candidate, ...]:
    """Return the candidates in the order of a variant, the withdrawn last, or by number if the
    contest's rules set it.

    Deterministic, so every worker shows a visitor the same order.
    """
    if contest.rules.list_order == "number":
        return contest.candidates
    order = list(contest.candidates)
    random.Random(f"{contest.slug} {variant}").shuffle(order)  # noqa: S311 — not a secret
    return tuple(sorted(order, key=lambda candidate: candidate.number in contest.withdrawn))


def phase_line(contest: Contest, phase: Phase, language: Language) -> str:
    """Return a sentence on whether voting is open, and until when."""
    line: str = texts(language)["phase"][phase]
    return line.format(
        opens_at=dated(contest.opens_at, contest.zone, language),
        closes_at=deadline(contest.closes_at, contest.zone, language),
        min=contest.rules.ballot.min_choices,
        max=contest.rules.ballot.max_choices,
    )


def who_is_one_voter(
    contest: Contest, platforms: Collection[Platform], language: Language
) -> list[str]:
    """Return how often a person or an account may vote, by the person policy of the platforms."""
    sentences: Mapping[str, str] = texts(language)["rules"]["often"][contest.rules.ballot.every]
    by_person, by_account = (
        [getattr(p.name, language) for p in platforms if p.person_policy == policy]
        for policy in ("required", "never")
    )
    if not by_person:
        return [sentences["account"]]
    if not by_account:
        return [sentences["person"]]
    return [
        sentences["person_there"].format(platforms=written_list(by_person, language)),
        sentences["account_there"].format(platforms=written_list(by_account, language)),
    ]


class PageCache:
    """The prepared pages of a contest in one phase."""

    def __init__(
        self,
        contest: Contest,
        now: datetime,
        public_url: str,
        pictures: Mapping[int, Sequence[Picture]],
        changes: Sequence[AnnouncedChange] = (),
    ) -> None:
        self.contest = contest
        self._changes = changes
        self._pictures = pictures
        self._portraits = {
            number: portrait
            for number, pictures_of_candidate in pictures.items()
            for portrait in pictures_of_candidate
            if portrait.kind == "portrait"
        }
        self.phase = contest.phase(now)
        self._countdown = count_down(contest, now)
        self._made_at = now
        self._current_to = self._countdown.holds_to if self._countdown else None
        self._public_url = public_url
        self._pages: dict[tuple[str, Language, int], PreparedPage] = {}
        self._rules: dict[Language, tuple[list[str], PreparedPage]] = {}
        self.shown = ShownPages()
        """Pages of what is published in this phase: the cut and the result."""
        self._frames: dict[tuple[str, Language, frozenset[Hashable]], PageFrame] = {}
        self._standings: dict[Language, tuple[str, PreparedPage]] = {}
        self._candidates: Mapping[int, Candidate] = {c.number: c for c in contest.candidates}
        self.filtered_candidates = lru_cache(FILTERED_PAGES)(self._candidates_page)
        """The list with the candidates hidden whom a filter does not let through."""
        self.filtered_profile = lru_cache(FILTERED_PAGES)(self._profile_page)
        """A profile beside those whom a filter lets through. Raises NotFound."""

    @cached_property
    def list(self) -> CandidateList:
        """What lists need to know of the candidates."""
        return CandidateList(self.contest)

    def is_current(self, now: datetime) -> bool:
        """Return whether phase and countdown are those of `now`."""
        return self._made_at <= now and (self._current_to is None or now <= self._current_to)

    def candidates(self, language: Language, variant: int) -> PreparedPage:
        """The list of all candidates."""
        key = ("candidates", language, variant)
        if key not in self._pages:
            self._pages[key] = self._candidates_page(language, variant, EVERYBODY)
        return self._pages[key]

    def _candidates_page(
        self, language: Language, variant: int, list_filter: ListFilter
    ) -> PreparedPage:
        return self._render(
            "candidates.html",
            language,
            "",
            order=ordered_candidates(self.contest, variant),
            candidate_list=self.list,
            found=self.list.find(list_filter),
            list_filter=list_filter,
            query=list_filter.query,
        )

    def coming(self, language: Language) -> PreparedPage:
        """The contest's name and dates only, for a contest under embargo."""
        key = ("coming", language, 0)
        if key not in self._pages:
            publish_at = published_at(self.contest)
            self._pages[key] = self._render(
                "coming.html", language, "/coming", publish_at=publish_at, share=None
            )
        return self._pages[key]

    def profile(self, language: Language, number: int) -> PreparedPage:
        """The profile of one candidate. Raises NotFound."""
        key = ("profile", language, number)
        if key not in self._pages:
            self._pages[key] = self._profile_page(language, number, EVERYBODY)
        return self._pages[key]

    def _profile_page(
        self, language: Language, number: int, list_filter: ListFilter
    ) -> PreparedPage:
        candidate = self._candidate(number)
        portrait = self._portraits.get(number)
        return self._render(
            "profile.html",
            language,
            f"/candidates/{number}",
            candidate=candidate,
            candidate_list=self.list,
            neighbours=self.list.neighbours(number, list_filter),
            query=list_filter.query,
            picture=portrait,
            more_pictures=[p for p in self._pictures.get(number, ()) if p is not portrait],
            corrections=[
                c for c in describe_corrections(self.contest, language) if c.number == number
            ],
            withdrawals=[
                w for w in describe_withdrawals(self.contest, language) if w.number == number
            ],
            share=self.share_picture(language, number),
        )

    def _candidate(self, number: int) -> Candidate:
        if number not in self._candidates:
            raise NotFound("sites.public.caches.no_such_candidate")
        return self._candidates[number]

    def picture_text(
        self, language: Language, number: int
    ) -> tuple[SharePictureText, Picture | None]:
        """The texts of the picture of a candidate's page, with the portrait; of the contest's pages
        for WHOLE_CONTEST. Raises NotFound."""
        portrait = self._portraits.get(number)
        shared = None if number == WHOLE_CONTEST else Shared(self._candidate(number), portrait)
        return picture_text(self.contest, shared, language, self._public_url), portrait

    def share_picture(self, language: Language, number: int = WHOLE_CONTEST) -> SharePicture:
        """Where the picture is that messengers show of a page. Raises NotFound."""
        card, _ = self.picture_text(language, number)
        return describe(self.contest, number, language, card)

    def rules(self, language: Language, platforms: Collection[Platform]) -> PreparedPage:
        """The rules page, rendered again when the platforms or their person policies change."""
        often = who_is_one_voter(self.contest, platforms, language)
        cached = self._rules.get(language)
        if cached is None or cached[0] != often:
            changes = describe_changes(self._changes, self.contest, language)
            page = self._render("rules.html", language, "/rules", changes=changes, often=often)
            cached = self._rules[language] = (often, page)
        return cached[1]

    def corrections(self, language: Language) -> PreparedPage:
        """The page of every correction and withdrawal."""
        key = ("corrections", language, 0)
        if key not in self._pages:
            self._pages[key] = self._render(
                "corrections.html",
                language,
                "/corrections",
                corrections=describe_corrections(self.contest, language),
                withdrawals=describe_withdrawals(self.contest, language),
            )
        return self._pages[key]

    def standings(self, language: Language, shown: Standings, tag: str) -> PreparedPage:
        """The standings page, rendered again when `tag` changes."""
        cached = self._standings.get(language)
        if cached is None or cached[0] != tag:
            page = self._render(
                "standings.html", language, "/standings", shown=shown, by_number=self._candidates
            )
            cached = self._standings[language] = (tag, page)
        return cached[1]

    def ballot(self, language: Language, variant: int) -> PreparedPage:
        """The ballot page with no candidate selected."""
        key = ("ballot", language, variant)
        if key not in self._pages:
            order = ordered_candidates(self.contest, variant)
            self._pages[key] = self._render(
                "ballot.html", language, "/ballot", order=order, chosen=frozenset(), voted=None
            )
        return self._pages[key]

    def render(self, template: str, language: Language, below: str, **values: object) -> bytes:
        """Render a page of this contest for one visitor. `below` is its path under the contest's
        address."""
        return render(
            template,
            language=language,
            path=f"/{self.contest.slug}{below}",
            contest=self.contest,
            phase=self.phase,
            phase_line=phase_line(self.contest, self.phase, language),
            countdown=self._countdown,
            pictures=self._portraits,
            public_url=self._public_url,
            **{"share": self.share_picture(language), **values},
        )

    def frame(self, template: str, language: Language, below: str, **values: Hashable) -> PageFrame:
        """Return a page of this contest with placeholders, rendered once for the same values."""
        key = template, language, frozenset(values.items())
        if key not in self._frames:
            self._frames[key] = PageFrame.of(self.render(template, language, below, **values))
        return self._frames[key]

    def _render(
        self, template: str, language: Language, below: str, **values: object
    ) -> PreparedPage:
        return PreparedPage.of(self.render(template, language, below, **values))
