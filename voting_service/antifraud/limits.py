"""The rate limits, every one of them, with its key and what happens when Valkey is away.

Each is a generic cell rate algorithm (GCRA, ITU-T I.371 annex A): one number a key, the
theoretical arrival time, kept only until it has passed. `admit.lua` applies them in the
batch's one round trip, on Valkey's clock; `LocalLimits` stands in while Valkey is away.

To add a limit: a member here, its key in admit.lua, its flag in ballots/admit.py, what it
means in decision.py, its policy without Valkey, a test of each.

| limit    | key                        | over it                           | without Valkey     |
|----------|----------------------------|-----------------------------------|--------------------|
| voter    | contest, voter             | 429: this voter earned it         | stricter, a worker |
| network  | contest, /24 or /64 hashed | a challenge, never a refusal      | signal is missing  |
| device   | fingerprint on a network   | a challenge, never a refusal      | signal is missing  |
| platform | contest, platform, day     | ballots held for staff to look at | signal is missing  |

The voter's limit counts tries. The others count voters: the first vote of a voter in the period
that is admitted, which is to say neither over the voter's limit nor asked for a challenge. Every
other try is judged by what they are and changes nothing:

- A resend costs the network and its neighbours nothing, and forty user agents of one voter make
  no crowd.
- A vote that is asked for a challenge leaves no trace. It counts when it comes back with the
  solution, on the network that it then comes from; so a throw-away try elsewhere is no way past a
  network's limits, and unsolved ones do not use them up.
- A vote that is admitted is stored with the network that it counted on. Only after a failure of
  the record (the batch was not stored) does a retry store a ballot on another network than the one
  that counted it: nothing that a voter can bring about.

Nothing has to be remembered for it but the hint of admission, 8 bytes a voter.

On a network that was busy once, votes and fingerprints are counted for the rest of the period (a
number and a HyperLogLog); see FewDevices.
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
    """When a network's votes come from too few machines: at least `votes` of them since it was
    busy, with at most `devices` fingerprints. Busy is who uses up `busy_share` of the network's
    tolerance."""

    devices: int
    votes: int
    busy_share: float


VOTER = Rate(interval_ms=100, burst=20_000)
"""Trying again is safe and cheap here (one row, the same receipt), and clients in a bad network
try again thoughtlessly; so only a client that hammers for minutes earns a 429."""

VOTER_WITHOUT_VALKEY = Rate(interval_ms=1_000, burst=2_000)
NETWORK = Rate(interval_ms=50, burst=2_400)
"""Twenty votes a second from one exit, or two minutes of that at once: a factory of five thousand
that votes in its lunch break passes without a mark. Beyond it every vote has its price."""
DEVICE = Rate(interval_ms=200, burst=1_200)
"""One fingerprint on one network: a popular telephone in that factory, not a farm of one."""
FEW_DEVICES = FewDevices(devices=20, votes=300, busy_share=0.125)
"""Three hundred honest voters behind a busy exit show a hundred fingerprints: system, browser and
language versions multiply. Twenty is far from that, and far from one."""

_LOCAL_KEYS = 50_000


class LocalLimits:
    """The voter limit of one worker while Valkey is away; forgets the oldest voters first."""

    def __init__(self, rate: Rate = VOTER_WITHOUT_VALKEY, max_keys: int = _LOCAL_KEYS) -> None:
        self._rate = rate
        self._max_keys = max_keys
        self._arrivals: OrderedDict[bytes, float] = OrderedDict()

    def allow(self, voter: bytes, now_ms: float) -> bool:
        """Counts a try; False when it comes too early (and then it does not count)."""
        arrival = max(self._arrivals.pop(voter, 0.0), now_ms)
        conforms = arrival - now_ms <= self._rate.tolerance_ms
        self._arrivals[voter] = arrival + self._rate.interval_ms if conforms else arrival
        if len(self._arrivals) > self._max_keys:
            self._arrivals.popitem(last=False)
        return conforms
