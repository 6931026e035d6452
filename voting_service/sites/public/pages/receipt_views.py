"""The receipt as a page and as a picture, made from the stored ballot without its choices."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import Literal, NamedTuple

import msgspec
from markupsafe import escape
from starlette.responses import RedirectResponse, Response

from voting_service.infrastructure.postgres.pool import acquire
from voting_service.sites.public.api.reads import find_ballot
from voting_service.sites.public.pages.context import PageContext
from voting_service.sites.public.pages.responses import rendered_response
from voting_service.sites.public.rendering import dated, fitting_size
from voting_service.sites.shared.page_frame import placeholder
from voting_service.sites.shared.qr_code import QrCodes
from voting_service.sites.shared.security_headers import CONTENT_SECURITY_POLICY, SECURITY_HEADERS
from voting_service.voting.ballots.receipt import receipt_bytes
from voting_service.voting.ballots.receipt_code import ids_of_receipt_code, receipt_code
from voting_service.voting.ballots.receipt_state import ReceiptState
from voting_service.voting.ballots.repository import find_by_receipt_code

PICTURE_WIDTH = 640
_MARGIN = 40
_TITLE_SIZE = 34
_GROUP = 4
_END = 8
_BALLOT_DIGITS = 32
_WHOLE_NUMBER = re.compile(r"[0-9a-f]{32}")
_MAX_TYPED = 80
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
    """A receipt as the pages show it, every field as it is written there."""

    ballot: str
    ballot_groups: str
    ballot_end: str
    short_code: str
    issued_at: str
    issued_text: str
    seal: str
    mac_groups: str
    address: str
    """The full address of the receipt's page."""
    qr: str


_PLACEHOLDERS = Receipt(*(placeholder(name) for name in Receipt._fields))


async def find_receipt(context: PageContext) -> Response:
    """Show the form for a short code or a whole ballot number, and redirect (303) from one to its
    receipt. Nothing of a receipt is shown here."""
    typed = context.request.query_params.get("code", "").strip()[:_MAX_TYPED].replace("\0", "?")
    fault, status = None, 200
    if typed:
        ballot = await _find_ballot(context, typed)
        if isinstance(ballot, bytes):
            return RedirectResponse(
                f"{context.address}/receipts/{ballot.hex()}", 303, {"cache-control": "no-store"}
            )
        fault, status = ("mistyped", 422) if ballot is None else ("none", 404)
    body = context.page_cache.render(
        "find_receipt.html", context.language, "/receipts", typed=typed, fault=fault
    )
    return rendered_response(body, status)


async def _find_ballot(context: PageContext, typed: str) -> bytes | Literal["none"] | None:
    """Return the id of the ballot with a code or number as a person typed it; None if it was
    mistyped, `none` where there is no such ballot."""
    whole = _WHOLE_NUMBER.fullmatch(re.sub(r"[\s-]", "", typed).lower())
    ids = (bytes.fromhex(whole[0]),) * 2 if whole else ids_of_receipt_code(typed)
    if ids is None:
        return None
    async with acquire(context.state.read_pool) as connection:
        ballot = await find_by_receipt_code(connection, context.contest.id, ids)
    return "none" if ballot is None else ballot


async def receipt(context: PageContext) -> Response:
    """Show the receipt of a ballot. The ballot ID is the only credential."""
    return await receipt_page(context, context.request.path_params["ballot"])


async def receipt_page(
    context: PageContext, ballot: str, *, has_already_voted: bool = False
) -> Response:
    """Return the page: 409 after a second, different ballot of its voter. Raises NotFound."""
    shown, state, is_earlier = await _load_receipt(context, ballot)
    frame = context.page_cache.frame(
        "receipt.html",
        context.language,
        f"/receipts/{_PLACEHOLDERS.ballot}",
        receipt=_PLACEHOLDERS,
        state=state,
        is_earlier=is_earlier,
        next_try=_next_try(context),
        has_already_voted=has_already_voted,
    )
    response = rendered_response(frame.fill(shown._asdict()), 409 if has_already_voted else 200)
    response.headers["content-security-policy"] = _POLICY
    return response


async def picture(context: PageContext) -> Response:
    """Return the receipt as a self-contained SVG, to save and to print."""
    shown, *_ = await _load_receipt(context, context.request.path_params["ballot"])
    title = getattr(context.contest.rules.title, context.language)
    frame = context.page_cache.frame(
        "receipt_picture.svg",
        context.language,
        "",
        receipt=_PLACEHOLDERS,
        width=PICTURE_WIDTH,
        title_size=fitting_size(title, PICTURE_WIDTH - 2 * _MARGIN, _TITLE_SIZE),
    )
    headers = {
        **SECURITY_HEADERS,
        "cache-control": "no-store",
        "content-disposition": f'attachment; filename="receipt-{shown.ballot_end}.svg"',
    }
    return Response(frame.fill(shown._asdict()), 200, headers, media_type="image/svg+xml")


async def _load_receipt(context: PageContext, ballot: str) -> tuple[Receipt, ReceiptState, bool]:
    """Return a receipt, its state, and whether it is of an earlier period, so that its voter may
    vote again. Raises NotFound."""
    stored, state = await find_ballot(context.state, context.contest, ballot)
    fields = _decoder.decode(
        receipt_bytes(context.contest_state.keys.receipt, context.contest.slug, stored)
    ).receipt
    below = f"{context.state.settings.public_url}{context.address}/receipts/"
    shown = Receipt(
        ballot=fields.ballot,
        ballot_groups=grouped(fields.ballot),
        ballot_end=fields.ballot[-_END:],
        short_code=receipt_code(bytes.fromhex(fields.ballot)),
        issued_at=fields.issued_at.isoformat(),
        issued_text=dated(fields.issued_at, context.contest.zone, context.language),
        seal=fields.seal,
        mac_groups=grouped(fields.seal),
        address=str(escape(below + ballot)),
        qr=_codes(below).code(ballot).svg(),
    )
    return shown, state, stored.period < context.contest.current_period(context.now)


@lru_cache(maxsize=32)
def _codes(below: str) -> QrCodes:
    """Return the codes of the receipts below an address, a contest's in one language."""
    return QrCodes(below, _BALLOT_DIGITS)


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
