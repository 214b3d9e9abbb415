"""The cache proves nothing: what it holds is read before it is used, and once known, not again."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from tests.conftest import Place, Run
from tests.factories import manifest_text, random_bytes, random_files
from tests.faults import Status

import neurogister
from neurogister import IntegrityError, NotFoundError, OfflineError
from neurogister.actions import deliver, partial
from neurogister.backends.cache import Cache

SMALL = random_bytes(3_000, 1)
LARGE = random_bytes(5_000_000, 2)
FILES = random_files(4, smallest=10, largest=3000, seed=3)


def _rewrite(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(0o444)


def _replace(path: Path, make: Callable[[Path], object]) -> None:
    path.unlink()
    make(path)


def _fill(path: Path) -> None:
    (path / "deep" / "er").mkdir(parents=True)
    (path / "deep" / "file").write_bytes(b"?")


def _lead_elsewhere(path: Path) -> None:
    secret = path.parents[6] / "secret"
    secret.write_bytes(SMALL)
    path.symlink_to(secret)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "other bytes": lambda path: _rewrite(path, path.read_bytes()[:-1] + b"?"),
    "truncated": lambda path: _rewrite(path, path.read_bytes()[:-1]),
    "longer": lambda path: _rewrite(path, path.read_bytes() + b"?"),
    "empty": lambda path: _rewrite(path, b""),
    "pipe": lambda path: _replace(path, os.mkfifo),
    "folder": lambda path: _replace(path, Path.mkdir),
    "full folder": lambda path: _replace(path, _fill),
    "link": lambda path: _replace(path, _lead_elsewhere),
    "broken link": lambda path: _replace(path, lambda path: path.symlink_to("nowhere")),
}
if os.name == "nt":
    DAMAGE = {name: DAMAGE[name] for name in ("other bytes", "truncated", "empty", "folder")}


@pytest.mark.parametrize("what", ["c/small.bin", "c/large.bin", "c/folder:listing", "c/folder"])
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damaged_object_is_replaced(
    place: Place, damage: Callable[[Path], object], what: str
) -> None:
    """It looks finished, and nobody has read it before us."""
    place.registry.add_file("c/small.bin", SMALL)
    place.registry.add_file("c/large.bin", LARGE)
    place.registry.add_folder("c/folder", FILES, manifest=False)
    place.registry.fill_cache()
    whole = what.endswith(":listing")
    name = what.removesuffix(":listing")
    key = place.path(f"c/folder:{next(iter(FILES))}" if name == what == "c/folder" else name)
    path = place.cache / key[1:]
    damage(path)

    report = place.pull()

    assert report.errors == []
    [warning] = place.warnings
    assert "the cached object" in warning
    assert "was damaged" in warning
    assert [request.path for request in place.server.requests] == [key]
    assert key in place.cached
    expected = {f"data/c/folder/{name}": data for name, data in FILES.items()}
    assert place.delivered == expected | {"data/c/small.bin": SMALL, "data/c/large.bin": LARGE}
    assert report.fetched_files == (0 if whole else 1)


@pytest.mark.parametrize("kind", ["copy", "hardlink", "symlink"])
def test_damaged_object_is_never_linked(place: Place, kind: str) -> None:
    place.registry.set_config({"cache": {"type": kind}})
    place.registry.add_file("c/small.bin", SMALL)
    place.registry.fill_cache()
    DAMAGE["other bytes"](place.cache / place.path("c/small.bin")[1:])
    place.server.rules.append(Status(404))

    [error] = place.pull().errors

    assert isinstance(error, NotFoundError)
    assert place.delivered == {}


def test_damaged_object_is_no_object_offline(place: Place) -> None:
    place.registry.add_file("c/small.bin", SMALL)
    place.registry.fill_cache()
    DAMAGE["truncated"](place.cache / place.path("c/small.bin")[1:])

    [error] = place.pull(offline=True).errors

    assert isinstance(error, OfflineError)
    assert place.delivered == {}


def _change_unseen(path: Path, data: bytes) -> None:
    """Change a file in place, but neither its inode nor its size nor its time."""
    status = path.stat()
    assert len(data) == status.st_size
    _rewrite(path, data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_ino == status.st_ino


def test_object_known_to_be_good_is_not_read_again(place: Place, tmp_path: Path) -> None:
    """Had it been read, the other bytes would have been found."""
    place.registry.add_file("c/small.bin", SMALL)
    assert place.pull().errors == []
    other = SMALL[:-1] + b"?"
    _change_unseen(place.cache / place.path("c/small.bin")[1:], other)

    with neurogister.open(place.root) as opened:
        assert opened.pull(into=tmp_path / "elsewhere").errors == []

    assert (tmp_path / "elsewhere" / "c" / "small.bin").read_bytes() == other
    assert len(place.server.requests) == 1


@pytest.mark.parametrize("change", ["time", "inode", "size"])
def test_object_that_changed_is_read_again(place: Place, tmp_path: Path, change: str) -> None:
    place.registry.add_file("c/small.bin", SMALL)
    assert place.pull().errors == []
    path = place.cache / place.path("c/small.bin")[1:]
    other = SMALL[:-1] + b"?"
    status = path.stat()
    if change == "time":
        _change_unseen(path, other)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000))
    elif change == "inode":
        new = path.with_name("new")
        new.write_bytes(other)
        os.utime(new, ns=(status.st_atime_ns, status.st_mtime_ns))
        new.replace(path)
    else:
        _rewrite(path, other + b"?")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    with neurogister.open(place.root) as opened:
        assert opened.pull(into=tmp_path / "elsewhere").errors == []

    assert (tmp_path / "elsewhere" / "c" / "small.bin").read_bytes() == SMALL
    assert len(place.server.requests) == 2


def test_untouched_object_is_read_again_when_we_know_nothing(
    place: Place, home: Path, tmp_path: Path
) -> None:
    place.registry.add_file("c/small.bin", SMALL)
    assert place.pull().errors == []
    _change_unseen(place.cache / place.path("c/small.bin")[1:], SMALL[:-1] + b"?")
    for path in (home / "cache").glob("state.db*"):
        path.unlink()

    with neurogister.open(place.root) as opened:
        assert opened.pull(into=tmp_path / "elsewhere").errors == []

    assert (tmp_path / "elsewhere" / "c" / "small.bin").read_bytes() == SMALL


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\0" + bytes(200)])
def test_damaged_memory_costs_only_time(place: Place, home: Path, content: bytes) -> None:
    place.registry.add_file("c/small.bin", SMALL)
    (home / "cache").mkdir(parents=True)
    (home / "cache" / "state.db").write_bytes(content)

    assert place.pull().errors == []
    assert place.pull().changes is False
    assert place.delivered == {"data/c/small.bin": SMALL}


# What the record says beside the md5


def _set_sha256(place: Place, name: str, sha256: str) -> None:
    dataset = place.registry.find(name)
    assert dataset.record is not None
    dataset.record["versions"][-1]["sha256"] = sha256
    place.registry.change_record(name)


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("cached", [False, True], ids=["remote", "cached"])
def test_content_of_another_sha256_is_refused(
    place: Place, run: Run, data: bytes, *, cached: bool
) -> None:
    place.registry.add_file("c/one.bin", data)
    place.registry.add_file("c/two.bin", b"two")
    _set_sha256(place, "c/one.bin", "0" * 64)
    if cached:
        place.registry.fill_cache()

    done = run("pull", cwd=place.root)

    assert done.returncode == 4
    assert "c/one.bin" in done.stderr
    assert "sha256" in done.stderr
    assert place.delivered == {"data/c/two.bin": b"two"}
    assert place.cached >= ({place.path("c/one.bin")} if cached else set())


@pytest.mark.parametrize("names", [("c/plain.bin", "c/one.bin"), ("c/one.bin", "c/plain.bin")])
def test_strictest_of_two_records_counts(place: Place, names: tuple[str, str]) -> None:
    """One dataset says nothing of its sha256, the other of the same md5 says something wrong."""
    place.registry.add_file("c/plain.bin", SMALL, record=False)
    place.registry.add_file("c/one.bin", SMALL)
    _set_sha256(place, "c/one.bin", "0" * 64)

    errors = place.pull(*names).errors

    assert errors
    assert all(isinstance(error, IntegrityError) for error in errors)
    assert "data/c/one.bin" not in place.delivered


def test_sha256_is_checked_of_what_came_without_it_before(place: Place) -> None:
    place.registry.add_file("c/plain.bin", SMALL, record=False)
    place.registry.add_file("c/one.bin", SMALL)
    _set_sha256(place, "c/one.bin", "0" * 64)

    with neurogister.open(place.root) as opened:
        assert opened.pull("c/plain.bin").errors == []
        [error] = opened.pull("c/one.bin").errors
    assert isinstance(error, IntegrityError)
    [error] = place.pull("c/one.bin").errors
    assert isinstance(error, IntegrityError)
    assert place.delivered == {"data/c/plain.bin": SMALL}
    assert place.cached == {place.path("c/plain.bin")}, "it is what it is called"


def test_records_that_contradict_each_other_are_refused(place: Place) -> None:
    place.registry.add_file("c/one.bin", SMALL)
    place.registry.add_file("c/two.bin", SMALL)
    _set_sha256(place, "c/two.bin", "0" * 64)

    errors = place.pull("c/one.bin", "c/two.bin").errors

    assert all(isinstance(error, IntegrityError) for error in errors)
    assert any("c/two.bin" in error.message for error in errors)
    assert place.delivered == {"data/c/one.bin": SMALL}


def test_wrong_size_in_a_pointer_is_refused(place: Place) -> None:
    place.registry.add_file("c/one.bin", SMALL, record=False)
    place.registry.add_file("c/two.bin", SMALL, record=False)
    pointer = place.registry.pointer_path("c/two.bin")
    pointer.write_text(pointer.read_text().replace("size: 3000", "size: 3001"))

    assert place.pull("c/one.bin").errors == []
    [error] = place.pull("c/two.bin").errors

    assert isinstance(error, IntegrityError)
    assert "3,001" in error.message
    assert place.delivered == {"data/c/one.bin": SMALL}


def test_manifest_that_disagrees_with_the_ledger_is_refused(place: Place) -> None:
    place.registry.add_folder("c/folder", FILES)
    _set_sha256(place, "c/folder", "0" * 64)

    [error] = place.pull().errors

    assert isinstance(error, IntegrityError)
    assert "manifest" in error.message
    assert place.delivered == {}
    assert place.server.requests == []


def test_manifest_that_disagrees_with_the_content_is_refused(place: Place) -> None:
    """It lies about one file, and the record goes along with it."""
    digests = place.registry.add_folder("c/folder", FILES)
    name = next(iter(FILES))
    true = digests.files[name].sha256
    manifest = place.root / "data" / "c" / "folder.manifest.csv"
    manifest.write_text(manifest.read_text().replace(true, "0" * 64))
    rows = [
        {"relpath": each, "sha256": "0" * 64 if each == name else file.sha256}
        for each, file in sorted(digests.files.items())
    ]
    summed = hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()
    _set_sha256(place, "c/folder", summed)
    manifest.write_text(manifest_text(digests.files).replace(true, "0" * 64))

    [error] = place.pull().errors

    assert isinstance(error, IntegrityError)
    assert f"c/folder:{name}" in error.message
    assert "sha256" in error.message
    assert len(place.delivered) == len(FILES) - 1
    assert f"data/c/folder/{name}" not in place.delivered


@pytest.mark.parametrize("how", ["no manifest", "no sha256 in the manifest"])
def test_ledger_counts_where_no_manifest_tells_the_sha256(place: Place, how: str) -> None:
    digests = place.registry.add_folder("c/folder", FILES, manifest=False)
    if how != "no manifest":
        lines = ["size,md5,path"] + [
            f"{file.size},{file.md5},{name}" for name, file in sorted(digests.files.items())
        ]
        place.registry.write("data/c/folder.manifest.csv", "\n".join(lines) + "\n")
    _set_sha256(place, "c/folder", "0" * 64)

    [error] = place.pull().errors

    assert isinstance(error, IntegrityError)
    assert "sha256" in error.message
    assert place.delivered == {}
    _set_sha256(place, "c/folder", digests.sha256)
    assert place.pull().errors == []
    assert len(place.delivered) == len(FILES)


def test_a_wrong_whole_leaves_no_copies_behind(place: Place) -> None:
    place.registry.add_folder("c/folder", FILES, manifest=False)
    _set_sha256(place, "c/folder", "0" * 64)

    [error] = place.pull().errors

    assert isinstance(error, IntegrityError)
    assert list((place.cache / "neurogister" / "tmp").iterdir()) == []
    assert len(place.cached) == len(FILES) + 1, "each file is what it is called, and stays"


@pytest.mark.parametrize("here", [False, True], ids=["to be fetched", "in the cache"])
def test_bytes_are_read_once_where_only_the_whole_has_a_sha256(
    place: Place, monkeypatch: pytest.MonkeyPatch, *, here: bool
) -> None:
    place.registry.add_folder("c/folder", FILES, manifest=False)
    if here:
        place.registry.fill_cache()

    def reads(*_: object) -> NoReturn:
        raise AssertionError("read again")

    monkeypatch.setattr(deliver, "digests_of", reads)

    assert place.pull().errors == []
    assert len(place.delivered) == len(FILES)


def test_a_shared_cache_keeps_its_group_to_itself(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is made in its folders belongs to its group, and is not moved into a work tree."""
    place.registry.set_config({"cache": {"shared": "group", "type": "copy"}})
    place.registry.add_folder("c/folder", FILES)
    place.registry.add_file("c/large.bin", LARGE)
    made = []
    monkeypatch.setattr(Cache, "store_copy", lambda *_: made.append("small"))
    monkeypatch.setattr(partial, "SecondCopy", lambda *_: made.append("large"))

    assert place.pull().errors == []
    assert len(place.delivered) == len(FILES) + 1
    assert made == []


def test_manifest_of_another_state_is_not_used(place: Place) -> None:
    """Its listing is another one: the remote's counts, which the pointer names."""
    place.registry.add_folder("c/folder", FILES)
    manifest = place.root / "data" / "c" / "folder.manifest.csv"
    manifest.write_text("".join(manifest.read_text().splitlines(keepends=True)[:-1]))

    assert place.pull().errors == []
    assert len(place.delivered) == len(FILES)


@pytest.mark.parametrize("where", ["checkout", "elsewhere"])
def test_cache_through_a_link_is_refused(place: Place, tmp_path: Path, where: str) -> None:
    """A link in the place of a folder of the cache would let us write anywhere."""
    place.registry.add_file("c/one.bin", SMALL)
    cache = place.cache
    if where == "elsewhere":
        cache = tmp_path / "cache"
        place.registry.write(".dvc/config.local", f"[cache]\n    dir = {cache}\n")
    key = place.path("c/one.bin")[1:]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder = (cache / key).parent
    folder.parent.mkdir(parents=True)
    folder.symlink_to(elsewhere)

    with pytest.raises(neurogister.RefusedError, match="symbolic link"):
        place.pull()

    assert list(elsewhere.iterdir()) == []


def test_cache_may_be_deleted_at_any_time(place: Place) -> None:
    place.registry.add_folder("c/folder", FILES)
    assert place.pull().errors == []
    shutil.rmtree(place.cache)
    (place.root / "data" / "c" / "folder" / next(iter(FILES))).unlink()

    assert place.pull().errors == []
    assert len(place.delivered) == len(FILES)
