"""The orders of a shuffled list of candidates, and which of them a voter sees."""

from __future__ import annotations

import random

from voting_service.contests.model import Candidate, Contest

VARIANTS = 64
"""Number of orders of a shuffled list: enough to be fair to all, few enough to cache. It divides
256, so that every order falls to as many voters."""

TURNS = 16
"""Orders that begin at evenly spaced places of one shuffle. So all candidates stand as often near
the top, which 64 independent shuffles would not give: one would be there in 6, another in 20."""


def shuffled_candidates(contest: Contest, variant: int) -> tuple[Candidate, ...]:
    """Return all candidates in the order of a variant; the same in every process."""
    shuffle, turn = divmod(variant, TURNS)
    order = list(contest.candidates)
    random.Random(f"{contest.slug} {shuffle}").shuffle(order)  # noqa: S311 — not a secret
    start = turn * len(order) // TURNS
    return tuple(order[start:] + order[:start])


def ordered_candidates(contest: Contest, variant: int) -> tuple[Candidate, ...]:
    """Return the candidates as the list shows them: in the order of a variant, the withdrawn last,
    or by number if the contest's rules set it."""
    if contest.rules.list_order == "number":
        return contest.candidates
    order = shuffled_candidates(contest, variant)
    return tuple(sorted(order, key=lambda candidate: candidate.number in contest.withdrawn))


def voters_variant(voter: bytes) -> int:
    """Return the variant of a voter, whose pseudonym is a keyed hash: as good as drawn at random,
    the same on all devices, and known of each ballot without being stored with it."""
    return voter[0] % VARIANTS
