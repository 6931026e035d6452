"""Every number that a verdict depends on. Frozen: tuned on seeds 1 to 5 of the simulator only."""

from __future__ import annotations

HOUR_SECONDS = 3_600
WINDOWS_SECONDS = (600, HOUR_SECONDS, 6 * HOUR_SECONDS, 24 * HOUR_SECONDS, None)
"""None: the whole file."""

BORROWED_BALLOTS = 30.0
"""How many ballots of the wider period join a stratum's own when its rates are estimated."""

LEAST_VOTERS = 4.0
"""Cells with fewer voters are not tested."""

LEAST_GROUP = 8
"""Ballots below which a value and window cannot reach significance whatever they hold: they are
neither tested nor counted among the tests (Tarone 1990)."""

FALSE_DISCOVERIES = 0.01
"""Benjamini–Hochberg level over all cells tested."""

TAIL_FROM = 3.0
"""−ln p above which the permuted cells calibrate the tail."""

LEAST_CAMPAIGN_VOTERS = 8.0
"""A family that votes together is smaller than this; nothing smaller is ever held."""

LEAST_EXCESS = 0.25
"""The share of a value's votes for the target that its margins do not explain, to look closer."""

HOLD_FROM = 0.85
"""Posterior probability from which a ballot is held."""

WITNESS_GAIN = 0.3
"""Nats a voter by which one aspect must tell a campaign from honest voters of the target."""

WITNESS_DEVIATIONS = 4.0
"""Standard errors by which that gain must differ from nothing."""

WITNESS_WEIGHT_LIMIT = 3.4
"""No single aspect moves the odds of a ballot by more than e to this."""

BORROWED_VOTERS = 4.0
"""Honest voters that join a campaign's own when it is described."""

MOST_ROUNDS = 4
"""How often the search is repeated without what it found."""

SAME_CAMPAIGN_SHARE = 0.3
"""The share of its ballots by which a suspicion belongs to a campaign already found."""

SPLIT_HOUR_FROM = 300
"""Ballots from which an hour's rates are estimated for each ten minutes: a burst begins within."""

MEETING_SECONDS = 600
"""Two accounts that name a candidate in the same ten minutes meet."""

LEAST_MEETINGS = 4
LEAST_MEETING_SHARE = 0.6
"""Days of meetings, and their share of an account's days, that make companions: a campaign if
another aspect confirms it, else a bloc. Staff who are called together may be companions."""

STRICT_MEETINGS = 6
STRICT_MEETING_SHARE = 0.8
"""The same for a lockstep that is held with no other sign: nobody is called together so often,
so punctually and so completely."""

COMPANION_LINKS = 4
"""Links that an account must have to others with as many."""

BUSY_SHARE = 0.05
"""Moments with a larger share of their day's ballots bring nobody together: a programme, the
opening of the day's vote."""

FORETOLD_NATS = 6.0
"""Evidence from which what a known campaign foretold confirms more of it."""

HINT_LOG_P = -4.0
"""ln p of a cell that is no discovery, but looked into where a campaign is known."""

QUIET_BALLOTS = 40
QUIET_SHARE = 0.2
"""On small days so many ballots still may, if they are no larger share; where times are days,
nobody meets."""

LEAST_NAMES = 3
"""Names from which a ballot's set of them is a signature: two favourites are common."""

SIGNATURE_LIFT = 3.0
"""Times that a set must have more voters than its names predict."""

MOST_SIGNATURES = 1_000
"""Sets that are looked into, those that stand out most."""

ONE_A_DAY_SHARE = 0.9
"""Of the voters with several ballots, how many must never have cast two on a day for one a day to
be the rule of the file. A replay attack of five margins leaves 0.91 or more."""

MOST_DOUBLES_OF_CHANCE = 0.5
"""And how many times fewer must have than would by chance."""

LEAST_RETURNING = 100
"""Voters with several ballots below which a file shows no rule."""

LEAST_EXPONENT = 0.6
"""The most that the permuted cells may weaken a p-value; honest files need 0.75 to 1."""
