"""Objects that come by HTTP: limits, ranges and sizes as servers really tell them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Self

from ..model.digest import CHUNK_SIZE
from .parts import FIRST_PART, PartedStream
from .remotebase import is_encoded, read_whole

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from ..errors import NetworkError
    from .httpclient import HTTPClient

Send = Callable[[Mapping[str, str]], "BaseHTTPResponse"]
"""Sends a request with more headers; answers with status 200, 206 or 416, or raises."""

NO_RANGE = 416
_RANGE = re.compile(r"\s*bytes\s+(?:([0-9]{1,18})-([0-9]{1,18})|\*)/([0-9]{1,18}|\*)\s*\Z")


def read_object(client: HTTPClient, send: Send, key: str, limit: int) -> bytes:
    """Return an object whole.

    Raises
    ------
    IntegrityError
        If it has more bytes than ``limit``, or comes packed.
    """
    with open_object(client, send, key, 0, in_parts=False) as stream:
        return read_whole(stream, key, limit=limit, faults=client.faults)


def open_object(
    client: HTTPClient, send: Send, key: str, start: int, *, in_parts: bool = True
) -> HTTPStream | PartedStream:
    """Return an object as a stream, from ``start`` if the server can do that, else whole.

    With ``in_parts`` the server is asked for the beginning of it only: if it can do that, the rest
    is asked for as suits its speed.
    """
    wanted = {"Range": _range(start, start + FIRST_PART)}
    response = send(wanted if in_parts else {})
    if response.status == NO_RANGE:
        response.close()
        if _parse_range(response)[2] == start:
            return HTTPStream(client, None, key, start, start)
        # What we have is not the beginning of what is there.
        response = send({})
    _refuse_encoded(client, response, key)
    # Not by the status: some servers send the range with a 200.
    first, last, size = _parse_range(response)
    if first is None and response.status == 200:
        return HTTPStream(client, response, key, 0, content_length(response))
    if first is None or last is None or first not in (start, 0):
        response.close()
        raise _another_part(client, key)
    stream = HTTPStream(client, response, key, first, size)
    if last + 1 == size:
        return stream
    return PartedStream(
        stream, last + 1, partial(_open_part, client, send, key, size), lanes=client.lanes,
        ended_early=lambda: client.faults.broken(key, "the connection broke (it ended early)"),
    )  # fmt: skip


def _open_part(
    client: HTTPClient, send: Send, key: str, size: int | None, start: int, end: int | None
) -> HTTPStream:
    """Return the bytes of an object from ``start`` up to ``end``, or to its end."""
    response = send({"Range": _range(start, end)})
    _refuse_encoded(client, response, key)
    first, last, whole = _parse_range(response)
    if first != start or whole != size or (end is not None and last != end - 1):
        response.close()
        raise _another_part(client, key)
    return HTTPStream(client, response, key, start, size)


def _range(start: int, end: int | None) -> str:
    return f"bytes={start}-{'' if end is None else end - 1}"


def _another_part(client: HTTPClient, key: str) -> NetworkError:
    return client.faults.broken(key, "it sends another part than we asked for")


def _refuse_encoded(client: HTTPClient, response: BaseHTTPResponse, key: str) -> None:
    encoding = response.headers.get("Content-Encoding")
    if is_encoded(encoding):
        response.close()
        raise client.faults.encoded(key, encoding or "")


def content_length(response: BaseHTTPResponse) -> int | None:
    """Return how many bytes the body has; None if the server does not tell."""
    length = response.headers.get("Content-Length", "")
    return int(length) if re.fullmatch(r"[0-9]{1,18}", length) else None


class HTTPStream:
    """The body of an answer, in chunks; a context manager.

    Parameters
    ----------
    client : HTTPClient
        Explains what breaks.
    response : urllib3 response, optional
        Its body; none for nothing.
    key : str
        The object that it is.
    start, size : int
        As in `ObjectStream`.

    Attributes
    ----------
    waited : float
        The seconds that we have waited for its bytes.
    """

    def __init__(
        self,
        client: HTTPClient,
        response: BaseHTTPResponse | None,
        key: str,
        start: int,
        size: int | None,
    ) -> None:
        self.start = start
        self.size = size
        self.waited = 0.0
        self._client = client
        self._response = response
        self._key = key

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        if self._response is not None:
            self._response.close()

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self._read():
            yield chunk
        if self._response is not None:
            self._response.release_conn()

    def _read(self) -> bytes:
        from urllib3.exceptions import HTTPError

        if self._response is None:
            return b""
        began = perf_counter()
        try:
            return self._response.read(CHUNK_SIZE, decode_content=False)
        except (HTTPError, OSError, ValueError) as error:
            raise self._client.failure(error, self._key) from None
        finally:
            self.waited += perf_counter() - began


def read_beginning(response: BaseHTTPResponse, limit: int = 1 << 16) -> bytes:
    """Return the beginning of a body that is only looked at for an explanation."""
    from urllib3.exceptions import HTTPError

    data = b""
    with suppress(HTTPError, OSError):
        data = response.read(limit, decode_content=False)
    response.close()
    return data


def _parse_range(response: BaseHTTPResponse) -> tuple[int | None, int | None, int | None]:
    """Return the first and last offset, and the whole size, that ``Content-Range`` tells."""
    found = _RANGE.match(response.headers.get("Content-Range", ""))
    if found is None:
        return None, None, None
    first, last, size = (None if text in (None, "*") else int(text) for text in found.groups())
    return first, last, size
