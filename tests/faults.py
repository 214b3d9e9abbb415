"""An HTTP server of files that goes wrong as it is told, and records what it was asked.

It serves a folder (so also path-style S3: ``GET /bucket/key``) as a good server does: keep-alive,
ranges, conditions. Rules say when it does something else, and what::

    with FaultServer(folder) as server:
        server.rules.append(First(2, Status(503, retry_after=1), match="*/ab/*"))
        server.rules.append(Always(Slow(100_000)))
        ...
        assert len(server.find("*/ab/*")) == 3

All rules that fire for a request apply, in their order, so that faults add up; one that answers
for itself (``Status``, ``Drop``, ``Redirect``, a refused login) ends the walk.
"""

import email.utils
import hashlib
import os
import random
import re
import secrets
import socket
import struct
import threading
import time
import urllib.request
import zlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from fnmatch import fnmatchcase
from functools import lru_cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import unquote

from tests.servers import Certificates, ThreadedServer, basic_auth, read_body, running

PIECE = 1 << 16


@dataclass
class Request:
    """A request, and what became of it; recorded as soon as it came in."""

    method: str
    target: str
    headers: Message
    number: int
    """How many requests for the same path and method came before."""
    status: int | None = None
    """None if the connection was dropped before an answer."""
    bytes_sent: int = 0
    """Bytes of the body that were sent so far."""
    faults: tuple[str, ...] = ()
    started: float = field(default_factory=time.monotonic)
    ended: float | None = None

    @property
    def path(self) -> str:
        """The path, decoded and without a query."""
        return unquote(self.target.partition("?")[0])

    @property
    def range(self) -> str | None:
        """The ``Range`` header."""
        return self.headers["Range"]


class Body(Protocol):
    """What is sent: of a known size, or without an end."""

    size: int | None

    def read(self, start: int, stop: int | None) -> Iterator[bytes]:
        """Give the bytes from one offset to another, in pieces."""


@dataclass
class Response:
    """What the server is about to do; rules change it."""

    body: Body
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    honours_range: bool = True
    delay: float = 0.0
    drop: bool = False
    reset: bool = False
    cut: float | None = None
    stall: float = 0.0
    stall_after: int = 0
    rate: float | None = None
    chunked: bool = False
    final: bool = False

    def answer(self, status: int, text: str = "", **headers: str) -> None:
        """Answer with a status of its own, and look at no further rule."""
        self.status, self.body, self.honours_range = status, Bytes(text.encode()), False
        self.headers = {name.replace("_", "-").title(): value for name, value in headers.items()}
        self.final = True


class Fault(Protocol):
    """Something that goes wrong."""

    def apply(self, request: Request, response: Response) -> None:
        """Change what the server is about to do."""


Match = str | Callable[[Request], bool]
Methods = str | Sequence[str] | None


class Rule(ABC):
    """Says which requests a fault happens to.

    ``match`` is a pattern of paths (``*`` crosses slashes) or a function of the request;
    ``methods`` is one method, several, or None for all.
    """

    fault: Fault
    match: Match
    methods: Methods

    def fires(self, request: Request) -> bool:
        """Say if the fault happens to this request."""
        return _matches(request, self.match, self.methods) and self._picks(request)

    @abstractmethod
    def _picks(self, request: Request) -> bool:
        """Say if it happens to this one of those that match."""


@dataclass
class Always(Rule):
    """A fault of every request that matches."""

    fault: Fault
    match: Match = "*"
    methods: Methods = None

    def _picks(self, request: Request) -> bool:
        return True


@dataclass
class First(Rule):
    """A fault of the first requests for each path, or (not ``per_path``) of the first of all."""

    count: int
    fault: Fault
    match: Match = "*"
    methods: Methods = None
    per_path: bool = True
    _seen: Counter[str] = field(default_factory=Counter, init=False, repr=False)

    def _picks(self, request: Request) -> bool:
        return self._number(request) <= self.count

    def _number(self, request: Request) -> int:
        key = request.path if self.per_path else ""
        self._seen[key] += 1
        return self._seen[key]


class After(First):
    """A fault of all requests but those that ``First`` would pick."""

    def _picks(self, request: Request) -> bool:
        return self._number(request) > self.count


@dataclass
class Fraction(Rule):
    """A fault of a part of the requests, the same ones whatever order they come in."""

    part: float
    fault: Fault
    seed: int = 0
    match: Match = "*"
    methods: Methods = None

    def _picks(self, request: Request) -> bool:
        name = f"{self.seed} {request.method} {request.path} {request.number}"
        return random.Random(name).random() < self.part


def _matches(request: Request, match: Match, methods: Methods) -> bool:
    wanted = [methods] if isinstance(methods, str) else methods
    if wanted is not None and request.method not in wanted:
        return False
    return fnmatchcase(request.path, match) if isinstance(match, str) else match(request)


@dataclass(frozen=True)
class WrongBytes:
    """As many bytes as there should be, but other ones: all of them, or the one at an offset."""

    at: int | None = None

    def apply(self, request: Request, response: Response) -> None:
        response.body = _Flipped(response.body, self.at)


@dataclass(frozen=True)
class Short:
    """A whole object that is cut: every header agrees with it.

    ``keep`` is a number of bytes (an int), or a part of them (a float).
    """

    keep: float = 0.5

    def apply(self, request: Request, response: Response) -> None:
        size = response.body.size or 0
        response.body = _Cut(response.body, min(size, _amount(self.keep, size)))


@dataclass(frozen=True)
class Content:
    """Other content instead, with status 200, also where there is no file."""

    data: bytes = b""
    content_type: str = "application/octet-stream"

    def apply(self, request: Request, response: Response) -> None:
        response.status, response.body, response.honours_range = 200, Bytes(self.data), False
        response.headers = {"Content-Type": self.content_type}


@dataclass(frozen=True)
class Empty(Content):
    """Nothing, with status 200."""


@dataclass(frozen=True)
class HtmlPage(Content):
    """A page for people with status 200, as a login wall or a proxy sends it."""

    data: bytes = b"<!DOCTYPE html>\n<html><head><title>Please log in</title></head></html>\n"
    content_type: str = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Truncated:
    """The declared length is right, but the connection ends early (``reset``: by RST).

    ``keep`` is a number of bytes (an int), or a part of them (a float).
    """

    keep: float = 0.5
    reset: bool = False

    def apply(self, request: Request, response: Response) -> None:
        response.cut, response.reset = self.keep, self.reset


@dataclass(frozen=True)
class Drop:
    """The connection ends (``reset``: by RST) before any answer."""

    reset: bool = False

    def apply(self, request: Request, response: Response) -> None:
        response.drop, response.reset, response.final = True, self.reset, True


@dataclass(frozen=True)
class Status:
    """A status instead of the file, with ``Retry-After`` in seconds or as a date if wanted."""

    code: int
    retry_after: float | str | None = None
    body: str | None = None

    def apply(self, request: Request, response: Response) -> None:
        wait = {} if self.retry_after is None else {"retry_after": str(self.retry_after)}
        text = f"{HTTPStatus(self.code).phrase}\n" if self.body is None else self.body
        response.answer(self.code, text, content_type="text/plain", **wait)


@dataclass(frozen=True)
class Redirect:
    """Another address: ``to``, followed by the path that was asked for unless told otherwise."""

    to: str
    code: int = 302
    keep_path: bool = True

    def apply(self, request: Request, response: Response) -> None:
        location = self.to.rstrip("/") + request.target if self.keep_path else self.to
        response.answer(self.code, location=location)


@dataclass(frozen=True)
class Stall:
    """Nothing for some seconds: before the answer, or after some bytes of its body."""

    seconds: float
    after: int | None = None

    def apply(self, request: Request, response: Response) -> None:
        if self.after is None:
            response.delay = self.seconds
        else:
            response.stall, response.stall_after = self.seconds, self.after


@dataclass(frozen=True)
class Slow:
    """No more than so many bytes in a second, for each connection."""

    bytes_per_second: float

    def apply(self, request: Request, response: Response) -> None:
        response.rate = self.bytes_per_second


@dataclass(frozen=True)
class Endless:
    """The file, then zeros for as long as the client listens; no ``Content-Length``."""

    chunked: bool = False

    def apply(self, request: Request, response: Response) -> None:
        response.status, response.honours_range = 200, False
        response.body, response.chunked = _Padded(response.body), self.chunked


@dataclass(frozen=True)
class NoLength:
    """The right bytes without a ``Content-Length``: to the connection's end, or in chunks."""

    chunked: bool = True

    def apply(self, request: Request, response: Response) -> None:
        response.honours_range = False
        response.body, response.chunked = _Unsized(response.body), self.chunked


@dataclass(frozen=True)
class Gzip:
    """``Content-Encoding: gzip``, asked for or not; ``bomb``: of so many zeros, not the file."""

    bomb: int | None = None

    def apply(self, request: Request, response: Response) -> None:
        if self.bomb is None:
            packed = _gzip(response.body.read(0, response.body.size))
        else:
            packed = _bomb(self.bomb)
        response.body, response.honours_range = Bytes(packed), False
        response.headers["Content-Encoding"] = "gzip"


@dataclass(frozen=True)
class IgnoreRange:
    """The whole file with status 200, whatever range was asked for."""

    def apply(self, request: Request, response: Response) -> None:
        response.honours_range = False


@dataclass(frozen=True)
class Headers:
    """Other headers; None takes one away (``Headers(ETag=None)``; ``_`` stands for ``-``)."""

    values: Mapping[str, str | None]

    def __init__(self, **values: str | None) -> None:
        names = {name.replace("_", "-"): value for name, value in values.items()}
        object.__setattr__(self, "values", names)

    def apply(self, request: Request, response: Response) -> None:
        known = {name.lower(): name for name in response.headers}
        for name, value in self.values.items():
            response.headers.pop(known.get(name.lower(), ""), None)
            if value is not None:
                response.headers[name] = value


@dataclass(frozen=True)
class RequireHeader:
    """Status 401 (or another) without a given header."""

    name: str
    value: str
    code: int = 401
    challenge: str | None = None

    def apply(self, request: Request, response: Response) -> None:
        if request.headers[self.name] != self.value:
            challenge = {"www_authenticate": self.challenge} if self.challenge else {}
            response.answer(self.code, "Who are you?\n", **challenge)


class RequireBasic(RequireHeader):
    """Status 401 without the right user and password."""

    def __init__(self, user: str, password: str) -> None:
        value = basic_auth(user, password)
        super().__init__("Authorization", value, challenge='Basic realm="test"')


@dataclass(frozen=True)
class RequireDigest:
    """Status 401 without an HTTP digest (MD5, ``qop=auth``) of the right user and password."""

    user: str
    password: str
    nonce: str = field(default_factory=lambda: secrets.token_hex(16))

    def apply(self, request: Request, response: Response) -> None:
        if not self._is_right(request):
            challenge = f'Digest realm="test", nonce="{self.nonce}", qop="auth", algorithm=MD5'
            response.answer(401, "Who are you?\n", www_authenticate=challenge)

    def _is_right(self, request: Request) -> bool:
        scheme, _, rest = (request.headers["Authorization"] or "").partition(" ")
        if scheme.lower() != "digest":
            return False
        given = urllib.request.parse_keqv_list(urllib.request.parse_http_list(rest))
        secret = _md5(f"{self.user}:test:{self.password}")
        what = _md5(f"{request.method}:{request.target}")
        proof = [given.get(name, "") for name in ("nc", "cnonce", "qop")]
        expected = _md5(":".join([secret, self.nonce, *proof, what]))
        return (
            given.get("username") == self.user
            and given.get("uri") == request.target
            and given.get("response") == expected
        )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@dataclass
class Bytes:
    """A body in memory."""

    data: bytes

    def __post_init__(self) -> None:
        self.size: int | None = len(self.data)

    def read(self, start: int, stop: int | None) -> Iterator[bytes]:
        """Give the bytes from one offset to another."""
        yield self.data[start:stop]


class _File:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.size: int | None = path.stat().st_size

    def read(self, start: int, stop: int | None) -> Iterator[bytes]:
        with self.path.open("rb") as stream:
            stream.seek(start)
            left = (self.size or 0) - start if stop is None else stop - start
            while left > 0 and (piece := stream.read(min(left, PIECE))):
                left -= len(piece)
                yield piece


class _Flipped:
    """Another body with its bits turned over."""

    _OTHER = bytes(255 - value for value in range(256))

    def __init__(self, body: Body, at: int | None) -> None:
        self.body, self.at, self.size = body, at, body.size

    def read(self, start: int, stop: int | None) -> Iterator[bytes]:
        for piece in self.body.read(start, stop):
            yield self._flip(piece, start)
            start += len(piece)

    def _flip(self, piece: bytes, start: int) -> bytes:
        if self.at is None:
            return piece.translate(self._OTHER)
        here = self.at - start
        if not 0 <= here < len(piece):
            return piece
        return piece[:here] + bytes([255 - piece[here]]) + piece[here + 1 :]


class _Cut:
    """The beginning of another body."""

    def __init__(self, body: Body, size: int) -> None:
        self.body = body
        self.size: int | None = size

    def read(self, start: int, stop: int | None) -> Iterator[bytes]:
        return self.body.read(start, self.size if stop is None else stop)


class _Unsized:
    """Another body, whose size is not told."""

    def __init__(self, body: Body) -> None:
        self.body = body
        self.size: int | None = None

    def read(self, start: int, stop: int | None) -> Iterator[bytes]:
        return self.body.read(start, self.body.size if stop is None else stop)


class _Padded(_Unsized):
    """Another body, and zeros behind it for ever."""

    def read(self, start: int, stop: int | None) -> Iterator[bytes]:
        yield from super().read(start, stop)
        while True:
            yield bytes(PIECE)


def _gzip(pieces: Iterator[bytes]) -> bytes:
    packer = zlib.compressobj(wbits=31)
    return b"".join([packer.compress(piece) for piece in pieces]) + packer.flush()


@lru_cache(maxsize=2)
def _bomb(size: int) -> bytes:
    pieces = (bytes(min(PIECE, size - done)) for done in range(0, size, PIECE))
    return _gzip(pieces)


def _amount(keep: float, size: int) -> int:  # a whole number is of bytes
    return keep if isinstance(keep, int) else int(keep * size)


class FaultServer:
    """A threaded server of the files in a folder, with faults. A context manager.

    Parameters
    ----------
    root : Path
        The folder.
    rules : sequence of Rule or Fault
        When something goes wrong, and what; a fault alone always happens.
    tls : Certificates, optional
        Serve HTTPS with these.
    writable : bool
        Take ``PUT`` and ``POST`` as an upload.
    """

    def __init__(
        self,
        root: Path,
        rules: Sequence[Rule | Fault] = (),
        *,
        tls: Certificates | None = None,
        writable: bool = False,
    ) -> None:
        self.root = root
        self.rules: list[Rule | Fault] = list(rules)
        self.requests: list[Request] = []
        self.peak = 0
        """The most requests that were answered at once."""
        self.writable = writable
        self._active = 0
        self._numbers: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        self._server = _Server(self, tls)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(running(self._server))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        """The address, without a slash at its end."""
        return self._server.url

    @property
    def connections(self) -> int:
        """How many connections were made."""
        return self._server.connections

    @property
    def bytes_sent(self) -> int:
        """How many bytes of bodies were sent."""
        return sum(request.bytes_sent for request in self.requests)

    def find(self, match: Match = "*", methods: Methods = None) -> list[Request]:
        """Return the requests that match, in the order they came."""
        return [request for request in self.requests if _matches(request, match, methods)]

    def reset(self, *rules: Rule | Fault) -> None:
        """Forget all requests, and take other rules (or none)."""
        with self._lock:
            self.rules[:] = rules
            self.requests.clear()
            self._numbers.clear()
            self.peak = 0

    def wait(self, seconds: float) -> None:
        """Wait, but not longer than the server runs."""
        self._server.closing.wait(seconds)

    @contextmanager
    def recording(self, method: str, target: str, headers: Message) -> Iterator[Request]:
        """Record a request from its beginning to its end."""
        with self._lock:
            request = Request(method, target, headers, self._numbers[method, target])
            self._numbers[method, target] += 1
            self.requests.append(request)
            self._active += 1
            self.peak = max(self.peak, self._active)
        try:
            yield request
        finally:
            self.finish(request)

    def finish(self, request: Request) -> None:
        """Note that a request is answered (once)."""
        with self._lock:
            if request.ended is None:
                request.ended = time.monotonic()
                self._active -= 1

    def plan(self, request: Request, upload: bytes) -> Response:
        """Decide what happens to a request."""
        response = self._plain(request)
        for rule in list(self.rules):
            fault = self._firing(rule, request)
            if fault is not None:
                request.faults += (type(fault).__name__,)
                fault.apply(request, response)
            if response.final:
                return response
        if self.writable and request.method in ("PUT", "POST"):
            self._write(request, upload)
            response.answer(200)
        return response

    def _firing(self, rule: Rule | Fault, request: Request) -> Fault | None:
        if not isinstance(rule, Rule):
            return rule
        with self._lock:
            return rule.fault if rule.fires(request) else None

    def _plain(self, request: Request) -> Response:
        """Plan to serve the file, as a server without faults does."""
        path = self._path(request)
        if request.method not in ("GET", "HEAD"):
            return Response(Bytes(b""), HTTPStatus.METHOD_NOT_ALLOWED)
        if path is None or not path.is_file():
            return Response(Bytes(b"not found\n"), HTTPStatus.NOT_FOUND)
        return Response(_File(path), headers=_file_headers(path))

    def _path(self, request: Request) -> Path | None:
        parts = [part for part in request.path.split("/") if part]
        return None if ".." in parts else self.root.joinpath(*parts)

    def _write(self, request: Request, upload: bytes) -> None:
        path = self._path(request)
        assert path is not None
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        new.write_bytes(upload)
        new.replace(path)


def _file_headers(path: Path) -> dict[str, str]:
    status = path.stat()
    return {
        "Content-Type": "application/octet-stream",
        "Accept-Ranges": "bytes",
        "ETag": f'"{status.st_mtime_ns:x}-{status.st_size:x}"',
        "Last-Modified": email.utils.formatdate(status.st_mtime, usegmt=True),
    }


class _Server(ThreadedServer):
    def __init__(self, owner: FaultServer, tls: Certificates | None) -> None:
        self.owner = owner
        super().__init__(_Handler, tls=tls)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        owner = self.server.owner
        with owner.recording(self.command, self.path, self.headers) as request:
            upload = read_body(self)
            response = owner.plan(request, upload)
            owner.wait(response.delay)
            if response.drop:
                self._drop(reset=response.reset)
            else:
                self._answer(request, response)

    do_HEAD = do_PUT = do_POST = do_DELETE = do_OPTIONS = do_PROPFIND = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing: the requests are recorded."""

    def _answer(self, request: Request, response: Response) -> None:
        start, stop = _choose(request, response)
        request.status = int(response.status)
        has_body = request.method != "HEAD" and response.status not in (204, 304)
        if not has_body or start == stop:
            self.server.owner.finish(request)
        self._send_head(response, None if stop is None else stop - start)
        if has_body:
            self._send_body(request, response, start, stop)

    def _send_head(self, response: Response, length: int | None) -> None:
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        elif response.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Connection", "close")
        self.end_headers()

    def _send_body(
        self, request: Request, response: Response, start: int, stop: int | None
    ) -> None:
        length = None if stop is None else stop - start
        chunked = length is None and response.chunked
        cut = None if response.cut is None else _amount(response.cut, length or 0)
        for piece in _resized(response.body.read(start, stop), response, cut):
            self._pace(request, response, len(piece))
            # Counted first, so that who has the bytes finds them counted.
            request.bytes_sent += len(piece)
            if request.bytes_sent == length:
                self.server.owner.finish(request)
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        if cut is not None:
            self._drop(reset=response.reset)
        elif chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _pace(self, request: Request, response: Response, size: int) -> None:
        """Wait as long as it takes before the next piece of a body."""
        owner = self.server.owner
        if response.stall and request.bytes_sent == response.stall_after:
            owner.wait(response.stall)
        if response.rate:
            owner.wait(size / response.rate)
        if self.server.closing.is_set():
            raise ConnectionAbortedError("the server stops")

    def _drop(self, *, reset: bool) -> None:
        """End the connection; ``reset`` lets the client's system report an error."""
        self.close_connection = True
        if not reset:
            with suppress(OSError):  # the client may have gone first
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        at_once = struct.pack("HH" if os.name == "nt" else "ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        self.rfile.close()
        self.connection.close()


def _resized(pieces: Iterator[bytes], response: Response, cut: int | None) -> Iterator[bytes]:
    """Slice pieces so that a stall or a cut falls between two, and a slow answer flows."""
    limit = PIECE if response.rate is None else max(1, int(response.rate / 50))
    marks = [cut, response.stall_after if response.stall else None]
    sent = 0
    for piece in pieces:
        while piece:
            if sent == cut:
                return
            ahead = [mark - sent for mark in marks if mark is not None and mark > sent]
            size = min(limit, *ahead) if ahead else limit
            yield piece[:size]
            sent, piece = sent + len(piece[:size]), piece[size:]


def _choose(request: Request, response: Response) -> tuple[int, int | None]:
    """Return which bytes of the body to send, and set the status that goes with them."""
    size = response.body.size
    if size is None or response.status != 200 or not response.honours_range:
        return 0, size
    refused = _check_conditions(request.headers, response.headers)
    if refused is not None:
        response.status, response.body = refused, Bytes(b"")
        return 0, 0
    wanted = _parse_range(request, response, size)
    if wanted is None:
        return 0, size
    start, stop = wanted
    if start >= stop:
        response.status, response.body = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, Bytes(b"")
        response.headers["Content-Range"] = f"bytes */{size}"
        return 0, 0
    response.status = HTTPStatus.PARTIAL_CONTENT
    response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    return start, stop


def _check_conditions(asked: Message, has: Mapping[str, str]) -> HTTPStatus | None:
    etag, modified = has.get("ETag"), has.get("Last-Modified")
    if not _lists(asked["If-Match"], etag):
        return HTTPStatus.PRECONDITION_FAILED
    if asked["If-None-Match"] is not None:
        return HTTPStatus.NOT_MODIFIED if _lists(asked["If-None-Match"], etag) else None
    return HTTPStatus.NOT_MODIFIED if modified and asked["If-Modified-Since"] == modified else None


def _lists(header: str | None, etag: str | None) -> bool:
    if header is None or header.strip() == "*":
        return True
    return etag in [part.strip() for part in header.split(",")]


def _parse_range(request: Request, response: Response, size: int) -> tuple[int, int] | None:
    """Return the bytes asked for (none of them if there are none), or None for all."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", (request.range or "").strip())
    if request.method != "GET" or not match or not any(match.groups()):
        return None
    unchanged = request.headers["If-Range"]
    if unchanged not in (None, response.headers.get("ETag"), response.headers.get("Last-Modified")):
        return None
    first, last = match.groups()
    if not first:
        return max(0, size - int(last)), size
    if not last:
        return int(first), size
    return None if int(last) < int(first) else (int(first), min(int(last) + 1, size))
