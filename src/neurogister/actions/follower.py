"""What follows the bytes of a large object as they come: its digests, and a second copy."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from ..files import BINARY, CLOEXEC
from ..model.digest import Buffer, MultiHasher

_SOON_WRITTEN = 64 << 20  # bytes that may still be on their way to the disk
_BEHIND = 16  # chunks, before who brings them has to wait


class Follower:
    """Takes in chunks in a thread of its own, a few behind whoever brings them.

    Chunks must not change any more. A context manager, which ends the thread.
    """

    batch = 1
    """How many chunks are taken in at once."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Buffer | None] = queue.Queue(_BEHIND)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def update(self, chunk: Buffer) -> None:
        """Take in more."""
        self._queue.put(chunk)

    def restart(self) -> None:
        """Forget everything."""
        self.end()
        self._forget()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Wait until all is taken in."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _work(self) -> None:
        chunk = self._queue.get()
        while chunk is not None:
            batch = [chunk]
            while len(batch) < self.batch and (chunk := self._queue.get()) is not None:
                batch.append(chunk)
            self._take(batch)
            del batch  # not while we wait for more
            chunk = chunk and self._queue.get()

    def _take(self, chunks: Sequence[Buffer]) -> None:
        raise NotImplementedError

    def _forget(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


class Digests(Follower):
    """The digests of what comes.

    Parameters
    ----------
    algorithms : iterable of str
        As for `MultiHasher`.
    """

    def __init__(self, algorithms: Iterable[str]) -> None:
        self._algorithms = tuple(algorithms)
        self._forget()
        super().__init__()

    def _forget(self) -> None:
        self._hasher = MultiHasher(self._algorithms)

    def _take(self, chunks: Sequence[Buffer]) -> None:
        for chunk in chunks:
            self._hasher.update(chunk)

    def finish(self) -> dict[str, str]:
        """Wait for the last chunk, and return the digests."""
        self.end()
        return self._hasher.hexdigests()


class SecondCopy(Follower):
    """A second file of what comes, so that placing it is only a rename.

    Parameters
    ----------
    path : Path
        The copy, which is not there yet; on the file system where it will be needed.
    first : int
        The descriptor of the first file. Nobody will read that one soon, so the system need not
        keep it in memory: a large object would push out what other programs use.
    """

    batch = 8

    def __init__(self, path: Path, first: int) -> None:
        self.path = path
        self._first = first
        self._size = 0
        self._failed = self._closed = False
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY | CLOEXEC
        self._target = os.open(path, flags, 0o666)
        super().__init__()

    def finish(self, size: int) -> Path | None:
        """Wait for the last chunk, and return the copy; None if it could not be made."""
        self._close()
        if self._failed or self._size != size:
            self.discard()
            return None
        return self.path

    def discard(self) -> None:
        """Give the copy up."""
        self._close()
        with suppress(OSError):
            self.path.unlink()

    def _close(self) -> None:
        self.end()
        if not self._closed:
            self._closed = True
            os.close(self._target)

    def _forget(self) -> None:
        self._size = 0
        os.ftruncate(self._target, 0)
        os.lseek(self._target, 0, os.SEEK_SET)

    def _take(self, chunks: Sequence[Buffer]) -> None:
        if self._failed:
            return
        try:
            _write(self._target, chunks)
            start, self._size = self._size, self._size + sum(map(len, chunks))
            _let_go(self._first, start)
        except OSError:
            self._failed = True


def _write(target: int, chunks: Sequence[Buffer]) -> None:
    """Write all, at once where the system can: it then takes memory in larger pieces."""
    views = [memoryview(chunk) for chunk in chunks]
    while views:
        done = os.writev(target, views) if hasattr(os, "writev") else os.write(target, views[0])
        while views and done >= len(views[0]):
            done -= len(views.pop(0))
        if done:
            views[0] = views[0][done:]


def _let_go(descriptor: int, start: int) -> None:
    """Have the system write a file to disk, and forget what is there already.

    What is not yet on its way to the disk goes there; the next call forgets it.
    """
    if hasattr(os, "posix_fadvise"):
        back = max(start - _SOON_WRITTEN, 0)
        with suppress(OSError):  # it is advice only
            os.posix_fadvise(descriptor, back, 0, os.POSIX_FADV_DONTNEED)
