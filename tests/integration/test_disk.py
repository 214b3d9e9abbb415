"""A full disk, and a cache that must not be written: an answer, and nothing half-done."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Place, cached_objects, command
from tests.factories import random_bytes, random_files
from tests.faults import Always, Status

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs namespaces of Linux")

MIB = 1 << 20
SMALL = random_files(40, smallest=20_000, largest=40_000, seed=1)
LARGE = random_bytes(5_000_000, 2)


@dataclass
class Disk:
    """A small file system that only some processes see."""

    holder: "subprocess.Popen[bytes]"
    enter: Sequence[str]
    inside: Path
    """Its path as those processes see it."""

    @property
    def outside(self) -> Path:
        """Its path as we see it."""
        return Path(f"/proc/{self.holder.pid}/root{self.inside}")

    @property
    def free(self) -> int:
        """Bytes that can still be written."""
        return shutil.disk_usage(self.outside).free

    def fill(self, leave: int = 0) -> None:
        """Write until so many bytes are left."""
        with suppress(OSError), (self.outside / "filler").open("ab", buffering=0) as stream:
            while (left := self.free - leave) > 0:
                stream.write(bytes(min(left, MIB)))

    def clear(self) -> None:
        """Free what `fill` took."""
        (self.outside / "filler").unlink(missing_ok=True)

    def mount_again(self, options: str) -> None:
        """Change how it is mounted."""
        subprocess.run(
            [*self.enter, "mount", "-o", f"remount,{options}", str(self.inside)], check=True
        )

    def run(self, *arguments: str | Path, cwd: Path, **variables: str) -> Any:
        """Run the real command where the disk can be seen."""
        script = 'cd "$1" && shift && exec "$@"'
        return subprocess.run(
            [*self.enter, "sh", "-c", script, "sh", str(cwd), *command(*arguments)],
            env=os.environ | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )


@contextmanager
def small_disk(folder: Path, options: str) -> Iterator[Disk]:
    folder.mkdir(parents=True)
    root = os.geteuid() == 0
    unshare = ["unshare", "--mount", *([] if root else ["--user", "--map-root-user"])]
    mount = 'mount -t tmpfs -o "$1" tmpfs "$2" && echo ready && exec cat'
    try:
        holder = subprocess.Popen(
            [*unshare, "sh", "-c", mount, "sh", options, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        pytest.skip("there is no unshare")
    assert holder.stdin
    assert holder.stdout
    try:
        if holder.stdout.readline() != b"ready\n":
            pytest.skip("this system lets us mount nothing, not even in a namespace")
        enter = ["nsenter", "--target", str(holder.pid), "--mount"]
        enter += [] if root else ["--user", "--preserve-credentials"]
        yield Disk(holder, enter, folder)
    finally:
        holder.stdin.close()
        holder.wait()
        holder.stdout.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Thirty MiB."""
    with small_disk(tmp_path / "disk", "size=30m,mode=755") as disk:
        yield disk


def _use_cache(place: Place, folder: Path) -> None:
    place.registry.write(".dvc/config.local", f"[cache]\n    dir = {folder}\n")


def _assert_full(done: "subprocess.CompletedProcess[str]") -> None:
    assert done.returncode == 8, done.stderr
    assert "Traceback" not in done.stderr
    assert "error: " in done.stderr
    hint = done.stderr.partition("hint: ")[2]
    assert "Free some space" in hint
    assert "run the same command again" in hint or "Nothing was fetched" in hint


def _delivered(folder: Path) -> dict[str, bytes]:
    """Return the files below a folder; the name of none says that it is half-done."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file():
            assert not path.name.endswith(".tmp"), path
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
    return found


@pytest.fixture
def filling(place: Place, disk: Disk) -> Callable[[int, int], None]:
    """Let somebody else fill the disk in the middle of a pull."""

    def fill_at(number: int, leave: int) -> None:
        once = threading.Lock()
        filled = []

        def match(request: object) -> bool:
            with once:  # other requests wait meanwhile
                if not filled and len(place.server.requests) >= number:
                    disk.fill(leave)
                    filled.append(request)
            return False

        place.server.rules.append(Always(Status(500), match=match))

    return fill_at


WHERE = ["cache", "destination", "both"]


def _arrange(place: Place, disk: Disk, tmp_path: Path, where: str) -> tuple[Path, list[str]]:
    """Put the cache, the place to deliver to, or both on the small disk."""
    into = (disk.inside if where != "cache" else tmp_path) / "out"
    if where != "destination":
        _use_cache(place, disk.inside / "cache")
    return into, ["pull", "-o", str(into)]


def _see(disk: Disk, path: Path) -> Path:
    if path.is_relative_to(disk.inside):
        return disk.outside / path.relative_to(disk.inside)
    return path


@pytest.mark.parametrize("where", WHERE)
def test_room_is_checked_before_anything_is_fetched(
    place: Place, disk: Disk, tmp_path: Path, where: str
) -> None:
    place.registry.add_folder("c/folder", SMALL | {"large.bin": LARGE})
    into, arguments = _arrange(place, disk, tmp_path, where)
    disk.fill(4_000_000)

    done = disk.run(*arguments, cwd=place.root)

    _assert_full(done)
    assert str(disk.inside) in done.stderr
    assert "bytes are needed" in done.stderr
    assert place.server.requests == []
    assert _delivered(_see(disk, into)) == {}
    disk.clear()
    assert disk.run(*arguments, cwd=place.root).returncode == 0
    assert len(_delivered(_see(disk, into))) == len(SMALL) + 1


def test_room_is_counted_for_each_place_of_an_object(
    place: Place, disk: Disk, tmp_path: Path
) -> None:
    """A package has its own copy of what its datasets are."""
    place.registry.add_file("c/large.bin", LARGE, id="large")
    place.registry.add_package("vendor/package", ["large"])
    into, arguments = _arrange(place, disk, tmp_path, "destination")
    disk.fill(8_000_000)

    done = disk.run(*arguments, cwd=place.root)

    _assert_full(done)
    assert "10,000,000 bytes are needed" in done.stderr
    disk.clear()
    again = disk.run(*arguments, cwd=place.root)
    assert again.returncode == 0, again.stderr
    assert len(_delivered(_see(disk, into))) == 2
    assert place.server.bytes_sent < 1.1 * len(LARGE), "fetched once"


@pytest.mark.parametrize("where", WHERE)
def test_disk_that_fills_up_while_small_files_come(
    place: Place,
    disk: Disk,
    filling: Callable[[int, int], None],
    tmp_path: Path,
    where: str,
) -> None:
    place.registry.add_folder("c/folder", SMALL)
    into, arguments = _arrange(place, disk, tmp_path, where)
    filling(15, 10_000)

    done = disk.run(*arguments, cwd=place.root, NEUROGISTER_JOBS="2")

    _assert_full(done)
    assert str(disk.inside) in done.stderr
    some = _delivered(_see(disk, into))
    assert some.items() <= {f"c/folder/{name}": data for name, data in SMALL.items()}.items()
    disk.clear()
    place.server.reset()
    again = disk.run(*arguments, cwd=place.root)
    assert again.returncode == 0, again.stderr
    assert len(_delivered(_see(disk, into))) == len(SMALL)
    assert len(place.server.requests) < len(SMALL), "what had come is not fetched again"


@pytest.mark.parametrize(
    ("where", "lacking"),
    [
        ("cache", 5_000_000),
        ("cache", 2_500_000),
        ("cache", 300_000),
        ("destination", 2_500_000),
        ("destination", 300_000),
        ("both", 300_000),
        ("both", -3_000_000),
    ],
)
def test_disk_that_fills_up_while_a_large_file_comes(
    place: Place,
    disk: Disk,
    filling: Callable[[int, int], None],
    tmp_path: Path,
    where: str,
    lacking: int,
) -> None:
    """The last write of all may be the one that is cut short."""
    place.registry.add_file("c/large.bin", LARGE)
    into, arguments = _arrange(place, disk, tmp_path, where)
    filling(1, len(LARGE) - lacking)

    done = disk.run(*arguments, cwd=place.root)

    _assert_full(done)
    assert _delivered(_see(disk, into)) == {}
    kept = _see(disk, disk.inside / "cache" if where != "destination" else place.cache)
    have = sum(path.stat().st_size for path in kept.rglob("[0-9a-f]*") if path.is_file())
    disk.clear()
    place.server.reset()
    again = disk.run(*arguments, cwd=place.root)
    assert again.returncode == 0, again.stderr
    assert _delivered(_see(disk, into)) == {"c/large.bin": LARGE}
    assert place.server.bytes_sent == len(LARGE) - have, "it went on where it stopped"
    assert have <= len(LARGE) - max(lacking, 0) or where == "destination"


def test_checkout_on_a_full_disk(
    place: Place, disk: Disk, filling: Callable[[int, int], None]
) -> None:
    """Everything is there: git, DVC's cache, the work tree, our own cache."""
    place.registry.add_folder("c/folder", SMALL)
    place.registry.commit()
    shutil.copytree(place.root, disk.outside / "checkout")
    variables = {"NEUROGISTER_CACHE": str(disk.inside / "own"), "NEUROGISTER_JOBS": "2"}
    filling(15, 0)

    done = disk.run("pull", cwd=disk.inside / "checkout", **variables)

    _assert_full(done)
    folder = disk.outside / "checkout" / "data" / "c" / "folder"
    assert _delivered(folder).items() <= SMALL.items()
    disk.clear()
    place.server.reset()
    again = disk.run("pull", cwd=disk.inside / "checkout", **variables)
    assert again.returncode == 0, again.stderr
    assert _delivered(folder) == SMALL
    assert len(place.server.requests) < len(SMALL)


def test_full_disk_of_our_own_cache_harms_no_checkout(place: Place, disk: Disk) -> None:
    """What we remember there is a help, and no need."""
    place.registry.add_folder("c/folder", SMALL)
    disk.fill()

    done = disk.run("pull", cwd=place.root, NEUROGISTER_CACHE=str(disk.inside / "own"))

    assert done.returncode == 0, done.stderr
    assert len(place.delivered) == len(SMALL)


def test_disk_without_inodes(place: Place, tmp_path: Path) -> None:
    """There is room, but for no more names."""
    place.registry.add_folder("c/folder", SMALL)
    with small_disk(tmp_path / "names", "size=30m,nr_inodes=40,mode=755") as disk:
        _use_cache(place, disk.inside / "cache")
        done = disk.run("pull", cwd=place.root)
        _assert_full(done)
        assert (
            place.delivered.items()
            <= {f"data/c/folder/{name}": data for name, data in SMALL.items()}.items()
        )
        disk.mount_again("nr_inodes=4000")
        assert disk.run("pull", cwd=place.root).returncode == 0
    assert len(place.delivered) == len(SMALL)


def test_what_is_there_already_needs_no_room(place: Place, disk: Disk) -> None:
    """A beginning that fills the disk is no reason to refuse the rest of it."""
    place.registry.add_file("c/large.bin", LARGE)
    cache = disk.inside / "cache"
    _use_cache(place, cache)
    partial = disk.outside / "cache" / "neurogister" / "partial"
    partial.mkdir(parents=True)
    digests = place.registry.find("c/large.bin").digests
    (partial / digests.md5).write_bytes(LARGE[:4_500_000])
    disk.fill(1_000_000)

    done = disk.run("pull", cwd=place.root)

    assert done.returncode == 0, done.stderr
    assert place.delivered == {"data/c/large.bin": LARGE}
    assert place.server.bytes_sent == 500_000


def test_read_only_file_system_without_any_room(place: Place, disk: Disk) -> None:
    """As images of a whole cache are: it can take nothing, and need not."""
    place.registry.add_folder("c/folder", SMALL)
    place.registry.add_file("c/large.bin", LARGE)
    _use_cache(place, disk.inside / "cache")
    assert disk.run("pull", "c/folder", cwd=place.root).returncode == 0
    shutil.rmtree(place.root / "data" / "c" / "folder")
    disk.fill()
    disk.mount_again("ro")
    place.server.reset()

    done = disk.run("pull", cwd=place.root)

    assert done.returncode == 0, done.stderr
    assert len(place.delivered) == len(SMALL) + 1
    assert [request.path for request in place.server.requests] == [place.path("c/large.bin")]


# A cache that others have filled, and that we may not write


def _unprivileged() -> list[str]:
    """Return a prefix with which not even root may write to what is read-only."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root may write everywhere, and there is no setpriv")
    return ["setpriv", "--bounding-set", "-dac_override,-dac_read_search,-fowner"]


@pytest.fixture
def pull(home: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    prefix = _unprivileged()

    def pull(*arguments: str, cwd: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [*prefix, *command("pull", *arguments)],
            cwd=cwd,
            env=os.environ | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done

    return pull


Pull = Callable[..., "subprocess.CompletedProcess[str]"]


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Take away the right to write to a folder and all below it; it must not change."""
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    for path in folders:
        path.chmod(0o555)
    before = sorted((str(path), path.lstat().st_mtime_ns) for path in folder.rglob("*"))
    try:
        yield
        assert sorted((str(path), path.lstat().st_mtime_ns) for path in folder.rglob("*")) == before
    finally:
        for path in folders:
            path.chmod(0o755)


@pytest.fixture(params=["checkout", "shared"])
def cache(place: Place, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A cache with everything that there is when `fill_cache` is called: in place, or shared."""
    if request.param == "checkout":
        return place.cache
    _use_cache(place, tmp_path / "shared")
    return tmp_path / "shared"


def _fill(place: Place, cache: Path) -> None:
    place.registry.fill_cache()
    if cache != place.cache:
        shutil.move(place.cache, cache)


@pytest.mark.parametrize("kind", ["copy", "symlink", "hardlink"])
def test_read_only_cache_with_all_that_is_needed(
    place: Place, pull: Pull, cache: Path, kind: str
) -> None:
    place.registry.set_config({"cache": {"type": kind}})
    place.registry.add_folder("c/folder", SMALL)
    _fill(place, cache)
    with read_only(cache):
        done = pull(cwd=place.root)
        again = pull(cwd=place.root)

    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr
    assert "nothing to do" in again.stderr
    assert len(place.delivered) == len(SMALL)
    assert place.server.requests == []


def test_what_a_read_only_cache_lacks_goes_to_our_own(
    place: Place, pull: Pull, cache: Path, home: Path
) -> None:
    place.registry.add_folder("c/folder", SMALL)
    _fill(place, cache)
    place.registry.add_file("c/large.bin", LARGE)
    place.registry.add_folder("c/more", {"one.bin": b"one", **SMALL})
    with read_only(cache):
        done = pull(cwd=place.root)
        (place.root / "data" / "c" / "large.bin").unlink()
        again = pull(cwd=place.root)

    assert done.returncode == 0, done.stderr
    assert again.returncode == 0, again.stderr
    assert "warning: the cache" in done.stderr
    assert str(cache) in done.stderr
    assert str(home / "cache" / "objects") in done.stderr
    assert len(place.delivered) == 2 * len(SMALL) + 2
    paths = sorted(request.path for request in place.server.requests)
    assert paths == sorted([place.path("c/large.bin"), place.path("c/more:one.bin")])
    kept = cached_objects(home / "cache" / "objects")
    assert {f"/{key}" for key in kept} == {*paths, place.path("c/more")}


def test_damaged_object_in_a_read_only_cache_is_not_used(
    place: Place, pull: Pull, cache: Path
) -> None:
    place.registry.add_folder("c/folder", SMALL)
    _fill(place, cache)
    key = place.path(f"c/folder:{next(iter(SMALL))}")[1:]
    (cache / key).chmod(0o644)
    (cache / key).write_bytes(b"damaged")
    (cache / key).chmod(0o444)
    with read_only(cache):
        done = pull(cwd=place.root)
        shutil.rmtree(place.root / "data" / "c" / "folder")
        again = pull(cwd=place.root)

    assert done.returncode == 0, done.stderr
    assert again.returncode == 0, again.stderr
    assert "damaged" in done.stderr
    assert place.delivered == {f"data/c/folder/{name}": data for name, data in SMALL.items()}
    assert len(place.server.requests) == 1


def test_no_cache_that_can_be_written(
    place: Place, pull: Pull, cache: Path, tmp_path: Path
) -> None:
    place.registry.add_folder("c/folder", SMALL)
    _fill(place, cache)
    place.registry.add_file("c/large.bin", LARGE)
    own = tmp_path / "own"
    own.mkdir()
    with read_only(cache), read_only(own):
        done = pull(cwd=place.root, NEUROGISTER_CACHE=str(own))
        part = pull("c/folder", cwd=place.root, NEUROGISTER_CACHE=str(own))

    assert done.returncode == 7, done.stderr
    assert "cannot be written" in done.stderr
    assert "hint: " in done.stderr
    assert part.returncode == 0, part.stderr
    assert len(place.delivered) == len(SMALL)


def test_read_only_place_to_deliver_to(place: Place, pull: Pull, tmp_path: Path) -> None:
    place.registry.add_folder("c/folder", SMALL)
    out = tmp_path / "out"
    out.mkdir()
    with read_only(out):
        done = pull("-o", str(out), cwd=place.root)

    assert done.returncode == 7, done.stderr
    assert str(out) in done.stderr
    assert "hint: " in done.stderr
    assert list(out.iterdir()) == []


def test_read_only_home(place: Place, pull: Pull, tmp_path: Path) -> None:
    place.registry.add_folder("c/folder", SMALL)
    place.registry.commit()
    home = tmp_path / "empty"
    home.mkdir()
    variables = {"HOME": str(home), "NEUROGISTER_CACHE": str(home / "cache")}
    with read_only(home):
        done = pull(cwd=place.root, **variables)

    assert done.returncode == 0, done.stderr
    assert len(place.delivered) == len(SMALL)


def test_unreadable_object_in_a_cache_counts_as_missing(place: Place, pull: Pull) -> None:
    place.registry.add_file("c/large.bin", LARGE)
    place.registry.fill_cache()
    (place.cache / place.path("c/large.bin")[1:]).chmod(0)

    done = pull(cwd=place.root)

    assert done.returncode == 0, done.stderr
    assert place.delivered == {"data/c/large.bin": LARGE}
