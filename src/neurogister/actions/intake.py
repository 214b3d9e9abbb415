"""Taking files into the cache: each byte is read once, for all digests, and copied on the way."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..backends.cache import Cache, Stat
from ..backends.holdings import Holdings
from ..errors import NeurogisterError, RefusedError
from ..files import BINARY, CLOEXEC, open_regular, system_errors, write_all
from ..links import try_clone
from ..model.digest import Expected, Hasher, MultiHasher, new_hasher
from ..model.objects import ObjectId, Wanted
from ..progress import SILENT, Progress

SMALL = 4 << 20
_CHUNK = 4 << 20
_WORKERS = 4


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that was read.

    Parameters
    ----------
    path : Path
        Where it was read.
    oid : ObjectId
        Its address.
    size : int
        In bytes.
    digests : mapping of str to str
        By algorithm.
    seen : Stat
        The state in which it was read.
    executable : bool
        Whether its owner may run it.
    """

    path: Path
    oid: ObjectId
    size: int
    digests: Mapping[str, str]
    seen: Stat
    executable: bool = False

    @property
    def strong(self) -> str | None:
        """The digest that counts beside the md5."""
        return self.digests.get("sha256") or self.digests.get("sha1")


class Intake:
    """Reads files, and keeps them as objects of the cache.

    Parameters
    ----------
    holdings : Holdings
        The caches.
    algorithms : sequence of str
        Which digests; md5 is the first.
    keep : bool
        Whether to put them into the cache, or only to read them.
    move : bool
        Whether the files will be removed at the end, so that an object may be another name of its
        file instead of a copy.
    progress : Progress
        Told about each file and its bytes.
    """

    def __init__(
        self,
        holdings: Holdings,
        algorithms: Sequence[str],
        *,
        keep: bool = True,
        move: bool = False,
        progress: Progress = SILENT,
    ) -> None:
        self._holdings = holdings
        self._algorithms = tuple(algorithms)
        self._cache: Cache | None = holdings.target() if keep else None
        self._move = move
        self._progress = progress
        self._linked: list[tuple[Path, ObjectId, int]] = []

    def take(self, paths: Sequence[Path]) -> list[Taken]:
        """Read files, several at once.

        Returns
        -------
        list of Taken
            In the order of the paths.

        Raises
        ------
        RefusedError
            If one is no regular file, or changed while it was read.
        NoSpaceError, NeurogisterError
            If one cannot be read, or not be kept.
        """
        done: list[tuple[ObjectId, Stat, str | None]] = []
        with ThreadPoolExecutor(_WORKERS) as executor:
            futures = [executor.submit(self._take, path, done) for path in paths]
            try:
                taken = [future.result() for future in futures]
            except BaseException:
                for future in futures:
                    future.cancel()
                wait(futures)
                raise
            finally:
                if done:
                    self._holdings.took(done)
        return taken

    def keep_listing(self, data: bytes, oid: ObjectId) -> None:
        """Put the listing of a folder into the cache."""
        if self._cache is not None and not self._is_kept(oid, len(data), {}):
            self._holdings.took([(oid, self._cache.store(oid, data), None)])

    def give_back(self) -> None:
        """Undo what made the user's files and objects the same, as the deposit has failed."""
        for path, oid, mode in self._linked:
            with suppress(OSError):
                if self._cache is not None and os.path.samefile(path, self._cache.path(oid)):
                    self._cache.path(oid).unlink()
                path.chmod(mode)

    def _take(self, path: Path, done: list[tuple[ObjectId, Stat, str | None]]) -> Taken:
        with system_errors(path, "read"), open_regular(path) as source:
            status = os.fstat(source.fileno())
            before = Stat.of(status)
            if before.size <= SMALL:
                size, digests, kept = self._take_small(source)
            else:
                size, digests, kept = self._take_large(path, source)
            same = Stat.of(os.fstat(source.fileno())) == before == Stat.of(os.lstat(path))
            if size != before.size or not same:
                raise _changed(path)
        oid = ObjectId(digests["md5"])
        taken = Taken(path, oid, size, digests, before, bool(status.st_mode & 0o100))
        if kept is not None:
            done.append((oid, kept, taken.strong))
        self._progress.advance(files=1)
        return taken

    def _take_small(self, source: BinaryIO) -> tuple[int, dict[str, str], Stat | None]:
        data = _read_all(source)
        hasher = MultiHasher(self._algorithms)
        hasher.update(data)
        digests = hasher.hexdigests()
        self._progress.advance(size=len(data))
        oid = ObjectId(digests["md5"])
        if self._cache is None or self._is_kept(oid, len(data), digests):
            return len(data), digests, None
        return len(data), digests, self._cache.store(oid, data)

    def _take_large(self, path: Path, source: BinaryIO) -> tuple[int, dict[str, str], Stat | None]:
        if self._cache is None:
            size, digests = self._digest(source, None)
            return size, digests, None
        copy = self._cache.work / "tmp" / f"deposit.{secrets.token_hex(6)}"
        try:
            size, digests = self._copy(path, source, copy)
            oid = ObjectId(digests["md5"])
            if self._is_kept(oid, size, digests):
                return size, digests, None
            status = os.fstat(source.fileno())
            if os.path.samestat(status, os.lstat(copy)):
                self._linked.append((path, oid, stat.S_IMODE(status.st_mode)))
            return size, digests, self._cache.adopt(oid, copy)
        finally:
            with suppress(OSError):
                copy.unlink()

    def _copy(self, path: Path, source: BinaryIO, copy: Path) -> tuple[int, dict[str, str]]:
        """Make what will be the object, in the cheapest way, and read its bytes."""
        if self._move and os.fstat(source.fileno()).st_nlink == 1 and _linked(path, copy):
            return self._digest(source, None)
        if try_clone(path, copy):  # from here on, nobody can change it
            with open_regular(copy) as stream:
                return self._digest(stream, None)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY | CLOEXEC
        with (
            system_errors(copy, "write"),
            os.fdopen(os.open(copy, flags, 0o600), "wb", buffering=0) as stream,
        ):
            return self._digest(source, stream)

    def _digest(self, source: BinaryIO, copy: BinaryIO | None) -> tuple[int, dict[str, str]]:
        """Read a large file to its end; each digest is computed in a thread of its own."""
        hashers = {name: new_hasher(name) for name in self._algorithms}
        buffers = [memoryview(bytearray(_CHUNK)) for _ in range(2)]
        running: list[list[Future[None]]] = [[], []]
        size = turn = 0
        with ThreadPoolExecutor(len(hashers)) as executor:
            while count := source.readinto(buffers[turn]):  # type: ignore[attr-defined]
                chunk = buffers[turn][:count]
                wait(running[1 - turn])  # or a later chunk could be digested first
                running[turn] = [executor.submit(_update, h, chunk) for h in hashers.values()]
                if copy is not None:
                    write_all(copy, chunk)
                size += count
                self._progress.advance(size=count)
                turn = 1 - turn
        return size, {name: hasher.hexdigest() for name, hasher in hashers.items()}

    def _is_kept(self, oid: ObjectId, size: int, digests: Mapping[str, str]) -> bool:
        """Tell whether the very content is in a cache already.

        Raises
        ------
        RefusedError
            If other content with the same md5 is.
        """
        if all(cache.stat(oid) is None for cache in self._holdings.caches):
            return False
        expected = Expected(oid.md5, size, digests.get("sha256"), digests.get("sha1"))
        if not self._holdings.find([Wanted(oid, expected, str(oid), size)]):
            return True
        if all(cache.stat(oid) is None for cache in self._holdings.caches):
            return False  # it was damaged, and is gone now
        raise RefusedError(
            f"the cache has other content with the md5 {oid.md5}: somebody has made two files"
            " of one md5",
            hint="Such a file cannot be kept under its md5, as DVC does. Look where it is from.",
        )


def _read_all(source: BinaryIO) -> bytes:
    """Read a small file that may be growing, up to a little more than it may have."""
    parts = []
    left = SMALL + 1
    while left > 0 and (part := source.read(left)):
        parts.append(part)
        left -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _update(hasher: Hasher, chunk: memoryview) -> None:
    hasher.update(chunk)


def _linked(path: Path, copy: Path) -> bool:
    try:
        os.link(path, copy, follow_symlinks=False)
    except OSError:
        return False  # another file system, or one without links
    return True


def _changed(path: Path) -> RefusedError:
    return RefusedError(
        f"{path} changed while it was read",
        hint="Nothing was deposited. Wait until whatever writes it is done, then try again.",
    )


def remove_moved(taken: Sequence[Taken], top: Path) -> None:
    """Remove files that were deposited with `move`, and the folders that are empty then.

    Parameters
    ----------
    taken : sequence of Taken
        What was read; each is kept by the cache now. What was changed since stays.
    top : Path
        The file or folder that the user named.

    Raises
    ------
    NeurogisterError
        If one cannot be removed; all others are.
    """
    problems: list[NeurogisterError] = []
    for one in taken:
        try:
            now = os.lstat(one.path)
            if (now.st_size, now.st_mtime_ns) == (one.size, one.seen.mtime_ns):
                one.path.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            problems.append(
                NeurogisterError(f"{one.path} is deposited, but cannot be removed: {error}")
            )
    if top.is_dir():
        for folder, _, _ in os.walk(top, topdown=False):
            with suppress(OSError):
                os.rmdir(folder)
    if problems:
        raise problems[0]
