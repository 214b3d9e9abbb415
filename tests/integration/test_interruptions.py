"""Killed at any moment, by any signal: the same command again goes on where it stopped."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import Place, Run, Start
from tests.factories import (
    Digests,
    digest_folder,
    directory_object,
    pointer_out,
    random_bytes,
    random_files,
    to_yaml,
)
from tests.faults import Always, IgnoreRange, Request, Slow, Stall

import neurogister

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are of POSIX")

RUN_DVC = Path(__file__).parents[1] / "interop" / "run_dvc.py"
LARGE = random_bytes(24_000_000, 5)
PATIENT = {"NEUROGISTER_TIMEOUT": "30", "NEUROGISTER_RETRIES": "6"}


def _wait(condition: Callable[[], object], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.002)


def _kill(process: "subprocess.Popen[str]") -> None:
    assert process.poll() is None, process.communicate()
    process.kill()
    process.wait()


def _assert_dvc_is_content(place: Place) -> None:
    """Check that real dvc sees nothing to do, in the work tree and in the remote."""
    commands = [["status"], ["status", "--cloud"], ["pull"]]
    done = subprocess.run(
        [sys.executable, str(RUN_DVC), json.dumps(commands)],
        cwd=place.root,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    results = json.loads(done.stdout)
    assert [status for status, _ in results] == [0, 0, 0], results
    for (_, said), wanted in zip(results, ["up to date", "in sync", "up to date"], strict=True):
        assert wanted in said


def _work(place: Place) -> Path:
    return place.cache / "neurogister"


def _partial(place: Place) -> Path:
    [path] = [
        path
        for path in (_work(place) / "partial").iterdir()
        if path.suffix not in (".lock", ".copy")
    ]
    return path


def _unfinished_bytes(place: Place) -> int:
    return sum(path.lstat().st_size for path in _work(place).rglob("*") if path.is_file())


@pytest.mark.parametrize("manifest", [True, False], ids=["manifest", "listing"])
def test_many_files_after_kills(place: Place, start: Start, run: Run, *, manifest: bool) -> None:
    files = random_files(400, smallest=10, largest=4000, seed=1)
    place.registry.add_folder("c/folder", files, manifest=manifest)
    place.registry.add_file("c/one.bin", b"one" * 100)
    place.registry.commit()
    for count in (1, 100, 150):
        place.server.reset(Always(Stall(0.03)))
        process = start("pull", cwd=place.root)
        _wait(lambda count=count: len(place.server.requests) >= count)
        _kill(process)
    kept = place.cached
    assert len(kept) > 100
    place.server.reset()

    done = run("pull", cwd=place.root)

    assert done.returncode == 0, done.stderr
    expected = {f"data/c/folder/{name}": data for name, data in files.items()}
    assert place.delivered == expected | {"data/c/one.bin": b"one" * 100}
    asked = [request.path for request in place.server.requests]
    assert len(asked) == len(set(asked))
    assert not set(asked) & kept, "what was there is not fetched again"
    _assert_dvc_is_content(place)


@pytest.mark.parametrize(
    ("where", "manifest"),
    [("work tree", True), ("elsewhere", False)],
    ids=["work tree, size known", "elsewhere, size unknown"],
)
def test_large_file_after_kills(
    place: Place, start: Start, run: Run, tmp_path: Path, where: str, *, manifest: bool
) -> None:
    """What is on disk is not sent again: each kill costs what was on its way, and no more."""
    place.registry.add_folder("c/folder", {"large.bin": LARGE}, manifest=manifest)
    place.registry.commit()
    key = place.path("c/folder:large.bin")
    into = [] if where == "work tree" else ["-o", str(tmp_path / "out")]
    place.server.rules.append(Always(Slow(16_000_000), match=key))
    begun = [(0, 0)]
    for share in (0.2, 0.5, 0.8):
        process = start("pull", *into, cwd=place.root)
        _wait(lambda share=share: _sent(place, key) > share * 24e6)
        _kill(process)
        _wait(lambda: all(request.ended is not None for request in place.server.find(key)))
        begun.append((len(place.server.find(key)), _partial(place).stat().st_size))

    done = run("pull", *into, cwd=place.root)

    assert done.returncode == 0, done.stderr
    folder = place.root / "data" if where == "work tree" else tmp_path / "out"
    assert (folder / "c/folder/large.bin").read_bytes() == LARGE
    requests = [request for request in place.server.find(key) if request.status in (200, 206)]
    for number, have in begun[1:]:
        first = next(request.range for request in place.server.find(key)[number:] if request.range)
        assert first.startswith(f"bytes={have}-")
    lost = sum(request.bytes_sent for request in requests) - len(LARGE)
    assert lost < 3 * 7_000_000, "four parts, what the sockets held, and one chunk"
    assert _unfinished_bytes(place) == 0
    if where == "work tree":
        _assert_dvc_is_content(place)


def _sent(place: Place, key: str) -> int:
    return sum(request.bytes_sent for request in place.server.find(key))


def _begin_large(place: Place, start: Start, **variables: str) -> None:
    """Leave a third of a large file behind."""
    place.registry.add_file("c/large.bin", LARGE)
    place.registry.commit()
    place.server.rules.append(Always(Slow(16_000_000)))
    process = start("pull", cwd=place.root, **variables)
    _wait(lambda: place.server.bytes_sent > len(LARGE) / 3)
    _kill(process)
    place.server.reset()


def _other_bytes(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)


def _too_long(path: Path) -> None:
    path.write_bytes(bytes(len(LARGE) + 1))


def _as_long(path: Path) -> None:
    path.write_bytes(bytes(len(LARGE)))


def _replace(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def replace(path: Path) -> None:
        path.unlink()
        make(path)

    return replace


def _link(path: Path) -> None:
    target = path.parents[4] / "mine.txt"
    target.write_bytes(b"mine" * 1000)
    path.symlink_to(target)


def _hardlink(path: Path) -> None:
    target = path.parents[4] / "mine.txt"
    target.write_bytes(b"mine" * 1000)
    os.link(target, path)


TAMPERED = {
    "other bytes": _other_bytes,
    "too long": _too_long,
    "as long": _as_long,
    "pipe": _replace(os.mkfifo),
    "folder": _replace(Path.mkdir),
    "second name of a file": _replace(_hardlink),
    "not ours to read": lambda path: path.chmod(0),
}


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED)
def test_tampered_beginning_is_fetched_again(
    place: Place, start: Start, tamper: Callable[[Path], None]
) -> None:
    _begin_large(place, start)
    tamper(_partial(place))

    assert place.pull().errors == []

    assert place.delivered == {"data/c/large.bin": LARGE}
    assert place.server.bytes_sent <= 2 * len(LARGE)
    mine = place.root / "mine.txt"
    assert not mine.exists() or mine.read_bytes() == b"mine" * 1000
    assert place.cached == {place.path("c/large.bin")}


def test_link_instead_of_a_beginning_is_not_followed(
    place: Place, start: Start, tmp_path: Path
) -> None:
    """In a cache of the user's own; one that came with the checkout is refused whole."""
    cache = tmp_path / "cache"
    place.registry.write(".dvc/config.local", f"[cache]\n    dir = {cache}\n")
    _begin_large(place, start)
    [partial] = (cache / "neurogister" / "partial").glob("?" * 32)
    partial.unlink()
    _link(partial)
    mine = partial.resolve()

    assert place.pull().errors == []
    assert place.delivered == {"data/c/large.bin": LARGE}
    assert mine.read_bytes() == b"mine" * 1000


def test_server_without_ranges_starts_again(place: Place, start: Start) -> None:
    _begin_large(place, start)
    place.server.rules.append(Always(IgnoreRange()))

    assert place.pull().errors == []
    assert place.delivered == {"data/c/large.bin": LARGE}
    assert len(place.server.requests) == 1


def test_other_content_at_the_server_is_not_mixed(place: Place, start: Start) -> None:
    """The object changed between two runs: what came first is of no use."""
    _begin_large(place, start)
    path = place.registry.objects / place.path("c/large.bin")[1:]
    partial = _partial(place)
    partial.write_bytes(random_bytes(len(partial.read_bytes()), 99))

    assert place.pull().errors == []
    assert place.delivered == {"data/c/large.bin": path.read_bytes()}


def test_complete_but_unplaced_beginning_needs_no_server(place: Place, start: Start) -> None:
    """All bytes were there when the kill came."""
    _begin_large(place, start)
    _partial(place).write_bytes(LARGE)

    assert place.pull().errors == []
    assert place.delivered == {"data/c/large.bin": LARGE}
    assert place.server.requests == []


def test_repeated_kills_leave_nothing_that_grows(place: Place, start: Start) -> None:
    place.registry.add_file("c/large.bin", LARGE)
    place.registry.commit()
    place.server.rules.append(Always(Slow(16_000_000)))
    for number in range(1, 5):
        process = start("pull", cwd=place.root)
        _wait(lambda number=number: place.server.bytes_sent > number * 3_000_000)
        _kill(process)
    assert _unfinished_bytes(place) < 2 * 13_000_000  # the beginning, and a copy of it
    place.server.reset()

    assert place.pull().errors == []
    assert _unfinished_bytes(place) == 0


def test_leftovers_are_cleared_when_they_are_old(place: Place) -> None:
    place.registry.add_file("c/one.bin", b"one" * 100)
    work = _work(place)
    old = [work / "tmp" / "dead", work / "partial" / ("0" * 32)]
    new = [work / "tmp" / "alive", work / "partial" / ("1" * 32)]
    for path in old + new:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half an object")
    month = time.time() - 30 * 86400
    for path in old:
        os.utime(path, (month, month))

    assert place.pull().errors == []

    assert not any(path.exists() for path in old)
    assert all(path.exists() for path in new)
    assert place.cached == {place.path("c/one.bin")}


def test_leftovers_are_no_objects(place: Place, start: Start, run: Run) -> None:
    _begin_large(place, start)

    assert run("cache", "ls", cwd=place.root).stdout.strip() == ""
    assert run("cache", "verify", cwd=place.root).returncode == 0
    assert run("verify", cwd=place.root).returncode in (0, 3, 4)
    assert place.delivered == {}


def test_half_copied_file_is_cleared(place: Place, start: Start, run: Run) -> None:
    """Killed while it copied from the cache into the work tree."""
    size = 100_000_000
    md5 = hashlib.md5(bytes(size)).hexdigest()
    digests = digest_folder({"zeros.bin": Digests(md5, "0" * 64, size)})
    outs = {"outs": [pointer_out("folder", digests)]}
    place.registry.write("data/c/folder.dvc", to_yaml(outs))
    place.registry.write("data/c/.gitignore", "/folder\n")
    place.registry.commit()
    cache = place.cache / "files" / "md5"
    listing = cache / digests.md5[:2] / digests.md5[2:]
    listing.parent.mkdir(parents=True)
    listing.write_bytes(directory_object(digests.files))
    zeros = cache / md5[:2] / md5[2:]
    zeros.parent.mkdir()
    zeros.touch()
    os.truncate(zeros, size)
    target = place.root / "data" / "c" / "folder"
    halves: list[Path] = []
    while not halves:
        (target / "zeros.bin").unlink(missing_ok=True)
        process = start("pull", cwd=place.root)
        while process.poll() is None and not halves:
            halves = list(target.glob(".*.tmp"))
        process.kill()
        process.wait()
    assert list(target.glob(".*.tmp")), "nobody cleared it when it was killed"

    done = run("pull", cwd=place.root)

    assert done.returncode == 0, done.stderr
    assert os.listdir(target) == ["zeros.bin"]
    assert (target / "zeros.bin").stat().st_size == size


def test_half_copied_file_of_another_process_stays(place: Place, tmp_path: Path) -> None:
    """Outside the work tree nothing tells who is at it, but for the time."""
    place.registry.add_file("c/one.bin", b"one" * 100)
    place.registry.add_file("c/two.bin", b"two" * 100)
    folder = tmp_path / "out" / "c"
    folder.mkdir(parents=True)
    names = [".one.bin.0123456789ab.tmp", ".two.bin.0123456789ab.tmp", ".mine.0123456789ab.tmp"]
    for name in names:
        (folder / name).write_bytes(b"half")
    long_ago = time.time() - 86400
    for name in names[1:]:
        os.utime(folder / name, (long_ago, long_ago))

    with neurogister.open(place.root) as opened:
        assert opened.pull(into=tmp_path / "out").errors == []

    assert sorted(os.listdir(folder)) == sorted([names[0], names[2], "one.bin", "two.bin"])


def test_refusal_in_the_middle_leaves_nothing_unfinished(place: Place) -> None:
    """A file of the user's appears where a large one is just about to be put."""
    place.registry.add_file("c/large.bin", LARGE)
    mine = place.root / "data" / "c" / "large.bin"

    def appear(request: Request) -> bool:
        mine.write_bytes(b"mine")
        return False

    place.server.rules.append(Always(Stall(0), match=appear))

    with pytest.raises(neurogister.RefusedError):
        place.pull()

    assert mine.read_bytes() == b"mine"
    assert _unfinished_bytes(place) == 0
    assert place.cached == {place.path("c/large.bin")}, "it need not be fetched again"


@pytest.mark.parametrize(
    ("what", "jobs"),
    [("many", "16"), ("large", "16"), ("stalled", "16"), ("stalled", "1"), ("listing", "16")],
)
def test_interrupt_ends_cleanly(place: Place, start: Start, run: Run, what: str, jobs: str) -> None:
    files = random_files(60, smallest=10, largest=4000, seed=1)
    place.registry.add_folder("c/folder", files, manifest=what != "listing")
    if what == "large":
        place.registry.add_file("c/large.bin", LARGE)
    place.registry.commit()
    stall = {"many": 0.1, "large": 0.1}.get(what, 60)
    place.server.rules.append(Always(Stall(stall)))
    place.server.rules.append(Always(Slow(4_000_000)))
    process = start("pull", cwd=place.root, NEUROGISTER_JOBS=jobs, **PATIENT)
    if what == "large":
        _wait(lambda: place.server.bytes_sent > 1_000_000)
    else:
        _wait(lambda: place.server.requests)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    begun = time.monotonic()
    output, talk = process.communicate(timeout=30)

    assert process.returncode == 130, talk
    assert time.monotonic() - begun < 10, "and not only when the server answers"
    assert "Traceback" not in talk
    assert "Fatal" not in talk
    assert output == ""
    place.server.reset()
    assert run("pull", cwd=place.root).returncode == 0
    assert len(place.delivered) == (61 if what == "large" else 60)


def test_termination_leaves_all_in_order(place: Place, start: Start) -> None:
    files = random_files(60, smallest=10, largest=4000, seed=1)
    place.registry.add_folder("c/folder", files)
    place.registry.commit()
    place.server.rules.append(Always(Stall(0.1)))
    process = start("pull", cwd=place.root)
    _wait(lambda: len(place.server.requests) > 20)
    process.terminate()
    _, talk = process.communicate(timeout=20)

    assert process.returncode in (-signal.SIGTERM, 143)
    assert "Traceback" not in talk
    place.server.reset()
    assert place.pull().errors == []
    assert len(place.delivered) == 60


@pytest.mark.slow
def test_kills_at_any_moment(place: Place, start: Start, run: Run) -> None:
    files = random_files(300, smallest=10, largest=4000, seed=1)
    place.registry.add_folder("c/folder", files, manifest=False)
    place.registry.add_file("c/large.bin", LARGE)
    place.registry.commit()
    place.server.rules.append(Always(Slow(20_000_000)))
    for number in range(60):
        process = start("pull", cwd=place.root)
        try:
            process.wait(0.05 + number % 20 * 0.06)
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
        assert process.returncode in (0, -signal.SIGKILL)
        if process.returncode == 0:
            for path in list((place.root / "data" / "c" / "folder").rglob("*.bin"))[::3]:
                path.unlink()
            for path in list((place.cache / "files").rglob("*"))[::7]:
                if path.is_file():
                    path.unlink()

    assert run("pull", cwd=place.root).returncode == 0
    assert len(place.delivered) == 301
    _assert_dvc_is_content(place)
