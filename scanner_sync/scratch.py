"""The temporary directory of a run, which is removed however the run ends.

A run that is killed removes nothing. So each locks a file in its directory for as long as its
process lives, and a later run on the same machine removes the directories whose lock is free.
"""

import contextlib
import fcntl
import os
import re
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Final, NoReturn

_PREFIX: Final = "scanner_sync-"
_LOCK: Final = "lock"
"""A file in the directory, locked by the process that made it."""


def make() -> str:
    """Make a directory for this process, and let all temporary files go there. Raises `OSError`."""
    parent = _parent()
    try:
        directory = tempfile.mkdtemp(prefix=_PREFIX, dir=parent)
    except OSError as error:
        raise OSError(error.errno, error.strerror, parent) from None
    tempfile.tempdir = os.environ["TMPDIR"] = directory
    # Open until the process ends, and closed in the processes that it starts.
    lock = os.open(f"{directory}/{_LOCK}.new", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    # Never seen unlocked. Without it, as on a file system that has no locks, nobody removes it.
    with contextlib.suppress(OSError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.rename(f"{directory}/{_LOCK}.new", f"{directory}/{_LOCK}")
    return directory


def remove_leftovers() -> None:
    """Remove this user's directories whose process was killed. Never raises.

    Others may write where they lie: a link, another user's directory, and one that others can write
    to are left alone.
    """
    with contextlib.suppress(OSError):
        for found in Path(_parent()).iterdir():
            if re.fullmatch(rf"{_PREFIX}\w{{8}}", found.name):
                with contextlib.suppress(OSError):
                    _remove_if_left(found)


def _remove_if_left(directory: Path) -> None:
    status = directory.lstat()
    is_ours = status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) == 0o700
    if not (stat.S_ISDIR(status.st_mode) and is_ours):
        return
    lock = os.open(directory / _LOCK, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises while its process lives
        shutil.rmtree(directory, ignore_errors=True)
    finally:
        os.close(lock)


def _parent() -> str:
    # `gettempdir` passes over a TMPDIR that cannot be used; what was asked for is then not done.
    return os.path.abspath(os.environ.get("TMPDIR") or tempfile.gettempdir())


def leave(directory: str | None, status: int) -> NoReturn:
    """End this process with `status` at once, and remove the directory."""
    if directory:
        # Threads may still be writing. A new program in the place of this one has none.
        remove = 'trap "" HUP INT TERM; rm -rf -- "$1"; exit "$2"'
        with contextlib.suppress(OSError):
            os.chdir("/")  # the shell complains where the working directory is gone
            os.execv("/bin/sh", ["sh", "-c", remove, "sh", directory, str(status)])  # noqa: S606 - words of our own
    os._exit(status)
