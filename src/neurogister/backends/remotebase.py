"""What all kinds of remotes share: what they promise, and errors in the same words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from time import time
from typing import Protocol, Self, runtime_checkable

from ..errors import (
    CredentialsError,
    IntegrityError,
    NetworkError,
    NeurogisterError,
    NoSpaceError,
    NotFoundError,
)
from ..model.digest import Buffer

LONGEST_WAIT = 120.0
LISTED_AT_ONCE = 1000  # objects in a page, as S3 and Google Cloud Storage have it
_TEMPORARY = frozenset({408, 425, 429})
_BUSY = frozenset({409, 423})
_NO_UPLOADS = frozenset({405, 501})
_PLAIN = frozenset({"", "identity", "aws-chunked"})
_PLAIN_MD5 = re.compile(r'\A"?([0-9a-f]{32})"?\Z')


Advance = Callable[[int], None]
"""Told how many more bytes were read to be sent; negative if they will be sent again.

What it raises ends the upload.
"""


def ignore(count: int) -> None:
    """Be told how many bytes were read, and do nothing."""
    del count


@dataclass(frozen=True, slots=True)
class ObjectStat:
    """What a remote tells of an object that it has.

    Parameters
    ----------
    size : int, optional
        In bytes; none if it does not tell.
    md5 : str, optional
        32 hexadecimal digits; none if it does not tell.
    """

    size: int | None = None
    md5: str | None = None


def plain_md5(etag: str | None) -> str | None:
    """Return the md5 that an ETag looks like; None if it is something else, as of parts."""
    found = _PLAIN_MD5.match(etag or "")
    return found[1] if found else None


Page = Sequence[tuple[str, ObjectStat]]
"""Some objects that a remote has, by their keys."""


@runtime_checkable
class Lists(Protocol):
    """A remote that can tell of many objects in one answer."""

    def pages(self, folder: str) -> Iterator[Page]:
        """List the objects whose key begins with a folder, in whatever order.

        Parameters
        ----------
        folder : str
            As ``files/md5/``.

        Yields
        ------
        sequence of (str, ObjectStat)
            At most `LISTED_AT_ONCE`; fewer only at the end. What looks like an md5 may be another
            mark, as in `Remote.stat`.

        Raises
        ------
        CredentialsError, NetworkError, NotFoundError
            As `Remote.stat`.
        """


class Remote(Protocol):
    """A place away from this machine that keeps objects. Each call is one attempt.

    A key is that of an object in DVC's layout, as ``files/md5/ab/cdef…``, and was checked. All
    methods may be called from several threads at once, and raise

    - `NotFoundError` if the remote lacks the object,
    - `CredentialsError` if it wants other credentials,
    - `NetworkError` if it cannot be reached or fails; ``temporary`` if trying again may help,
    - `IntegrityError` if what it sends cannot be the object.

    Attributes
    ----------
    name : str
        As in the configuration.
    address : str
        Where it is, without anything secret.
    preferred_jobs : int
        How many objects to ask for at once.
    """

    name: str
    address: str
    preferred_jobs: int

    def prefetch(self, keys: Iterable[str]) -> None:
        """Hear which objects will be wanted; may do nothing."""

    def read(self, key: str, *, limit: int, careful: bool = False) -> Buffer:
        """Return a small object whole.

        Parameters
        ----------
        key : str
            Which one.
        limit : int
            The most bytes that it may have; more are an `IntegrityError`, and are not read.
        careful : bool
            Whether to take the slower way, whose errors tell more: how long to wait, say.
        """

    def open(self, key: str, *, start: int = 0) -> ObjectStream:
        """Return an object as a stream, a context manager.

        Parameters
        ----------
        key : str
            Which one.
        start : int
            How many bytes to leave out. The stream's own ``start`` is 0 if the remote cannot.
        """

    def size(self, key: str) -> int | None:
        """Return how many bytes an object has; None if the remote does not tell."""

    def stat(self, key: str, *, careful: bool = False) -> ObjectStat:
        """Return what the remote tells of an object without sending it.

        Parameters
        ----------
        key : str
            Which one.
        careful : bool
            Whether to leave out what is only perhaps its md5, as some servers have other marks
            of the same look: for when it is not the one that it should be.
        """

    def write(
        self,
        key: str,
        source: Buffer | Path,
        *,
        md5: str | None = None,
        careful: bool = False,
        advance: Advance = ignore,
    ) -> ObjectStat:
        """Store an object whole; before that it is absent (or another one), and never a part.

        Parameters
        ----------
        key : str
            Which one.
        source : bytes or Path
            Its bytes, or the file that they are streamed from.
        md5 : str, optional
            Of the bytes, for servers that check it.
        careful : bool
            As for `read`.
        advance : callable
            Told about the bytes as they are read.

        Returns
        -------
        ObjectStat
            What the server's answer says that it has stored; mostly nothing.

        Raises
        ------
        NoSpaceError
            If it is full.
        RefusedError
            If it cannot be written at all; `why_not_writable` tells that beforehand.
        """

    def why_not_writable(self) -> str | None:
        """Say why nothing can be stored there, in a sentence; None if it may be tried.

        From the configuration alone: nothing is asked.
        """


class ObjectStream(Protocol):
    """The bytes of an object, from ``start`` to its end, in chunks of at most 1 MiB.

    Attributes
    ----------
    start : int
        The offset of the first byte that comes.
    size : int, optional
        The size of the whole object, if it is known.
    """

    start: int
    size: int | None

    def __iter__(self) -> Iterator[bytes | memoryview]: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *details: object) -> None: ...


@dataclass(frozen=True)
class Faults:
    """Makes the errors of one remote.

    Parameters
    ----------
    name : str
        As in the configuration.
    address : str
        Without anything secret.
    login : str
        Where its credentials come from: the hint of a `CredentialsError`.
    storing : bool
        Whether we want to store, and not to read.
    """

    name: str
    address: str
    login: str
    storing: bool = False

    @property
    def of_storing(self) -> Faults:
        """The same in the words for storing."""
        return replace(self, storing=True)

    def absent(self, key: str, what: str = "") -> NotFoundError:
        """Say that an object is not there; or when storing, that there is no place for it."""
        if self.storing:
            return NotFoundError(
                f"{self._remote} has no place for {key}{what}",
                hint="Look at its address (`dvc remote list`): what it names must be there first.",
            )
        return NotFoundError(
            f"{self._remote} does not hold {key}{what}",
            hint="Its owner may not have pushed it yet (`dvc push`), or the remote is another one.",
        )

    def denied(self, key: str, why: str) -> CredentialsError:
        """Say that the credentials do not do."""
        does = "does not let us store" if self.storing else "does not give us"
        also = " Who may read there may perhaps not write." if self.storing else ""
        return CredentialsError(f"{self._remote} {does} {key}: {why}", hint=self.login + also)

    def full(self, key: str, why: str) -> NoSpaceError:
        """Say that there is no room for an object."""
        return NoSpaceError(
            f"{self._remote} has no room for {key}: {why}",
            hint="Free some space there, or ask its owner; then run the same command again.",
        )

    def broken(
        self,
        key: str,
        why: str,
        *,
        temporary: bool = True,
        retry_after: float | None = None,
        hint: str | None = None,
    ) -> NetworkError:
        """Say that the network or the server failed."""
        return NetworkError(
            f"{self._remote} failed to {'store' if self.storing else 'give us'} {key}: {why}",
            hint=hint,
            temporary=temporary,
            retry_after=retry_after,
        )

    def too_large(self, key: str, limit: int, size: int | None = None) -> IntegrityError:
        """Say that an object is larger than it may be."""
        has = "more" if size is None else f"{size:,}"
        return IntegrityError(
            f"{self._remote} holds another {key} than it should: of {has} bytes,"
            f" where at most {limit:,} are right"
        )

    def encoded(self, key: str, encoding: str) -> IntegrityError:
        """Say that the bytes of an object come packed."""
        return IntegrityError(
            f"{self._remote} sends {key} encoded as {encoding[:40]!r}, and not as it is",
            hint="The server must not compress what it serves (or the object was uploaded so).",
        )

    def status(
        self, key: str, status: int, *, reason: str = "", retry_after: float | None = None
    ) -> NeurogisterError:
        """Return the error that an HTTP status stands for."""
        said = f"{_phrase(status)}{f' ({reason})' if reason else ''}"
        if status in (404, 410):
            return self.absent(key)
        if status in (401, 403, 407):
            return self.denied(key, said)
        if 300 <= status < 400:
            said = f"it redirects where we do not follow, or nowhere ({said})"
        if self.storing and status == 507:
            return self.full(key, said)
        if self.storing and status in _NO_UPLOADS:
            hint = f"`dvc remote modify {self.name} method PUT` (or POST) if it takes them so."
            return self.broken(key, f"it takes no uploads ({said})", temporary=False, hint=hint)
        temporary = status in _TEMPORARY or status >= 500 or (self.storing and status in _BUSY)
        return self.broken(key, said, temporary=temporary, retry_after=retry_after)

    @property
    def _remote(self) -> str:
        return f"the remote '{self.name}' ({self.address})"


def read_whole(stream: ObjectStream, key: str, *, limit: int, faults: Faults) -> bytes:
    """Return the bytes of a stream, which may be ``limit`` at most.

    Raises
    ------
    IntegrityError
        If there are more; they are not read.
    """
    if stream.size is not None and stream.size > limit:
        raise faults.too_large(key, limit, stream.size)
    parts: list[bytes | memoryview] = []
    left = limit
    for chunk in stream:
        left -= len(chunk)
        if left < 0:
            raise faults.too_large(key, limit)
        parts.append(chunk)
    return b"".join(parts)


def is_encoded(encoding: str | None) -> bool:
    """Tell whether a ``Content-Encoding`` means that the bytes are not the object's.

    ``aws-chunked`` is a left-over of the upload, which some servers keep.
    """
    return any(part.strip().lower() not in _PLAIN for part in (encoding or "").split(","))


def parse_retry_after(value: str | None) -> float | None:
    """Return the seconds that a ``Retry-After`` header wants us to wait, at most two minutes."""
    if value is None:
        return None
    from email.utils import parsedate_to_datetime  # only a server in trouble sends it

    value = value.strip()
    try:
        if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value):
            seconds = float(value)
        else:
            seconds = parsedate_to_datetime(value).timestamp() - time()
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _phrase(status: int) -> str:
    try:
        return f"status {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"status {status}"
