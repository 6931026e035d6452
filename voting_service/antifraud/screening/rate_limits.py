"""All rate limits, each with its key and what happens while Valkey is unavailable.

Each is a generic cell rate algorithm (GCRA, ITU-T I.371 annex A): one number a key, the
theoretical arrival time, kept only until it has passed. `admit.lua` applies them in the
batch's one round trip, on Valkey's clock; `LocalLimits` replaces them while Valkey is unavailable.

To add a limit: a constant here, its key in admit.lua, its flag in voting/ballots/admit.py, its
signal in decision.py, its policy without Valkey, a test of each.

| limit    | key                        | over it                           | without Valkey      |
|----------|----------------------------|-----------------------------------|---------------------|
| voter    | contest, voter             | 429                               | stricter, by worker |
| network  | contest, network hashed    | a challenge, never a rejection    | signal is missing   |
| device   | fingerprint on a network   | a challenge, never a rejection    | signal is missing   |
| platform | contest, platform, day     | ballots held for review by staff  | signal is missing   |

A network is a /24, or a /64 and also the /56 and the /48 around it, each with limits of its own
(`network_rates`): a provider gives a customer up to a /48, whose 65,536 networks would otherwise
have as many bursts. A mobile provider gives every telephone a /64, so a /48 may hold tens of
thousands of voters.

A day is the local day of the vote, also where a contest allows one ballot in all. After Valkey lost
its data, `jobs/platform_ceilings.py` sets the platforms' counts from the stored ballots.

The voter's limit counts tries, all but the first that is admitted. The others count voters: the
first vote of a voter in the period that is admitted, that is, neither over the voter's limit nor
sent a challenge. Every other try is compared with the counts and does not change them:

- A resend does not count against its network, nor do forty user agents of one voter.
- A vote that is sent a challenge does not count. It counts when it is sent again with the
  solution, on the network that it then comes from; so a try from another network does not avoid a
  network's limits, and unsolved challenges do not use them up.
- An admitted vote is stored with the network that it counted on. Only when storing the batch failed
  may a retry store a ballot with another network than the one that counted it; a voter cannot cause
  that.

The only state this needs is the hint of admission, 8 bytes a voter.

In a cluster a contest is spread over shards by network, the widest of a vote's, so the limits of
networks and devices are exact. A voter's tries and hint stand where its network does: a voter who
comes back from a network of another shard counts there once more, so at most once a shard. A
platform's votes are counted on one shard for all, by a second call of the batches that have any.

On a network that was busy once, votes and fingerprints are counted for the rest of the day; see
FewDevices.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple


class Rate(NamedTuple):
    """One every `interval_ms` on average, and `burst` at once: tries of a voter, or voters of a
    network or device."""

    interval_ms: int
    burst: int

    @property
    def tolerance_ms(self) -> int:
        """How far ahead of its average a client may be."""
        return self.interval_ms * (self.burst - 1)


class FewDevices(NamedTuple):
    """When a network's votes come from too few devices: at least `votes` of them since it became
    busy, with at most `devices` fingerprints. It is busy from `busy_share` of its tolerance on."""

    devices: int
    votes: int
    busy_share: float


VOTER = Rate(interval_ms=100, burst=20_000)
"""A retry is safe and cheap (one row, the same receipt), and clients on a bad network retry often;
so only a client that retries fast for minutes gets 429."""

VOTER_WITHOUT_VALKEY = Rate(interval_ms=1_000, burst=2_000)
NETWORK = Rate(interval_ms=50, burst=2_400)
"""Twenty votes a second from one exit, or two minutes of that at once: a factory of five thousand
that votes in its lunch break is below it. Above it every vote requires a challenge."""
DEVICE = Rate(interval_ms=200, burst=1_200)
"""One fingerprint on one network: enough for a popular telephone in that factory."""
WIDE_NETWORK = Rate(interval_ms=10, burst=12_000)
"""Five times NETWORK for a /48: the 65,536 telephones of a full one can vote within ten minutes."""
WIDE_DEVICE = Rate(interval_ms=40, burst=6_000)
"""Five times DEVICE."""
FEW_DEVICES = FewDevices(devices=20, votes=300, busy_share=0.125)
"""Three hundred honest voters behind a busy exit show a hundred fingerprints: system, browser and
language versions multiply. Twenty is far from that, and far from one."""

_LOCAL_KEYS = 50_000


def network_rates() -> tuple[tuple[Rate, Rate], ...]:
    """Return two rates for each of a sender's networks (the /24 or /64, the /56, the /48): of its
    voters, and of each fingerprint there. A /56 has those of a /64, for it is a household or a
    firm, or 256 telephones."""
    return (NETWORK, DEVICE), (NETWORK, DEVICE), (WIDE_NETWORK, WIDE_DEVICE)


class LocalLimits:
    """The voter limit of one worker while Valkey is unavailable; drops the oldest voters first."""

    def __init__(self, rate: Rate = VOTER_WITHOUT_VALKEY, max_keys: int = _LOCAL_KEYS) -> None:
        self._rate = rate
        self._max_keys = max_keys
        self._arrivals: OrderedDict[bytes, float] = OrderedDict()

    def allow(self, voter: bytes, now_ms: float) -> bool:
        """Count a try; False if it is over the limit, and then it is not counted."""
        arrival = max(self._arrivals.pop(voter, 0.0), now_ms)
        conforms = arrival - now_ms <= self._rate.tolerance_ms
        self._arrivals[voter] = arrival + self._rate.interval_ms if conforms else arrival
        if len(self._arrivals) > self._max_keys:
            self._arrivals.popitem(last=False)
        return conforms
