"""Recognising what lies at its place as it was left, without reading it."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..files import CLOEXEC


def signature(path: Path) -> str | None:
    """Sum up what lies at a path: every file's name, inode, time and size.

    Parameters
    ----------
    path : Path
        A file, or a folder.

    Returns
    -------
    str or None
        None if nothing is there, or something that cannot be summed up.
    """
    try:
        if stat.S_ISDIR(os.lstat(path).st_mode):
            rows = _rows(os.fspath(path))
        else:
            rows = [_row("", os.fspath(path))]
    except OSError:
        return None
    text = "\n".join(rows).encode("utf-8", "surrogateescape")
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def _rows(root: str) -> list[str]:
    """Return a row for each file of a folder, sorted; fast, as it is all that a no-op does."""
    rows: list[str] = []
    stack = [("", root)]
    while stack:
        prefix, folder = stack.pop()
        with _listed(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    stack.append((f"{prefix}{entry.name}/", f"{folder}/{entry.name}"))
                elif entry.is_symlink():
                    rows.append(_row(f"{prefix}{entry.name}", f"{folder}/{entry.name}"))
                else:
                    of = entry.stat(follow_symlinks=False)
                    rows.append(
                        f"{prefix}{entry.name}\0{of.st_ino}\0{of.st_mtime_ns}\0{of.st_size}\0"
                    )
    rows.sort()
    return rows


@contextmanager
def _listed(folder: str) -> Iterator[Iterator[os.DirEntry[str]]]:
    """List a folder; by its descriptor, where files are then found without all of their path."""
    if os.scandir not in os.supports_fd:
        with os.scandir(folder) as entries:
            yield entries
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | CLOEXEC)
    try:
        with os.scandir(descriptor) as entries:
            yield entries
    finally:
        os.close(descriptor)


def _row(relative: str, path: str) -> str:
    """Sum up one file; of a link, what it leads to."""
    target = os.readlink(path) if os.path.islink(path) else ""
    of = os.stat(path)
    return f"{relative}\0{of.st_ino}\0{of.st_mtime_ns}\0{of.st_size}\0{target}"
