"""What all kinds of remotes share: what they promise, and errors in the same words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from time import time
from typing import Protocol, Self

from ..errors import (
    CredentialsError,
    IntegrityError,
    NetworkError,
    NeurogisterError,
    NotFoundError,
)
from ..model.digest import Buffer

LONGEST_WAIT = 120.0
_TEMPORARY = frozenset({408, 425, 429})
_PLAIN = frozenset({"", "identity", "aws-chunked"})


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
    """

    name: str
    address: str
    login: str

    def absent(self, key: str, what: str = "") -> NotFoundError:
        """Say that an object is not there."""
        return NotFoundError(
            f"{self._remote} does not hold {key}{what}",
            hint="Its owner may not have pushed it yet (`dvc push`), or the remote is another one.",
        )

    def denied(self, key: str, why: str) -> CredentialsError:
        """Say that the credentials do not do."""
        return CredentialsError(f"{self._remote} does not give us {key}: {why}", hint=self.login)

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
            f"{self._remote} failed to give us {key}: {why}",
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
        temporary = status in _TEMPORARY or status >= 500
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
