"""Large objects by HTTP and S3: in parts, from servers that can, cannot, or do it wrong."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from tests.factories import random_bytes
from tests.faults import Always, FaultServer, IgnoreRange, NoLength, Request, Response, Slow, Status
from tests.servers import isolated_environment

from neurogister.backends.remotes import Remote, open_remote
from neurogister.errors import IntegrityError, NetworkError
from neurogister.model.remote import RemoteConfig

KEY = "files/md5/ab/cdef0123456789abcdef0123456789"
DATA = random_bytes(20_000_000, 7)
FIRST = 8 << 20
SLOW = Always(Slow(12_000_000))


@dataclass(frozen=True)
class Changed:
    """Another object since the first part: of another size."""

    def apply(self, request: Request, response: Response) -> None:
        if request.range and not request.range.startswith("bytes=0-"):
            response.answer(206, "x" * 100, content_range=f"bytes 8388608-8388707/{len(DATA) + 1}")


@dataclass(frozen=True)
class Packed:
    """Later parts come compressed."""

    def apply(self, request: Request, response: Response) -> None:
        if request.range and not request.range.startswith("bytes=0-"):
            response.headers["Content-Encoding"] = "gzip"


@dataclass(frozen=True)
class Untold:
    """Ranges without the size of the whole."""

    def apply(self, request: Request, response: Response) -> None:
        if request.range:
            first, _, last = request.range.removeprefix("bytes=").partition("-")
            end = min(int(last or len(DATA)) + 1, len(DATA))
            response.answer(206, "", content_range=f"bytes {first}-{end - 1}/*")
            response.body = _Bytes(DATA[int(first) : end])


@dataclass(frozen=True)
class _Bytes:
    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, start: int, stop: int | None) -> Iterator[bytes]:
        yield self.data[start:stop]


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in isolated_environment(tmp_path / "home").items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FaultServer]:
    with FaultServer(tmp_path / "served") as server:
        for folder in (server.root, server.root / "bucket"):
            (folder / KEY).parent.mkdir(parents=True)
            (folder / KEY).write_bytes(DATA)
        yield server


@pytest.fixture(params=["http", "s3"])
def remote(request: pytest.FixtureRequest, server: FaultServer) -> Remote:
    return _open(server, request.param)


def _open(server: FaultServer, kind: str = "http", jobs: int = 16) -> Remote:
    keys = {"access_key_id": "A" * 20, "secret_access_key": "b" * 40, "region": "us-east-1"}
    options = {"endpointurl": server.url, **keys} if kind == "s3" else {}
    url = "s3://bucket" if kind == "s3" else server.url
    return open_remote(RemoteConfig("lab", url, {**options, "jobs": jobs}, origin=".dvc/config"))


def _read(remote: Remote, start: int = 0) -> bytes:
    with remote.open(KEY, start=start) as stream:
        assert stream.start == start
        assert stream.size == len(DATA)
        chunks = [bytes(chunk) for chunk in stream]
    assert all(0 < len(chunk) <= 1 << 20 for chunk in chunks)
    return b"".join(chunks)


def _ranges(server: FaultServer) -> list[str | None]:
    return [request.range for request in server.requests]


def test_a_fast_server(server: FaultServer, remote: Remote) -> None:
    assert _read(remote) == DATA
    assert _ranges(server)[0] == f"bytes=0-{FIRST - 1}"
    assert sum(request.bytes_sent for request in server.requests) == len(DATA)


def test_a_slow_server_is_asked_for_several_parts_at_once(
    server: FaultServer, remote: Remote
) -> None:
    server.rules.append(SLOW)

    assert _read(remote) == DATA

    later = sorted(server.requests[1:], key=lambda request: request.started)
    assert len(later) == 12, "parts of a MiB"
    assert all(request.started < later[0].ended for request in later[1:4]), "four at once"
    assert sum(request.bytes_sent for request in server.requests) == len(DATA)


def test_one_connection_only(server: FaultServer) -> None:
    server.rules.append(SLOW)

    assert _read(_open(server, jobs=1)) == DATA

    times = [(request.started, request.ended) for request in server.requests]
    assert all(ended <= start for (_, ended), (start, _) in pairwise(times))


@pytest.mark.parametrize("start", [1, FIRST, len(DATA) - 1, len(DATA)])
def test_what_is_left(server: FaultServer, remote: Remote, start: int) -> None:
    assert _read(remote, start) == DATA[start:]
    assert sum(request.bytes_sent for request in server.requests) == len(DATA) - start


@pytest.mark.parametrize("fault", [IgnoreRange(), NoLength()])
def test_a_server_without_parts(server: FaultServer, fault: object) -> None:
    server.rules.append(Always(fault))

    with _open(server).open(KEY, start=0) as stream:
        assert b"".join(stream) == DATA
    assert len(server.requests) == 1


def test_a_server_that_does_not_tell_the_size(server: FaultServer) -> None:
    server.rules.append(Always(Untold()))

    with _open(server).open(KEY, start=0) as stream:
        assert stream.size is None
        assert b"".join(stream) == DATA
    assert _ranges(server) == [f"bytes=0-{FIRST - 1}", f"bytes={FIRST}-"]


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        (Changed(), NetworkError, "another part than we asked for"),
        (Packed(), IntegrityError, "encoded as 'gzip'"),
        (Status(503), NetworkError, "503"),
    ],
)
def test_later_parts_that_are_wrong(server, remote, fault, error, message, slow) -> None:
    server.rules += [SLOW] if slow else []
    server.rules.append(Always(fault, match=lambda request: "bytes=0-" not in str(request.range)))
    came = b""

    with remote.open(KEY) as stream, pytest.raises(error, match=message):
        for chunk in stream:
            came += bytes(chunk)

    assert came == DATA[:FIRST], "what came before the error was handed on"
