"""Pages that are the same for every visitor, as bytes.

Rendered when first asked for and thrown away with their book: a new one is begun when the
contest changes or enters another phase. A shuffled list exists in `VARIANTS` orders; a visitor
keeps the one that the first visit drew.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import datetime

from voting_service.contests.announced_changes import AnnouncedChange
from voting_service.contests.model import Candidate, Contest, Language, Phase
from voting_service.contests.phases import published_at
from voting_service.contests.pictures import Picture
from voting_service.errors import NotFound
from voting_service.public.pages.rendering import moment, render, texts
from voting_service.tally.standings import Standings
from voting_service.web.changes_in_words import in_words
from voting_service.web.prepared import PreparedPage

VARIANTS = 64
"""Orders of a shuffled list: enough that no place is worth anything, few enough to keep."""


def order_of(contest: Contest, variant: int) -> tuple[Candidate, ...]:
    """The candidates in the order of a variant; by number if the contest says so.

    Deterministic, so that every worker shows a visitor the same order.
    """
    if contest.rules.list_order == "number":
        return contest.candidates
    order = list(contest.candidates)
    random.Random(f"{contest.slug} {variant}").shuffle(order)  # noqa: S311 — an order, no secret
    return tuple(order)


def phase_line(contest: Contest, phase: Phase, language: Language) -> str:
    """One sentence on what can be done now."""
    line: str = texts(language)["phase"][phase]
    return line.format(
        opens_at=moment(contest.opens_at, contest, language),
        closes_at=moment(contest.closes_at, contest, language),
        min=contest.rules.ballot.min_choices,
        max=contest.rules.ballot.max_choices,
    )


class PageBook:
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
            for number, all_of_them in pictures.items()
            for portrait in all_of_them
            if portrait.kind == "portrait"
        }
        self.phase = contest.phase(now)
        self._public_url = public_url
        self._pages: dict[tuple[str, Language, int], PreparedPage] = {}
        self._standings: dict[Language, tuple[str, PreparedPage]] = {}
        self._candidates: Mapping[int, Candidate] = {c.number: c for c in contest.candidates}

    def candidates(self, language: Language, variant: int) -> PreparedPage:
        """The list of all candidates."""
        key = ("candidates", language, variant)
        if key not in self._pages:
            order = order_of(self.contest, variant)
            self._pages[key] = self._render("candidates.html", language, "", order=order)
        return self._pages[key]

    def coming(self, language: Language) -> PreparedPage:
        """The contest's name and dates, and nothing else, while the rest is under embargo."""
        key = ("coming", language, 0)
        if key not in self._pages:
            publish_at = published_at(self.contest)
            self._pages[key] = self._render(
                "coming.html", language, "/coming", publish_at=publish_at
            )
        return self._pages[key]

    def profile(self, language: Language, number: int) -> PreparedPage:
        """One candidate. Raises NotFound."""
        candidate = self._candidates.get(number)
        if candidate is None:
            raise NotFound("there is no candidate of this number")
        key = ("profile", language, number)
        if key not in self._pages:
            portrait = self._portraits.get(number)
            self._pages[key] = self._render(
                "profile.html",
                language,
                f"/candidates/{number}",
                candidate=candidate,
                picture=portrait,
                more=[p for p in self._pictures.get(number, ()) if p is not portrait],
                preview_image=portrait.preview_url if portrait else None,
            )
        return self._pages[key]

    def rules(self, language: Language) -> PreparedPage:
        """The rules in plain words."""
        key = ("rules", language, 0)
        if key not in self._pages:
            changes = in_words(self._changes, self.contest, language)
            self._pages[key] = self._render("rules.html", language, "/rules", changes=changes)
        return self._pages[key]

    def standings(self, language: Language, shown: Standings, tag: str) -> PreparedPage:
        """The standings; rendered again when `tag` is another than last time."""
        kept = self._standings.get(language)
        if kept is None or kept[0] != tag:
            page = self._render(
                "standings.html", language, "/standings", shown=shown, by_number=self._candidates
            )
            kept = self._standings[language] = (tag, page)
        return kept[1]

    def ballot(self, language: Language, variant: int) -> PreparedPage:
        """The ballot with nobody ticked."""
        key = ("ballot", language, variant)
        if key not in self._pages:
            order = order_of(self.contest, variant)
            self._pages[key] = self._render(
                "ballot.html", language, "/ballot", order=order, chosen=frozenset(), voted=None
            )
        return self._pages[key]

    def render(self, template: str, language: Language, below: str, **values: object) -> bytes:
        """A page of this contest for one visitor, not kept. `below` is its address under the
        contest's."""
        return render(
            template,
            language=language,
            path=f"/{self.contest.slug}{below}",
            contest=self.contest,
            phase=self.phase,
            phase_line=phase_line(self.contest, self.phase, language),
            pictures=self._portraits,
            public_url=self._public_url,
            **{"preview_image": None, **values},
        )

    def _render(
        self, template: str, language: Language, below: str, **values: object
    ) -> PreparedPage:
        return PreparedPage.of(self.render(template, language, below, **values))
