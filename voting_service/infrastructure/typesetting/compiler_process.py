"""The process that compiles one document: main.typ of a folder, to stdout as PDF.

compiler.py runs it as a file and not as a module, so that it loads nothing but Typst.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

import typst

MEMORY_BYTES = 2 * 2**30
"""A report of four pages needs 60 MiB, a table of 490 pages took 1.4 GiB."""


def main(folder: Path, *fonts: Path) -> None:
    """Write the PDF to stdout. Exits with 1 and a reason on stderr if it does not compile."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    loaded_fonts = typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=True,  # for the monospaced one
        font_paths=list(fonts),
    )
    try:
        pdf, warnings = typst.compile_with_warnings(
            folder / "main.typ",
            root=folder,
            font_paths=loaded_fonts,
            sys_inputs={"families": json.dumps(loaded_fonts.families())},
        )
    except typst.TypstError as error:
        sys.exit(error.diagnostic or error.message)
    if warnings:
        sys.exit("\n".join(warning.diagnostic or warning.message for warning in warnings))
    sys.stdout.buffer.write(pdf)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
