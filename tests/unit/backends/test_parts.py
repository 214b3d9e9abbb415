"""Large objects in parts: in order, bounded, and with no more connections than allowed."""

import threading
import time
from collections.abc import Iterator
from typing import Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurogister.backends import parts
from neurogister.backends.parts import Lanes, PartedStream
from neurogister.errors import NetworkError

CHUNK = 1 << 20


class Part:
    """A part of some bytes, which takes its time; at one offset, it may break."""

    def __init__(self, data: bytes, start: int, end: int, size: int, waited: float) -> None:
        self.start = start
        self.size = size
        self.waited = waited
        self._bytes = data[start:end]

    def __iter__(self) -> Iterator[bytes]:
        for offset in range(0, len(self._bytes), 7):
            yield self._bytes[offset : offset + 7]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None: ...


class Source:
    """Opens parts, and notes which."""

    def __init__(self, data: bytes, *, waited: float, broken: int | None = None) -> None:
        self.data = data
        self.opened: list[tuple[int, int | None]] = []
        self._waited = waited
        self._broken = broken

    def open_part(self, start: int, end: int | None) -> Part:
        self.opened.append((start, end))
        end = len(self.data) if end is None else end
        if self._broken is not None and start <= self._broken < end:
            raise NetworkError("broken")
        return Part(self.data, start, end, len(self.data), self._waited)

    def stream(self, start: int, first: int, lanes: Lanes) -> PartedStream:
        end = min(start + first, len(self.data))
        part = Part(self.data, start, end, len(self.data), self._waited)
        return PartedStream(part, end, self.open_part, lanes=lanes, ended_early=_too_short)


def _too_short() -> NetworkError:
    return NetworkError("too short")


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_SMALLEST", 10)
    monkeypatch.setattr(parts, "_NEXT_PART", 100)


@given(
    data=st.binary(min_size=1, max_size=700),
    start=st.integers(0, 699),
    first=st.integers(1, 300),
    waited=st.sampled_from([0.0, 10.0]),
    connections=st.integers(1, 9),
)
def test_bytes_come_in_their_order(data, start, first, waited, connections) -> None:
    start = min(start, len(data) - 1)
    source, lanes = Source(data, waited=waited), Lanes(connections)

    with source.stream(start, first, lanes) as stream:
        assert (stream.start, stream.size) == (start, len(data))
        assert b"".join(stream) == data[start:]

    wanted = [range(begin, end) for begin, end in sorted(source.opened)]
    assert [offset for part in wanted for offset in part] == [
        *range(min(start + first, len(data)), len(data))
    ], "each byte is asked for once"
    assert lanes.take() == min(connections - 1, 4), "all connections were given back"


def test_a_fast_connection_stays_alone() -> None:
    source = Source(bytes(450), waited=0.0)

    with source.stream(0, 50, Lanes(32)) as stream:
        list(stream)

    assert source.opened == [(50, 150), (150, 250), (250, 350), (350, 450)]


def test_an_object_of_unknown_size_is_asked_for_to_its_end() -> None:
    source = Source(bytes(450), waited=10.0)
    part = Part(source.data, 0, 50, 450, 10.0)
    part.size = None  # type: ignore[assignment]
    stream = PartedStream(part, 50, source.open_part, lanes=Lanes(32), ended_early=_too_short)

    with stream:
        assert len(b"".join(stream)) == 450
    assert source.opened == [(50, None)]


def test_what_comes_before_an_error_is_handed_on() -> None:
    data = bytes(range(200))
    source = Source(data, waited=10.0, broken=123)
    lanes = Lanes(32)
    came = b""

    with source.stream(0, 50, lanes) as stream, pytest.raises(NetworkError, match="broken"):
        for chunk in stream:
            came += chunk

    assert came == data[:120]
    assert lanes.take() == 4


def test_a_part_that_is_too_short_is_an_error() -> None:
    source = Source(bytes(300), waited=0.0)
    short = Part(source.data, 0, 40, 300, 0.0)
    stream = PartedStream(short, 50, source.open_part, lanes=Lanes(32), ended_early=_too_short)

    with stream, pytest.raises(NetworkError, match="too short"):
        list(stream)
    assert source.opened == []


def test_no_part_is_brought_farther_ahead_than_the_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(bytes(2000), waited=10.0)

    with source.stream(0, 10, Lanes(32)) as stream:
        chunks = iter(stream)
        read = 0
        while read < 500:
            read += len(next(chunks))
            time.sleep(0.001)
            assert max((end or 0 for _, end in source.opened), default=0) <= read + 10 + 4 * 10
        threads = threading.active_count()
        chunks.close()  # type: ignore[attr-defined]

    known = len(source.opened)
    deadline = time.monotonic() + 10
    while threading.active_count() > threads - 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(source.opened) <= known + 4, "nobody asks for more"
    assert threading.active_count() <= threads - 4


def test_little_of_a_large_object_is_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed download of 1 GiB loses less than 1 %."""
    monkeypatch.undo()
    size = 1 << 30
    opened: list[int] = []

    def open_part(start: int, end: int | None) -> Part:
        assert end is not None
        opened.append(end - start)
        raise NetworkError("enough")

    first = Part(b"", 0, 0, size, 10.0)
    stream = PartedStream(first, 0, open_part, lanes=Lanes(32), ended_early=_too_short)
    with stream, pytest.raises(NetworkError, match="enough"):
        list(stream)

    assert 0 < 4 * max(opened) + CHUNK < 0.01 * size


def test_few_connections_for_many_objects() -> None:
    lanes = Lanes(32)
    taken = [lanes.take() for _ in range(4)]

    assert taken == [4, 4, 0, 0]
    lanes.give_back(4)
    assert lanes.take() == 4
    assert Lanes(1).take() == 0
    assert Lanes(3).take() == 2
