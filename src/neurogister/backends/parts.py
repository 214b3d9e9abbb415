"""A large object in parts: one after the other, or several at once where one connection is slow."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Protocol, Self

from ..errors import NetworkError

FIRST_PART = 8 << 20
_NEXT_PART = 64 << 20
_LARGEST = 8 << 20
_SMALLEST = 1 << 20
_PARTS = 512  # so many that what is on its way when we are killed is little of the whole
_FAST = 200e6  # bytes per second: more than several connections would bring over most networks
_EXTRA = 8  # connections of one client for the parts of large objects
_EACH = 4


class Lanes:
    """Connections for parts of large objects: few in all, however many objects come at once.

    Parameters
    ----------
    connections : int
        How many connections the client may have at all.
    """

    def __init__(self, connections: int) -> None:
        self._left = min(connections - 1, _EXTRA)
        self._lock = threading.Lock()

    def take(self) -> int:
        """Take some for an object; 0 if all are in use."""
        with self._lock:
            taken = max(min(self._left, _EACH), 0)
            self._left -= taken
            return taken

    def give_back(self, count: int) -> None:
        """Let others have them."""
        with self._lock:
            self._left += count


class Part(Protocol):
    """The bytes of one part, in chunks; a context manager.

    Attributes
    ----------
    start : int
        The offset of the first byte.
    size : int, optional
        Of the whole object.
    waited : float
        The seconds for which its bytes were waited for.
    """

    start: int
    size: int | None
    waited: float

    def __iter__(self) -> Iterator[bytes]: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *details: object) -> None: ...


OpenPart = Callable[[int, int | None], Part]
"""Opens the bytes from an offset up to another one, or to the end; from any thread."""


class PartedStream:
    """An object that comes in parts, as an `ObjectStream`.

    Whatever is under way, the bytes are handed on in their order: what was written is always a
    true beginning, and an error comes after all that is before it.

    Parameters
    ----------
    first : Part
        The first one, opened.
    end : int
        Where it ends.
    open_part : callable
        Opens the others.
    lanes : Lanes
        Connections for several parts at once.
    ended_early : callable
        Makes the error for a part that is too short.
    """

    def __init__(
        self,
        first: Part,
        end: int,
        open_part: OpenPart,
        *,
        lanes: Lanes,
        ended_early: Callable[[], NetworkError],
    ) -> None:
        self.start = first.start
        self.size = first.size
        self._first = first
        self._end = end
        self._open_part = open_part
        self._lanes = lanes
        self._ended_early = ended_early

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self._first.__exit__(*details)

    def __iter__(self) -> Iterator[bytes]:
        part, end = self._first, self._end
        yield from self._read(part, end)
        while end != self.size:
            start = end
            if self.size is None:
                yield from self._read(self._open_part(start, None), None)
                return
            if _is_slow(part, start) and (lanes := self._lanes.take()):
                yield from self._read_ahead(start, self.size, lanes)
                return
            end = min(start + _NEXT_PART, self.size)
            part = self._open_part(start, end)
            yield from self._read(part, end)

    def _read(self, part: Part, end: int | None) -> Iterator[bytes]:
        position = part.start
        with part:
            for chunk in part:
                position += len(chunk)
                yield chunk
        if end is not None and position != end:
            raise self._ended_early()

    def _read_ahead(self, start: int, size: int, lanes: int) -> Iterator[bytes]:
        step = min(max(size // _PARTS, _SMALLEST), _LARGEST)
        ahead = _ReadAhead(self._read_whole, range(start, size, step), size, lanes)
        try:
            yield from ahead
        finally:
            ahead.close()
            self._lanes.give_back(lanes)

    def _read_whole(self, start: int, end: int) -> list[bytes]:
        return list(self._read(self._open_part(start, end), end))


def _is_slow(part: Part, end: int) -> bool:
    return end - part.start < _FAST * part.waited


class _ReadAhead:
    """Parts that threads bring, a few ahead of who reads.

    Parameters
    ----------
    fetch : callable
        Brings the bytes from an offset up to another one; called from several threads.
    offsets : range
        Where each part begins.
    end : int
        Where the last one ends.
    lanes : int
        How many parts come at once; none is farther ahead than that.
    """

    def __init__(
        self, fetch: Callable[[int, int], list[bytes]], offsets: range, end: int, lanes: int
    ) -> None:
        self._fetch = fetch
        self._offsets = offsets
        self._end = end
        self._lanes = lanes
        self._next = self._read = 0
        self._closed = False
        self._news = threading.Condition()
        self._done: dict[int, list[bytes] | BaseException] = {}
        for _ in range(min(lanes, len(offsets))):
            threading.Thread(target=self._work, daemon=True).start()

    def __iter__(self) -> Iterator[bytes]:
        for number in range(len(self._offsets)):
            part = self._wait_for(number)
            if isinstance(part, BaseException):
                raise part
            yield from part

    def _wait_for(self, number: int) -> list[bytes] | BaseException:
        with self._news:
            self._read = number
            self._news.notify_all()
            while number not in self._done:
                self._news.wait()
            return self._done.pop(number)

    def close(self) -> None:
        """Want nothing more: what is under way ends by itself, and is dropped."""
        with self._news:
            self._closed = True
            self._done.clear()
            self._news.notify_all()

    def _work(self) -> None:
        while (number := self._take()) is not None:
            start = self._offsets[number]
            end = min(start + self._offsets.step, self._end)
            try:
                part: list[bytes] | BaseException = self._fetch(start, end)
            except BaseException as error:  # noqa: BLE001 - carried over to who reads
                part = error
            with self._news:
                if not self._closed:
                    self._done[number] = part
                self._news.notify_all()

    def _take(self) -> int | None:
        with self._news:
            while not self._closed and self._next >= self._read + self._lanes:
                self._news.wait()
            if self._closed or self._next >= len(self._offsets):
                return None
            self._next += 1
            return self._next - 1
