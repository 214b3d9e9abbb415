"""Changing files of a registry: all of a set, or none; never through a link, never half a file."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import NeurogisterError, RefusedError
from ..files import Destination, system_errors, unique_token, write_whole
from .worktree import LINK, read_worktree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


_FEW = 20  # files that are worth waiting for the disk, each


@dataclass(slots=True)
class ChangeSet:
    """Files to be written or removed, from the top of a work tree, in their order.

    Whoever reads the registry meanwhile must not see a pointer whose companions are not there:
    put the pointer last.
    """

    contents: dict[str, bytes | None] = field(default_factory=dict)

    def write(self, path: str, data: bytes) -> None:
        """Add a file to be written."""
        self.contents.pop(path, None)
        self.contents[path] = data

    def remove(self, path: str) -> None:
        """Add a file to be removed."""
        self.contents.pop(path, None)
        self.contents[path] = None

    @property
    def paths(self) -> list[str]:
        """The files that it is about."""
        return list(self.contents)

    def differs(self, root: Path) -> bool:
        """Tell whether anything is not yet as it shall be."""
        return any(_current(root, path) != data for path, data in self.contents.items())

    def apply(self, root: Path) -> Applied:
        """Make the changes; if one fails, those before it are taken back.

        Parameters
        ----------
        root : Path
            The top of the work tree.

        Returns
        -------
        Applied
            By which they can be taken back.

        Raises
        ------
        RefusedError
            If a file, or a folder on the way to it, is a link or no file.
        NoSpaceError, NeurogisterError
            If one cannot be written.
        """
        applied = Applied(root, sync=len(self.contents) <= _FEW)
        try:
            for path, data in self.contents.items():
                applied.change(path, data)
        except BaseException:
            applied.undo()
            raise
        return applied


class Applied:
    """Changes that were made, each with what was there before.

    Parameters
    ----------
    root : Path
        The top of the work tree.
    sync : bool
        Whether to wait for the disk after each file.
    """

    def __init__(self, root: Path, *, sync: bool) -> None:
        self._root = root
        self._destination = Destination(root)
        self._sync = sync
        self._work = _workroom(root)
        self._before: list[tuple[str, bytes | None]] = []
        self._made: list[Path] = []

    def change(self, path: str, data: bytes | None) -> None:
        """Write or remove one file."""
        before = _current(self._root, path)
        if before == data:
            return
        self._before.append((path, before))
        self._put(path, data)

    def undo(self) -> None:
        """Take the changes back, the last one first, as far as the system lets us."""
        while self._before:
            path, before = self._before.pop()
            with suppress(NeurogisterError, OSError):
                self._put(path, before)
        for folder in reversed(self._made):
            with suppress(OSError):
                folder.rmdir()

    def _put(self, path: str, data: bytes | None) -> None:
        place = self._destination.path(path)
        if data is None:
            self._destination.check_parents(path)
            with system_errors(place, "remove"):
                place.unlink(missing_ok=True)
            return
        self._made += _missing(place.parent)
        self._write(self._destination.make_parents(path), data)

    def _write(self, place: Path, data: bytes) -> None:
        """Write a file whole; what a kill leaves of it is not seen in the registry."""
        if self._work is not None:
            finished = self._work / unique_token()
            write_whole(finished, data, sync=self._sync)
            try:
                os.replace(finished, place)
            except OSError:  # the folder is on another file system
                finished.unlink(missing_ok=True)
            else:
                return
        write_whole(place, data, sync=self._sync)


def _workroom(root: Path) -> Path | None:
    """Return a folder for unfinished files, cleared of what kills have left; None without one.

    Whoever changes the registry holds the lock beside it, so nobody else is at work there.
    """
    folder = root / ".dvc" / "tmp" / "neurogister"
    try:
        if not stat.S_ISDIR(os.lstat(folder.parent).st_mode):
            return None
        folder.mkdir(exist_ok=True)
        if not stat.S_ISDIR(os.lstat(folder).st_mode):
            return None
        for path in folder.iterdir():
            path.unlink()
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


def _missing(folder: Path) -> Iterator[Path]:
    """Give the folders that have to be made, the outermost first."""
    missing = []
    while not os.path.lexists(folder):
        missing.append(folder)
        folder = folder.parent
    return reversed(missing)


def _current(root: Path, path: str) -> bytes | None:
    """Return what a file holds now; None if there is none.

    Raises
    ------
    RefusedError
        If it is a link, a folder or a device.
    """
    file = read_worktree(root, path)
    place = root.joinpath(*path.split("/"))
    if file is not None and file.mode != LINK:
        return file.data
    with suppress(FileNotFoundError, NotADirectoryError):
        mode = os.lstat(place).st_mode
        what = "a symbolic link" if stat.S_ISLNK(mode) else "not a file"
        raise RefusedError(
            f"{place} is {what}, where a file of the registry belongs",
            hint="Move it away; nothing was changed.",
        )
    return None


def with_ignored(data: bytes | None, *names: str) -> bytes:
    """Return a ``.gitignore`` that also names the data of pointers beside it, as DVC writes it."""
    old = data or b""
    known = {each.rstrip(b"\r") for each in old.split(b"\n")}
    lines = dict.fromkeys(f"/{escaped(name)}".encode() for name in names)
    new = b"".join(line + b"\n" for line in lines if line not in known)
    end = b"" if not old or not new or old.endswith(b"\n") else b"\n"
    return old + end + new


def without_ignored(data: bytes | None, name: str) -> bytes | None:
    """Return a ``.gitignore`` that no longer names some data; None if nothing is left."""
    line = f"/{escaped(name)}".encode()
    lines = (data or b"").splitlines(keepends=True)
    return b"".join(each for each in lines if each.rstrip(b"\r\n") != line) or None


def escaped(name: str) -> str:
    """Return a name as a pattern of ``.gitignore`` that means just it (see gitignore(5))."""
    return "".join(f"\\{each}" if each in "\\*?[]!#" else each for each in name)
