"""A user's files are never lost: refused, kept, or replaced by what can be had again (rule P5)."""

import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.factories import make_registry
from tests.interop.checkouts import Checkout, contents, pull
from tests.servers import isolated_environment

import neurogister
from neurogister.actions import examining, placing
from neurogister.cli.errors import exit_status
from neurogister.errors import RefusedError
from neurogister.files import Destination

FOLDER = {"a.txt": b"a\n", "sub/b.txt": b"b\n", "sub/c.txt": b"c\n"}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    environment = isolated_environment(tmp_path / "home")
    for name in os.environ.keys() - environment.keys():
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def registry(tmp_path):
    registry = make_registry(tmp_path / "registry")
    registry.add_file("c/file.txt", b"one\n")
    registry.add_folder("c/folder", FOLDER)
    registry.commit("Version 1", tag="v1")
    return registry


@pytest.fixture
def checkout(registry):
    return Checkout(registry.root)


def work_tree(root: Path) -> dict[str, str]:
    """Return all that git and dvc do not keep for themselves."""
    return {path: each for path, each in contents(root).items() if "/.dvc/" not in path}


def refused(checkout: Checkout, *names: str, **options: object) -> RefusedError:
    """Return the refusal of a pull, which changed nothing."""
    before = work_tree(checkout.root)
    with pytest.raises(RefusedError) as caught:
        checkout.pull(*names, **options)
    assert work_tree(checkout.root) == before
    assert exit_status(caught.value) == 7
    return caught.value


# Changed files.


@pytest.mark.parametrize("before", [False, True], ids=["never pulled", "pulled before"])
@pytest.mark.parametrize("name", ["c/file.txt", "c/folder/sub/b.txt"])
def test_a_changed_file_is_refused_by_name_and_nothing_else_changes(checkout, name, before):
    if before:
        checkout.pull()
        checkout.data("c/folder/a.txt").unlink()
    path = checkout.data(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(b"mine\n")

    error = refused(checkout)

    assert str(path) in error.message
    assert "--force" in error.hint
    assert not checkout.data("c/folder/a.txt").exists()


def test_a_changed_file_is_overwritten_by_force(checkout):
    checkout.pull()
    checkout.data("c/file.txt").write_bytes(b"mine\n")
    checkout.data("c/folder/sub/b.txt").write_bytes(b"mine\n")
    checkout.data("c/folder/mine.txt").write_bytes(b"mine\n")

    report = checkout.pull(force=True)

    assert {one.name: one.placed for one in report.pulled} == {"c/file.txt": 1, "c/folder": 1}
    assert checkout.data("c/file.txt").read_bytes() == b"one\n"
    assert checkout.data("c/folder/sub/b.txt").read_bytes() == b"b\n"
    assert checkout.data("c/folder/mine.txt").read_bytes() == b"mine\n"


def test_the_command_ends_with_7_and_names_the_file(checkout):
    checkout.data("c/file.txt").write_bytes(b"mine\n")

    done = checkout.neurogister("pull", "c/file.txt")
    forced = checkout.neurogister("pull", "c/file.txt", "--force")

    assert done.status == 7
    assert str(checkout.data("c/file.txt")) in done.errors
    assert "Traceback" not in done.errors
    assert forced.status == 0
    assert checkout.data("c/file.txt").read_bytes() == b"one\n"


@pytest.mark.parametrize("kind", ["hardlink", "symlink"])
def test_a_file_that_was_changed_through_its_link_is_the_users_too(registry, checkout, kind):
    """The object in the cache has changed with it: it is damaged, but the content is mine."""
    registry.set_config({"cache": {"type": kind}})
    checkout.pull("c/file.txt")
    path = checkout.data("c/file.txt")
    path.chmod(0o644)
    path.write_bytes(b"mine\n")

    if kind == "hardlink":
        refused(checkout, "c/file.txt")
        assert path.read_bytes() == b"mine\n"
    checkout.pull("c/file.txt", force=True)
    assert path.read_bytes() == b"one\n"


def test_a_file_whose_time_alone_has_changed_is_fine(checkout):
    checkout.pull()
    os.utime(checkout.data("c/file.txt"))

    assert not checkout.pull(offline=True).changes


def test_a_dry_run_refuses_as_well(checkout):
    checkout.data("c/file.txt").write_bytes(b"mine\n")

    refused(checkout, dry_run=True)


def test_elsewhere_the_same_rules_hold(registry, tmp_path):
    out = tmp_path / "out"
    pull(registry.root, into=out)
    mine = out / "c" / "file.txt"
    mine.write_bytes(b"mine\n")

    with pytest.raises(RefusedError, match=r"file\.txt"):
        pull(registry.root, into=out)
    assert mine.read_bytes() == b"mine\n"
    pull(registry.root, into=out, force=True)
    assert mine.read_bytes() == b"one\n"


# Files that may be replaced, or need not be.


def test_the_unmodified_old_version_is_replaced(registry, checkout):
    checkout.pull()
    registry.new_version("c/file.txt", b"two\n")
    registry.new_version("c/folder", FOLDER | {"a.txt": b"new a\n"})
    registry.commit("Version 2")

    checkout.pull()

    assert checkout.data("c/file.txt").read_bytes() == b"two\n"
    assert checkout.data("c/folder/a.txt").read_bytes() == b"new a\n"


def test_a_copy_of_the_old_version_that_the_user_made_is_replaced(registry, checkout):
    registry.new_version("c/file.txt", b"two\n")
    registry.commit("Version 2")
    checkout.data("c/file.txt").write_bytes(b"one\n")  # published as version 1

    checkout.pull("c/file.txt")

    assert checkout.data("c/file.txt").read_bytes() == b"two\n"


@pytest.fixture
def while_it_is_read(monkeypatch):
    """Let something happen to a file at the moment when it has just been read."""

    def arrange(path, happens):
        def digests_of(which, algorithms):
            try:
                return real(which, algorithms)
            finally:
                if Path(which) == path:
                    happens()

        real = examining.digests_of
        monkeypatch.setattr(examining, "digests_of", digests_of)

    return arrange


def test_what_the_user_writes_while_the_old_version_is_looked_at_stays(
    registry, checkout, while_it_is_read
):
    path = checkout.data("c/file.txt")
    registry.new_version("c/file.txt", b"two\n")
    registry.commit("Version 2")
    path.write_bytes(b"one\n")  # published as version 1: it may be replaced
    while_it_is_read(path, lambda: path.write_bytes(b"mine\n"))

    with pytest.raises(RefusedError, match="file"):
        checkout.pull("c/file.txt")

    assert path.read_bytes() == b"mine\n"


def test_what_the_user_writes_while_a_leftover_is_looked_at_stays(
    registry, checkout, while_it_is_read
):
    checkout.pull()
    path = checkout.data("c/folder/sub/c.txt")
    registry.new_version("c/folder", {"a.txt": b"a\n"})  # without it: it is to be removed
    registry.commit("Version 2")
    while_it_is_read(path, lambda: path.write_bytes(b"mine\n"))

    checkout.pull("c/folder")

    assert path.read_bytes() == b"mine\n"
    assert not checkout.data("c/folder/sub/b.txt").exists()


def test_a_file_that_is_taken_away_while_it_is_looked_at_is_put_again(checkout, monkeypatch):
    path = checkout.data("c/file.txt")
    path.write_bytes(b"changed\n")
    real = examining.digests_of

    def digests_of(which, algorithms):
        if Path(which) != path or path.read_bytes() == b"one\n":
            return real(which, algorithms)
        path.unlink()
        try:
            return real(which, algorithms)
        finally:
            path.write_bytes(b"one\n")  # and comes back, as others bring it too

    monkeypatch.setattr(examining, "digests_of", digests_of)

    checkout.pull("c/file.txt")

    assert path.read_bytes() == b"one\n"


def test_a_file_that_never_stays_as_it_is(checkout, monkeypatch):
    real = Destination.stamp
    count = itertools.count()

    def stamp(self, relative):
        """Say that somebody has just touched it, whenever it is asked."""
        found = real(self, relative)
        return (0, next(count), 0) if relative == "data/c/file.txt" else found

    monkeypatch.setattr(Destination, "stamp", stamp)

    with pytest.raises(RefusedError, match="changes all the time"):
        checkout.pull("c/file.txt")

    assert not checkout.data("c/file.txt").exists()


def test_what_the_user_writes_while_others_are_put_stays(registry, checkout, monkeypatch):
    checkout.pull("c/folder")
    registry.new_version("c/folder", {name: b"new " + data for name, data in FOLDER.items()})
    registry.commit("Version 2")
    last = checkout.data("c/folder/sub/c.txt")
    real = placing.move_copy

    def move_copy(copy, path, **options):
        if last.read_bytes() == b"c\n":
            last.write_bytes(b"mine\n")
        real(copy, path, **options)

    monkeypatch.setattr(placing, "move_copy", move_copy)

    with pytest.raises(RefusedError, match="c\\.txt") as caught:
        checkout.pull("c/folder")

    assert "It was left as it is" in (caught.value.hint or "")
    assert last.read_bytes() == b"mine\n"
    last.unlink()
    checkout.pull("c/folder")
    assert last.read_bytes() == b"new c\n"


def test_what_is_there_already_is_left_untouched(checkout):
    paths = [checkout.data("c/file.txt"), checkout.data("c/folder/sub/b.txt")]
    paths[1].parent.mkdir(parents=True)
    paths[0].write_bytes(b"one\n")
    paths[1].write_bytes(b"b\n")
    before = [(path.stat().st_ino, path.stat().st_mtime_ns) for path in paths]

    checkout.pull()

    assert [(path.stat().st_ino, path.stat().st_mtime_ns) for path in paths] == before
    assert checkout.data("c/folder/a.txt").read_bytes() == b"a\n"
    assert not checkout.pull().changes


def test_files_that_are_not_ours_stay(checkout):
    folder = checkout.data("c/folder")
    folder.mkdir(parents=True)
    (folder / "mine.txt").write_bytes(b"mine\n")
    (folder / "link").symlink_to("mine.txt")
    (folder / "empty").mkdir()
    before = contents(folder)

    checkout.pull()
    checkout.pull(force=True)

    assert contents(folder).items() >= before.items()
    assert (folder / "a.txt").read_bytes() == b"a\n"


# Links of the user.


@pytest.fixture
def elsewhere(tmp_path):
    """A folder of the user's, which looks like the data, and must stay as it is."""
    folder = tmp_path / "elsewhere"
    for name, data in {"file.txt": b"mine\n", "a.txt": b"a\n", "sub/b.txt": b"mine\n"}.items():
        folder.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
        folder.joinpath(name).write_bytes(data)
    before = contents(folder)
    yield folder
    assert contents(folder) == before


@pytest.mark.parametrize("target", ["outside", "inside", "inside, with the same content"])
def test_a_link_in_place_of_a_file_is_refused(checkout, elsewhere, target):
    theirs = elsewhere / "file.txt"
    if target != "outside":
        theirs = checkout.root / "mine.txt"
        theirs.write_bytes(b"mine\n" if target == "inside" else b"one\n")
    checkout.data("c/file.txt").symlink_to(theirs)

    error = refused(checkout, "c/file.txt")

    assert "file.txt" in error.message


def test_by_force_a_link_is_replaced_and_what_it_leads_to_stays(checkout, elsewhere):
    path = checkout.data("c/file.txt")
    path.symlink_to(elsewhere / "file.txt")

    checkout.pull("c/file.txt", force=True)

    assert not path.is_symlink()
    assert path.read_bytes() == b"one\n"


def test_a_dangling_link_is_not_followed_to_a_new_file(checkout, elsewhere):
    checkout.data("c/file.txt").symlink_to(elsewhere / "new.txt")

    refused(checkout, "c/file.txt")


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("name", ["c/folder", "c/folder/sub"])
@pytest.mark.parametrize("inside", [False, True], ids=["outside", "inside"])
def test_a_link_in_place_of_a_folder_is_refused_even_by_force(
    checkout, elsewhere, name, inside, force
):
    target = elsewhere
    if inside:
        target = checkout.root / "mine"
        target.mkdir()
    path = checkout.data(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)

    error = refused(checkout, "c/folder", force=force)

    assert f"{path} is a symbolic link" in error.message


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_that_was_pulled_and_then_became_a_link(checkout, tmp_path, force):
    """We remember what we put there: but it is another place now."""
    checkout.pull()
    folder = checkout.data("c/folder")
    folder.rename(tmp_path / "moved")
    folder.symlink_to(tmp_path / "moved")
    (tmp_path / "moved" / "a.txt").unlink()

    error = refused(checkout, "c/folder", force=force)

    assert "is a symbolic link" in error.message
    assert not (tmp_path / "moved" / "a.txt").exists()


def test_a_link_on_the_way_to_a_folder_elsewhere(registry, tmp_path, elsewhere):
    out = tmp_path / "out"
    out.mkdir()
    (out / "c").symlink_to(elsewhere)

    with pytest.raises(RefusedError, match="is a symbolic link"):
        pull(registry.root, into=out, force=True)


def test_the_folder_that_the_user_names_may_be_a_link(registry, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to("real")

    pull(registry.root, into=tmp_path / "out")

    assert (tmp_path / "real" / "c" / "file.txt").read_bytes() == b"one\n"


def test_a_checkout_that_is_reached_by_a_link(registry, tmp_path):
    (tmp_path / "link").symlink_to(registry.root)

    pull(tmp_path / "link")

    assert (registry.root / "data" / "c" / "file.txt").read_bytes() == b"one\n"


# Files and folders in each other's place.


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_where_a_file_should_be(checkout, force):
    (checkout.data("c/file.txt")).mkdir()
    (checkout.data("c/file.txt") / "mine").write_bytes(b"mine\n")

    error = refused(checkout, "c/file.txt", force=force)

    assert "file.txt" in error.message


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("name", ["c/folder", "c/folder/sub"])
def test_a_file_where_a_folder_should_be(checkout, name, force):
    path = checkout.data(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"mine\n")

    error = refused(checkout, "c/folder", force=force)

    assert f"{path} is not a folder" in error.message


@pytest.mark.parametrize("force", [False, True])
def test_a_pipe_where_a_file_should_be(checkout, force):
    os.mkfifo(checkout.data("c/file.txt"))

    if not force:
        assert "file.txt" in refused(checkout, "c/file.txt").message
        return
    checkout.pull("c/file.txt", force=True)
    assert checkout.data("c/file.txt").read_bytes() == b"one\n"


def test_an_empty_folder_is_made_where_the_listing_is_empty(registry, checkout):
    registry.add_folder("c/none", {})
    registry.commit("Add an empty folder")

    planned = checkout.pull("c/none", dry_run=True)
    report = checkout.pull("c/none")
    again = checkout.pull("c/none")

    assert planned.changes
    assert report.pulled[0].status == "pulled"
    assert checkout.data("c/none").is_dir()
    assert not again.changes


def test_a_file_where_an_empty_folder_should_be(registry, checkout):
    registry.add_folder("c/none", {})
    registry.commit("Add an empty folder")
    checkout.data("c/none").write_bytes(b"mine\n")

    assert "is not a folder" in refused(checkout, "c/none").message


# Where we may not write.

BOUND = """
import ctypes, os, sys
if os.geteuid() == 0:
    ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)  # PR_CAPBSET_DROP CAP_DAC_OVERRIDE
os.execv(sys.executable, [sys.executable, "-m", "neurogister", *sys.argv[1:]])
"""


def as_ordinary_user(cwd: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the program so that permissions count, also for root."""
    return subprocess.run(
        [sys.executable, "-c", BOUND, *arguments],
        cwd=cwd, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="folders of Windows are not read-only")
@pytest.mark.parametrize("kind", ["hardlink", "symlink", "copy"])
@pytest.mark.parametrize("name", ["data/c/folder/sub", "data/c"])
def test_a_read_only_folder_is_named(registry, checkout, kind, name):
    registry.set_config({"cache": {"type": kind}})
    (checkout.data("c/folder/sub")).mkdir(parents=True)
    folder = checkout.root / name
    folder.chmod(0o555)
    try:
        done = as_ordinary_user(checkout.root, "pull", "c/file.txt", "c/folder")
    finally:
        folder.chmod(0o755)

    assert done.returncode == 7, done.stderr
    assert f"{folder}/" in done.stderr
    assert "Permission denied" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(checkout.root.joinpath("data").rglob("*.tmp")) == []
    again = as_ordinary_user(checkout.root, "pull", "--offline")
    assert again.returncode == 0, again.stderr
    assert checkout.data("c/folder/sub/b.txt").read_bytes() == b"b\n"


@pytest.mark.skipif(sys.platform == "win32", reason="folders of Windows are not read-only")
def test_a_read_only_folder_that_has_all_is_fine(checkout):
    checkout.pull()
    folders = [checkout.data("c"), checkout.data("c/folder"), checkout.data("c/folder/sub")]
    for folder in folders:
        folder.chmod(0o555)
    try:
        done = as_ordinary_user(checkout.root, "pull")
    finally:
        for folder in folders:
            folder.chmod(0o755)

    assert done.returncode == 0, done.stderr
    assert "nothing to do" in done.stderr


# The cache.


def test_the_cache_may_be_deleted_at_any_time(checkout):
    checkout.pull()
    shutil.rmtree(checkout.cache)

    report = checkout.pull(offline=True)

    assert not report.changes
    assert checkout.verify() == {"ok"}


def test_a_work_tree_of_links_whose_cache_is_deleted_is_filled_again(registry, checkout):
    registry.set_config({"cache": {"type": "symlink"}})
    checkout.pull()
    shutil.rmtree(checkout.cache)
    assert not checkout.data("c/file.txt").exists()

    checkout.pull()

    assert checkout.data("c/file.txt").read_bytes() == b"one\n"
    assert checkout.data("c/folder/sub/b.txt").read_bytes() == b"b\n"


def test_an_executable_that_cannot_be_run_is_put_anew(registry, checkout):
    text = registry.pointer_path("c/file.txt").read_text()
    registry.pointer_path("c/file.txt").write_text(
        text.replace("  path:", "  isexec: true\n  path:", 1)
    )
    path = checkout.data("c/file.txt")
    path.write_bytes(b"one\n")
    path.chmod(0o644)

    checkout.pull("c/file.txt")

    assert path.stat().st_mode & 0o111
    assert path.read_bytes() == b"one\n"
    with neurogister.open(checkout.root) as opened:
        assert not opened.pull("c/file.txt").changes
