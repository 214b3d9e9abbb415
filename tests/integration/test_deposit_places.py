"""Where the bytes go: kinds of links, moved files, shared caches, full disks."""

import json
import os
import shutil
import stat
import sys

import pytest
from tests.conftest import cached_objects
from tests.depositing import Lab, look
from tests.factories import random_bytes
from tests.integration.test_disk import small_disk

import neurogister
from neurogister.errors import RefusedError

SMALL, LARGE = b"small", random_bytes(5 << 20)


@pytest.fixture
def lab(home, tmp_path):
    return Lab(tmp_path)


def check_whole(lab):
    with neurogister.open(lab.root) as registry:
        assert {verdict.status for verdict in registry.verify()} == {"ok"}
    cached_objects(lab.root / ".dvc/cache")
    lab.check_clean()


@pytest.mark.parametrize("kind", ["reflink", "hardlink", "symlink", "copy"])
@pytest.mark.parametrize("move", [False, True], ids=["stays", "moved"])
def test_kinds_of_links(lab, kind, *, move):
    lab.registry.set_config({"cache": {"type": kind}})
    sources = [
        lab.file("small.bin", SMALL), lab.file("large.bin", LARGE),
        lab.folder("f", {"x": b"x", "l": LARGE[:-1]}),
    ]  # fmt: skip
    lab.deposit(*sources, move=move)
    place = lab.root / "data/c/small.bin"
    one = lab.root / ".dvc/cache/files/md5" / lab.pointer("c/small.bin").md5[:2]
    cached = one / lab.pointer("c/small.bin").md5[2:]
    assert place.is_symlink() == (kind == "symlink")
    assert (place.lstat().st_ino == cached.lstat().st_ino) == (kind == "hardlink")
    assert [source.exists() for source in sources] == [not move] * 3
    for source in sources[:2]:
        assert lab.data(f"c/{source.name}") == (SMALL if "small" in source.name else LARGE)
        if not move:
            assert source.stat().st_mode & stat.S_IWUSR
            assert source.stat().st_nlink == 1
    check_whole(lab)


def test_the_users_file_is_not_the_object(lab):
    """Writing to it afterwards must not change the cache."""
    for name, data in (("small.bin", SMALL), ("large.bin", LARGE)):
        lab.put(name, data)
        (lab.inbox / name).write_bytes(b"changed")
        assert lab.data(f"c/{name}") == data
    check_whole(lab)


def test_moving_keeps_what_was_not_deposited(lab):
    folder = lab.folder("f", {"x": b"x", "deep/y": b"y"})
    (folder / "empty").mkdir()
    other = lab.file("other.bin", b"other")
    lab.deposit(folder, move=True)
    assert not folder.exists()
    assert other.exists()


@pytest.mark.parametrize("size", [5, 5 << 20], ids=["small", "large"])
def test_a_refused_move_gives_the_file_back(lab, size):
    lab.put("taken.bin", b"old", commit=True)
    path = lab.file("other.bin", random_bytes(size))
    path.chmod(0o640)
    with lab.unchanged(), pytest.raises(RefusedError):
        lab.deposit(path, id="taken", move=True)
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.stat().st_nlink == 1
    path.write_bytes(b"still mine")
    check_whole(lab)


def test_moving_a_file_with_a_second_name(lab):
    """The other name stays the user's: the cache must not share its bytes."""
    path = lab.file("large.bin", LARGE)
    other = lab.inbox / "second.bin"
    os.link(path, other)
    lab.deposit(path, move=True)
    other.write_bytes(b"mine")
    assert lab.data("c/large.bin") == LARGE
    check_whole(lab)


def test_moving_what_the_cache_has_already(lab):
    lab.put("large.bin", LARGE)
    path = lab.file("again.bin", LARGE)
    lab.deposit(path, move=True, allow_duplicate=True)
    assert not path.exists()
    check_whole(lab)


@pytest.mark.parametrize("where", ["inside", "outside"])
def test_a_cache_elsewhere(lab, tmp_path, where):
    cache = tmp_path / "cache" if where == "outside" else lab.root / "my-cache"
    lab.registry.write(".dvc/config.local", f"[cache]\n    dir = {cache}\n")
    one = lab.put()
    assert list(cached_objects(cache)) == [f"files/md5/{one.md5[:2]}/{one.md5[2:]}"]
    assert not (lab.root / ".dvc/cache/files").exists()
    assert lab.data("c/a.bin") == b"data\n"


def test_a_cache_that_a_group_shares(lab, tmp_path):
    cache = tmp_path / "cache"
    lab.registry.write(".dvc/config.local", f"[cache]\n    dir = {cache}\n    shared = group\n")
    umask = os.umask(0o002)
    try:
        lab.deposit(lab.file(), lab.folder("f", {"x": LARGE}))
    finally:
        os.umask(umask)
    for path in (cache / "files").rglob("*"):
        assert path.stat().st_mode & 0o7777 == (0o2775 if path.is_dir() else 0o444), path


def test_a_damaged_object_in_the_cache_is_replaced(lab):
    one = lab.put(data=b"right")
    path = lab.root / ".dvc/cache/files/md5" / one.md5[:2] / one.md5[2:]
    path.chmod(0o644)
    path.write_bytes(b"wrong")
    lab.put("b.bin", b"right", allow_duplicate=True)
    assert path.read_bytes() == b"right"


def test_files_get_the_permissions_of_the_umask(lab):
    umask = os.umask(0o007)
    try:
        lab.put(new_collection=True, to="new")
    finally:
        os.umask(umask)
    for name in ("a.bin.dvc", ".gitignore", "collection.yaml"):
        assert (lab.root / "data/new" / name).stat().st_mode & 0o777 == 0o660


def test_a_new_collection_is_one_that_a_submission_may_have(lab):
    lab.put(new_collection=True, to="new")
    with neurogister.open(lab.root) as registry:
        assert registry.validate("HEAD").findings == []
    assert "license: NOASSERTION" in (lab.root / "data/new/collection.yaml").read_text()


needs_disk = pytest.mark.skipif(sys.platform != "linux", reason="needs namespaces of Linux")


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "disk", "size=12m,mode=755") as disk:
        yield disk


@needs_disk
@pytest.mark.parametrize("size", [1000, 5 << 20], ids=["small", "large"])
def test_moved_from_another_file_system(lab, disk, size):
    data = random_bytes(size)
    (disk.outside / "a.bin").write_bytes(data)
    done = disk.run("deposit", str(disk.inside / "a.bin"), "--to", "c", "--move", "--no-push",
                    cwd=lab.root)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not (disk.outside / "a.bin").exists()
    assert lab.data("c/a.bin") == data
    check_whole(lab)


@needs_disk
@pytest.mark.parametrize("what", ["cache", "registry", "remote"])
@pytest.mark.parametrize("size", [300_000, 6 << 20], ids=["many small", "one large"])
def test_a_full_disk(lab, disk, tmp_path, what, size):
    """Exit 8, and the registry is as it was; with room, the same command completes it."""
    count = 1 if size > 1 << 20 else 20
    paths = [lab.file(f"f{n}.bin", random_bytes(size, n)) for n in range(count)]
    root = lab.root
    push = "--push" if what == "remote" else "--no-push"
    if what == "cache":
        lab.registry.write(".dvc/config.local", f"[cache]\n    dir = {disk.inside}/cache\n")
    elif what == "remote":
        lab.registry.remote_url(f"{disk.inside}/remote")
        lab.registry.commit()
    else:
        lab.registry.write(".dvc/config.local", f"[cache]\n    dir = {tmp_path}/cache\n")
        shutil.copytree(lab.root, disk.outside / "registry", symlinks=True)
        root = disk.inside / "registry"
    seen = disk.outside / "registry" if what == "registry" else lab.root
    disk.fill(2_500_000)
    before = look(seen)
    arguments = ["deposit", *map(str, paths), "--to", "c", push, "--json"]

    done = disk.run(*arguments, cwd=root)

    assert done.returncode == 8, done.stderr
    assert "Traceback" not in done.stderr
    assert "Free some space" in done.stderr
    assert look(seen) == before
    disk.clear()
    again = disk.run(*arguments, cwd=root)
    assert again.returncode == 0, again.stderr
    assert {json.loads(line)["status"] for line in again.stdout.splitlines()} == {"deposited"}
