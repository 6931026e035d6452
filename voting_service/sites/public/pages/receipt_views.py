"""The receipt as a page and as a picture, made from the stored ballot without its choices."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import NamedTuple

import msgspec
from starlette.responses import Response

from voting_service.sites.public.api.reads import find_ballot
from voting_service.sites.public.pages.context import PageContext
from voting_service.sites.public.pages.responses import rendered_response
from voting_service.sites.shared.qr_code import qr_code
from voting_service.sites.shared.security_headers import CONTENT_SECURITY_POLICY, SECURITY_HEADERS
from voting_service.voting.ballots.receipt import receipt_bytes
from voting_service.voting.rulings.model import BallotState

PICTURE_WIDTH = 640
_MARGIN = 40
_TITLE_SIZE = 34
_GROUP = 4
_POLICY = CONTENT_SECURITY_POLICY.replace("img-src 'self'", "img-src 'self' blob:")
"""Allows the picture that the script draws, which phones save by touch and hold."""


class _ReceiptFields(msgspec.Struct, frozen=True):
    ballot: str
    issued_at: datetime
    seal: str


class _ReceiptDocument(msgspec.Struct, frozen=True):
    receipt: _ReceiptFields


_decoder = msgspec.json.Decoder(_ReceiptDocument)


class Receipt(NamedTuple):
    """A receipt as the page shows it."""

    ballot: str
    issued_at: datetime
    seal: str
    state: BallotState
    address: str
    """The full address of the receipt's page."""


async def receipt(context: PageContext) -> Response:
    """Show the receipt of a ballot. The ballot ID is the only credential."""
    return await receipt_page(context, context.request.path_params["ballot"])


async def receipt_page(
    context: PageContext, ballot: str, *, has_already_voted: bool = False
) -> Response:
    """Return the page: 409 after a second, different ballot of its voter. Raises NotFound."""
    shown = await _load_receipt(context, ballot)
    body = context.page_cache.render(
        "receipt.html",
        context.language,
        f"/receipts/{ballot}",
        receipt=shown,
        groups=grouped,
        qr=qr_code(shown.address),
        next_try=_next_try(context),
        has_already_voted=has_already_voted,
    )
    response = rendered_response(body, 409 if has_already_voted else 200)
    response.headers["content-security-policy"] = _POLICY
    return response


async def picture(context: PageContext) -> Response:
    """Return the receipt as a self-contained SVG, to save and to print."""
    shown = await _load_receipt(context, context.request.path_params["ballot"])
    title = getattr(context.contest.rules.title, context.language)
    body = context.page_cache.render(
        "receipt_picture.svg",
        context.language,
        "",
        receipt=shown,
        groups=grouped,
        qr=qr_code(shown.address),
        width=PICTURE_WIDTH,
        title_size=fitting_size(title, PICTURE_WIDTH - 2 * _MARGIN, _TITLE_SIZE),
    )
    headers = {
        **SECURITY_HEADERS,
        "cache-control": "no-store",
        "content-disposition": f'attachment; filename="receipt-{shown.ballot[-8:]}.svg"',
    }
    return Response(body, 200, headers, media_type="image/svg+xml")


async def _load_receipt(context: PageContext, ballot: str) -> Receipt:
    stored, state = await find_ballot(context.state, context.contest, ballot)
    fields = _decoder.decode(
        receipt_bytes(context.contest_state.keys.receipt, context.contest.slug, stored)
    ).receipt
    return Receipt(
        ballot=fields.ballot,
        issued_at=fields.issued_at,
        seal=fields.seal,
        state=state,
        address=f"{context.state.settings.public_url}{context.address}/receipts/{ballot}",
    )


def _next_try(context: PageContext) -> str:
    """Return the key of the text on when the holder may vote again."""
    contest = context.contest
    if context.page_cache.phase != "open":
        return "closed"
    if contest.rules.ballot.every == "contest":
        return "once"
    return "tomorrow" if contest.period_end(context.now) < contest.closes_at else "last_day"


def grouped(hexadecimal: str) -> str:
    """Return a number in groups of four digits."""
    return " ".join(
        hexadecimal[start : start + _GROUP] for start in range(0, len(hexadecimal), _GROUP)
    )


def fitting_size(text: str, width: int, largest: int) -> int:
    """Return the largest font size at which a line fits. Ideographs are as wide as high, other
    characters a little over half as wide."""
    ems = sum(1.0 if unicodedata.east_asian_width(c) in "WF" else 0.58 for c in text)
    return min(largest, int(width / max(ems, 1.0)))
