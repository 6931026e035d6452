"""The process that examines the files of one slot: a task on stdin, a result on stdout.

Memory and CPU time are limited from the start. Before the first byte of a file is read, the
process loses the right to open files, write files and start processes. RLIMIT_NPROC does not bind
root, so run the service as another user. All modules are imported at the top: later no file can
be opened. The decoder of HEIC starts a thread, and the system counts threads as processes, so for
such a picture that one right stays; a program started by it could open and reach nothing either.
"""

from __future__ import annotations

import io
import os
import resource
import sys
from typing import get_args

import msgspec
from pikepdf import Encryption, Pdf
from pikepdf.settings import set_qpdf_limits
from PIL import AvifImagePlugin, Image
from pillow_heif import register_heif_opener

from voting_service.nomination.files.evidence import join_files
from voting_service.nomination.files.model import (
    EVIDENCE_PAGES,
    SCAN_PAGES,
    ExaminationResult,
    ExaminationTask,
    Kind,
    Rejection,
)
from voting_service.nomination.files.photo import crop_photo, encode_picture
from voting_service.nomination.files.pictures import MAX_PIXELS
from voting_service.nomination.files.rejections import FileRejected, RejectionReason

MEMORY_BYTES = 2**30
"""Address space. A picture of 50 million pixels takes 150 MB, several times that while it is
rotated and converted."""
MAX_STREAM_BYTES = 128 * 2**20
"""Of a packed stream that qpdf itself has to unpack: tables, objects, old compressions."""
NICENESS = 10
"""Objections are examined beside the workers of the vote, which come first."""
CPU_SECONDS = 60
"""Ten HEIC photos of 12 million pixels take half of it."""
THREADS = "threads"
"""The argument by which the parent leaves the right to start them."""
OUT_OF_MEMORY = 3
"""Exit code; any other code except 0 is a crash."""


def main(kind: Kind, *, may_start_threads: bool = False) -> None:
    """Examine the files on stdin."""
    os.nice(NICENESS)
    _limit(resource.RLIMIT_AS, MEMORY_BYTES)
    _limit(resource.RLIMIT_CPU, CPU_SECONDS)
    _limit(resource.RLIMIT_CORE, 0)
    load_decoders()
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # pictures.py looks at them; Pillow alone would at half
    _limit(resource.RLIMIT_FSIZE, 0)
    if not may_start_threads:
        _limit(resource.RLIMIT_NPROC, 0)
    _limit(resource.RLIMIT_NOFILE, 0)
    try:
        task = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=ExaminationTask)
        result = examine_task(kind, task)
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)
    sys.stdout.buffer.write(msgspec.msgpack.encode(result))


def examine_task(kind: Kind, task: ExaminationTask) -> ExaminationResult:
    """Return what is stored, or why the files are rejected."""
    try:
        match kind:
            case "evidence":
                return join_files(task.files, EVIDENCE_PAGES)
            case "scan":
                return join_files(task.files, SCAN_PAGES, RejectionReason.OTHER_SCAN)
            case "photo":
                return crop_photo(task.files[0], task.frame)
            case "picture":
                return encode_picture(task.files[0])
    except FileRejected as error:
        return Rejection(error.reason.name, error.details, error.number)


def load_decoders() -> None:
    """Load what Pillow, qpdf and Python would load on first use, and set their limits: later no
    file can be opened."""
    Image.init()
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    register_heif_opener(decode_threads=0, thumbnails=False, depth_images=False, aux_images=False)
    _load_ciphers()
    set_qpdf_limits(flate_max_memory=MAX_STREAM_BYTES, run_length_max_memory=MAX_STREAM_BYTES)
    for encoding in ("cp437", "latin-1", "utf-16", "utf-16-le", "utf-16-be", "ascii", "idna"):
        "".encode(encoding)


def _load_ciphers() -> None:
    """Open a protected file as readers do: the newest cipher looks for its settings then."""
    protected = io.BytesIO()
    Pdf.new().save(protected, encryption=Encryption(owner="owner", user="", R=6))
    Pdf.open(protected).close()


def _limit(limit: int, value: int) -> None:
    resource.setrlimit(limit, (value, value))


if __name__ == "__main__":
    [chosen] = (kind for kind in get_args(Kind) if kind == sys.argv[1])
    main(chosen, may_start_threads=THREADS in sys.argv)
