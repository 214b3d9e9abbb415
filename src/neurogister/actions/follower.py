"""A second copy of a large object, made while it comes, so that placing it is only a rename."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

from ..files import BINARY, CLOEXEC

_STEP = 8 << 20


def can_follow() -> bool:
    """Tell whether the system copies between files without our memory (Linux)."""
    return hasattr(os, "copy_file_range")


class Follower:
    """Copies a file that still grows, in a thread of its own.

    Parameters
    ----------
    source : int
        The descriptor of the growing file, open for reading.
    path : Path
        The copy, which is not there yet; on the file system where it will be needed.
    """

    def __init__(self, source: int, path: Path) -> None:
        self.path = path
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY | CLOEXEC
        self._target = os.open(self.path, flags, 0o666)
        self._source = source
        self._copied = self._known = 0
        self._ended = self._failed = False
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def follow(self, known: int) -> None:
        """Hear that so many bytes of the file are there now; fewer than before: start again."""
        with self._news:
            if known < self._known:
                self._copied = 0
            self._known = known
            if known - self._copied >= _STEP or known == 0:
                self._news.notify()

    def finish(self, size: int) -> Path | None:
        """Copy what is left, and return the copy; None if it could not be made."""
        self._end(size)
        if self._failed or os.stat(self.path).st_size != size:
            self.discard()
            return None
        return self.path

    def discard(self) -> None:
        """Give the copy up."""
        self._end(0)
        with suppress(OSError):
            self.path.unlink()

    def _end(self, size: int) -> None:
        with self._news:
            if self._ended:
                return
            self._known = size
            self._ended = True
            self._news.notify()
        self._thread.join()
        os.close(self._target)

    def _work(self) -> None:
        try:
            while (step := self._next_step()) is not None:
                start, count = step
                done = os.copy_file_range(self._source, self._target, count, start, start)
                if done == 0:
                    raise OSError("the file ends too soon")
                with self._news:
                    # unless the transfer began anew meanwhile
                    self._copied = start + done if self._copied == start else self._copied
        except OSError:
            self._failed = True

    def _next_step(self) -> tuple[int, int] | None:
        with self._news:
            while True:
                left = self._known - self._copied
                if left > 0 and (left >= _STEP or self._ended):
                    return self._copied, min(left, _STEP)
                if self._ended:
                    return None
                self._news.wait()
