"""How waiting ballots become bundles. No I/O.

Nobody's choices should follow from a bundle's counts, so none is smaller than MIN_BALLOTS: what is
left at the close is put together with the bundle before, in one that replaces it. Only a contest
with fewer ballots in all has a smaller one.
"""

from __future__ import annotations

from typing import NamedTuple

MIN_BALLOTS = 100
MAX_BALLOTS = 1024
USUAL_BALLOTS = MAX_BALLOTS - MIN_BALLOTS + 1
"""A larger bundle could not take up what is left at the close."""


class BundleDraft(NamedTuple):
    """How many of the oldest waiting ballots go into each new bundle; with `replaces_last` the
    first of these bundles also has the ballots of the newest one before."""

    sizes: tuple[int, ...]
    replaces_last: bool = False


def plan_bundles(waiting: int, *, is_due: bool, is_closed: bool, has_bundle: bool) -> BundleDraft:
    """Return the bundles of `waiting` ballots. `is_due`: the oldest has waited long enough for a
    bundle that is not full. `is_closed`: these are the last. `has_bundle`: there is one before."""
    sizes = [USUAL_BALLOTS] * (waiting // USUAL_BALLOTS)
    rest = waiting % USUAL_BALLOTS
    if rest >= MIN_BALLOTS and (is_due or is_closed):
        sizes.append(rest)
    elif rest and is_closed:
        if sizes:
            sizes[-1] += rest
        else:
            return BundleDraft((rest,), replaces_last=has_bundle)
    return BundleDraft(tuple(sizes))
