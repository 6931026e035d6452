"""Finds the browsers and other programs of the tests, and on Debian installs what is missing.

`make test` runs this first; it needs nothing but Python.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FONTS = "fonts-noto-cjk"
PROGRAMS = {
    "chromium": NAMES,
    "chromium-headless-shell": ("chromium-headless-shell",),
    "firefox-esr": ("firefox-esr",),
    "webkit2gtk-driver": ("WebKitWebDriver",),
    "xvfb": ("Xvfb",),
    "libreoffice-writer-nogui": ("soffice", "libreoffice"),
    "pgbouncer": ("pgbouncer",),
    "nginx-light": ("nginx",),
    "prometheus": ("promtool",),
    "systemd": ("systemd-analyze",),
}
"""Debian's packages, and the names of what each brings."""
FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
POLICY = Path("/usr/sbin/policy-rc.d")
"""What Debian asks whether a server may be started when it is installed."""
CHINESE_FONTS = ("*CJK*", "*wqy*", "*SourceHan*")
HELP = (
    "The tests need Chromium, Firefox, WebKitGTK, LibreOffice, PgBouncer, nginx, promtool and a "
    "Chinese font, and this is no Debian machine on which we are root.\n"
    f"Install them and try again: apt-get install {' '.join(PROGRAMS)} {FONTS}"
)

LOCK_SECONDS = 120
LOCKED = (
    "Another program is installing packages and holds Debian's package lock:\n{reason}\n"
    "Wait until it has finished (`ps -ef | grep -E 'apt|dpkg'` shows it) and run make again."
)

Find = Callable[[str], str | None]
Run = Callable[[list[str]], None]


def chromium_path(find: Find = shutil.which) -> str | None:
    """Where Chromium is, None when it is nowhere on the PATH."""
    return next((path for name in NAMES if (path := find(name))), None)


def headless_shell_path(find: Find = shutil.which) -> str | None:
    """Where Chromium without windows is; Chromium where only that is, as on a Mac."""
    return find("chromium-headless-shell") or chromium_path(find)


def has_chinese_font(folders: tuple[Path, ...] = FONT_FOLDERS) -> bool:
    """Without one every Chinese character is an empty box, and no measure of a page is true."""
    return any(True for folder in folders for kind in CHINESE_FONTS for _ in folder.rglob(kind))


def missing_packages(find: Find = shutil.which, *, fonts: bool) -> list[str]:
    """What has to be installed."""
    result = [package for package, names in PROGRAMS.items() if not any(map(find, names))]
    return result if fonts else [*result, FONTS]


def install(missing: list[str], run: Run, *, is_root: bool, find: Find = shutil.which) -> None:
    """Installs Debian packages. Raises SystemExit with what to do where that cannot be done."""
    if not (is_root and find("apt-get")):
        raise SystemExit(f"{HELP}\nMissing: {' '.join(missing)}")
    print(f"Installing {' and '.join(missing)} for the tests.", flush=True)
    try:
        run(["apt-get", "update", "-qq"])
        with _no_server_starts():
            run(["apt-get", "install", "-qq", "--yes", "--no-install-recommends", *missing])
    except subprocess.CalledProcessError as error:
        if "lock" in (error.stderr or ""):
            raise SystemExit(LOCKED.format(reason=error.stderr.strip())) from None
        raise SystemExit(f"{' '.join(error.cmd)} failed.\n{error.stderr or ''}\n{HELP}") from None


@contextmanager
def _no_server_starts(policy: Path = POLICY) -> Iterator[None]:
    """The tests start servers themselves; what is installed must not take the machine's ports."""
    if policy.exists() or not os.access(policy.parent, os.W_OK):
        yield
        return
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()


def run_quietly(command: list[str]) -> None:
    """Run apt-get, which waits a while for another that installs. Raises CalledProcessError with
    what it wrote to stderr."""
    subprocess.run(
        [command[0], "-o", f"DPkg::Lock::Timeout={LOCK_SECONDS}", *command[1:]],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
    )


if __name__ == "__main__" and sys.platform == "linux":
    packages = missing_packages(fonts=has_chinese_font())
    if packages:
        install(packages, run_quietly, is_root=os.geteuid() == 0)
elif __name__ == "__main__" and chromium_path() is None:
    raise SystemExit(HELP)
