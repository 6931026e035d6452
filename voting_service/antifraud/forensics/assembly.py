"""Merges suspected campaigns into campaigns, and gives each ballot its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from voting_service.antifraud.forensics.columns import Int32s, Int64s
from voting_service.antifraud.forensics.describe import CampaignDraft, describe
from voting_service.antifraud.forensics.findings import BallotVerdict, Findings
from voting_service.antifraud.forensics.heat_map import CampaignData
from voting_service.antifraud.forensics.prepare import Ballots
from voting_service.antifraud.forensics.repeats import describe_repeats
from voting_service.antifraud.forensics.ring_campaigns import describe_ring
from voting_service.antifraud.forensics.rings import Ring
from voting_service.antifraud.forensics.search import SuspectedCampaign
from voting_service.antifraud.forensics.thresholds import (
    HOLD_PROBABILITY,
    MIN_CAMPAIGN_VOTERS,
    SAME_CAMPAIGN_SHARE,
)


class Assembly:
    """The campaigns found so far, and the ballots still active. Arrays are in canonical order."""

    def __init__(
        self, ballots: Ballots, network: Int32s, repeats: Int64s, rings: Sequence[Ring] = ()
    ) -> None:
        """`network`: of each ballot; separates blocs. `repeats`: ballots to hold as second ballots
        of a day. They and the ballots of `rings` are held, and not searched for campaigns."""
        self.ballots = ballots
        self.network = network
        self.repeats = repeats
        self.rings = rings
        self.searched = np.ones(len(ballots), dtype=bool)
        for rows in (repeats, *(ring.rows for ring in rings)):
            self.searched[rows] = False
        self.active = self.searched.copy()
        self.score = np.zeros(len(ballots), dtype=np.float32)
        self.campaign = np.full(len(ballots), -1, dtype=np.int32)
        self.drafts: list[CampaignDraft] = []

    def held_by_target(self) -> dict[int, Int64s]:
        """Return the ballots of the campaigns to hold, by target."""
        held = [n for n, draft in enumerate(self.drafts) if draft.verdict is BallotVerdict.HOLD]
        targets = {self.drafts[n].target for n in held}
        return {
            target: np.flatnonzero(
                np.isin(self.campaign, [n for n in held if self.drafts[n].target == target])
            )
            for target in sorted(targets)
        }

    def add(self, suspected: Sequence[SuspectedCampaign], first_target: int = 0) -> int:
        """Assign ballots to campaigns, those of confirmed suspected campaigns first, and return how
        many. `first_target` is added to the targets' numbers."""
        suspected = [replace(group, target=group.target + first_target) for group in suspected]
        added = 0
        for confirmed in (True, False):
            for suspected_campaign in suspected:
                if suspected_campaign.classified.confirmed == confirmed:
                    added += self._add_suspected(suspected_campaign, confirmed)
        self.active = self.searched & (self.campaign < 0)
        return added

    def _add_suspected(self, suspected_campaign: SuspectedCampaign, confirmed: bool) -> int:
        classified = suspected_campaign.classified
        np.maximum.at(self.score, classified.rows, classified.posterior.astype(np.float32))
        likely = classified.posterior >= HOLD_PROBABILITY
        rows = classified.rows[likely]
        if confirmed or suspected_campaign.family.aspects != {"network"}:
            return self._add_rows(suspected_campaign, rows, confirmed)
        # Two employers who call for one candidate are two blocs, with two networks.
        networks = self.network[rows]
        return sum(
            self._add_rows(suspected_campaign, rows[networks == network], confirmed, int(network))
            for network in np.unique(networks)
        )

    def _add_rows(
        self,
        suspected_campaign: SuspectedCampaign,
        rows: Int64s,
        confirmed: bool,
        network: int | None = None,
    ) -> int:
        unassigned = rows[self.campaign[rows] < 0]
        if not len(unassigned):
            return 0
        number = (
            self._overlapping(suspected_campaign, rows)
            if network is None
            else self._find_bloc(network)
        )
        if number is None and confirmed:
            number = self._predicting(suspected_campaign)
        if number is None:
            if len(np.unique(self.ballots.voter[unassigned])) < MIN_CAMPAIGN_VOTERS:
                return 0
            number = len(self.drafts)
            verdict = BallotVerdict.HOLD if confirmed else BallotVerdict.BLOC
            self.drafts.append(CampaignDraft(suspected_campaign.target, verdict, network))
        elif not confirmed and self.drafts[number].verdict == BallotVerdict.HOLD:
            return 0
        self.drafts[number].parts.append(suspected_campaign)
        self.campaign[unassigned] = number
        return len(unassigned)

    def _predicting(self, suspected_campaign: SuspectedCampaign) -> int | None:
        """Return the first campaign to hold for the same target, if it predicted this one."""
        held = [
            number
            for number, draft in enumerate(self.drafts)
            if draft.target == suspected_campaign.target and draft.verdict is BallotVerdict.HOLD
        ]
        return held[0] if held and suspected_campaign.predicted else None

    def _find_bloc(self, network: int) -> int | None:
        """Return the bloc of the network: an employer's list of candidates is one bloc."""
        return next((n for n, draft in enumerate(self.drafts) if draft.network == network), None)

    def _overlapping(self, suspected_campaign: SuspectedCampaign, rows: Int64s) -> int | None:
        """Return the campaign for the same target that already has many of these ballots."""
        assigned = self.campaign[rows]
        counts = np.bincount(assigned[assigned >= 0], minlength=len(self.drafts))
        for number in np.argsort(-counts, kind="stable"):
            same = self.drafts[number].target == suspected_campaign.target
            if same and counts[number] >= SAME_CAMPAIGN_SHARE * len(rows):
                return int(number)
        return None

    def findings(self, data: CampaignData) -> Findings:
        """Return verdicts and campaigns, in the order of the columns."""
        first_ring = len(self.drafts)
        first_repeat = first_ring + len(self.rings)
        aside = [ring.rows for ring in self.rings] + [self.repeats]
        for number, rows in enumerate(aside, first_ring):
            self.campaign[rows] = number
            self.score[rows] = 1.0
        verdicts = np.array(
            [
                BallotVerdict.CLEAN,
                *(draft.verdict for draft in self.drafts),
                *[BallotVerdict.HOLD] * len(aside),
            ],
            dtype=np.int8,
        )
        verdict = np.empty(len(self.ballots), dtype=np.int8)
        score = np.empty(len(self.ballots), dtype=np.float32)
        campaign = np.empty(len(self.ballots), dtype=np.int32)
        order = self.ballots.order
        verdict[order] = verdicts[self.campaign + 1]
        score[order] = self.score
        campaign[order] = self.campaign
        campaigns = [
            describe(data, draft, number, np.flatnonzero(self.campaign == number))
            for number, draft in enumerate(self.drafts)
        ]
        campaigns += [
            describe_ring(data, ring, number) for number, ring in enumerate(self.rings, first_ring)
        ]
        if len(self.repeats):
            campaigns.append(describe_repeats(data, first_repeat, self.repeats))
        return Findings(verdict, score, campaign, tuple(campaigns))
