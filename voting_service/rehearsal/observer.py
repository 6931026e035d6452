"""What the public and the platforms see, compared with what was announced and what was counted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from voting_service.contests.candidate_changes.public_changes import CandidateChanges
from voting_service.contests.objections.model import LIMITS
from voting_service.contests.release_schedule import SnapshotAt, release_at
from voting_service.errors import InvalidInput
from voting_service.i18n.catalogues import load_text
from voting_service.i18n.text import LANGUAGES, Text
from voting_service.infrastructure.crypto.signed_document import load_signing_key
from voting_service.rehearsal.diary import Diary
from voting_service.rehearsal.findings import Finding
from voting_service.rehearsal.observations import (
    OK,
    check_changes,
    check_counts,
    check_cut,
    check_embargo,
    check_pages,
    check_receipts,
)
from voting_service.rehearsal.site import Site
from voting_service.rehearsal.staff import QUERIES
from voting_service.rehearsal.stores import RehearsalStage
from voting_service.voting.cut.document import CutDocument
from voting_service.voting.cut.signature import verify_document

ABSENT = 404
_OBJECTION = re.compile(r'<dd class="code"><strong>([^<]+)</strong>')
BELOW = ("", "/standings", "/rules", "/corrections", "/receipts")
"""The pages of a contest that are there from the publication on, besides the profiles."""


class Shown(msgspec.Struct, frozen=True):
    """What the public saw of the counts at a moment; `ballots` is None while they are hidden."""

    at: datetime
    ballots: int | None
    counted: int


class Observer:
    """A reader of the public site."""

    def __init__(self, stage: RehearsalStage, site: Site, diary: Diary) -> None:
        self._stage = stage
        self._site = site
        self._diary = diary
        self._frozen: Any = None
        self.shown: list[Shown] = []
        self.cut: CutDocument | None = None

    @property
    def _api(self) -> str:
        return f"/api/v1/contests/{self._stage.contest.slug}"

    def _fail(self, name: str, **params: Any) -> None:
        self._diary.fail(Finding(name, self._stage.clock(), params))

    def _fail_all(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self._diary.fail(finding)

    async def _statuses(self, paths: Iterable[str]) -> dict[str, int]:
        return {path: (await self._site.client.get(path)).status_code for path in paths}

    async def embargo(self, published_at: datetime) -> None:
        """Look before the profiles are published: none may be seen."""
        statuses = await self._statuses((f"{self._api}/candidates", f"{self._api}/standings"))
        self._fail_all(check_embargo(statuses, published_at, self._stage.clock()))
        self._diary.note(self._stage.clock(), "public", "embargo", published=published_at)

    async def pages(self, name: str, *more: str) -> None:
        """Look at the pages in each language, and at `more` of them; note under `name` that they
        are there."""
        await self._site.notice_changes()
        contest = self._stage.contest
        below = (*BELOW, f"/candidates/{min(contest.numbers)}", *more)
        pages = [f"/{language}/{contest.slug}{page}" for language in LANGUAGES for page in below]
        indexes = [f"/{language}" for language in LANGUAGES]
        paths = (f"{self._api}/candidates", self._api, *indexes, *pages)
        self._fail_all(check_pages(await self._statuses(paths), self._stage.clock()))
        self._diary.note(self._stage.clock(), "public", name, candidates=len(contest.candidates))

    async def counts(self) -> None:
        """Look at the standings; they must show what the release schedule allows and what
        was counted at its moment."""
        await self._site.notice_changes()
        answer = (await self._site.client.get(f"{self._api}/standings")).json()
        contest, now = self._stage.contest, self._stage.clock()
        counted = await self._counted(now)
        self.shown.append(Shown(now, answer.get("ballots"), counted))
        release = release_at(contest, now)
        earlier = None
        if isinstance(release, SnapshotAt):
            counted = await self._counted(release.moment)
            is_same = self._frozen is not None and self._frozen["as_of"] == answer.get("as_of")
            earlier = self._frozen if is_same else None
        self._fail_all(check_counts(release, answer, earlier, counted, now))
        if isinstance(release, SnapshotAt) and earlier is None and answer.get("as_of"):
            self._frozen = answer
            name = "counts_at_close" if release.moment >= contest.closes_at else "counts"
            self._diary.note(release.moment, "public", name, ballots=answer["ballots"])

    def blackout(self) -> None:
        """Note that the public counts stay as they are from now on; `counts` checks it."""
        self._diary.note(self._stage.clock(), "public", "blackout")

    async def _counted(self, moment: datetime) -> int:
        counted: int = await self._stage.owner.fetchval(
            QUERIES["counted_before"], self._stage.contest.id, moment
        )
        return counted

    async def corrected(self, number: int, name: Text) -> None:
        """Look at a profile whose name was corrected."""
        await self.changes()
        profile = await self._site.client.get(f"{self._api}/candidates/{number}")
        if profile.json().get("name") != msgspec.to_builtins(name):
            self._fail("correction_not_shown", number=number)
        self._diary.note(self._stage.clock(), "public", "corrected", number=number)

    async def changes(self) -> None:
        """Look at the list of corrections and withdrawals."""
        await self._site.notice_changes()
        answer = await self._site.client.get(f"{self._api}/corrections")
        shown = msgspec.json.decode(answer.content, type=CandidateChanges)
        self._fail_all(check_changes(shown, self._stage.contest, self._stage.clock()))

    async def cut_hidden(self, visible_from: datetime) -> None:
        """Look before the cut is public: it must not be."""
        if (await self._site.client.get(f"{self._api}/cut")).status_code != ABSENT:
            self._fail("cut_shown_early", moment=visible_from)

    async def cut_public(self) -> None:
        """Look at the cut and verify it as anybody can."""
        await self._site.notice_changes()
        path = f"{self._api}/cut"
        answer = await self._site.client.get(path)
        self._fail_all(check_pages({path: answer.status_code}, self._stage.clock()))
        if answer.status_code != OK:
            return
        key = load_signing_key(self._stage.settings.signing_key_file).public_key()
        try:
            self.cut = verify_document(answer.content, key).document
        except InvalidInput as error:
            self._fail("cut_invalid", reason=str(error))
            return
        self._fail_all(check_cut(self.cut, self._stage.contest, self._stage.clock()))
        await self.pages("outcome", "/cut", "/objection")
        selected = len(self.cut.selected)
        self._diary.note(self._stage.clock(), "public", "cut", selected=selected)

    async def receipts(self, ballots: list[str]) -> None:
        """Look a sample of receipts up, as their holders can."""
        paths = [f"{self._api}/receipts/{ballot}" for ballot in ballots]
        statuses = (await self._statuses(paths)).values()
        self._fail_all(check_receipts(statuses, self._stage.clock()))
        count = sum(status == OK for status in statuses)
        self._diary.note(self._stage.clock(), "public", "receipts", count=count)

    async def object_to_outcome(self) -> str | None:
        """Object to the outcome as anybody can; return the number of the objection, if there is
        one."""
        texts = load_text("rehearsal", "objection")
        path = f"/zh/{self._stage.contest.slug}/objection"
        answer = await self._site.client.post(path, data=dict.fromkeys(LIMITS, texts.zh))
        numbers = _OBJECTION.findall(answer.text)
        if answer.status_code != OK or not numbers:
            self._fail("page_fails", path=path, status=answer.status_code)
            return None
        self._diary.note(self._stage.clock(), "public", "objected")
        number: str = numbers[0]
        return number

    async def read_answer(self, number: str) -> None:
        """Look the answer to an objection up by its number."""
        answer = await self._site.client.post("/zh/objections", data={"number": number})
        if load_text("rehearsal", "objection_answer").zh not in answer.text:
            self._fail("objection_unanswered")
        else:
            self._diary.note(self._stage.clock(), "public", "objection_answered")
