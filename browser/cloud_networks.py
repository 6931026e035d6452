"""Makes the table of hosting companies' networks out of the npm package `@ip-location-db/asn`.

Run by hatch_build.py. The package names the company of every announced range; companies are told
by words of their names. The result is little-endian 64-bit numbers, compressed: how many IPv4
ranges, their starts, their ends, then the starts and ends of IPv6 ranges by their upper 64 bits.
"""

from __future__ import annotations

import csv
import lzma
import re
import sys
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path

_NAMES = re.compile(
    r"""\b(
      amazon | aws | microsoft | azure | google(?!\ fiber) | oracle | ibm\ cloud | softlayer
    | alibaba | aliyun | tencent\ cloud | shenzhen\ tencent | huawei\ cloud | volcano\ engine
    | bytedance | baidu | ucloud | kingsoft\ cloud | ksyun | jdcloud | blue\ cloud | capitalonline
    | naver\ cloud | nhncloud | yandex\.cloud
    | digitalocean | linode | akamai\ connected | constant\ company | vultr | choopa
    | ovh | hetzner | scaleway | contabo | leaseweb | datacamp | m247 | quadranet | psychz
    | ionos | netcup | upcloud | kamatera | hostinger | godaddy | namecheap | rackspace | zenlayer
    | cloudflare | fastly | egihosting | colocrossing | buyvm | frantech | clouvider | servers\.com
    | fdcservers | cnservers | hostroyale | hostpapa | interserver | hostkey | gthost | g-core
    | [a-z]*hosting | [a-z]*\ ?data\ ?cent(?:er|re)s? | [a-z]*vps[a-z]* | idc | dedicated\ servers
    | cloud\ (?:service|computing|technolog\w*|networks?|data|solutions)
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)
_MAX = 2**64 - 1


def is_hosting_company(name: str) -> bool:
    """Whether a company of this name lets machines rather than serves subscribers."""
    return _NAMES.search(name) is not None


def make_table(package: Path) -> bytes:
    """The table, from the folder of the npm package."""
    v4 = merged(_ranges(package / "asn-ipv4-num.csv", shift=0))
    v6 = merged(_ranges(package / "asn-ipv6-num.csv", shift=64))
    numbers = array("Q", [len(v4)])
    for ranges in (v4, v6):
        numbers.extend(start for start, _ in ranges)
        numbers.extend(end for _, end in ranges)
    if sys.byteorder == "big":
        numbers.byteswap()
    return lzma.compress(numbers.tobytes(), preset=6)


def merged(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sorted ranges without overlaps or seams, both ends included."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if found and start <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def _ranges(file: Path, shift: int) -> Iterator[tuple[int, int]]:
    with file.open(encoding="utf-8", newline="") as lines:
        for start, end, _, name in csv.reader(lines):
            if is_hosting_company(name):
                yield int(start) >> shift, min(int(end) >> shift, _MAX)
