"""Every threshold of the forensics. Frozen: tuned on seeds 1 to 5 of the simulator only."""

from __future__ import annotations

HOUR_SECONDS = 3_600
WINDOWS_SECONDS = (600, HOUR_SECONDS, 6 * HOUR_SECONDS, 24 * HOUR_SECONDS, None)
"""None: the whole file."""

PRIOR_BALLOTS = 30.0
"""Prior ballots of the wider period in the estimate of a stratum's rates."""

MIN_VOTERS = 4.0
"""Cells with fewer voters are not tested."""

MIN_GROUP_BALLOTS = 8
"""A value and window with fewer ballots cannot reach significance; it is neither tested nor counted
among the tests (Tarone 1990)."""

FALSE_DISCOVERY_RATE = 0.01
"""Benjamini–Hochberg level over all cells tested."""

TAIL_START = 3.0
"""−ln p above which the permuted cells calibrate the tail."""

MIN_CAMPAIGN_VOTERS = 8.0
"""Larger than a family that votes together; no smaller campaign is held."""

MIN_EXCESS_SHARE = 0.25
"""Least share of a value's votes for the target that its margins do not explain."""

HOLD_PROBABILITY = 0.85
"""Posterior probability from which a ballot is held."""

EVIDENCE_GAIN = 0.3
"""Least gain of one aspect that confirms a campaign, in nats per voter."""

EVIDENCE_DEVIATIONS = 4.0
"""Standard errors by which that gain must differ from zero."""

EVIDENCE_LIMIT = 3.4
"""Greatest log-likelihood ratio of one aspect for a ballot, in nats."""

PRIOR_VOTERS = 4.0
"""Prior honest voters in the estimate of a campaign's distribution."""

MAX_ROUNDS = 4
"""How often the search is repeated without the campaigns found."""

SAME_CAMPAIGN_SHARE = 0.3
"""Least share of its ballots by which a suspected campaign belongs to one already found."""

SPLIT_HOUR_BALLOTS = 300
"""Ballots from which an hour's rates are estimated for each ten minutes."""

MEETING_SECONDS = 600
"""Two accounts that choose a candidate in the same ten minutes meet."""

MIN_MEETINGS = 4
MIN_MEETING_SHARE = 0.6
"""Days of meetings, and their share of an account's days, that make companions: a campaign if
another aspect confirms it, else a bloc. Staff who are called together may be companions."""

STRICT_MIN_MEETINGS = 6
STRICT_MIN_MEETING_SHARE = 0.8
"""The same for a lockstep that is held without a second aspect: no group of people is called so
often, so punctually and so completely."""

MIN_COMPANION_LINKS = 4
"""Links that an account must have to others with as many."""

MAX_MEETING_SHARE_OF_DAY = 0.05
"""Moments with a larger share of their day's ballots are no meetings: a programme, the opening of
the day's vote."""

PREDICTED_NATS = 6.0
"""Evidence from which ballots that a known campaign predicts are confirmed, in nats."""

HINT_LOG_P = -4.0
"""Greatest ln p of a cell that is examined only where a campaign for the target is known."""

SMALL_DAY_BALLOTS = 40
SMALL_DAY_SHARE = 0.2
"""On days with few ballots a meeting may have this many ballots up to this share of the day, so
that files without times of day have no meetings."""

MIN_SIGNATURE_CANDIDATES = 3
"""Candidates from which a ballot's set is a signature: two favourites are common."""

MIN_SIGNATURE_LIFT = 3.0
"""Least ratio of a set's voters to the number that its candidates predict."""

MAX_SIGNATURES = 1_000
"""Number of sets that are scanned: those with the strongest excess."""

MIN_ONE_A_DAY_SHARE = 0.9
"""Least share of the voters with several ballots who never cast two on a day, for one a day to be
the rule of the file. A replay attack of five margins leaves 0.91 or more."""

MAX_DOUBLES_OF_CHANCE = 0.5
"""Greatest ratio of the voters with two ballots on a day to the number expected by chance."""

MIN_RETURNING_VOTERS = 100
"""Voters with several ballots that a file needs to show a rule."""

MIN_EXPONENT = 0.6
"""Least tail exponent; honest files need 0.75 to 1."""

RING_PERIODS_SECONDS = (HOUR_SECONDS, 6 * HOUR_SECONDS)
"""Two accounts that choose an object within a period of each other meet; both are tried."""

MIN_RING_MEETINGS = 4
"""Objects at which two linked accounts of a ring met."""

MIN_RING_LIFT = 1.5
"""Least ratio of their meetings to those that chance explains."""

MIN_RING_SHARE = 0.45
"""Share of the less active account's ballots on which they met."""

MIN_RING_LINKS = 6
"""Other accounts that each account of a ring met so."""

PRIOR_RING_CHOICES = 40.0
"""Prior choices, of usual popularity, in the estimate of what is chosen in a period."""

SLICE_DEVIATIONS = {
    "platform": (4.0, 5.0),
    "network": (6.0, 6.0),
    "account_age": (6.0, 8.0),
    "names": (12.0, 20.0),
}
"""Robust standard deviations, by slicing, from which a candidate's votes in a slice are not
explained: beside the other slices, and beside its own quiet days. Supporters differ in how many
names they choose, and a slice of few ballots varies more."""

BURST_RATIO = 3.0
"""The same for hours: times what nine in ten candidates have."""

DEVICE_DEVIATIONS = 4.5

MIN_COMPARED_CANDIDATES = 8
"""With fewer candidates there is nothing to measure against how far candidates differ."""

MIN_COMPARED_SHARE = 0.1
"""Least votes of the other slices, as a share of the slice's own, that predict these."""

MIN_COMPARED_DAYS = 5
MIN_DAY_VOTES = 3.0
"""Days of a slice, and votes predicted for a candidate a day, without which its quiet days are not
known."""

QUIET_SHARE = 0.3
"""Quantile of the daily ratios that stands for a quiet day."""

PRIOR_DAY_BALLOTS = 200.0
PRIOR_HOUR_BALLOTS = 50.0
"""Prior ballots, of usual choices, in the estimate of a day's or hour's rates."""

SURPLUS_ERRORS = 3.0
"""Standard errors beyond which the votes of an hour or device are added up."""

PUBLIC_RATIO = 2.5
PUBLIC_BALLOTS = 50.0
"""Ballots of an hour that everybody knows of: times what is usual at that time, and at least."""

MIN_DAY_SHARE = 0.01
"""Share of the busiest day's ballots without which a day is no example of what is usual."""

RARE_DEVICE_VOTERS = 1.0
"""On a device where more voters of the candidate are expected, a few more would not be seen."""

LEAST_DEVICE_DEVIATION = 0.1

MIN_SURPLUS_SHARE = 0.0005
"""Share of all ballots below which no surplus is reported."""

ESCAPED_SHARE = 0.25
WRONGLY_HELD_SHARE = 0.10
"""Errors that a certificate allows for: a quarter as many votes as were held may have escaped, and
a tenth of the ballots held may be honest."""

ESCAPED_SHARES = {
    "platform": 0.25,
    "network": 0.25,
    "account_age": 0.25,
    "names": 0.25,
    "hours": 0.25,
    "devices": 1.5,
}
"""The same for the surplus of a slicing. On devices more may have escaped than were seen: groups
of two, and those whose phones have several versions."""
