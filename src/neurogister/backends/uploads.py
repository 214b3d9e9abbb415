"""Bytes on their way to a remote: read in chunks, counted, and never too many in memory."""

from __future__ import annotations

import base64
import io
import math
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import NeurogisterError
from ..files import open_regular, system_errors
from ..model.digest import CHUNK_SIZE, Buffer
from .obstores import ONE_TRY, explain
from .remotebase import Advance, Faults, ObjectStat, plain_md5

if TYPE_CHECKING:
    from obstore.store import ObjectStore, RetryConfig

_SINGLE = 8 << 20  # what is larger goes in parts
_MOST_PARTS = 10_000
_PARTS_AT_ONCE = 3
_MEMORY = 48 << 20
_QUICK = 256 << 10
_PATIENCE = 240.0


class Body:
    """The bytes of an object, which can be read several times.

    Parameters
    ----------
    source : bytes or Path
        What they are, or the file that holds them.
    advance : callable
        Told about them as they are read; and that it was in vain, if they are read again.

    Attributes
    ----------
    size : int
        How many there are.
    """

    def __init__(self, source: Buffer | Path, advance: Advance) -> None:
        self._source = source
        self._advance = advance
        self._read = 0
        self._problem: BaseException | None = None
        self.size = _size(source)

    @property
    def in_memory(self) -> bool:
        """Whether the bytes are in memory already."""
        return not isinstance(self._source, Path)

    @property
    def in_parts(self) -> bool:
        """Whether they are too many for one request to a store."""
        return self.size > _SINGLE

    def __iter__(self) -> Iterator[Buffer]:
        self.rewind()
        self._problem = None
        try:
            yield from self._chunks()
        except GeneratorExit:
            raise
        except BaseException as error:
            self._problem = error
            raise

    def whole(self) -> Buffer:
        """Return all of them at once."""
        chunks = list(self)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def rewind(self) -> None:
        """Take back what was counted, to begin anew."""
        read, self._read = self._read, 0
        if read:
            self._advance(-read)

    def file(self) -> BodyFile:
        """Return them as a file that is open for reading."""
        return BodyFile(self)

    @contextmanager
    def own_errors(self) -> Iterator[None]:
        """Raise what went wrong here, where others saw only that the bytes ended.

        After any error, what was counted is taken back.
        """
        try:
            yield
        except BaseException:
            self.rewind()
            if self._problem is not None:
                raise self._problem from None
            raise

    def _chunks(self) -> Iterator[Buffer]:
        self._advance(0)  # it may raise: nothing is sent any more
        if not isinstance(self._source, Path):
            if self.size:
                self._count(self.size)
                yield self._source
            return
        with system_errors(self._source, "read"), open_regular(self._source) as stream:
            while chunk := stream.read(CHUNK_SIZE):
                self._count(len(chunk))
                yield chunk
        if self._read != self.size:
            raise self._changed()

    def _count(self, count: int) -> None:
        self._read += count
        if self._read > self.size:
            raise self._changed()
        self._advance(count)

    def _changed(self) -> NeurogisterError:
        return NeurogisterError(
            f"{_name(self._source)} changed while it was read",
            hint="Nothing may change the files of a cache. Run the same command again.",
        )


class BodyFile(io.RawIOBase):
    """The bytes of a body as a file."""

    def __init__(self, body: Body) -> None:
        super().__init__()
        self._chunks = iter(body)
        self._left = memoryview(b"")

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Buffer) -> int:  # type: ignore[override] # typeshed's is private
        """Read the next bytes."""
        if not self._left:
            self._left = memoryview(next(self._chunks, b""))
        target = memoryview(buffer)
        count = min(len(target), len(self._left))
        target[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


class Budget:
    """How much memory uploads may take together."""

    def __init__(self, size: int = _MEMORY) -> None:
        self._left = self._size = size
        self._changed = threading.Condition()

    @contextmanager
    def take(self, count: int) -> Iterator[None]:
        """Wait until there is so much left (or all, if it is more), and use it."""
        count = min(count, self._size)
        with self._changed:
            self._changed.wait_for(lambda: self._left >= count)
            self._left -= count
        try:
            yield
        finally:
            with self._changed:
                self._left += count
                self._changed.notify_all()


@dataclass(frozen=True)
class Manner:
    """How obstore is to send an object.

    Parameters
    ----------
    patience : float
        Seconds to wait for the answer, beside those for any answer: obstore counts from the
        beginning of what it sends.
    tries : int
        How often a part is tried again. A whole object is tried again by whoever wants it stored;
        but with a part, all others would have to be sent again.
    """

    patience: float = 0.0
    tries: int = 0

    @property
    def retries(self) -> RetryConfig:
        """What obstore calls it."""
        return ONE_TRY if not self.tries else {"max_retries": self.tries}

    @classmethod
    def of(cls, body: Body) -> Manner:
        """Return how a body is sent."""
        if body.size <= _QUICK:
            return cls()
        return cls(_PATIENCE, tries=4 if body.in_parts else 0)


def put_object(
    store: ObjectStore, path: str, body: Body, *, key: str, faults: Faults, budget: Budget
) -> ObjectStat:
    """Store an object at a path in a store; messages call it by its key.

    Returns
    -------
    ObjectStat
        What the store says that it has.

    Raises
    ------
    Unclear
        If the answer is not to be understood.
    NotFoundError, CredentialsError, NetworkError, NoSpaceError
        As for every remote.
    """
    import obstore
    from obstore.exceptions import BaseError

    part = _part_size(body.size)
    at_once = max(1, min(_PARTS_AT_ONCE, _MEMORY // part - 2))
    single = 0 if body.in_memory else body.size
    needed = (at_once + 2) * part if body.in_parts else single
    with budget.take(needed), body.own_errors():
        try:
            if body.in_parts:
                result = obstore.put(
                    store, path, iter(body), use_multipart=True, chunk_size=part,
                    max_concurrency=at_once,
                )  # fmt: skip
            else:
                result = obstore.put(store, path, body.whole(), use_multipart=False)
        except (BaseError, FileNotFoundError) as error:
            raise explain(error, key, faults) from None
    return ObjectStat(md5=plain_md5(result["e_tag"]))


def body_headers(body: Body, md5: str | None) -> dict[str, str]:
    """Return the headers that go with a body; a server may refuse what has another md5."""
    headers = {"Content-Length": str(body.size), "Content-Type": "application/octet-stream"}
    if md5 is not None:
        headers["Content-MD5"] = base64.b64encode(bytes.fromhex(md5)).decode()
    return headers


def _part_size(size: int) -> int:
    return max(_SINGLE, math.ceil(size / _MOST_PARTS / CHUNK_SIZE) * CHUNK_SIZE)


def _size(source: Buffer | Path) -> int:
    if not isinstance(source, Path):
        return memoryview(source).nbytes
    with system_errors(source, "read"):
        return os.stat(source, follow_symlinks=False).st_size


def _name(source: Buffer | Path) -> str:
    return str(source) if isinstance(source, Path) else "what is uploaded"
