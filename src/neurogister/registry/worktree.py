"""Reading files of a work tree as they are now, and nothing outside it."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from ..files import system_errors

if TYPE_CHECKING:
    from pathlib import Path

_GONE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_FILE_FLAGS = _FLAGS | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_FOLDER_FLAGS = _FLAGS | getattr(os, "O_DIRECTORY", 0)
_BY_DESCRIPTOR = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")

LINK = "120000"
UNREADABLE_MODE = "000000"  # not one of git's


class WorktreeFile(NamedTuple):
    """A file as it is now: its mode as git writes it, and its content (none of a link)."""

    mode: str
    data: bytes


def read_worktree(root: Path, path: str, *, limit: int | None = None) -> WorktreeFile | None:
    """Read a file of a work tree, following no link.

    Parameters
    ----------
    root : Path
        The top of the work tree.
    path : str
        From there, with ``/``.
    limit : int, optional
        Of a larger file, only that many bytes and one more are read.

    Returns
    -------
    WorktreeFile or None
        None if there is nothing, or not a file. A link is told by its mode.
    """
    with system_errors(root / path, "read"):
        try:
            if _BY_DESCRIPTOR:
                return _read_by_descriptor(os.fspath(root), path.split("/"), limit)
            return _read_by_path(root, path, limit)
        except OSError as error:
            if error.errno in _GONE:
                return None
            raise


def blob_id(data: bytes, object_format: str = "sha1") -> str:
    """Return the id that git gives to a file with this content."""
    hasher = hashlib.new(object_format, b"blob %d\0" % len(data), usedforsecurity=False)
    hasher.update(data)
    return hasher.hexdigest()


def _read_by_descriptor(root: str, parts: list[str], limit: int | None) -> WorktreeFile | None:
    """Step down folder by folder, so that no exchange of a folder for a link leads outside."""
    folder = os.open(root, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        for part in parts[:-1]:
            if part in ("", ".", ".."):
                return None
            below = os.open(part, _FOLDER_FLAGS, dir_fd=folder)
            os.close(folder)
            folder = below
        if parts[-1] in ("", ".", ".."):
            return None
        if stat.S_ISLNK(os.stat(parts[-1], dir_fd=folder, follow_symlinks=False).st_mode):
            return WorktreeFile(LINK, b"")
        return _read(os.open(parts[-1], _FILE_FLAGS, dir_fd=folder), limit)
    finally:
        os.close(folder)


def _read_by_path(root: Path, path: str, limit: int | None) -> WorktreeFile | None:
    place = root
    *parents, name = path.split("/")
    for part in parents:
        place = place / part
        if part in ("", ".", "..") or not stat.S_ISDIR(os.lstat(place).st_mode):
            return None
    place = place / name
    if name in ("", ".", ".."):
        return None
    if stat.S_ISLNK(os.lstat(place).st_mode):
        return WorktreeFile(LINK, b"")
    return _read(os.open(place, _FILE_FLAGS), limit)


def _read(descriptor: int, limit: int | None) -> WorktreeFile | None:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        with suppress(OSError):
            os.close(descriptor)
        return None
    with os.fdopen(descriptor, "rb") as stream:
        data = stream.read() if limit is None else stream.read(limit + 1)
    return WorktreeFile("100755" if status.st_mode & 0o100 else "100644", data)
