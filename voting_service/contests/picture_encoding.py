"""From a file that anybody may have made to pictures that are only pixels.

A file is opened as one of four formats, by its content, and only after its size, its dimensions
and the number of its frames are known to be bearable. What comes out is encoded anew from bare
pixels in sRGB: position, device, comments, profiles, thumbnails and whatever was hidden behind
the picture stay behind.

Pure computing of up to a second or two a picture: call it in another process or thread.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path, PurePath
from resource import RLIMIT_AS, setrlimit
from typing import Any

from PIL import Image, ImageCms, ImageFilter, ImageOps, UnidentifiedImageError

from voting_service.contests.pictures import (
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
"""What a good phone makes."""
MAX_DECODED_PIXELS = 25_000_000
"""At four bytes a pixel and three copies while it is converted, 300 MB. Only JPEG can be decoded
at a half or a quarter of its size."""
MAX_SIDE = 12_000
MAX_WORKER_BYTES = 2 * 1024**3
"""Address space of a process that decodes; whatever a file contrives, it fails there."""
PORTRAIT_RATIO = (5, 7)
"""Width to height of a two-inch photo (35 × 49 mm)."""
MIN_WIDTH = 320
"""Of what is left after cropping; a smaller picture looks bad on every phone."""
MAX_ENLARGEMENT = 2
"""A two-inch photo scanned at 300 dots an inch is 413 pixels wide; the largest portrait is 640."""
_BUDGET_BYTES = {160: 6_000, 320: 20_000, 640: 60_000, 1200: 100_000, 1280: 160_000}
"""The first quality whose file is within the budget of its width is taken, else the last one."""
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
"""Below it the time grows, above it the files of drawings do."""
_TOO_LARGE = f"is larger than {MAX_FILE_BYTES // 1024**2} MB"
_TOO_LARGE_ZH = f"图片超过 {MAX_FILE_BYTES // 1024**2} MB。"
_FACE_HEIGHT = 0.35
"""Where a portrait's middle is when it is cropped: a face is above the middle of its picture."""

Image.MAX_IMAGE_PIXELS = MAX_PIXELS


class PictureRefused(ValueError):
    """The file is no picture that can be shown; the message says why and what to do, and `zh` the
    same as a sentence."""

    def __init__(self, message: str, *, zh: str) -> None:
        super().__init__(message)
        self.zh = zh

    def __reduce__(self) -> tuple[Any, ...]:
        """It comes back from a process of its own, made anew without keywords."""
        return partial(type(self), zh=self.zh), self.args


def encode_picture(data: bytes, name: str, kind: PictureKind) -> EncodedPicture:
    """Every size and format of a picture. The suffix of `name` must fit the content.

    Raises PictureRefused.
    """
    pixels = decode_picture(data, name)
    if kind == "portrait":
        pixels = ImageOps.fit(
            pixels, _portrait_size(pixels), Image.Resampling.LANCZOS, centering=(0.5, _FACE_HEIGHT)
        )
    elif max(pixels.size) > 3 * min(pixels.size):
        raise PictureRefused(
            "is more than three times as wide as high, or as high as wide",
            zh="图片的长边超过短边的三倍。",
        )
    if pixels.width < MIN_WIDTH:
        raise PictureRefused(
            f"is {pixels.width} pixels wide{' once cropped to 5:7' if kind == 'portrait' else ''}; "
            f"at least {MIN_WIDTH} are needed",
            zh=f"图片{'裁成 5:7 后' if kind == 'portrait' else ''}宽 {pixels.width} 像素，"
            f"至少需要 {MIN_WIDTH} 像素。",
        )
    return encode_pixels(pixels, kind)


def encode_pixels(
    pixels: Image.Image, kind: PictureKind, *, avif_speed: int = AVIF_SPEED
) -> EncodedPicture:
    """The same for a picture that this program drew, in RGB; `avif_speed` 9 takes a third of the
    time."""
    widths = [width for width in WIDTHS[kind] if width <= MAX_ENLARGEMENT * pixels.width]
    files = list(_sizes(pixels, widths, avif_speed))
    if kind == "portrait":
        width, _ = PREVIEW_SIZE
        files.append(EncodedFile(width, "jpeg", _encode(_preview(pixels), "jpeg", width)))
    largest = widths[-1]
    return EncodedPicture(_name(files), largest, _height(pixels, largest), tuple(files))


def encode_file(path: Path, kind: PictureKind) -> EncodedPicture:
    """The same for a file. Raises PictureRefused."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise PictureRefused(_TOO_LARGE, zh=_TOO_LARGE_ZH)
        data = path.read_bytes()
    except OSError as error:
        raise PictureRefused(
            f"cannot be read: {error.strerror}", zh=f"无法读取图片：{error.strerror}。"
        ) from None
    return encode_picture(data, path.name, kind)


def workers() -> ProcessPoolExecutor:
    """Processes that encode side by side, off the event loop. They start afresh and may take a
    limited amount of memory: they handle strangers' files."""
    return ProcessPoolExecutor(mp_context=get_context("forkserver"), initializer=_limit_memory)


def _limit_memory() -> None:
    setrlimit(RLIMIT_AS, (MAX_WORKER_BYTES, MAX_WORKER_BYTES))


def decode_picture(data: bytes, name: str) -> Image.Image:
    """The upright picture in plain RGB. Raises PictureRefused."""
    if len(data) > MAX_FILE_BYTES:
        raise PictureRefused(_TOO_LARGE, zh=_TOO_LARGE_ZH)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=list(SUFFIXES)) as image:
                _check(image, name)
                _decode_small(image)
                image.load()
                return _plain(ImageOps.exif_transpose(image))
    except PictureRefused:
        raise
    except UnidentifiedImageError:
        raise PictureRefused(
            "is no JPEG, PNG, WebP or AVIF picture; open it and save it as one",
            zh="不是 JPEG、PNG、WebP 或 AVIF 图片，请打开后另存为其中一种格式。",
        ) from None
    except Image.DecompressionBombError:
        raise _too_many_pixels(MAX_PIXELS) from None
    except Exception as error:  # decoders fail in dozens of ways; each means the same to the user
        raise PictureRefused(
            f"is damaged or cut short ({error}); open it and save it again",
            zh="图片已损坏或不完整，请打开后重新保存。",
        ) from None


def _check(image: Image.Image, name: str) -> None:
    """What the file's head says, before anything of its size is decoded."""
    # MPO is a JPEG that carries a second picture: many phones add a depth or brightness map.
    format_ = "JPEG" if image.format == "MPO" else image.format or ""
    suffix = PurePath(name).suffix.lower()
    if suffix not in SUFFIXES[format_]:
        raise PictureRefused(
            f"is a {format_} picture, but its name ends in {suffix!a}; "
            f"it must end in {SUFFIXES[format_][0]}",
            zh=f"这是 {format_} 图片，扩展名应为 {SUFFIXES[format_][0]}，请改名或重新保存。",
        )
    if image.width * image.height > MAX_PIXELS:
        raise _too_many_pixels(MAX_PIXELS)
    if max(image.size) > MAX_SIDE:
        raise PictureRefused(
            f"is {max(image.size)} pixels long, at most {MAX_SIDE} are taken",
            zh=f"图片长边为 {max(image.size)} 像素，最多 {MAX_SIDE} 像素。",
        )
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise PictureRefused(
            "moves; save one still picture of it", zh="这是动态图片，请另存为一张静态图片。"
        )


def _decode_small(image: Image.Image) -> None:
    """Lets a large JPEG be decoded at a part of its size, as long as nothing of it shows."""
    image.draft("RGB", (2 * PREVIEW_SIZE[0], 2 * PREVIEW_SIZE[0]))
    if image.width * image.height > MAX_DECODED_PIXELS:
        raise _too_many_pixels(MAX_DECODED_PIXELS)


def _too_many_pixels(limit: int) -> PictureRefused:
    return PictureRefused(
        f"has more than {limit // 1_000_000} million pixels; save it smaller",
        zh=f"图片超过 {limit // 10_000} 万像素，请缩小后保存。",
    )


def _plain(image: Image.Image) -> Image.Image:
    """The pixels in sRGB, transparent parts on white, and nothing but the pixels."""
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
    """As the profile means the colours; a profile that is broken or of other colours is none."""
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
    """The largest size of the portrait's form that fits in."""
    wide, high = PORTRAIT_RATIO
    unit = max(min(pixels.width // wide, pixels.height // high), 1)
    return wide * unit, high * unit


def _height(pixels: Image.Image, width: int) -> int:
    return max(round(pixels.height * width / pixels.width), 1)


def _sizes(pixels: Image.Image, widths: list[int], avif_speed: int) -> Iterator[EncodedFile]:
    """Every width in both formats; each is made from the one above it."""
    for width in sorted(widths, reverse=True):
        size = (width, _height(pixels, width))
        smaller = pixels.resize(size, Image.Resampling.LANCZOS)
        yield EncodedFile(width, "avif", _encode(smaller, "avif", width, speed=avif_speed))
        yield EncodedFile(width, "webp", _encode(smaller, "webp", width))
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
    """The whole portrait in front of its own colours: links are shown wide, and a wide part of a
    portrait is a forehead."""
    width, height = PREVIEW_SIZE
    colours = portrait.resize((24, 13), Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(1))
    backdrop = colours.resize(PREVIEW_SIZE, Image.Resampling.BICUBIC).point(lambda v: v * 0.7)
    inner = portrait.resize(
        (height * PORTRAIT_RATIO[0] // PORTRAIT_RATIO[1], height), Image.Resampling.LANCZOS
    )
    backdrop.paste(inner, ((width - inner.width) // 2, 0))
    return backdrop


def _name(files: list[EncodedFile]) -> str:
    """32 hexadecimal digits that stand for exactly these files."""
    whole = sha256()
    for file in files:
        whole.update(f"{file.width} {file.format} {len(file.data)}\n".encode())
        whole.update(file.data)
    return whole.hexdigest()[:32]
