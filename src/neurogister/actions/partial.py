"""One large object: streamed into a file that survives an interruption and is gone on with."""

from __future__ import annotations

import os
import secrets
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ..backends.cache import Cache, Stat, remove
from ..backends.holdings import strongest
from ..backends.remotes import Remote
from ..errors import IntegrityError, NetworkError
from ..files import BINARY, CLOEXEC, NOFOLLOW, system_errors, write_all
from ..model.digest import CHUNK_SIZE, Buffer
from ..model.objects import Wanted
from .content import wrong_content
from .follower import Digests, Follower, SecondCopy


def stream_into_cache(
    remote: Remote,
    cache: Cache,
    wanted: Wanted,
    *,
    advance: Callable[[int], None],
    recount: Callable[[int], None],
    stop: threading.Event,
    with_copy: bool = False,
) -> tuple[Stat, str | None, Path | None]:
    """Bring one object, going on where an earlier try stopped.

    What has come lies in a file of its own below the cache, which is always a true beginning of
    what the remote sent: it is read back (not fetched again) when the transfer goes on.

    Parameters
    ----------
    remote : Remote
        Where it is.
    cache : Cache
        Where it goes.
    wanted : Wanted
        What it must be.
    advance : callable
        Told the number of bytes that came.
    recount : callable
        Told how many more there are that need not come; less than 0 if they must come again.
    stop : threading.Event
        Set when the user gave up.
    with_copy : bool
        Whether to make a second copy on the way.

    Returns
    -------
    stat : Stat
        Of the object in the cache.
    strong : str or None
        The strongest digest beside its md5 that was checked.
    copy : Path or None
        The second copy, below the cache.

    Raises
    ------
    IntegrityError
        If the object is wrong; the partial file is gone.
    NetworkError
        If the transfer broke; the partial file stays.
    """
    with _partial_file(cache, wanted) as (path, stream), system_errors(path, "write"):
        transfer = _Transfer(remote, wanted, stream, advance, recount, stop)
        resumed = os.fstat(stream.fileno()).st_size > 0
        try:
            digests, copy = _complete(transfer, path, with_copy=with_copy)
        except IntegrityError:
            if not resumed:
                raise
            # perhaps only what an earlier try had left was wrong
            digests, copy = _complete(transfer, path, with_copy=with_copy)
        if copy is not None:  # nobody else may take it for unfinished
            copy = copy.replace(cache.work / "tmp" / f"copy-{secrets.token_hex(8)}")
        stream.close()  # Windows renames no open file
        return cache.adopt(wanted.oid, path), strongest(wanted.expected, digests), copy


def kept_bytes(cache: Cache, wanted: Wanted) -> int:
    """Tell how many bytes of an unfinished object are there to go on with."""
    try:
        return os.lstat(_kept_path(cache, wanted)).st_size
    except OSError:
        return 0


def _kept_path(cache: Cache, wanted: Wanted) -> str:
    return f"{cache.work}/partial/{wanted.oid}"


def _complete(
    transfer: _Transfer, path: Path, *, with_copy: bool
) -> tuple[dict[str, str], Path | None]:
    with _second_copy(transfer.stream, path, wanted=with_copy) as copy:
        digests = transfer.complete(copy)
        return digests, copy.finish(transfer.have) if copy else None


class _Transfer:
    """One object on its way into a file.

    Parameters
    ----------
    remote, wanted, advance, recount, stop
        As for `stream_into_cache`.
    stream : BinaryIO
        The file, unbuffered.
    """

    def __init__(
        self,
        remote: Remote,
        wanted: Wanted,
        stream: BinaryIO,
        advance: Callable[[int], None],
        recount: Callable[[int], None],
        stop: threading.Event,
    ) -> None:
        self.stream = stream
        self.have = 0
        self._remote = remote
        self._wanted = wanted
        self._advance = advance
        self._recount = recount
        self._stop = stop
        self._followers: Sequence[Follower] = ()

    def complete(self, copy: SecondCopy | None) -> dict[str, str]:
        """Bring what is missing; return the digests of the whole, which are right."""
        self.have = 0
        try:
            with Digests(self._wanted.expected.algorithms) as digests:
                self._followers = (digests, copy) if copy else (digests,)
                self._take_up()
                if self.have != self._wanted.expected.size:
                    self._receive()
                found = digests.finish()
            if difference := self._wanted.expected.difference(self.have, found):
                raise self._wrong(difference)
        except BaseException:
            self._recount(-self.have)
            raise
        return found

    def _take_up(self) -> None:
        """Read what an earlier try left, and stand at its end."""
        self.stream.seek(0)
        while chunk := self.stream.read(CHUNK_SIZE):
            self._pass_on(chunk)
        self._recount(self.have)
        if self.have > self._wanted.limit:
            self._begin_anew()

    def _pass_on(self, chunk: Buffer) -> None:
        for follower in self._followers:
            follower.update(chunk)
        self.have += len(chunk)

    def _begin_anew(self) -> None:
        self.stream.seek(0)
        self.stream.truncate()
        for follower in self._followers:
            follower.restart()
        self._recount(-self.have)
        self.have = 0

    def _receive(self) -> None:
        limit = self._wanted.limit
        with self._remote.open(self._wanted.oid.key, start=self.have) as source:
            if source.start != self.have:  # the server cannot go on
                self._begin_anew()
            if source.size is not None and source.size > limit:
                raise wrong_content(self._wanted, self._remote, f"it has {source.size:,} bytes")
            for chunk in source:
                if self.have + len(chunk) > limit:
                    raise self._wrong(f"it has more than {limit:,} bytes")
                write_all(self.stream, chunk)
                self._pass_on(chunk)
                self._advance(len(chunk))
                if self._stop.is_set():
                    raise NetworkError("stopped", temporary=False)

    def _wrong(self, difference: str) -> IntegrityError:
        """Forget all that came, and return the error that says why."""
        self.stream.seek(0)
        start = self.stream.read(64)
        self.stream.truncate(0)
        return wrong_content(self._wanted, self._remote, difference, start=start)


@contextmanager
def _second_copy(stream: BinaryIO, path: Path, *, wanted: bool) -> Iterator[SecondCopy | None]:
    """Make a copy on the way; it is gone if the transfer fails."""
    if not wanted:
        yield None
        return
    copy = path.with_name(f"{path.name}.copy")
    remove(copy)  # a killed command may have left it
    follower = SecondCopy(copy, stream.fileno())
    try:
        yield follower
    except BaseException:
        follower.discard()
        raise


@contextmanager
def _partial_file(cache: Cache, wanted: Wanted) -> Iterator[tuple[Path, BinaryIO]]:
    """Open the file of an unfinished object, for us alone.

    If another process is at the same object, we work in a file of our own.
    """
    from filelock import FileLock, Timeout  # only large objects need it

    path = Path(_kept_path(cache, wanted))
    lock = FileLock(f"{path}.lock", mode=0o664 if cache.shared_group else 0o644)
    with system_errors(path, "open"):
        try:
            lock.acquire(blocking=False)
        except (Timeout, PermissionError):  # the lock may be another user's
            path = cache.work / "tmp" / f"{wanted.oid}.{secrets.token_hex(6)}"
    try:
        with system_errors(path, "open"):
            _put_away(path)
            flags = os.O_RDWR | os.O_CREAT | NOFOLLOW | BINARY | CLOEXEC
            descriptor = os.open(path, flags, 0o600)
        with os.fdopen(descriptor, "r+b", buffering=0) as stream:
            yield path, stream
    finally:
        if lock.is_locked:
            lock.release()
        else:
            with suppress(OSError):
                path.unlink()


def _put_away(path: Path) -> None:
    """Remove what cannot be gone on with: a link, a pipe, a file of another user or name."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return
    ours = stat.S_ISREG(status.st_mode) and status.st_nlink <= 1
    if not ours or not os.access(path, os.R_OK | os.W_OK):
        remove(path)
