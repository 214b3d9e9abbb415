"""What follows a large object as it comes: its digests, and a second copy of it."""

import hashlib
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurogister.actions import follower
from neurogister.actions.follower import Digests, SecondCopy

CHUNKS = st.lists(st.binary(min_size=1, max_size=50), max_size=40)


@pytest.fixture
def first(tmp_path: Path):
    with (tmp_path / "first").open("wb") as stream:
        yield stream.fileno()


@given(before=CHUNKS, after=CHUNKS)
def test_digests_of_what_came_since_the_restart(before, after) -> None:
    with Digests(["md5", "sha256"]) as digests:
        for chunk in before:
            digests.update(chunk)
        digests.restart()
        for chunk in after:
            digests.update(chunk)
        found = digests.finish()

    whole = b"".join(after)
    assert found == {
        "md5": hashlib.md5(whole).hexdigest(),
        "sha256": hashlib.sha256(whole).hexdigest(),
    }


@settings(max_examples=30)
@given(before=CHUNKS, after=CHUNKS)
def test_a_copy_of_what_came_since_the_restart(tmp_path_factory, before, after) -> None:
    folder = tmp_path_factory.mktemp("copy")
    with (folder / "first").open("wb") as stream:
        copy = SecondCopy(folder / "second", stream.fileno())
        for chunk in before:
            copy.update(chunk)
        copy.restart()
        for chunk in after:
            copy.update(chunk)
        whole = b"".join(after)

        assert copy.finish(len(whole)) == folder / "second"
    assert (folder / "second").read_bytes() == whole


def test_a_copy_that_is_not_whole_is_given_up(tmp_path: Path, first: int) -> None:
    copy = SecondCopy(tmp_path / "second", first)
    copy.update(b"123")

    assert copy.finish(4) is None
    assert not (tmp_path / "second").exists()


@pytest.mark.skipif(not hasattr(os, "writev"), reason="Windows writes one chunk after the other")
def test_short_writes(tmp_path: Path, first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file takes less than all, as when the disk is nearly full."""

    def some(descriptor: int, views: list[memoryview]) -> int:
        return os.write(descriptor, b"".join(views)[:1000])

    monkeypatch.setattr(follower.os, "writev", some)
    chunks = [bytes([n]) * (n * 700) for n in range(1, 12)]
    copy = SecondCopy(tmp_path / "second", first)
    for chunk in chunks:
        copy.update(chunk)

    assert copy.finish(sum(map(len, chunks))) is not None
    assert (tmp_path / "second").read_bytes() == b"".join(chunks)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full disk at hand")
def test_a_copy_on_a_full_disk_is_given_up(tmp_path: Path, first: int) -> None:
    """Whoever wants the copy makes one from the cache then, and hears why that fails."""
    copy = SecondCopy(tmp_path / "second", first)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, copy._target)
    os.close(full)
    for _ in range(100):
        copy.update(b"x" * 1000)

    assert copy.finish(100_000) is None
    assert not (tmp_path / "second").exists()


def test_who_brings_chunks_waits_when_it_is_far_ahead() -> None:
    go = threading.Event()

    class Waits(Digests):
        def _take(self, chunks):
            go.wait()
            super()._take(chunks)

    brought = []
    with Waits(["md5"]) as digests:
        thread = threading.Thread(
            target=lambda: [brought.append(digests.update(b"x")) for _ in range(100)]
        )
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        assert len(brought) < 30
        go.set()
        thread.join()
        assert digests.finish() == {"md5": hashlib.md5(b"x" * 100).hexdigest()}
