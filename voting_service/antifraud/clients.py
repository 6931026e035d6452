"""The machine behind a request, as far as it is kept: keyed hashes, and coarse classes.

The hash of an address, of its network (/24 or /64) and of the headers that a browser always sends
the same way. The key is the contest's and is destroyed with the voters' one; nothing raw is kept.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from voting_service.addresses import Network, is_within, network_of, parse_address
from voting_service.antifraud.decision import HURRIED_SECONDS, YOUNG_ACCOUNT_DAYS, Suspicion
from voting_service.antifraud.networks import CloudNetworks
from voting_service.antifraud.user_agents import AgentClass, agent_class

# Plain integers: an enum's own `|` costs more than all the rest of a vote's screening.
_CLOUD_NETWORK = int(Suspicion.CLOUD_NETWORK)
_AUTOMATED_AGENT = int(Suspicion.AUTOMATED_AGENT)
_YOUNG_ACCOUNT = int(Suspicion.YOUNG_ACCOUNT)
_HURRIED = int(Suspicion.HURRIED)

HASH_BYTES = 8
NO_HASH = "0" * (2 * HASH_BYTES)
_REMEMBERED = 65_536


class Origin(NamedTuple):
    """Where a request comes from: hashes in hex, NO_HASH when the address is none (a Unix
    socket). `exempt`: signals mean nothing there."""

    address: str
    network: str
    cloud: bool
    exempt: bool


class Device(NamedTuple):
    """What sends it: hash in hex of the headers, and the class of the user agent."""

    fingerprint: str
    agent: AgentClass


class Sender(NamedTuple):
    """Everything that is known of a vote's sender when it is cast. `account_day` counts days since
    clock.FIRST_DAY, 0 where it is unknown; `seconds_since_sign_in` is the most that filling in the
    ballot can have taken."""

    origin: Origin
    device: Device
    account_day: int
    seconds_since_sign_in: int

    @property
    def hashes(self) -> str:
        """Address, network and device in one text of 48 hexadecimal digits."""
        return self.origin.address + self.origin.network + self.device.fingerprint

    def lit(self, today: int) -> int:
        """The signals (Suspicion) that need no counting; `today` as `account_day`."""
        origin = self.origin
        if origin.exempt:
            return 0
        lit = 0
        if origin.cloud:
            lit |= _CLOUD_NETWORK
        if self.device.agent.automated:
            lit |= _AUTOMATED_AGENT
        if self.account_day and today - self.account_day < YOUNG_ACCOUNT_DAYS:
            lit |= _YOUNG_ACCOUNT
        if self.seconds_since_sign_in < HURRIED_SECONDS:
            lit |= _HURRIED
        return lit


NOWHERE = Origin(NO_HASH, NO_HASH, cloud=False, exempt=True)


class ClientReader:
    """Origins and devices of one contest; the same input gives the same hash within it, and
    nothing without its key. Recent answers are remembered, so most votes cost a look-up."""

    def __init__(self, key: bytes, cloud: CloudNetworks, exempt: tuple[Network, ...]) -> None:
        self._key = key
        self._cloud = cloud
        self._exempt = exempt
        self.origin = lru_cache(maxsize=_REMEMBERED)(self._origin)
        self.device = lru_cache(maxsize=_REMEMBERED)(self._device)

    def _hash(self, person: bytes, message: bytes) -> str:
        return blake2b(message, key=self._key, digest_size=HASH_BYTES, person=person).hexdigest()

    def _origin(self, address: str) -> Origin:
        try:
            parsed = parse_address(address)
        except ValueError:
            return NOWHERE
        return Origin(
            address=self._hash(b"address", parsed.packed),
            network=self._hash(b"network", network_of(parsed).network_address.packed),
            cloud=self._cloud.contains(parsed),
            exempt=is_within(parsed, self._exempt),
        )

    def _device(self, user_agent: bytes, languages: bytes, hints: bytes) -> Device:
        """`hints` are the client hints for brand, platform and mobility, as they were sent."""
        message = b"\0".join((user_agent, languages, hints))
        return Device(self._hash(b"device", message), agent_class(user_agent.decode("latin-1")))
