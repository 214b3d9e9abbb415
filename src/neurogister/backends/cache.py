"""DVC's cache on disk: objects under their md5, complete or absent, never changed."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import NeurogisterError, RefusedError
from ..files import BINARY, CLOEXEC, open_regular, system_errors, translated, unique_token
from ..model.digest import CHUNK_SIZE, Buffer, MultiHasher
from ..model.objects import ObjectId

# after so many days, what a killed command left is of no use any more
_STALE_DAYS = {"tmp": 1, "partial": 14, "locks": 1}
_GROUP_FOLDER = 0o2775  # as DVC makes the folders of a shared cache


@dataclass(frozen=True, slots=True)
class Stat:
    """What tells that a file is still the one that was looked at."""

    inode: int
    mtime_ns: int
    size: int

    @classmethod
    def of(cls, status: os.stat_result) -> Stat:
        """Take what matters from a stat."""
        return cls(status.st_ino & 0x7FFFFFFFFFFFFFFF, status.st_mtime_ns, status.st_size)


class Cache:
    """One folder of objects in DVC's layout.

    Parameters
    ----------
    root : Path
        As DVC's ``cache.dir``; made when the first object is stored.
    shared_group : bool
        DVC's ``cache.shared = group``: the group may write too.

    Attributes
    ----------
    work : Path
        Where unfinished objects and locks lie, on the same file system as the objects.
    """

    def __init__(self, root: Path, *, shared_group: bool = False, read_only: bool = False) -> None:
        self.root = root
        self.work = root / "neurogister"
        self.read_only = read_only
        self.shared_group = shared_group
        self._folders: set[str] = set()
        self._root = os.path.join(root, "")
        self._temporary = os.path.join(self.work, "tmp", "")

    def path(self, oid: ObjectId) -> Path:
        """Return where an object is, or would be."""
        return self.root / oid.key

    def text(self, oid: ObjectId) -> str:
        """Return the same as text, as many paths take long to make."""
        return self._root + oid.key

    def stat(self, oid: ObjectId) -> Stat | None:
        """Return the state of an object; None if there is none, or something else in its place."""
        try:
            status = os.lstat(self.text(oid))
        except OSError:
            return None
        return Stat.of(status) if stat.S_ISREG(status.st_mode) else None

    def has_file(self, oid: ObjectId) -> bool | None:
        """Tell whether a file lies in the place of an object; None if nothing does."""
        try:
            return stat.S_ISREG(os.lstat(self.text(oid)).st_mode)
        except OSError:
            return None

    def read(self, oid: ObjectId, *, limit: int) -> bytes:
        """Read a small object whole; at most one byte more than the limit."""
        with (
            system_errors(self.path(oid), "read"),
            open_regular(self.path(oid)) as stream,
        ):
            parts = []
            left = limit + 1
            while left > 0 and (part := stream.read(min(left, CHUNK_SIZE))):
                parts.append(part)
                left -= len(part)
        return b"".join(parts)

    def digests(self, oid: ObjectId, algorithms: Sequence[str]) -> tuple[int, dict[str, str]]:
        """Read an object to its end, and return its size and digests."""
        return digests_of(self.path(oid), algorithms)

    def is_writable(self) -> bool:
        """Tell whether objects can be stored here, by trying."""
        if self.read_only:
            return False
        try:
            self._make(self.work / "tmp")
            probe = self.work / "tmp" / f"probe-{unique_token()}"
            os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            os.unlink(probe)
        except OSError as error:
            # a full disk is better said by what wants to store
            return error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
        return True

    def prepare(self) -> None:
        """Make the folders for storing, and clear what died a day ago.

        Raises
        ------
        RefusedError
            If a folder of the cache is a symbolic link: it could lead anywhere.
        """
        with system_errors(self.work, "make the folder"):
            self._make(self.root / "files" / "md5")
            for name in _STALE_DAYS:
                self._make(self.work / name)
        for name, days in _STALE_DAYS.items():
            self._clear(self.work / name, before=time.time() - days * 24 * 3600)

    @staticmethod
    def _clear(folder: Path, *, before: float) -> None:
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                with suppress(OSError, NeurogisterError):
                    if entry.stat(follow_symlinks=False).st_mtime < before:
                        remove(Path(entry.path))

    def unfinished(self, oids: Iterable[ObjectId]) -> int:
        """Tell how many bytes are here of objects that are not complete yet."""
        sizes: dict[str, int] = {}
        with suppress(OSError), os.scandir(self.work / "partial") as entries:
            sizes = {entry.name: entry.stat(follow_symlinks=False).st_size for entry in entries}
        return sum(sizes.get(str(oid), 0) for oid in oids) if sizes else 0

    def store(self, oid: ObjectId, data: Buffer) -> Stat:
        """Put a verified object in its place, whole.

        Parameters
        ----------
        oid : ObjectId
            Its address; the caller has verified that the data has this digest.
        data : bytes
            All of it.
        """
        temporary = f"{self._temporary}{oid.md5}.{unique_token()}"
        try:
            status = _write_new(temporary, data, 0o444)
            self._take(temporary, oid)
        except BaseException as error:
            with suppress(OSError):
                os.unlink(temporary)
            if isinstance(error, OSError):
                raise translated(error, self.path(oid), "write") from error
            raise
        return Stat.of(status)

    def store_copy(self, oid: ObjectId, data: Buffer) -> str | None:
        """Write the data of an object to one more file, to be renamed to where it is wanted.

        Returns
        -------
        str or None
            Its path; None if it cannot be written, and whoever wants one must find out why.
        """
        temporary = f"{self._temporary}copy-{oid.md5}.{unique_token()}"
        try:
            _write_new(temporary, data, 0o666)
        except OSError:
            with suppress(OSError):
                os.unlink(temporary)
            return None
        return temporary

    def adopt(self, oid: ObjectId, path: Path) -> Stat:
        """Take a finished file of `work` as an object; the caller has verified its digest."""
        try:
            os.chmod(path, 0o444)
            status = os.lstat(path)
            self._take(os.fspath(path), oid)
        except OSError as error:
            raise translated(error, self.path(oid), "write") from error
        return Stat.of(status)

    def _take(self, temporary: str, oid: ObjectId) -> None:
        key = oid.key
        folder = key.rpartition("/")[0]
        if folder not in self._folders:
            self._make(self.root / folder)
            self._folders.add(folder)
        os.replace(temporary, self._root + key)

    def _make(self, folder: Path) -> None:
        """Make a folder of the cache, and those that it is in; none of them may be a link."""
        if folder == self.root:
            if folder.is_dir():
                return
            folder.mkdir(parents=True, exist_ok=True)
        else:
            self._make(folder.parent)
            with suppress(FileNotFoundError):
                mode = os.lstat(folder).st_mode
                if stat.S_ISLNK(mode):
                    raise _linked(folder)
                if stat.S_ISDIR(mode):
                    return
            folder.mkdir(exist_ok=True)
        if self.shared_group:
            with suppress(OSError):
                os.chmod(folder, _GROUP_FOLDER)

    def discard(self, oid: ObjectId) -> None:
        """Remove an object, as a damaged one; no error if it is not there, or may not be."""
        if self.read_only:
            return
        remove(self.path(oid))

    def objects(self) -> Iterator[tuple[ObjectId, os.stat_result]]:
        """List all objects, in both layouts, in the order of their addresses."""
        for base, legacy in ((self.root / "files" / "md5", False), (self.root, True)):
            for prefix in _names(base):
                if len(prefix) == 2 and _is_hex(prefix):
                    for name in _names(base / prefix):
                        digits = name.removesuffix(".dir")
                        if len(digits) == 30 and _is_hex(digits):
                            oid = ObjectId(prefix + digits, name != digits, legacy)
                            with suppress(OSError):
                                yield oid, os.lstat(base / prefix / name)


def _write_new(path: str, data: Buffer, mode: int) -> os.stat_result:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY | CLOEXEC
    descriptor = os.open(path, flags, mode)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]
        return os.fstat(descriptor)
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """Remove whatever lies in a place of ours; no error if nothing does.

    Raises
    ------
    NeurogisterError
        If the system does not let us.
    """
    with system_errors(path, "remove"):
        try:
            os.unlink(path)
        except FileNotFoundError:
            return
        except (IsADirectoryError, PermissionError):  # macOS says the latter of a folder, too
            mode = os.lstat(path).st_mode
            if stat.S_ISDIR(mode):
                shutil.rmtree(path)
                return
            if not stat.S_ISREG(mode):
                raise
            os.chmod(path, 0o644)  # Windows keeps read-only files
            os.unlink(path)


def digests_of(path: Path, algorithms: Sequence[str]) -> tuple[int, dict[str, str]]:
    """Read a file once to its end, and return its size in bytes and its digests."""
    hasher = MultiHasher(algorithms)
    size = 0
    buffer = memoryview(bytearray(CHUNK_SIZE))
    with system_errors(path, "read"), open_regular(path) as stream:
        while count := stream.readinto(buffer):  # type: ignore[attr-defined]
            hasher.update(buffer[:count])
            size += count
    return size, hasher.hexdigests()


def _linked(folder: Path) -> RefusedError:
    return RefusedError(
        f"{folder} is a symbolic link: a cache must be made of folders",
        hint="Set the cache to the folder that it leads to: `dvc cache dir --local DIR`.",
    )


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _is_hex(text: str) -> bool:
    return all(character in "0123456789abcdef" for character in text)
