"""What the public and the platforms see, compared with what was announced and what was counted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from voting_service.contests.release_schedule import Hidden, Live, SnapshotAt, release_at
from voting_service.errors import InvalidInput
from voting_service.i18n.text import LANGUAGES
from voting_service.infrastructure.crypto.signed_document import load_signing_key
from voting_service.rehearsal.diary import Diary
from voting_service.rehearsal.findings import Finding
from voting_service.rehearsal.site import Site
from voting_service.rehearsal.staff import QUERIES
from voting_service.rehearsal.stores import Stage
from voting_service.voting.cut.document import CutDocument
from voting_service.voting.cut.signature import verify_document

OK, EMBARGO, ABSENT = 200, 403, 404


class Shown(msgspec.Struct, frozen=True):
    """What the public saw of the counts at a moment; `ballots` is None while they are hidden."""

    at: datetime
    ballots: int | None
    counted: int


class Observer:
    """A reader of the public site."""

    def __init__(self, stage: Stage, site: Site, diary: Diary) -> None:
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

    async def embargo(self, published_at: datetime) -> None:
        """Look before the profiles are published: none may be seen."""
        for path in (f"{self._api}/candidates", f"{self._api}/standings"):
            answer = await self._site.client.get(path)
            if answer.status_code != EMBARGO:
                self._fail("embargo_broken", path=path, published=published_at)
        self._diary.note(self._stage.clock(), "public", "embargo", published=published_at)

    async def pages(self, name: str) -> None:
        """Look at the pages in each language, and note under `name` that they are there."""
        await self._site.notice_changes()
        contest = self._stage.contest
        number = min(contest.numbers)
        below = ("", f"/candidates/{number}", "/standings", "/rules")
        pages = [f"/{language}/{contest.slug}{page}" for language in LANGUAGES for page in below]
        for path in (f"{self._api}/candidates", self._api, *pages):
            answer = await self._site.client.get(path)
            if answer.status_code != OK:
                self._fail("page_fails", path=path, status=answer.status_code)
        self._diary.note(self._stage.clock(), "public", name, candidates=len(contest.candidates))

    async def counts(self) -> None:
        """Look at the standings; they must show what the release schedule allows and what
        was counted at its moment."""
        await self._site.notice_changes()
        answer = (await self._site.client.get(f"{self._api}/standings")).json()
        now, ballots = self._stage.clock(), answer.get("ballots")
        counted = await self._counted(now)
        self.shown.append(Shown(now, ballots, counted))
        match release_at(self._stage.contest, now):
            case SnapshotAt(moment=moment):
                await self._check_snapshot(answer, moment)
            case Live() if ballots != counted:
                self._fail("snapshot_wrong", moment=now, shown=ballots, counted=counted)
            case Hidden() if ballots is not None:
                self._fail("counts_moved_in_blackout")

    def blackout(self) -> None:
        """Note that the public counts stay as they are from now on; `counts` checks it."""
        self._diary.note(self._stage.clock(), "public", "blackout")

    async def _check_snapshot(self, answer: dict[str, Any], moment: datetime) -> None:
        as_of = answer.get("as_of")
        if as_of is None or datetime.fromisoformat(as_of) != moment:
            self._fail("snapshot_missing", moment=moment)
            return
        contest = self._stage.contest
        if self._frozen is None or self._frozen["as_of"] != as_of:
            self._frozen = answer
            counted = await self._counted(moment)
            if answer["ballots"] != counted:
                self._fail(
                    "snapshot_wrong", moment=moment, shown=answer["ballots"], counted=counted
                )
            name = "counts_at_close" if moment >= contest.closes_at else "counts"
            self._diary.note(moment, "public", name, ballots=answer["ballots"])
        elif answer != self._frozen:
            self._fail("counts_moved_in_blackout")

    async def _counted(self, moment: datetime) -> int:
        counted: int = await self._stage.owner.fetchval(
            QUERIES["counted_before"], self._stage.contest.id, moment
        )
        return counted

    async def cut_hidden(self, visible_from: datetime) -> None:
        """Look before the cut is public: it must not be."""
        if (await self._site.client.get(f"{self._api}/cut")).status_code != ABSENT:
            self._fail("cut_shown_early", moment=visible_from)

    async def cut_public(self) -> None:
        """Look at the cut and verify it as anybody can."""
        await self._site.notice_changes()
        answer = await self._site.client.get(f"{self._api}/cut")
        if answer.status_code != OK:
            self._fail("page_fails", path=f"{self._api}/cut", status=answer.status_code)
            return
        key = load_signing_key(self._stage.settings.signing_key_file).public_key()
        try:
            self.cut = verify_document(answer.content, key).document
        except InvalidInput as error:
            self._fail("cut_invalid", reason=str(error))
            return
        rules, selected = self._stage.contest.rules.cut, len(self.cut.selected)
        if selected != rules.size and rules.tie != "advance_all":
            self._fail("cut_wrong_size", selected=selected, size=rules.size)
        await self.pages("outcome")
        self._diary.note(self._stage.clock(), "public", "cut", selected=selected)

    async def receipts(self, ballots: list[str]) -> None:
        """Look a sample of receipts up, as their holders can."""
        unknown = 0
        for ballot in ballots:
            answer = await self._site.client.get(f"{self._api}/receipts/{ballot}")
            unknown += answer.status_code != OK
        if unknown:
            self._fail("receipt_fails", count=unknown)
        self._diary.note(self._stage.clock(), "public", "receipts", count=len(ballots) - unknown)
