"""The eight pillar industries (支柱产业) of the notice: what a selection lists unless it is told
otherwise. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from voting_service.contests.model import Text

PILLAR_INDUSTRIES: Mapping[str, Text] = MappingProxyType(
    {
        "automobiles": Text(zh="汽车", en="Automobiles"),
        "motorcycles": Text(zh="摩托车", en="Motorcycles"),
        "electronics": Text(zh="电子", en="Electronics"),
        "equipment": Text(zh="装备", en="Equipment"),
        "medicine": Text(zh="医药", en="Medicine"),
        "materials": Text(zh="材料", en="Materials"),
        "consumer-goods": Text(zh="消费品", en="Consumer goods"),
        "energy": Text(zh="能源", en="Energy"),
    }
)
"""By the key that a form holds in `industry`."""
