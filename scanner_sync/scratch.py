"""The temporary directory of a sync, which its parent process makes and removes.

A parent that is killed removes nothing. So the directory holds a file that both processes keep
locked while they live, and a later sync on the same machine removes directories whose lock is free.
"""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

_PREFIX: Final = "scanner_sync-"
_LOCK: Final = "lock"
"""A file in the directory, locked by the processes that use it."""


class Scratch(NamedTuple):
    """A temporary directory, and the file descriptor of its lock for the process that uses it."""

    directory: str
    lock: int


@contextlib.contextmanager
def scratch() -> Iterator[Scratch]:
    """Make a temporary directory in `TMPDIR`, and remove it at the end. Raises `OSError`.

    First removes directories of this user that killed syncs left.
    """
    # `gettempdir` passes over a TMPDIR that cannot be used, and the user would not learn of it.
    parent = os.path.abspath(os.environ.get("TMPDIR") or tempfile.gettempdir())
    _remove_leftovers(parent)
    try:
        directory = tempfile.mkdtemp(prefix=_PREFIX, dir=parent)
    except OSError as error:
        raise OSError(error.errno, error.strerror, parent) from None
    try:
        lock = os.open(f"{directory}/{_LOCK}.new", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            # Without a lock, as on a file system that has none, nobody else removes the directory.
            with contextlib.suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.rename(f"{directory}/{_LOCK}.new", f"{directory}/{_LOCK}")
            yield Scratch(directory, lock)
        finally:
            os.close(lock)
    finally:
        # A second Ctrl-C may come now. It has to wait, or files would be left.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        shutil.rmtree(directory, ignore_errors=True)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _remove_leftovers(parent: str) -> None:
    """Remove this user's directories whose processes were killed. Never raises.

    Other users may write to `parent`, so links, directories of others, and directories that others
    can write to are left alone.
    """
    with contextlib.suppress(OSError):
        for found in Path(parent).iterdir():
            if re.fullmatch(rf"{_PREFIX}\w{{8}}", found.name):
                with contextlib.suppress(OSError):
                    _remove_if_unused(found)


def _remove_if_unused(directory: Path) -> None:
    status = directory.lstat()
    is_ours = status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) == 0o700
    if not (stat.S_ISDIR(status.st_mode) and is_ours):
        return
    lock = os.open(directory / _LOCK, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises while a process uses it
        shutil.rmtree(directory, ignore_errors=True)
    finally:
        os.close(lock)
