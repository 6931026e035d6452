"""Decode picture files from outside and encode them again from bare pixels.

A file is opened as one of four formats, by its content, and decoded only if its size, dimensions
and number of frames are within limits. The result is encoded from pixels in sRGB, without any
metadata, thumbnail or hidden data of the original.

Takes up to two seconds of computing per picture: call it in another process or thread.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path, PurePath
from resource import RLIMIT_AS, setrlimit

from PIL import Image, ImageCms, ImageFilter, ImageOps, UnidentifiedImageError

from voting_service.errors import VotingError
from voting_service.infrastructure.images.model import (
    JPEG_WIDTH,
    LOGO_SIZE,
    PREVIEW_SIZE,
    SUFFIXES,
    WIDTHS,
    EncodedFile,
    EncodedPicture,
    PictureFormat,
    PictureKind,
)

MAX_FILE_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 50_000_000
"""The largest pictures of common phones."""
MAX_DECODED_PIXELS = 25_000_000
"""300 MB, at four bytes per pixel and three copies during conversion. Only JPEG can be decoded at a
half or a quarter of its size."""
MAX_SIDE = 12_000
MAX_WORKER_BYTES = 2 * 1024**3
"""Address space of a decoding process, which limits the harm of a malicious file."""
PORTRAIT_RATIO = (5, 7)
"""Width to height of a two-inch photo (35 × 49 mm)."""
MIN_WIDTH = 320
"""The smallest width after cropping; smaller pictures look bad on every phone."""
MAX_ENLARGEMENT = 2
"""A two-inch photo scanned at 300 dpi is 413 pixels wide; the largest portrait is 640."""
_BUDGET_BYTES = {160: 6_000, 320: 20_000, 640: 60_000, 1200: 100_000, 1280: 160_000}
"""By width: the first quality whose file is within the budget is used, otherwise the last one."""
_QUALITIES: Mapping[PictureFormat, tuple[int, ...]] = {
    "avif": (60, 50, 40, 30, 20, 10),
    "webp": (75, 65, 50, 35, 20),
    "jpeg": (80, 65, 50),
}
_OPTIONS: Mapping[PictureFormat, Mapping[str, object]] = {
    # One thread: the same picture gives the same bytes.
    "avif": {"max_threads": 1, "subsampling": "4:2:0"},
    "webp": {"method": 2},
    "jpeg": {"optimize": True, "progressive": True},
}
AVIF_SPEED = 8
"""Lower speeds take longer, higher ones make larger files of drawings."""
_FACE_HEIGHT = 0.35
"""The vertical centre when a portrait is cropped: faces are above the middle of a picture."""

Image.MAX_IMAGE_PIXELS = MAX_PIXELS


class PictureRefused(VotingError):
    """The file is not a picture that can be shown."""


def encode_picture(data: bytes, name: str, kind: PictureKind) -> EncodedPicture:
    """Encode a picture in every size and format. The suffix of `name` must match the content.

    Raises PictureRefused.
    """
    pixels = decode_picture(data, name)
    if kind == "logo":
        return _encode_logo(pixels)
    if kind == "portrait":
        pixels = ImageOps.fit(
            pixels, _portrait_size(pixels), Image.Resampling.LANCZOS, centering=(0.5, _FACE_HEIGHT)
        )
    elif max(pixels.size) > 3 * min(pixels.size):
        raise PictureRefused("infrastructure.images.too_narrow")
    if pixels.width < MIN_WIDTH:
        raise PictureRefused(
            "infrastructure.images.portrait_too_small"
            if kind == "portrait"
            else "infrastructure.images.picture_too_small",
            width=pixels.width,
            min_width=MIN_WIDTH,
        )
    return encode_pixels(pixels, kind)


def encode_pixels(
    pixels: Image.Image, kind: PictureKind, *, avif_speed: int = AVIF_SPEED
) -> EncodedPicture:
    """Encode pixels (RGB) without checks; `avif_speed` 9 takes a third of the time."""
    widths = [width for width in WIDTHS[kind] if width <= MAX_ENLARGEMENT * pixels.width]
    files = list(_sizes(pixels, widths, avif_speed))
    if kind == "portrait":
        width, _ = PREVIEW_SIZE
        files.append(EncodedFile(width, "jpeg", _encode(_preview(pixels), "jpeg", width)))
    largest = widths[-1]
    return EncodedPicture(_name(files), largest, _height(pixels, largest), tuple(files))


def _encode_logo(pixels: Image.Image) -> EncodedPicture:
    fitting = pixels.copy()
    fitting.thumbnail(LOGO_SIZE, Image.Resampling.LANCZOS)
    target = io.BytesIO()
    fitting.save(target, "PNG", optimize=True)
    files = [EncodedFile(fitting.width, "png", target.getvalue())]
    return EncodedPicture(_name(files), fitting.width, fitting.height, tuple(files))


def encode_file(path: Path, kind: PictureKind) -> EncodedPicture:
    """Encode a file. Raises PictureRefused."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise _too_large()
        data = path.read_bytes()
    except OSError as error:
        raise PictureRefused("infrastructure.images.unreadable", error=error.strerror) from None
    return encode_picture(data, path.name, kind)


def workers() -> ProcessPoolExecutor:
    """Return a pool of new processes with limited memory, to encode files from outside."""
    return ProcessPoolExecutor(mp_context=get_context("forkserver"), initializer=_limit_memory)


def _limit_memory() -> None:
    setrlimit(RLIMIT_AS, (MAX_WORKER_BYTES, MAX_WORKER_BYTES))


def decode_picture(data: bytes, name: str) -> Image.Image:
    """Return the picture upright, in RGB. Raises PictureRefused."""
    if len(data) > MAX_FILE_BYTES:
        raise _too_large()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=list(SUFFIXES)) as image:
                _check(image, name)
                _decode_small(image)
                image.load()
                return plain_pixels(ImageOps.exif_transpose(image))
    except PictureRefused:
        raise
    except UnidentifiedImageError:
        raise PictureRefused("infrastructure.images.unknown_format") from None
    except Image.DecompressionBombError:
        raise _too_many_pixels(MAX_PIXELS) from None
    except Exception as error:  # decoders fail in many ways; all mean the same to the user
        raise PictureRefused("infrastructure.images.damaged", error=str(error)) from None


def _check(image: Image.Image, name: str) -> None:
    """Check the file's header, before the pixels are decoded."""
    # MPO is a JPEG that carries a second picture: many phones add a depth or brightness map.
    format_ = "JPEG" if image.format == "MPO" else image.format or ""
    suffix = PurePath(name).suffix.lower()
    if suffix not in SUFFIXES[format_]:
        raise PictureRefused(
            "infrastructure.images.wrong_suffix",
            format=format_,
            suffix=ascii(suffix),
            expected=SUFFIXES[format_][0],
        )
    if image.width * image.height > MAX_PIXELS:
        raise _too_many_pixels(MAX_PIXELS)
    if max(image.size) > MAX_SIDE:
        raise PictureRefused(
            "infrastructure.images.side_too_long", side=max(image.size), max_side=MAX_SIDE
        )
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise PictureRefused("infrastructure.images.animated")


def _decode_small(image: Image.Image) -> None:
    """Decode a large JPEG at a part of its size, if that is enough for every encoded size."""
    image.draft("RGB", (2 * PREVIEW_SIZE[0], 2 * PREVIEW_SIZE[0]))
    if image.width * image.height > MAX_DECODED_PIXELS:
        raise _too_many_pixels(MAX_DECODED_PIXELS)


def _too_many_pixels(limit: int) -> PictureRefused:
    return PictureRefused(
        "infrastructure.images.too_many_pixels",
        millions=limit // 1_000_000,
        ten_thousands=limit // 10_000,
    )


def _too_large() -> PictureRefused:
    return PictureRefused(
        "infrastructure.images.file_too_large", megabytes=MAX_FILE_BYTES // 1024**2
    )


def plain_pixels(image: Image.Image) -> Image.Image:
    """Return only the pixels, in sRGB, with transparent parts on white."""
    profile = image.info.get("icc_profile")
    if image.mode in {"I", "I;16", "I;16B", "I;16L", "F"}:  # 16 bits of grey
        image, profile = image.convert("I").point(lambda value: value / 256).convert("L"), None
    elif image.mode in {"P", "PA", "LA", "La", "RGBa"} or "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode == "RGBA":
        opaque = Image.new("RGB", image.size, "white")
        opaque.paste(image, mask=image.getchannel("A"))
        image = opaque
    if profile:
        image = _to_srgb(image, profile)
    image = image if image.mode == "RGB" else image.convert("RGB")
    plain = Image.new("RGB", image.size)  # a converted picture still carries its file's `info`
    plain.paste(image)
    return plain


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert from a colour profile; ignore a profile that is broken or does not match."""
    try:
        converted = ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGB",
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    return converted if converted is not None else image


def _portrait_size(pixels: Image.Image) -> tuple[int, int]:
    """Return the largest size with the ratio of a portrait that fits into the picture."""
    wide, high = PORTRAIT_RATIO
    unit = max(min(pixels.width // wide, pixels.height // high), 1)
    return wide * unit, high * unit


def _height(pixels: Image.Image, width: int) -> int:
    return max(round(pixels.height * width / pixels.width), 1)


def _sizes(pixels: Image.Image, widths: list[int], avif_speed: int) -> Iterator[EncodedFile]:
    """Yield every width in both formats, and one JPEG; each is reduced from the next larger one."""
    for width in sorted(widths, reverse=True):
        size = (width, _height(pixels, width))
        smaller = pixels.resize(size, Image.Resampling.LANCZOS)
        yield EncodedFile(width, "avif", _encode(smaller, "avif", width, speed=avif_speed))
        yield EncodedFile(width, "webp", _encode(smaller, "webp", width))
        if width == JPEG_WIDTH:
            yield EncodedFile(width, "jpeg", _encode(smaller, "jpeg", width))
        if width < pixels.width:
            pixels = smaller


def _encode(pixels: Image.Image, format_: PictureFormat, width: int, **more: int) -> bytes:
    encoded = b""
    options = {**_OPTIONS[format_], **more}
    for quality in _QUALITIES[format_]:
        target = io.BytesIO()
        pixels.save(target, format_.upper(), quality=quality, **options)
        encoded = target.getvalue()
        if len(encoded) <= _BUDGET_BYTES[width]:
            break
    return encoded


def _preview(portrait: Image.Image) -> Image.Image:
    """Return a wide picture with the whole portrait in front of its blurred colours."""
    width, height = PREVIEW_SIZE
    colours = portrait.resize((24, 13), Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(1))
    backdrop = colours.resize(PREVIEW_SIZE, Image.Resampling.BICUBIC).point(lambda v: v * 0.7)
    inner = portrait.resize(
        (height * PORTRAIT_RATIO[0] // PORTRAIT_RATIO[1], height), Image.Resampling.LANCZOS
    )
    backdrop.paste(inner, ((width - inner.width) // 2, 0))
    return backdrop


def _name(files: list[EncodedFile]) -> str:
    """Return 32 hexadecimal digits that identify exactly these files."""
    whole = sha256()
    for file in files:
        whole.update(f"{file.width} {file.format} {len(file.data)}\n".encode())
        whole.update(file.data)
    return whole.hexdigest()[:32]
