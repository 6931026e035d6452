"""Draw the picture that messengers show of a link, and that people send on: words, a portrait and a
QR code that leads to the page.

Takes a tenth of a second of computing: call it in a thread.
"""

from __future__ import annotations

import io
from functools import lru_cache
from hashlib import blake2b

import msgspec
import regex
import segno
from PIL import Image, ImageDraw, ImageFont, ImageOps

from voting_service.infrastructure.images.model import PREVIEW_SIZE
from voting_service.infrastructure.typesetting.glyph_coverage import FONTS, missing_glyphs

_WIDTH, _HEIGHT = PREVIEW_SIZE
_PORTRAIT_WIDTH = _HEIGHT * 3 // 4
_MARGIN = 48
_BAND_HEIGHT = 112
_QR_SIDE = 176
_PAPER, _INK, _QUIET, _RED, _GOLD = "#fffdf9", "#1e2227", "#555d66", "#7a1f12", "#f3d9a4"
_QUALITY = 85
_SMALLEST = 18
_FACE_HEIGHT = 0.35
_TOKEN = regex.compile(r"[\p{Ps}\p{Pi}]*(?:[\x21-\x7e]+ ?|.)[\p{Pe}\p{Pf}\p{Po}]*", regex.DOTALL)
"""What stays on one line: a Latin word or one other character, with the punctuation around it."""


class SharePictureText(msgspec.Struct, frozen=True, kw_only=True):
    """The texts of a share picture. `portrait` is the hash of the portrait beside them, `address`
    what its QR code leads to."""

    address: str
    contest: str
    headline: str
    number: str = ""
    details: str = ""
    invitation: str
    portrait: str | None = None

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that name this picture."""
        return blake2b(msgspec.json.encode(self), digest_size=6).hexdigest()


def draw_share_picture(card: SharePictureText, portrait: bytes | None) -> bytes:
    """Return the JPEG of a card. A headline with a character that the font lacks is left out."""
    picture = Image.new("RGB", PREVIEW_SIZE, _PAPER)
    pen = ImageDraw.Draw(picture)
    left = _PORTRAIT_WIDTH if portrait is not None else 0
    if portrait is not None:
        picture.paste(_cropped(portrait), (0, 0))
    pen.rectangle((left, 0, _WIDTH, _BAND_HEIGHT), fill=_RED)
    width = _WIDTH - left - 2 * _MARGIN
    at = left + _MARGIN
    _write(
        pen, (at, _BAND_HEIGHT // 2), card.contest, _Style("Bold", 34, _GOLD, width, middle=True)
    )
    top = _BAND_HEIGHT + 32
    if card.number:
        _badge(pen, (at, top), card.number)
        top += 80
    if not missing_glyphs(card.headline):
        top = _write(pen, (at, top), card.headline, _Style("Bold", 76, _INK, width))
    beside = width - _QR_SIDE - 32
    _write(pen, (at, top + 12), card.details, _Style("Regular", 30, _INK, beside))
    _paste_code(picture, card.address)
    low = _HEIGHT - _MARGIN - 24
    _write(pen, (at, low), card.invitation, _Style("Regular", 26, _QUIET, beside, middle=True))
    target = io.BytesIO()
    picture.save(target, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
    return target.getvalue()


def _cropped(portrait: bytes) -> Image.Image:
    with Image.open(io.BytesIO(portrait), formats=["WEBP"]) as image:
        size = (_PORTRAIT_WIDTH, _HEIGHT)
        return ImageOps.fit(image.convert("RGB"), size, centering=(0.5, _FACE_HEIGHT))


class _Style(msgspec.Struct, frozen=True):
    """How a text is set: on one line of `width` pixels where a third smaller is enough for that,
    otherwise on two; `middle` centres it on its place, otherwise it hangs from it."""

    weight: str
    size: int
    colour: str
    width: int
    middle: bool = False


@lru_cache(maxsize=64)
def _font(weight: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONTS / f"NotoSansSC-{weight}.ttf", size)


def _write(pen: ImageDraw.ImageDraw, place: tuple[int, int], text: str, style: _Style) -> int:
    """Write a text and return where the next line begins."""
    size = next(
        (
            size
            for size in range(style.size, style.size * 2 // 3, -2)
            if len(_lines(text, _font(style.weight, size), style.width)) < 2
        ),
        style.size,
    )
    lines = _lines(text, _font(style.weight, size), style.width)
    while len(lines) > 2 and size > _SMALLEST:
        size -= 2
        lines = _lines(text, _font(style.weight, size), style.width)
    step = size * 13 // 10
    top = place[1] - step * len(lines) // 2 if style.middle else place[1]
    for line in lines[:2]:
        font = _font(style.weight, size)
        pen.text((place[0], top + step // 2), line, fill=style.colour, font=font, anchor="lm")
        top += step
    return top


def _lines(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    lines = [""]
    for token in _TOKEN.findall(text):
        if lines[-1] and font.getlength((lines[-1] + token).rstrip()) > width:
            lines.append("")
        lines[-1] += token
    return [line.rstrip() for line in lines if line.strip()]


def _badge(pen: ImageDraw.ImageDraw, place: tuple[int, int], number: str) -> None:
    font = _font("Bold", 40)
    x, y = place
    right = x + font.getlength(number) + 44
    pen.rounded_rectangle((x, y, right, y + 64), 14, fill=_RED)
    pen.text(((x + right) / 2, y + 32), number, fill="#fff", font=font, anchor="mm")


def _paste_code(picture: Image.Image, address: str) -> None:
    """Paste the QR code of an address, each module of whole pixels, at the bottom right."""
    code = segno.make(address, error="m", micro=False)
    border = 2
    modules = code.symbol_size(scale=1, border=border)[0]
    scale = max(_QR_SIDE // modules, 1)
    stream = io.BytesIO()
    code.save(stream, kind="png", scale=scale, border=border)
    with Image.open(stream) as image:
        side = image.width
        place = (_WIDTH - _MARGIN - side, _HEIGHT - _MARGIN - side)
        picture.paste(image.convert("RGB"), place)
