"""Folders that were unpacked from zip archives: made once for all processes, looked at each time.

What was unpacked is noted in ``.neurogister/NAME.json`` beside the folders.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..backends.zips import ZipPlan, read_zip, unpack_zip
from ..errors import NeurogisterError, UsageError
from ..files import open_regular, system_errors, unique_token, walk, write_whole
from ..model.digest import CHUNK_SIZE, is_digest
from ..model.paths import check_component, check_path
from ..model.zips import SUFFIX
from ..progress import SILENT, Progress
from .workspace import waiting_lock

NOTES = ".neurogister"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class _File:
    """One unpacked file: what it holds, and its time when it was last known to hold that."""

    path: str
    size: int
    crc: int
    mtime_ns: int = -1


@dataclass(frozen=True, slots=True)
class _Note:
    """What was unpacked."""

    md5: str
    files: tuple[_File, ...]


class Unpacked:
    """The folder that one archive is unpacked to.

    Parameters
    ----------
    home : Path
        The folder that it lies in, with others.
    name : str
        The archive, as ``bundles.zip``: the folder is ``bundles``.
    md5 : str
        Of the archive.

    Raises
    ------
    UsageError
        If these cannot be the name and md5 of an archive.
    """

    def __init__(self, home: Path, name: str, md5: str) -> None:
        _check(name, md5)
        self.name = name
        self.md5 = md5
        self.home = home
        self.folder = home / name[: -len(SUFFIX)]
        self._notes = home / NOTES
        self._work = self._notes / "work" / self.folder.name
        self._note_path = self._notes / f"{self.folder.name}.json"

    def is_whole(self) -> bool:
        """Tell whether all files of this very archive are there, untouched since we put them."""
        note = self._read_note()
        return note is not None and note.md5 == self.md5 and self._has(note.files, _is_untouched)

    def make(self, bring: Callable[[], Path], progress: Progress = SILENT) -> bool:
        """Unpack the archive, unless that was done; any number of processes may at once.

        A folder that holds what is not ours (a changed file, a file that was added) is never
        deleted: it is moved aside, and the user told.

        Parameters
        ----------
        bring : callable
            Returns where the archive is, with this very md5; called only if it is needed.
        progress : Progress
            Told what was moved.

        Returns
        -------
        bool
            Whether anything had to be unpacked.
        """
        if self.is_whole():
            return False
        with self._locked(progress):
            note = self._read_note()
            if self.is_whole():
                return False
            if note is not None and note.md5 == self.md5 and self._adopt(note.files):
                return False
            archive = bring()
            plan = read_zip(archive)
            if self._adopt(_files(plan)):
                return False
            self._unpack(archive, plan, note, progress)
            return True

    def _unpack(self, archive: Path, plan: ZipPlan, note: _Note | None, progress: Progress) -> None:
        new = self._work / "new"
        unpack_zip(archive, new, strip_root=True)
        with system_errors(self.folder, "write"):
            if os.path.lexists(self.folder):
                self._move_away(note, progress)
            os.rename(new, self.folder)
        # Killed before this line, the next one finds all files right, and notes it.
        self._write_note(_files(plan))

    def _move_away(self, note: _Note | None, progress: Progress) -> None:
        if note is not None and self._is_all_ours(note):
            os.rename(self.folder, self._work / "old")
            return
        aside = self.folder.with_name(f"{self.folder.name}.changed-{unique_token()}")
        os.rename(self.folder, aside)
        progress.warn(
            f"{self.folder} did not hold what {self.name} ({self.md5}) has, and something that"
            f" was not unpacked there: it was kept as {aside}"
        )

    def _is_all_ours(self, note: _Note) -> bool:
        """Tell whether nothing would be lost with the folder."""
        if self.folder.is_symlink() or not self.folder.is_dir():
            return False
        known = {each.path: each for each in note.files}
        for relative, _ in walk(self.folder):
            file = known.get(relative)
            if file is None or not _is_same(self.folder / relative, file):
                return False
        return True

    def _adopt(self, files: Iterable[_File]) -> bool:
        """Take the folder for unpacked, if all files are there and hold what they should."""
        files = tuple(files)
        if not self._has(files, _is_same):
            return False
        self._write_note(files)
        return True

    def _has(self, files: Iterable[_File], check: Callable[[Path, _File], bool]) -> bool:
        return self.folder.is_dir() and all(check(self.folder / each.path, each) for each in files)

    def _read_note(self) -> _Note | None:
        """Read what was noted; a note that makes no sense is none."""
        try:
            return _parse_note(json.loads(self._note_path.read_bytes()))
        except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return None

    def _write_note(self, files: Iterable[_File]) -> None:
        rows = []
        with system_errors(self.folder, "read"):
            for each in files:
                time = (self.folder / each.path).lstat().st_mtime_ns
                rows.append([each.path, each.size, each.crc, time])
        note = {"format": _FORMAT, "archive": self.name, "md5": self.md5, "files": rows}
        write_whole(self._note_path, json.dumps(note).encode())

    @contextmanager
    def _locked(self, progress: Progress) -> Iterator[None]:
        """Be the only process that works on this folder; what a killed one left is cleared."""
        locks = self._notes / "locks"
        with system_errors(locks, "make the folder"):
            locks.mkdir(parents=True, exist_ok=True)
        lock = locks / f"{self.folder.name}.lock"
        with waiting_lock(lock, f"another process that unpacks {self.name}", progress):
            shutil.rmtree(self._work, ignore_errors=True)
            with system_errors(self._work, "make the folder"):
                self._work.mkdir(parents=True, exist_ok=True)
            try:
                yield
            finally:
                shutil.rmtree(self._work, ignore_errors=True)


def _check(name: str, md5: str) -> None:
    try:
        check_component(name)
        if not name.endswith(SUFFIX):
            raise ValueError(f"does not end with {SUFFIX}")
        check_component(name[: -len(SUFFIX)])
        if name.startswith("."):
            raise ValueError("starts with a dot")
    except ValueError as error:
        raise UsageError(
            f"{name!r} cannot be the name of a zip archive: it {error}",
            hint="Names are as in `bundles.zip`; the folder is then `bundles`.",
        ) from error
    if not is_digest("md5", md5):
        raise UsageError(
            f"the md5 of {name} cannot be {md5!r}",
            hint="It has 32 hexadecimal digits, in lower case.",
        )


def _files(plan: ZipPlan) -> tuple[_File, ...]:
    return tuple(
        _File(plan.inside(each.path, strip_root=True), each.size, each.crc) for each in plan.members
    )


def _parse_note(content: Any) -> _Note:
    if content["format"] != _FORMAT:
        raise ValueError("written by another version")
    files = tuple(_File(str(path), int(size), int(crc), int(time))
                  for path, size, crc, time in content["files"])  # fmt: skip
    for each in files:
        check_path(each.path)
    return _Note(str(content["md5"]), files)


def _is_untouched(path: Path, file: _File) -> bool:
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return (
        stat.S_ISREG(status.st_mode)
        and status.st_size == file.size
        and status.st_mtime_ns == file.mtime_ns
    )


def _is_same(path: Path, file: _File) -> bool:
    """Tell whether a file holds what it did; its time may have changed, as in a copy."""
    if _is_untouched(path, file):
        return True
    with suppress(OSError, NeurogisterError), open_regular(path) as stream:
        crc = size = 0
        while chunk := stream.read(CHUNK_SIZE):
            crc = zlib.crc32(chunk, crc)
            size += len(chunk)
        return (size, crc) == (file.size, file.crc)
    return False
