"""A web server that a submission names: asked for objects, without credentials, and guarded."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..errors import RefusedError
from ..files import BINARY, CLOEXEC, NOFOLLOW, system_errors, write_all
from ..model.remote import public_address
from .httpclient import OK, HTTPClient, Timeouts
from .httpobjects import NO_RANGE, content_length, open_object, read_object
from .remotebase import Advance, Faults, ObjectStat, ObjectStream, ignore, parse_retry_after
from .tls import Trust

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from ..model.digest import Buffer
    from .guard import Guard

_LOGIN = "It is asked without credentials: what a submission names must be open to the maintainers."
_JOBS = 8


class StagingWeb:
    """A folder of a web server, for reading; as `Remote` says.

    Parameters
    ----------
    name : str
        What messages call it.
    url : str
        Its address.
    guard : Guard
        Says which servers may be asked, also after redirects.
    timeout : float
        Seconds to wait for a connection, and for the next byte.
    """

    def __init__(self, name: str, url: str, *, guard: Guard, timeout: float) -> None:
        self.name = name
        self.address = public_address(url)
        self.preferred_jobs = _JOBS
        self._base = url.rstrip("/")
        self._faults = Faults(name, self.address, _LOGIN)
        self._client = HTTPClient(
            self._faults, trust=Trust(), timeouts=Timeouts(timeout, timeout), connections=_JOBS,
            guard=guard,
        )  # fmt: skip

    def prefetch(self, keys: Iterable[str]) -> None:
        """Do nothing: there is no faster way to get many."""

    def read(self, key: str, *, limit: int, careful: bool = False) -> Buffer:
        """Return a small object whole; `Remote.read` says more."""
        del careful  # there is but one way
        return read_object(self._client, lambda more: self._send("GET", key, more), key, limit)

    def open(self, key: str, *, start: int = 0) -> ObjectStream:
        """Return an object as a stream; `Remote.open` says more."""
        return open_object(self._client, lambda more: self._send("GET", key, more), key, start)

    def size(self, key: str) -> int | None:
        """Return how many bytes an object has; None if the server does not tell."""
        response = self._send("HEAD", key, {})
        response.close()
        return content_length(response)

    def stat(self, key: str, *, careful: bool = False) -> ObjectStat:
        """Return the size of an object, if the server tells it."""
        del careful
        return ObjectStat(self.size(key))

    def why_not_writable(self) -> str | None:
        """Say that nothing is stored there."""
        return f"'{self.name}' ({self.address}) is a web address, which is only read"

    def write(
        self,
        key: str,
        source: Buffer | Path,
        *,
        md5: str | None = None,
        careful: bool = False,
        advance: Advance = ignore,
    ) -> ObjectStat:
        """Refuse: `why_not_writable` tells it beforehand."""
        del key, source, md5, careful, advance
        raise RefusedError(self.why_not_writable() or "")

    def download(self, path: Path, *, limit: int) -> None:
        """Write what lies at the address itself into a new file: a bundle.

        Raises
        ------
        IntegrityError
            If it has more bytes than the limit.
        """
        name = urlsplit(self._base).path.rpartition("/")[2]
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NOFOLLOW | BINARY | CLOEXEC
        with (
            open_object(self._client, lambda more: self._send("GET", "", more), name, 0) as source,
            system_errors(path, "write"),
            os.fdopen(os.open(path, flags, 0o600), "wb", buffering=0) as stream,
        ):
            if source.size is not None and source.size > limit:
                raise self._faults.too_large(name, limit, source.size)
            left = limit
            for chunk in source:
                left -= len(chunk)
                if left < 0:
                    raise self._faults.too_large(name, limit)
                write_all(stream, chunk)

    def _send(self, method: str, key: str, headers: Mapping[str, str]) -> BaseHTTPResponse:
        url = f"{self._base}/{key}" if key else self._base
        response = self._client.follow(method, url, key=key, headers=headers, credentials={})
        if response.status in OK or (response.status == NO_RANGE and headers):
            return response
        response.close()
        retry_after = parse_retry_after(response.headers.get("Retry-After"))
        raise self._faults.status(key or "it", response.status, retry_after=retry_after)
