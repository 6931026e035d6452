"""Certificates: gold for winners, silver for nominees, A4 landscape, a page each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from importlib import resources
from typing import Any, Literal

import msgspec
import segno

from voting_service.contests.model import Text
from voting_service.errors import Fault, InvalidInput
from voting_service.office.printing.wording import ceremonial_day, paragraphs
from voting_service.typesetting.compile import typeset

Award = Literal["winner", "nominee"]

CITATION_CHARACTERS = 160
"""What fits on a certificate in letters that can be read on a wall."""


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """One person's; `verification_url` is where anybody checks it."""

    selection: Text
    award: Award
    number: str
    name: str
    citation: str
    """Below the name, such as 技艺精湛，贡献突出，荣获“最美巴渝工匠”称号，特颁此证。"""
    issuers: tuple[str, ...]
    issued_on: date
    verification_url: str


def certificates(batch: Sequence[Certificate]) -> bytes:
    """The PDF, a page each, in this order. In Chinese, with the title in English too.

    Raises MissingGlyphs, and InvalidInput for a batch of none or a citation that is too long.
    """
    if not batch:
        raise InvalidInput(Fault("certificates", "there is none to print", zh="没有可打印的证书。"))
    for one in batch:
        if len(one.citation) > CITATION_CHARACTERS:
            raise InvalidInput(
                Fault(
                    f"citation of {one.number}",
                    f"has {len(one.citation)} characters; at most {CITATION_CHARACTERS} fit",
                    zh=f"证书 {one.number} 的颁奖词有 {len(one.citation)} 字，"
                    f"请压缩到 {CITATION_CHARACTERS} 字以内。",
                )
            )
    ornament = resources.files(__package__).joinpath("ornament.typ").read_bytes()
    printed = {"certificates": [_printed(one) for one in batch]}
    return typeset(__package__, "certificate.typ", printed, assets={"ornament.typ": ornament})


def qr_rows(address: str) -> list[list[tuple[int, int]]]:
    """The dark runs of each row of a QR code without its quiet zone: (start, length)."""
    rows = []
    for modules in segno.make(address, error="m", micro=False).matrix:
        runs: list[tuple[int, int]] = []
        for place, dark in enumerate(modules):
            if not dark:
                continue
            if runs and sum(runs[-1]) == place:
                runs[-1] = (runs[-1][0], runs[-1][1] + 1)
            else:
                runs.append((place, 1))
        rows.append(runs)
    return rows


def _printed(one: Certificate) -> dict[str, Any]:
    suffix = Text(zh="提名", en=" · Nominee") if one.award == "nominee" else Text(zh="", en="")
    return {
        "award": one.award,
        "title": one.selection.zh + suffix.zh,
        "title_en": one.selection.en + suffix.en,
        "number": one.number,
        "name": one.name,
        "citation": paragraphs(one.citation),
        "issuers": one.issuers,
        "date": ceremonial_day(one.issued_on),
        "qr": qr_rows(one.verification_url),
    }
