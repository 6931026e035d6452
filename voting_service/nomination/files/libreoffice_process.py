"""The process that becomes LibreOffice: it gives up rights, then runs the program.

What holds afterwards, also if a file takes LibreOffice over:

- it ends when the process that started it ends (PR_SET_PDEATHSIG), however that ends;
- bounded memory, CPU time, file sizes and number of open files (resource limits);
- no connection to anywhere, not even to a socket of this machine (a seccomp filter, which needs no
  rights and works inside containers, where namespaces for users are often refused);
- no file but those of the system that LibreOffice needs and those of its own folder, and no look
  into other processes (Landlock, where the kernel has it: Linux 5.13 and later).

Linux on x86-64 and ARM64 only; elsewhere it exits with UNSUPPORTED.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import signal
import socket
import struct
import sys
from pathlib import Path

UNSUPPORTED = 75
"""Exit code where connections cannot be forbidden."""
MEMORY_BYTES = 3 * 2**30
"""Address space, most of it code; a conversion uses 150 to 300 MiB."""
CPU_SECONDS = 60
FILE_BYTES = 64 * 2**20
OPEN_FILES = 512
PIPES = "/tmp"  # noqa: S108 - LibreOffice chooses it
"""Where LibreOffice makes a pipe for those who want to speak to it; nobody does."""
_LIBC = ctypes.CDLL(None, use_errno=True)
_DIE_WITH_PARENT = 1
_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER_MODE = 38, 22, 2
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER_AT, _MACHINE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000 | errno.EACCES
_OTHER_NUMBERING = 0x40000000
"""From here on x86-64 numbers its calls a second time."""
_MACHINES = {
    # socket, then: connect, sendto, sendmsg, sendmmsg, io_uring_setup, ptrace, process_vm_*
    "x86_64": (0xC000003E, 41, (42, 44, 46, 307, 425, 101, 310, 311)),
    "aarch64": (0xC00000B7, 198, (203, 206, 211, 269, 425, 117, 270, 271)),
}
_CREATE_RULES, _ADD_RULE, _RESTRICT = 444, 445, 446
_RUN_AND_READ, _WRITE, _ON_FILES, _MAKE_SOCKET = 0b1101, 0b0010, 0b0111, 1 << 9
_READABLE = (
    "/usr",
    "/lib",
    "/lib64",
    "/bin",
    "/etc/fonts",
    "/etc/libreoffice",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/var/cache/fontconfig",
    "/var/lib/libreoffice",
    "/var/spool/libreoffice",
    "/sys/devices/system/cpu",
    "/dev/zero",
    "/dev/urandom",
)


def main(folder: str, program: str, *arguments: str) -> None:
    """Run `program`; only `folder` may be written to."""
    if sys.platform == "linux":
        _LIBC.prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    if not forbid_connections():
        sys.exit(UNSUPPORTED)
    confine_to(folder, str(Path(program).resolve().parents[1]))
    environment = {
        "HOME": folder,
        "TMPDIR": folder,
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "SAL_USE_VCLPLUGIN": "svp",
    }
    os.execve(program, [program, *arguments], environment)  # noqa: S606 - no shell is meant


def forbid_connections() -> bool:
    """Forbid this process and its children every connection. Return False where the machine or its
    kernel cannot do that."""
    machine = _MACHINES.get(platform.machine()) if sys.platform == "linux" else None
    if machine is None or _LIBC.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        return False
    code = b"".join(struct.pack("HBBI", *step) for step in _filter(*machine))
    steps = ctypes.create_string_buffer(code)
    program = struct.pack("HP", len(code) // 8, ctypes.addressof(steps))
    return bool(_LIBC.prctl(_SECCOMP, _FILTER_MODE, program, 0, 0) == 0)


def _filter(
    machine: int, socket_call: int, forbidden: tuple[int, ...]
) -> list[tuple[int, int, int, int]]:
    """Return the steps of a filter: instruction, jump if true, jump if false, value. A pipe that
    LibreOffice opens for itself is a socket too (AF_UNIX), so these may be made, not connected."""
    deny = len(forbidden) + 4  # steps from the first comparison to the last
    return [
        (_LOAD, 0, 0, _MACHINE_AT),
        (_EQUAL, 1, 0, machine),
        (_RETURN, 0, 0, _ERROR),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_AT_LEAST, deny, 0, _OTHER_NUMBERING),
        *((_EQUAL, deny - 1 - place, 0, number) for place, number in enumerate(forbidden)),
        (_EQUAL, 0, 2, socket_call),
        (_LOAD, 0, 0, _FIRST_ARGUMENT_AT),
        (_EQUAL, 0, 1, socket.AF_UNIX),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERROR),
    ]


def confine_to(folder: str, installation: str) -> bool:
    """Take from this process and its children all files but those in `folder` and, for reading,
    those in `installation` and of the system. Return False where the kernel cannot do that."""
    version = _LIBC.syscall(_CREATE_RULES, None, 0, 1)
    if version < 1:
        return False
    rights = (1 << min(12 + version, 15)) - 1  # from 2: moving, from 3: truncating
    rules = _LIBC.syscall(_CREATE_RULES, struct.pack("Q", rights), 8, 0)
    allowed = dict.fromkeys((*_READABLE, installation), _RUN_AND_READ)
    allowed |= {folder: rights, os.devnull: _RUN_AND_READ | _WRITE, PIPES: _MAKE_SOCKET}
    for path, on_path in allowed.items():
        if Path(path).exists():
            is_folder = Path(path).is_dir()
            opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
            rule = struct.pack("=Qi", on_path if is_folder else on_path & _ON_FILES, opened)
            _LIBC.syscall(_ADD_RULE, rules, 1, rule, 0)
            os.close(opened)
    return bool(_LIBC.syscall(_RESTRICT, rules, 0) == 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
