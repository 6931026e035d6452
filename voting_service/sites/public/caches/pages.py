"""Pages that are the same for every visitor, as prepared bytes.

A page is rendered when first requested. A new `PageCache` is created when the contest changes,
enters another phase, or has an hour or a day less to go. A shuffled list exists in `VARIANTS`
orders; a cookie keeps a visitor's order.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property

from voting_service.contests.candidate_changes.descriptions import (
    describe_corrections,
    describe_withdrawals,
)
from voting_service.contests.list_order import ordered_candidates
from voting_service.contests.model import Candidate, Contest, Phase, Platform
from voting_service.contests.phases import is_published, published_at
from voting_service.contests.pictures.model import Picture
from voting_service.contests.pictures.share_picture import SharePictureText
from voting_service.contests.settings.descriptions import describe_changes
from voting_service.contests.settings.repository import AnnouncedChange
from voting_service.errors import NotFound
from voting_service.i18n.formatting import written_list
from voting_service.i18n.text import Language
from voting_service.sites.public.caches.candidate_list import (
    EVERYBODY,
    CandidateIndex,
    ListFilter,
)
from voting_service.sites.public.caches.countdown import count_down
from voting_service.sites.public.caches.filtered_pages import FilteredPage, FilteredPages
from voting_service.sites.public.caches.share_pictures import (
    WHOLE_CONTEST,
    Shared,
    SharePicture,
    describe,
    picture_text,
)
from voting_service.sites.public.caches.shown_pages import ShownPages
from voting_service.sites.public.caches.standings_files import standings_chart, standings_csv
from voting_service.sites.public.rendering import (
    dated,
    deadline,
    render,
    texts,
)
from voting_service.sites.shared.page_frame import PageFrame
from voting_service.sites.shared.prepared_pages import FAST, PreparedPage
from voting_service.voting.tally.standings import ShownStandings, cut_line


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
        turns = [self._countdown.holds_to] if self._countdown else []
        if not is_published(contest, now):
            turns.append(published_at(contest) - timedelta.resolution)
        self._current_to = min(turns, default=None)
        self._public_url = public_url
        self._pages: dict[tuple[str, Language, int], PreparedPage] = {}
        self._rules: dict[Language, tuple[list[str], PreparedPage]] = {}
        self.shown = ShownPages()
        """Pages of what is published in this phase: the cut and the result."""
        self._frames: dict[tuple[str, Language, frozenset[Hashable]], PageFrame] = {}
        self._standings: dict[tuple[str, Language], tuple[str, PreparedPage]] = {}
        self._candidates: Mapping[int, Candidate] = {c.number: c for c in contest.candidates}
        self.filtered = FilteredPages()

    @cached_property
    def list(self) -> CandidateIndex:
        """What lists need to know of the candidates."""
        return CandidateIndex(self.contest)

    def is_current(self, now: datetime) -> bool:
        """Return whether phase, publication and countdown are those of `now`."""
        return self._made_at <= now and (self._current_to is None or now <= self._current_to)

    def candidates(self, language: Language, variant: int) -> PreparedPage:
        """The list of all candidates."""
        key = ("candidates", language, variant)
        if key not in self._pages:
            order = ordered_candidates(self.contest, variant)
            self._pages[key] = PreparedPage.of(self._list(language, order, EVERYBODY))
        return self._pages[key]

    def render_filtered(self, filtered_page: FilteredPage) -> PreparedPage:
        """Render and keep the list, by number, with the candidates hidden whom a filter does not
        let through, or a profile beside those whom it lets through. For a thread: while the page
        waited it may have been rendered. Raises NotFound."""
        page = self.filtered.get(filtered_page)
        if page is not None:
            return page
        language, list_filter, number = filtered_page
        body = (
            self._list(language, self.contest.candidates, list_filter)
            if number is None
            else self._profile(language, number, list_filter)
        )
        return self.filtered.keep(filtered_page, PreparedPage.of(body, FAST))

    def _list(
        self, language: Language, order: Sequence[Candidate], list_filter: ListFilter
    ) -> bytes:
        return self.render(
            "candidates.html",
            language,
            "",
            order=order,
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
            self._pages[key] = PreparedPage.of(self._profile(language, number, EVERYBODY))
        return self._pages[key]

    def _profile(self, language: Language, number: int, list_filter: ListFilter) -> bytes:
        candidate = self._candidate(number)
        portrait = self._portraits.get(number)
        return self.render(
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
            share=self.named_picture(language, number),
        )

    def _candidate(self, number: int) -> Candidate:
        if number not in self._candidates:
            raise NotFound("sites.public.caches.no_such_candidate", number=number)
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

    def named_picture(self, language: Language, number: int = WHOLE_CONTEST) -> SharePicture | None:
        """The picture that a page names; None before publication, when it is not served. Raises
        NotFound."""
        if not is_published(self.contest, self._made_at):
            return None
        return self.share_picture(language, number)

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

    def log(self, language: Language) -> PreparedPage:
        """The page of the public log."""
        key = ("log", language, 0)
        if key not in self._pages:
            self._pages[key] = self._render("log.html", language, "/log")
        return self._pages[key]

    def standings(self, language: Language, shown: ShownStandings) -> PreparedPage:
        """The standings page, rendered again when what is shown changes."""
        return self._while_shown(
            "page",
            language,
            shown,
            lambda: self.render(
                "standings.html",
                language,
                "/standings",
                shown=shown.standings,
                line=cut_line(shown.standings.candidates or (), self.contest.rules.cut.size),
                gains={candidate.number: candidate.gains for candidate in shown.trend.candidates},
                by_number=self._candidates,
            ),
        )

    def standings_table(self, language: Language, shown: ShownStandings) -> PreparedPage:
        """The standings for spreadsheets. Raises NotFound while they are hidden."""
        return self._while_shown(
            "table",
            language,
            shown,
            lambda: standings_csv(self.contest, shown.standings, language),
        )

    def standings_chart(self, language: Language, shown: ShownStandings) -> PreparedPage:
        """The standings as a picture. Raises NotFound while they are hidden."""
        return self._while_shown(
            "chart",
            language,
            shown,
            lambda: self.render(
                "standings_chart.svg",
                language,
                "/standings",
                shown=shown.standings,
                chart=standings_chart(self.contest, shown.standings, language),
            ),
        )

    def _while_shown(
        self, form: str, language: Language, shown: ShownStandings, make: Callable[[], bytes]
    ) -> PreparedPage:
        """Return a form of the standings, made again when their tag changes."""
        kept = self._standings.get((form, language))
        if kept is None or kept[0] != shown.tag:
            kept = self._standings[form, language] = (shown.tag, PreparedPage.of(make()))
        return kept[1]

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
            **{"share": self.named_picture(language), **values},
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
