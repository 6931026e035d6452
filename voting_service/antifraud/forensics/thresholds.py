"""Every number that a verdict depends on. Frozen: tuned on seeds 1 to 5 of the simulator only."""

from __future__ import annotations

HOUR_SECONDS = 3_600
WINDOWS_SECONDS = (600, HOUR_SECONDS, 6 * HOUR_SECONDS, 24 * HOUR_SECONDS, None)
"""None: the whole file."""

BORROWED_BALLOTS = 30.0
"""How many ballots of the wider period join a stratum's own when its rates are estimated."""

LEAST_VOTERS = 4.0
"""Cells with fewer voters are not tested."""

FALSE_DISCOVERIES = 0.01
"""Benjamini–Hochberg level over all cells tested."""

TAIL_FROM = 3.0
"""−ln p above which the permuted cells calibrate the tail."""
