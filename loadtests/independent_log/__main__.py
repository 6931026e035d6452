"""Check the tree, the tiles and the signatures of a public log with the code of Go's checksum
database, and change bits that it has to find.

    python -m loadtests.independent_log --flips 1000 FOLDER

Needs Go. The library is Debian's package golang-golang-x-mod-dev, which is downloaded with apt-get
into a temporary folder and not installed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import click

PACKAGE = "golang-golang-x-mod-dev"
PROGRAM = Path(__file__).parent / "main.go"


def build(folder: Path) -> Path:
    """Download the library, compile the program; return it."""
    download = ["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", PACKAGE]
    subprocess.run(download, cwd=folder, check=True)
    (package,) = folder.glob(f"{PACKAGE}_*.deb")
    subprocess.run(["dpkg", "-x", package, folder / "library"], check=True)
    program = folder / "verify"
    environment = {
        **os.environ,
        "GOPATH": str(folder / "library/usr/share/gocode"),
        "GO111MODULE": "off",
        "GOFLAGS": "",
        "GOCACHE": str(folder / "cache"),
    }
    command = ["go", "build", "-o", str(program), str(PROGRAM)]
    subprocess.run(command, env=environment, cwd=folder, check=True)
    return program


@click.command(help=__doc__)
@click.option("--flips", default=1_000, show_default=True)
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
def main(flips: int, folder: Path) -> None:
    with TemporaryDirectory() as temporary:
        program = build(Path(temporary))
        sys.exit(subprocess.run([program, folder, str(flips)], check=False).returncode)


if __name__ == "__main__":
    main()
