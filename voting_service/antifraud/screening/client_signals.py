"""The client of a request, as far as it is stored: keyed hashes, and coarse classes.

Hashes of the address, of its network (/24 or /64), for the limits also of the networks around that
(/56 and /48), and of the headers that a browser always sends the same way. The key is the
contest's and is destroyed with the voters' key. No raw value is kept.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from voting_service.antifraud.screening.decision import (
    HURRIED_SECONDS,
    YOUNG_ACCOUNT_DAYS,
    Signal,
)
from voting_service.antifraud.screening.hosting_networks import CloudNetworks
from voting_service.antifraud.screening.user_agents import AgentClass, agent_class
from voting_service.infrastructure.ip_addresses import (
    Network,
    is_within,
    packed_networks,
    parse_address,
)

# Plain integers: an enum's `|` costs more than the rest of a vote's screening.
_CLOUD_NETWORK = int(Signal.CLOUD_NETWORK)
_AUTOMATED_AGENT = int(Signal.AUTOMATED_AGENT)
_YOUNG_ACCOUNT = int(Signal.YOUNG_ACCOUNT)
_HURRIED = int(Signal.HURRIED)

HASH_BYTES = 8
NO_HASH = "0" * (2 * HASH_BYTES)
_CACHE_SIZE = 65_536


class Origin(NamedTuple):
    """The source of a request: hashes in hex, NO_HASH without an address (a Unix socket). `exempt`:
    no signal is active there. `around` are the wider networks, the smallest first; they are never
    stored."""

    address: str
    network: str
    cloud: bool
    exempt: bool
    around: tuple[str, ...] = ()

    @property
    def limited_networks(self) -> tuple[str, ...]:
        """The networks whose limits hold for the sender, the smallest first."""
        return () if self.exempt else (self.network, *self.around)


class Device(NamedTuple):
    """The device of a request: hash in hex of the headers, and the class of the user agent."""

    fingerprint: str
    agent: AgentClass


class Sender(NamedTuple):
    """The sender of a vote when it is cast. `account_day` counts days since clock.FIRST_DAY, 0 if
    unknown; `seconds_since_sign_in` is an upper bound of the time for filling in the ballot."""

    origin: Origin
    device: Device
    account_day: int
    seconds_since_sign_in: int

    @property
    def hashes(self) -> str:
        """Address, network and device as 48 hexadecimal digits."""
        return self.origin.address + self.origin.network + self.device.fingerprint

    def active_signals(self, today: int) -> int:
        """Return the active signals (Signal) that need no counting; `today` as `account_day`."""
        origin = self.origin
        if origin.exempt:
            return 0
        active_signals = 0
        if origin.cloud:
            active_signals |= _CLOUD_NETWORK
        if self.device.agent.automated:
            active_signals |= _AUTOMATED_AGENT
        if self.account_day and today - self.account_day < YOUNG_ACCOUNT_DAYS:
            active_signals |= _YOUNG_ACCOUNT
        if self.seconds_since_sign_in < HURRIED_SECONDS:
            active_signals |= _HURRIED
        return active_signals


NOWHERE = Origin(NO_HASH, NO_HASH, cloud=False, exempt=True)


class ClientReader:
    """Reads origins and devices for one contest; hashes are equal within the contest only. Recent
    results are cached, so most votes cost a look-up."""

    def __init__(self, key: bytes, cloud: CloudNetworks, exempt: tuple[Network, ...]) -> None:
        self._key = key
        self._cloud = cloud
        self._exempt = exempt
        self.origin = lru_cache(maxsize=_CACHE_SIZE)(self._origin)
        self.device = lru_cache(maxsize=_CACHE_SIZE)(self._device)

    def _hash(self, person: bytes, message: bytes) -> str:
        return blake2b(message, key=self._key, digest_size=HASH_BYTES, person=person).hexdigest()

    def _origin(self, address: str) -> Origin:
        try:
            parsed = parse_address(address)
        except ValueError:
            return NOWHERE
        (_, network), *around = packed_networks(parsed)
        return Origin(
            address=self._hash(b"address", parsed.packed),
            network=self._hash(b"network", network),
            around=tuple([self._hash(b"network/%d" % bits, wider) for bits, wider in around]),
            cloud=self._cloud.contains(parsed),
            exempt=is_within(parsed, self._exempt),
        )

    def _device(self, user_agent: bytes, languages: bytes, hints: bytes) -> Device:
        """`hints` are the client hints for brand, platform and mobility, as they were sent."""
        message = b"\0".join((user_agent, languages, hints))
        return Device(self._hash(b"device", message), agent_class(user_agent.decode("latin-1")))
