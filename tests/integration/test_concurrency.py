"""Many at once: neurogister and dvc, in one cache and in one work tree."""

import hashlib
import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.factories import make_registry, random_bytes, random_files
from tests.faults import Always, FaultServer, Stall
from tests.interop.checkouts import Checkout, Done, check_content
from tests.servers import isolated_environment

import neurogister
from neurogister.errors import NeurogisterError

MANY = 8
BIG = random_bytes(9 << 20, 7)
FILES = random_files(60, smallest=1, largest=4000) | {"empty": b"", "big.bin": BIG}

# All of it is imported before the signal to start, so that the work itself overlaps.
STARTER = """
import sys, neurogister.cli, neurogister.actions.pull, neurogister.cli.pull
import neurogister.actions.transfer, neurogister.backends.web, filelock, yaml
print("ready", flush=True)
sys.stdin.readline()
sys.argv = ["neurogister", *sys.argv[1:]]
neurogister.cli.main()
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    environment = isolated_environment(tmp_path / "home")
    for name in os.environ.keys() - environment.keys():
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def server(tmp_path):
    with FaultServer(tmp_path / "objects") as server:
        yield server


@pytest.fixture
def registry(tmp_path, server):
    registry = make_registry(tmp_path / "registry", objects=tmp_path / "objects", url=server.url)
    registry.add_folder("c/folder", FILES)
    registry.add_file("c/file.bin", random_bytes(3000, 8))
    registry.add_package("vendor/package", ["c/folder", "c/file.bin"])
    registry.commit("Add a package")
    return registry


EXPECTED = {f"store/vendor/package/folder/{name}": data for name, data in FILES.items()}
EXPECTED["store/vendor/package/file.bin"] = random_bytes(3000, 8)


def start(cwd: Path, *arguments: str, **variables: str) -> "subprocess.Popen[str]":
    """Start the program so far that it only waits for a line on its input."""
    return subprocess.Popen(
        [sys.executable, "-c", STARTER, *arguments],
        cwd=cwd, env=os.environ | variables, encoding="utf-8",
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def let_go(processes: "list[subprocess.Popen[str]]") -> list[Done]:
    """Let all of them run at once, and wait for their ends."""
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    ends = [process.communicate(timeout=120) for process in processes]
    return [Done(p.returncode, *end) for p, end in zip(processes, ends, strict=True)]


def check_ended_well(ends: list[Done]) -> None:
    assert [end.status for end in ends] == [0] * len(ends), [end.errors for end in ends]
    assert not any("Traceback" in end.errors for end in ends)


def check_each_object_was_fetched_once(server: FaultServer) -> None:
    """Check that no object came whole twice.

    What is larger than we guess, where no manifest tells its size, is asked for a second time: the
    first answer is cut off then.
    """
    whole = Counter(
        request.path
        for request in server.find(methods="GET")
        if request.bytes_sent == (server.root / request.path.strip("/")).stat().st_size
    )
    assert {path: count for path, count in whole.items() if count > 1} == {}
    assert server.bytes_sent < 2 * sum(path.stat().st_size for path in server.root.rglob("*"))


def check_nothing_is_left_over(cache: Path, *roots: Path) -> None:
    """Check that there is no half-made file, and that every object is what its name says."""
    for root in roots:
        assert list(root.rglob("*.tmp")) == []
    for path in cache.rglob("*"):
        if path.is_file() and "neurogister" not in path.parts:
            name = path.parent.name + path.name.removesuffix(".dir")
            assert hashlib.md5(path.read_bytes()).hexdigest() == name
            assert path.stat().st_mode & 0o777 == 0o444
    for name in ("tmp", "partial"):
        left = cache.joinpath("neurogister", name).iterdir()
        assert [path for path in left if path.suffix != ".lock"] == []


# Eight of us.


@pytest.mark.parametrize("kind", ["hardlink", "copy"])
def test_one_cache_and_eight_work_trees(tmp_path, server, registry, kind):
    cache = tmp_path / "shared"
    roots = [tmp_path / f"tree-{number}" for number in range(MANY)]
    for root in roots:
        registry.git("clone", "--quiet", str(registry.root), str(root))
        settings = f"[cache]\n    dir = {cache}\n    type = {kind}\n"
        (root / ".dvc" / "config.local").write_text(settings)
    server.rules.append(Stall(0.02))

    ends = let_go(
        [
            start(root, "pull", "vendor/package", NEUROGISTER_CACHE=str(tmp_path / f"own-{n}"))
            for n, root in enumerate(roots)
        ]
    )

    check_ended_well(ends)
    for root in roots:
        check_content(root, EXPECTED)
    check_each_object_was_fetched_once(server)
    check_nothing_is_left_over(cache, *roots)
    status = Checkout(roots[-1]).dvc(["status", "store/vendor/package"])[0]
    assert "up to date" in status.ok()


@pytest.mark.parametrize("kind", ["hardlink", "symlink", "copy"])
def test_one_cache_and_one_work_tree(server, registry, kind):
    registry.set_config({"cache": {"type": kind}})
    server.rules.append(Stall(0.02))

    ends = let_go([start(registry.root, "pull", "vendor/package") for _ in range(MANY)])

    check_ended_well(ends)
    check_content(registry.root, EXPECTED)
    check_each_object_was_fetched_once(server)
    check_nothing_is_left_over(registry.root / ".dvc" / "cache", registry.root)
    checkout = Checkout(registry.root)
    assert "up to date" in checkout.dvc(["status", "store/vendor/package"])[0].ok()
    with neurogister.open(registry.root) as opened:
        assert not opened.pull("vendor/package").changes


def test_one_user_and_eight_folders_from_a_remote_registry(tmp_path, server, registry):
    """As the processes of pytest-xdist that all call `neurogister.fetch`."""
    server.rules.append(Stall(0.02))

    ends = let_go(
        [
            start(tmp_path, "-C", f"file://{registry.root}", "pull", "vendor/package",
                  "-o", str(tmp_path / f"out-{number}"))
            for number in range(MANY)
        ]
    )  # fmt: skip

    check_ended_well(ends)
    for number in range(MANY):
        files = {path.removeprefix("store/"): data for path, data in EXPECTED.items()}
        check_content(tmp_path / f"out-{number}", files)
    check_each_object_was_fetched_once(server)


def test_what_overlaps_is_right_though_it_may_come_twice(server, registry):
    names = ["c/folder", "vendor/package", "c/file.bin", "c/folder:part-000/", "c/folder:big.bin"]
    server.rules.append(Stall(0.02))

    ends = let_go([start(registry.root, "pull", name) for name in names])

    check_ended_well(ends)
    check_content(registry.root, EXPECTED)
    check_content(registry.root, {f"data/c/folder/{name}": data for name, data in FILES.items()})
    check_nothing_is_left_over(registry.root / ".dvc" / "cache", registry.root)
    counts = Counter(request.path for request in server.find(methods="GET"))
    assert max(counts.values()) <= len(names)
    assert "up to date" in Checkout(registry.root).dvc("status")[0].ok()


def test_a_file_that_the_user_makes_while_we_fetch_is_not_overwritten(server, registry):
    big = f"/{registry.find('c/folder').digests.files['big.bin'].key}"
    hold = Hold()
    server.rules.append(Always(hold, match=big))
    process = start(registry.root, "pull", "c/folder")
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("go\n")
    process.stdin.flush()
    assert hold.asked.wait(60)
    mine = registry.root / "data/c/folder/big.bin"
    mine.parent.mkdir(exist_ok=True)
    mine.write_bytes(b"mine")
    hold.answer.set()

    _, errors = process.communicate(timeout=60)

    assert process.returncode == 7, errors
    assert "big.bin" in errors
    assert mine.read_bytes() == b"mine"
    assert "Traceback" not in errors


class Hold:
    """An answer that comes when the test wants it."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.answer = threading.Event()

    def apply(self, request, response) -> None:
        self.asked.set()
        self.answer.wait(60)


# dvc beside us.


@pytest.mark.parametrize(("kind", "rounds"), [("hardlink", (0, 1, 2)), ("copy", (1,))])
def test_dvc_pull_at_the_same_time(server, registry, kind, rounds):
    registry.set_config({"cache": {"type": kind}})
    registry.commit("Choose a kind of link")
    checkout = Checkout(registry.root)
    server.rules.append(Stall(0.005))
    expected = EXPECTED | {f"data/c/folder/{name}": data for name, data in FILES.items()}
    for number in rounds:
        registry.git("clean", "-ffdxq")
        ours = start(registry.root, "pull")
        dvc = subprocess.Popen(
            [sys.executable, "-m", "dvc", "pull"],
            cwd=registry.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
        )  # fmt: skip
        _wait_a_little(registry, dvc, number)

        [end] = let_go([ours])
        output, _ = dvc.communicate(timeout=120)

        check_ended_well([end])
        if dvc.returncode != 0:
            assert "Unable to acquire lock" in output
            checkout.dvc("pull")[0].ok()
        check_content(registry.root, expected)
        status, data, cloud = checkout.dvc("status", "data status", "status --cloud")
        assert "up to date" in status.ok()
        assert "No changes." in data.ok()
        assert "in sync" in cloud.ok()
        check_nothing_is_left_over(checkout.cache, registry.root / "data", registry.root / "store")


def _wait_a_little(registry, dvc, number: int) -> None:
    """Let dvc come to another point in each round: before its lock, with it, in the middle."""
    awaited = [None, registry.root / ".dvc" / "tmp" / "lock", registry.root / ".dvc/cache/files"]
    while awaited[number] is not None and not awaited[number].exists() and dvc.poll() is None:
        time.sleep(0.001)


@pytest.mark.parametrize("kind", ["symlink", "copy"])
def test_dvc_gc_at_the_same_time(tmp_path, server, registry, kind):
    """It removes what we have just fetched: then we say so; what we deliver is right."""
    registry.set_config({"cache": {"type": kind}})
    registry.new_version("c/folder", {"other": b"other"})
    registry.commit("Another version")
    checkout = Checkout(registry.root)
    checkout.pull()
    stop = tmp_path / "stop"
    code = (
        "import os, sys\nfrom dvc.cli import main\n"
        "while not os.path.exists(sys.argv[1]):\n"
        "    if main(['gc', '-q', '--workspace', '--force']): print('gc failed')\n"
    )
    gc = subprocess.Popen(
        [sys.executable, "-c", code, str(stop)],
        cwd=registry.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
    )  # fmt: skip
    try:
        for number in range(8):
            out = tmp_path / f"out-{number}"
            whole = _try_to_pull(registry.root, out)
            found = {
                path.relative_to(out / "c/folder").as_posix(): path.read_bytes()
                for path in out.rglob("*")
                if path.is_file() or path.is_symlink()
            }
            assert found.items() <= FILES.items()
            assert found == FILES or not whole
    finally:
        stop.touch()
        output, _ = gc.communicate(timeout=60)
    assert gc.returncode == 0, output
    assert "up to date" in checkout.dvc("status")[0].ok()
    assert checkout.verify() == {"ok"}


def _try_to_pull(root: Path, out: Path) -> bool:
    """Pull a version that no pointer needs, and tell whether all of it came."""
    try:
        with neurogister.open(root) as opened:
            report = opened.pull("c/folder@1", into=out)
    except NeurogisterError as error:
        assert re.search("gone from the cache|cannot (read|write)", error.message)
        return False
    return not report.errors
