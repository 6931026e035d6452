"""The receipt as a page and as a picture: made from the stored row, never showing the choices."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import NamedTuple

import msgspec
import segno
from markupsafe import Markup
from starlette.responses import Response

from voting_service.ballots.receipt import receipt_bytes
from voting_service.public.pages.answers import rendered_response
from voting_service.public.pages.visit import Visit
from voting_service.public.reads import find_ballot
from voting_service.rulings.model import BallotState
from voting_service.web.security_headers import CONTENT_SECURITY_POLICY, SECURITY_HEADERS

PICTURE_WIDTH = 640
_MARGIN = 40
_TITLE_SIZE = 34
_GROUP = 4
_QR_MASK = 3
"""Any of the eight can be read; looking for the nicest takes 3.4 ms, longer than all the rest of
a vote."""
_POLICY = CONTENT_SECURITY_POLICY.replace("img-src 'self'", "img-src 'self' blob:")
"""The script shows the picture that it has drawn: phones save what is pressed for long."""


class _Sealed(msgspec.Struct, frozen=True):
    ballot: str
    issued_at: datetime
    seal: str


class _Answer(msgspec.Struct, frozen=True):
    receipt: _Sealed


_answer = msgspec.json.Decoder(_Answer)


class Receipt(NamedTuple):
    """What the holder is shown."""

    ballot: str
    issued_at: datetime
    seal: str
    state: BallotState
    address: str
    """The page of this receipt, as a whole address."""


async def receipt(visit: Visit) -> Response:
    """The receipt of a ballot, for whoever holds its id."""
    return await receipt_page(visit, visit.request.path_params["ballot"])


async def receipt_page(visit: Visit, ballot: str, *, is_second_try: bool = False) -> Response:
    """The page; 409 when it answers another ballot of the same voter. Raises NotFound."""
    found = await _receipt(visit, ballot)
    body = visit.book.render(
        "receipt.html",
        visit.language,
        f"/receipts/{ballot}",
        receipt=found,
        groups=grouped,
        qr=qr_code(found.address),
        next_try=_next_try(visit),
        is_second_try=is_second_try,
    )
    response = rendered_response(body, 409 if is_second_try else 200)
    response.headers["content-security-policy"] = _POLICY
    return response


async def picture(visit: Visit) -> Response:
    """The same to save and to print, as an SVG that needs nothing else."""
    found = await _receipt(visit, visit.request.path_params["ballot"])
    title = getattr(visit.contest.rules.title, visit.language)
    body = visit.book.render(
        "receipt_picture.svg",
        visit.language,
        "",
        receipt=found,
        groups=grouped,
        qr=qr_code(found.address),
        width=PICTURE_WIDTH,
        title_size=fitting_size(title, PICTURE_WIDTH - 2 * _MARGIN, _TITLE_SIZE),
    )
    headers = {
        **SECURITY_HEADERS,
        "cache-control": "no-store",
        "content-disposition": f'attachment; filename="receipt-{found.ballot[-8:]}.svg"',
    }
    return Response(body, 200, headers, media_type="image/svg+xml")


async def _receipt(visit: Visit, ballot: str) -> Receipt:
    stored, state = await find_ballot(visit.worker, visit.contest, ballot)
    sealed = _answer.decode(
        receipt_bytes(visit.desk.keys.receipt, visit.contest.slug, stored)
    ).receipt
    return Receipt(
        ballot=sealed.ballot,
        issued_at=sealed.issued_at,
        seal=sealed.seal,
        state=state,
        address=f"{visit.worker.settings.public_url}{visit.address}/receipts/{ballot}",
    )


def _next_try(visit: Visit) -> str:
    """Which of the texts says when the holder may vote again."""
    contest = visit.contest
    if visit.book.phase != "open":
        return "closed"
    if contest.rules.ballot.every == "contest":
        return "once"
    return "tomorrow" if contest.period_end(visit.now) < contest.closes_at else "last_day"


def grouped(hexadecimal: str) -> str:
    """In groups of four, as people read such numbers out."""
    return " ".join(
        hexadecimal[start : start + _GROUP] for start in range(0, len(hexadecimal), _GROUP)
    )


def qr_code(address: str) -> Markup:
    """An inline SVG that scales to its frame; nothing in it comes from outside."""
    code = segno.make(address, error="m", micro=False, mask=_QR_MASK)
    return Markup(code.svg_inline(omitsize=True, light="#fff", svgclass="qr", lineclass=None))  # noqa: S704


def fitting_size(text: str, width: int, largest: int) -> int:
    """The font size at which a line fits; ideographs are as wide as they are high, other
    letters a little over half of that."""
    ems = sum(1.0 if unicodedata.east_asian_width(c) in "WF" else 0.58 for c in text)
    return min(largest, int(width / max(ems, 1.0)))
