"""Files whole or not at all, links never followed, and nothing outside a destination."""

import errno
import json
import os
import stat
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from neurogister import links
from neurogister.actions.examining import Examiner, Place
from neurogister.actions.placing import put
from neurogister.backends.cache import Cache
from neurogister.backends.holdings import Holdings
from neurogister.backends.state import State
from neurogister.errors import InvalidFileError, NeurogisterError, NoSpaceError, RefusedError
from neurogister.files import (
    Destination,
    free_space,
    open_regular,
    translated,
    walk,
    write_whole,
    written_whole,
)
from neurogister.links import Linker, move_copy
from neurogister.model.digest import Expected
from neurogister.model.listing import parse_listing
from neurogister.model.objects import ObjectId, Wanted

# Writing.


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_what_is_no_file_is_written_to_and_stays_what_it_is(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()

    write_whole(pipe, b"data")

    reader.join(10)
    assert got == [b"data"]
    assert pipe.is_fifo()


def test_a_file_is_there_whole_or_not_at_all(tmp_path):
    path = tmp_path / "file"
    with written_whole(path) as stream:
        stream.write(b"new")
        assert not path.exists()

    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_what_fails_in_the_middle_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    with pytest.raises(RuntimeError), written_whole(path) as stream:
        stream.write(b"ne")
        raise RuntimeError

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_replaced_and_not_followed(tmp_path):
    (tmp_path / "theirs").write_bytes(b"theirs")
    (tmp_path / "file").symlink_to("theirs")

    write_whole(tmp_path / "file", b"ours")

    assert (tmp_path / "theirs").read_bytes() == b"theirs"
    assert not (tmp_path / "file").is_symlink()


def test_permissions_follow_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "file", b"")
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_a_long_name_leaves_room_for_the_temporary_one(tmp_path):
    write_whole(tmp_path / ("a" * 250), b"long")

    assert (tmp_path / ("a" * 250)).read_bytes() == b"long"


def test_an_error_of_the_system_names_the_file(tmp_path):
    with pytest.raises(NeurogisterError, match=r"cannot write .*missing.file"):
        write_whole(tmp_path / "missing" / "file", b"")


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, NoSpaceError), (errno.EDQUOT, NoSpaceError), (errno.EROFS, RefusedError),
        (errno.EACCES, RefusedError), (errno.EIO, NeurogisterError),
    ],
)  # fmt: skip
def test_errors_of_the_system_become_ours(number, kind):
    error = translated(OSError(number, "why"), "the/file", "write")

    assert type(error) is kind
    assert error.message == "cannot write the/file: why"


def test_an_error_of_ours_stays_as_it_is():
    error = NoSpaceError("full")

    assert translated(error, "the/file", "write") is error


# Reading.


def test_only_a_file_is_opened(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")

    with open_regular(tmp_path / "file") as stream:
        assert stream.read() == b"content"
    for name in ("link", "folder", "fifo", "missing"):
        with pytest.raises(OSError, match=r"."):
            open_regular(tmp_path / name)


def test_a_folder_is_walked_without_following_links(tmp_path):
    (tmp_path / "root" / "a" / "b").mkdir(parents=True)
    (tmp_path / "root" / "a" / "b" / "file").touch()
    (tmp_path / "root" / "link").symlink_to(tmp_path)
    (tmp_path / "root" / "loop").symlink_to(".")
    os.mkfifo(tmp_path / "root" / "fifo")

    assert sorted(path for path, _ in walk(tmp_path / "root")) == [
        "a/b/file", "fifo", "link", "loop",
    ]  # fmt: skip


def test_free_space_is_known_for_what_is_not_there_yet(tmp_path):
    assert free_space(tmp_path / "not" / "there") == pytest.approx(free_space(tmp_path), rel=0.1)


# Destinations.


def test_parents_are_made_once_asked_for(tmp_path):
    destination = Destination(tmp_path / "root")

    destination.check_parents("a/b/file")
    assert not (tmp_path / "root").exists()
    assert destination.make_parents("a/b/file") == tmp_path / "root" / "a" / "b" / "file"
    assert (tmp_path / "root" / "a" / "b").is_dir()


@pytest.mark.parametrize("link", ["a", "a/b"])
@pytest.mark.parametrize("target", [".", "/", "elsewhere", "missing"])
def test_a_link_on_the_way_is_refused(tmp_path, link, target):
    (tmp_path / "elsewhere").mkdir()
    root = tmp_path / "root"
    (root / link).parent.mkdir(parents=True)
    (root / link).symlink_to(tmp_path / target)
    destination = Destination(root)

    with pytest.raises(RefusedError, match="is a symbolic link"):
        destination.check_parents("a/b/file")
    with pytest.raises(RefusedError, match="is a symbolic link"):
        destination.make_parents("a/b/file")


def test_a_link_that_comes_after_the_check_is_refused_as_well(tmp_path):
    destination = Destination(tmp_path / "root")
    destination.check_parents("a/b/file")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "a").symlink_to(tmp_path)

    with pytest.raises(RefusedError, match="is a symbolic link"):
        destination.make_parents("a/b/file")


@pytest.mark.parametrize("file", ["a", "a/b"])
def test_a_file_on_the_way_is_refused(tmp_path, file):
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()

    with pytest.raises(RefusedError, match="is not a folder"):
        Destination(tmp_path).make_parents("a/b/file")


def test_a_stamp_tells_whether_a_file_is_the_same(tmp_path):
    destination = Destination(tmp_path)
    assert destination.stamp("file") is None
    (tmp_path / "file").write_bytes(b"one")
    first = destination.stamp("file")

    write_whole(tmp_path / "file", b"two")

    assert first is not None
    assert destination.stamp("file") not in (None, first)
    (tmp_path / "file").unlink()
    (tmp_path / "file").symlink_to("missing")
    assert destination.stamp("file") is not None


# Links.


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "cache" / "tmp" / "object"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"content")
    path.chmod(0o444)
    return path


@pytest.mark.parametrize("there", [None, "file", "link", "the same"])
@pytest.mark.parametrize("kind", ["hardlink", "symlink", "copy"])
def test_each_kind_of_link_replaces_what_is_there(tmp_path, source, kind, there):
    target = tmp_path / "target"
    (tmp_path / "theirs").write_bytes(b"theirs")
    if there == "file":
        target.write_bytes(b"old")
    elif there == "link":
        target.symlink_to("theirs")
    elif there == "the same":
        Linker([kind]).place(source, target)

    assert Linker([kind]).place(source, target) == kind

    assert target.read_bytes() == b"content"
    assert target.is_symlink() == (kind == "symlink")
    assert target.samefile(source) == (kind != "copy")
    assert (tmp_path / "theirs").read_bytes() == b"theirs"
    assert source.stat().st_mode & 0o777 == 0o444
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "target", "theirs"]


@pytest.mark.parametrize("kind", links.LINK_KINDS)
def test_an_executable_is_a_copy_that_can_be_run(tmp_path, source, kind):
    made = Linker([kind]).place(source, tmp_path / "target", executable=True)

    assert made in ("reflink", "copy")
    assert (tmp_path / "target").stat().st_mode & 0o111
    assert not source.stat().st_mode & 0o111
    assert not (tmp_path / "target").samefile(source)


def test_a_finished_copy_is_moved_and_may_be_run(tmp_path):
    (tmp_path / "copy").write_bytes(b"content")
    (tmp_path / "copy").chmod(0o644)

    move_copy(tmp_path / "copy", tmp_path / "target", executable=True)

    assert stat.S_IMODE((tmp_path / "target").stat().st_mode) == 0o755
    assert not (tmp_path / "copy").exists()


def test_the_next_kind_is_taken_where_one_does_not_work(tmp_path, source):
    other = Path("/dev/shm")  # another file system
    if not other.is_dir() or other.stat().st_dev == source.stat().st_dev:
        pytest.skip("there is but one file system")
    linker = Linker(["hardlink", "copy"])
    with tempfile.TemporaryDirectory(dir=other) as folder:
        assert linker.place(source, Path(folder, "target")) == "copy"
        assert Path(folder, "target").read_bytes() == b"content"
        assert os.listdir(folder) == ["target"]
    assert linker.kinds == ["copy"]


def test_a_file_that_has_all_the_links_it_can_have_is_copied_and_others_are_not(
    tmp_path, source, monkeypatch
):
    """The limit is 65,000 on ext4: too many to make here, so the system says it early."""
    real = os.link

    def limited(one, other, **options):
        if Path(one) == source:
            raise OSError(errno.EMLINK, "Too many links")
        real(one, other, **options)

    monkeypatch.setattr(os, "link", limited)
    linker = Linker(["hardlink"])
    second = source.with_name("second")
    second.write_bytes(b"second")

    assert linker.place(source, tmp_path / "one") == "copy"
    assert linker.place(second, tmp_path / "two") == "hardlink"


@pytest.mark.parametrize("kind", links.LINK_KINDS)
def test_an_object_that_is_gone_is_named_and_no_link_leads_to_nothing(tmp_path, source, kind):
    source.unlink()
    linker = Linker([kind])

    with pytest.raises(NeurogisterError, match="has gone from the cache") as caught:
        linker.place(source, tmp_path / "target")

    assert str(source) in caught.value.message
    assert not os.path.lexists(tmp_path / "target")
    assert kind in linker.kinds


def test_kinds_are_tried_before_they_are_counted_on(tmp_path, source):
    linker = Linker(["symlink", "copy"])
    linker.try_kinds(source.parents[1], tmp_path / "not" / "there")

    assert linker.kinds == ["symlink", "copy"]
    assert not linker.copies
    assert Linker(["copy"]).copies
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["cache", "object", "tmp"]


def test_an_empty_and_a_large_file_are_copied_whole(tmp_path):
    for size in (0, 1, (3 << 20) + 17):
        source = tmp_path / "source"
        source.write_bytes(b"x" * size)
        Linker(["copy"]).place(source, tmp_path / "target")
        assert (tmp_path / "target").read_bytes() == b"x" * size


# Whatever a listing says, nothing comes to lie outside.

CONTENT = b"content"
MD5 = "9a0364b9e99bb480dd25e1f0284c8555"

odd = st.sampled_from(
    ["..", ".", "", "~", "/", "//", "\\", "..\\", "C:", "C:\\", ".git", ".GIT", "git~1", ".dvc",
     "\x00", "\n", "\x1b[2J", "\u202e", "a\u0301", "\ud800", "con", " ", "-", "a.", "é", "ＡＢ",
     "%2e%2e", "..%2f", "file:", "%s", "$HOME", "`x`", "{a,b}", "*", "?", ".dvcignore", "a" * 300]
)  # fmt: skip
harmless = st.from_regex(r"\A[a-cA-C.]{1,3}\Z")
components = st.one_of(harmless, harmless, harmless, harmless, odd, st.text(max_size=4))
paths = st.builds(
    lambda start, parts, end: start + "/".join(parts) + end,
    st.sampled_from(["", "", "", "/", "./", "../"]),
    st.lists(components, max_size=5),
    st.sampled_from(["", "", "", "/", "/."]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(paths, max_size=4))
@example(["../x"])
@example(["a/../../x"])
@example(["a", "a/b"])
@example(["A/x", "a/y"])
@example(["a/b/c", "a/b/d", "e"])
def test_whatever_listing_is_accepted_stays_below_its_folder(relative):
    data = json.dumps([{"md5": MD5, "relpath": path} for path in relative]).encode()
    try:
        entries = parse_listing(data, name="f", nfiles=len(relative))
    except InvalidFileError:
        return
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        holdings, wanted = _holdings(top / "cache")
        (top / "neighbour").write_bytes(b"mine")
        (top / "root" / "f").mkdir(parents=True)
        before = _snapshot(top, without="root/f")

        destination = Destination(top / "root")
        places = [Place(f"f/{entry.path}", wanted) for entry in entries]
        Examiner(destination, holdings).examine(places)
        put(places, destination, holdings, Linker(["copy"]))

        assert _snapshot(top, without="root/f") == before
        made = {path for path, _ in walk(top / "root" / "f")}
        assert made == {entry.path for entry in entries}
        assert all((top / "root" / "f" / path).read_bytes() == CONTENT for path in made)


def _holdings(folder: Path) -> tuple[Holdings, Wanted]:
    cache = Cache(folder)
    cache.prepare()
    holdings = Holdings([cache], State(None))
    wanted = Wanted(ObjectId(MD5), Expected(MD5), "f", len(CONTENT))
    holdings.took([(wanted.oid, cache.store(wanted.oid, CONTENT), None)])
    return holdings, wanted


def _snapshot(top: Path, *, without: str) -> dict[str, bytes | None]:
    return {
        path: Path(entry.path).read_bytes()
        for path, entry in walk(top)
        if not path.startswith(f"{without}/")
    }
