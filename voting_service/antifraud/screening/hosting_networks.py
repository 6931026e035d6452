"""The networks of hosting companies, from a public table of announced addresses.

`cloud_networks.bin` is made when the package is built (browser/cloud_networks.py): sorted starts
and ends of merged ranges. A voter at a hosting company's address uses a proxy at best; that is a
signal like the others and rejects no vote by itself. Residential proxies are not in the table.
"""

from __future__ import annotations

import lzma
import sys
from array import array
from bisect import bisect_right
from functools import cache
from importlib import resources

from voting_service.infrastructure.ip_addresses import Address

FILE = "cloud_networks.bin"


class CloudNetworks:
    """Ranges of addresses; IPv6 by the upper 64 bits, the network."""

    def __init__(self, v4: tuple[array[int], array[int]], v6: tuple[array[int], array[int]]):
        self._v4 = v4
        self._v6 = v6

    def contains(self, address: Address) -> bool:
        """Whether a hosting company announces the address."""
        value = int(address)
        starts, ends = self._v4
        if address.version == 6:
            value >>= 64
            starts, ends = self._v6
        index = bisect_right(starts, value) - 1
        return index >= 0 and value <= ends[index]

    def __len__(self) -> int:
        return len(self._v4[0]) + len(self._v6[0])


@cache
def cloud_networks() -> CloudNetworks:
    """Load the table of the package. Raises FileNotFoundError in a tree that was not built."""
    packed = resources.files(__package__).joinpath("data", FILE).read_bytes()
    numbers = array("Q", lzma.decompress(packed))
    if sys.byteorder == "big":
        numbers.byteswap()
    v4, rest = numbers[0], numbers[1:]
    v6 = (len(rest) - 2 * v4) // 2
    return CloudNetworks(
        (rest[:v4], rest[v4 : 2 * v4]),
        (rest[2 * v4 : 2 * v4 + v6], rest[2 * v4 + v6 :]),
    )
