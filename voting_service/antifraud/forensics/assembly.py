"""Suspicions become campaigns, and ballots get their verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from voting_service.antifraud.forensics.columns import Int32s, Int64s
from voting_service.antifraud.forensics.describe import Found, describe
from voting_service.antifraud.forensics.findings import Findings, Verdict
from voting_service.antifraud.forensics.picture import Material
from voting_service.antifraud.forensics.prepare import Ballots
from voting_service.antifraud.forensics.repeats import describe_repeats
from voting_service.antifraud.forensics.search import Suspicion
from voting_service.antifraud.forensics.thresholds import (
    HOLD_FROM,
    LEAST_CAMPAIGN_VOTERS,
    SAME_CAMPAIGN_SHARE,
)


class Assembly:
    """Who is active still, and what was found. Arrays are in canonical order."""

    def __init__(self, ballots: Ballots, place: Int32s, repeats: Int64s) -> None:
        """`place`: the network of each ballot, which tells blocs apart. `repeats`: ballots that
        a rule of the file holds; they are asked about nothing else."""
        self.ballots = ballots
        self.place = place
        self.repeats = repeats
        self.active = np.ones(len(ballots), dtype=bool)
        self.active[repeats] = False
        self.score = np.zeros(len(ballots), dtype=np.float32)
        self.campaign = np.full(len(ballots), -1, dtype=np.int32)
        self.found: list[Found] = []

    def held_by_target(self) -> dict[int, Int64s]:
        """Ballots of the campaigns to hold, by whom they are for."""
        held = [n for n, each in enumerate(self.found) if each.verdict is Verdict.HOLD]
        targets = {self.found[n].target for n in held}
        return {
            target: np.flatnonzero(
                np.isin(self.campaign, [n for n in held if self.found[n].target == target])
            )
            for target in sorted(targets)
        }

    def take(self, suspected: Sequence[Suspicion], first_target: int = 0) -> int:
        """Gives ballots to campaigns, confirmed suspicions first. Returns how many. Targets are
        counted from `first_target` on."""
        suspected = [replace(each, target=each.target + first_target) for each in suspected]
        taken = 0
        for confirmed in (True, False):
            for suspicion in suspected:
                if suspicion.judged.confirmed == confirmed:
                    taken += self._take(suspicion, confirmed)
        self.active = self.campaign < 0
        self.active[self.repeats] = False
        return taken

    def _take(self, suspicion: Suspicion, confirmed: bool) -> int:
        judged = suspicion.judged
        np.maximum.at(self.score, judged.rows, judged.posterior.astype(np.float32))
        likely = judged.posterior >= HOLD_FROM
        rows = judged.rows[likely]
        if confirmed or suspicion.family.aspects != {"network"}:
            return self._add(suspicion, rows, confirmed)
        # Two employers who urge for one candidate are two blocs, with two networks.
        place = self.place[rows]
        return sum(
            self._add(suspicion, rows[place == each], confirmed, int(each))
            for each in np.unique(place)
        )

    def _add(
        self, suspicion: Suspicion, rows: Int64s, confirmed: bool, place: int | None = None
    ) -> int:
        fresh = rows[self.campaign[rows] < 0]
        if not len(fresh):
            return 0
        number = self._home(suspicion, rows) if place is None else self._bloc_at(place)
        if number is None and confirmed:
            number = self._known_for(suspicion)
        if number is None:
            if len(np.unique(self.ballots.voter[fresh])) < LEAST_CAMPAIGN_VOTERS:
                return 0
            number = len(self.found)
            verdict = Verdict.HOLD if confirmed else Verdict.BLOC
            self.found.append(Found(suspicion.target, verdict, place))
        elif not confirmed and self.found[number].verdict == Verdict.HOLD:
            return 0
        self.found[number].suspicions.append(suspicion)
        self.campaign[fresh] = number
        return len(fresh)

    def _known_for(self, suspicion: Suspicion) -> int | None:
        """The first campaign to hold for the same target, if the suspicion was foretold by it."""
        held = [
            number
            for number, each in enumerate(self.found)
            if each.target == suspicion.target and each.verdict is Verdict.HOLD
        ]
        return held[0] if held and suspicion.foretold else None

    def _bloc_at(self, place: int) -> int | None:
        """An employer's list of names is one bloc."""
        return next((n for n, each in enumerate(self.found) if each.place == place), None)

    def _home(self, suspicion: Suspicion, rows: Int64s) -> int | None:
        """The campaign for the same target that has a good part of these ballots already."""
        theirs = self.campaign[rows]
        counts = np.bincount(theirs[theirs >= 0], minlength=len(self.found))
        for number in np.argsort(-counts, kind="stable"):
            same = self.found[number].target == suspicion.target
            if same and counts[number] >= SAME_CAMPAIGN_SHARE * len(rows):
                return int(number)
        return None

    def findings(self, material: Material) -> Findings:
        """In the order of the columns; what is usual is so without what was found."""
        n, last = len(self.ballots), len(self.found)
        verdicts = np.array(
            [Verdict.CLEAN, *(each.verdict for each in self.found), Verdict.HOLD], dtype=np.int8
        )
        self.campaign[self.repeats] = last
        self.score[self.repeats] = 1.0
        verdict = np.empty(n, dtype=np.int8)
        score = np.empty(n, dtype=np.float32)
        campaign = np.empty(n, dtype=np.int32)
        order = self.ballots.order
        verdict[order] = verdicts[self.campaign + 1]
        score[order] = self.score
        campaign[order] = self.campaign
        campaigns = tuple(
            describe(material, each, number, np.flatnonzero(self.campaign == number))
            for number, each in enumerate(self.found)
        )
        if len(self.repeats):
            campaigns += (describe_repeats(material, last, self.repeats),)
        return Findings(verdict, score, campaign, campaigns)
