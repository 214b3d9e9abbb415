"""Zip archives: honest ones are unpacked as they are, and no hostile one does harm."""

import os
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurogister.backends.zips import ZipLimits, read_zip, unpack_zip
from neurogister.errors import (
    IntegrityError,
    InvalidFileError,
    NeurogisterError,
    NoSpaceError,
    RefusedError,
)

FILES = {"bundles/af.trk": b"streamlines" * 99, "bundles/sub/fa.nii.gz": os.urandom(300)}


def make_zip(path: Path, members, *, method: int = zipfile.ZIP_DEFLATED) -> Path:
    """Write an archive of (name or ZipInfo, content), whatever the names."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in dict(members).items() if isinstance(members, dict) else members:
            info = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name)
            info.compress_type = method
            archive.writestr(info, data)
    return path


def member(name: str, mode: int = 0o644, kind: int = stat.S_IFREG) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (kind | mode) << 16
    return info


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def refuse(path: Path, match: str, error: type[NeurogisterError] = InvalidFileError, **options):
    """Check that neither reading nor unpacking does a thing."""
    before = sorted(path.parent.rglob("*"))
    if error is InvalidFileError:
        with pytest.raises(error, match=match):
            read_zip(path, **options)
    with pytest.raises(error, match=match) as caught:
        unpack_zip(path, path.parent / "into", **options)
    assert str(path) in str(caught.value)
    assert caught.value.hint
    assert sorted(path.parent.rglob("*")) == before


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("strip", [False, True])
def test_an_archive_is_unpacked_with_and_without_its_one_folder(tmp_path, method, strip):
    path = make_zip(tmp_path / "a.zip", FILES, method=method)

    written = unpack_zip(path, tmp_path / "into", strip_root=strip)

    expected = {name.removeprefix("bundles/") if strip else name: FILES[name] for name in FILES}
    assert tree(tmp_path / "into") == expected
    assert written == [tmp_path / "into" / name for name in expected]
    assert sorted(os.listdir(tmp_path)) == ["a.zip", "into"]


@pytest.mark.parametrize(
    ("names", "root"),
    [
        (["a/x", "a/b/y"], "a"),
        (["a/", "a/x"], "a"),
        (["a/"], "a"),
        (["a/x", "b/y"], None),
        (["a/x", "__MACOSX/a/._x"], None),
        (["a/x", ".DS_Store"], None),
        (["a/x", "y"], None),
        (["a/x", "b/"], None),
        (["a"], None),
        (["a/x", "ab/y"], None),
        ([], None),
    ],
)
def test_the_root_is_the_one_folder_that_holds_all(tmp_path, names, root):
    path = make_zip(tmp_path / "a.zip", dict.fromkeys(names, b""))

    assert read_zip(path).root == root
    unpack_zip(path, tmp_path / "into", strip_root=True)
    strip = 0 if root is None else len(root) + 1
    found = {each.relative_to(tmp_path / "into") for each in (tmp_path / "into").rglob("*")}
    assert found >= {Path(name[strip:]) for name in names if name[strip:]}


def test_sizes_sums_and_empty_folders_are_told(tmp_path):
    path = make_zip(tmp_path / "a.zip", {"a/": b"", "a/x": b"123456789", "b/": b""})

    plan = read_zip(path)

    assert [(each.path, each.size, each.crc) for each in plan.members] == [("a/x", 9, 0xCBF43926)]
    assert plan.folders == ("a", "b")
    assert plan.size == 9
    unpack_zip(path, tmp_path / "into")
    assert (tmp_path / "into" / "b").is_dir()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_permissions_are_those_of_new_files(tmp_path):
    names = {member("run", 0o777): b"", member("odd", 0o6444): b"", member("shut", 0o000): b""}
    path = make_zip(tmp_path / "a.zip", list(names.items()))

    old = os.umask(0o022)
    try:
        unpack_zip(path, tmp_path / "into")
    finally:
        os.umask(old)

    modes = {each.name: each.stat().st_mode & 0o7777 for each in (tmp_path / "into").iterdir()}
    assert modes == {"run": 0o755, "odd": 0o644, "shut": 0o644}
    assert (tmp_path / "into").stat().st_mode & 0o7777 == 0o755


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../x", "would leave its folder"),
        ("a/../../x", "would leave its folder"),
        ("/etc/x", "is absolute"),
        ("C:/x", "holds the character ':'"),
        ("a\\..\\x", "holds the character"),
        ("a//x", "is empty"),
        ("./x", "would leave its folder"),
        (".git/hooks/post-checkout", "git or dvc"),
        ("a/.GIT/config", "git or dvc"),
        ("a/con.txt", "Windows device"),
        ("a\x1b[2J", "invisible character"),
        ("a\u202egnp.exe", "invisible character"),
        ("e\u0301", "normal form C"),
        ("a/" * 70 + "x", "deeper than"),
        ("a" * 300, "longer than"),
        ("../", "would leave its folder"),
        ("/", "is empty"),
    ],
)
def test_a_name_that_could_do_harm_is_refused(tmp_path, name, why):
    refuse(make_zip(tmp_path / "a.zip", {"good": b"", name: b""}), why)


def test_a_name_with_a_nul_is_refused(tmp_path):
    path = make_zip(tmp_path / "a.zip", {"aXb": b"x"})
    path.write_bytes(path.read_bytes().replace(b"aXb", b"a\0b"))

    refuse(path, "U.0000")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "names",
    [
        ["a", "a"],
        ["a/x", "A/y"],
        ["a", "A"],
        ["é", "É"],
        ["ﬁle", "file"],
        ["a", "a/x"],
        ["a/", "a"],
        ["A/", "a/x"],
        ["a/", "A/"],
    ],
)
def test_members_in_each_others_way_are_refused(tmp_path, names):
    refuse(make_zip(tmp_path / "a.zip", [(name, b"") for name in names]), "in each other's way")


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (stat.S_IFLNK, "is a symbolic link"),
        (stat.S_IFCHR, "is a device"),
        (stat.S_IFIFO, "is a device or pipe"),
        (stat.S_IFSOCK, "is a device"),
        (stat.S_IFDIR, "is a folder in one place"),
    ],
)
def test_what_is_no_plain_file_is_refused(tmp_path, kind, why):
    refuse(make_zip(tmp_path / "a.zip", [(member("x", kind=kind), b"/etc/passwd")]), why)


def test_a_folder_with_content_is_refused(tmp_path):
    path = make_zip(tmp_path / "a.zip", {"aXb": b"data"})
    path.write_bytes(path.read_bytes().replace(b"aXb", b"ab/"))

    refuse(path, "is a folder with content")


def test_an_encrypted_member_is_refused(tmp_path):
    path = make_zip(tmp_path / "a.zip", {"x": b"data"})
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)

    refuse(path, "is encrypted")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_rare_way_of_compressing_is_refused(tmp_path, method):
    refuse(make_zip(tmp_path / "a.zip", {"x": b"data"}, method=method), f"method {method}")


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        (ZipLimits(members=2), "3 members, more than 2"),
        (ZipLimits(size=2_000_000), "3,000,000 bytes, more than 2,000,000"),
        (ZipLimits(small=1000), "zip bomb"),
    ],
)
def test_too_much_is_refused(tmp_path, limits, why):
    path = make_zip(tmp_path / "a.zip", {name: bytes(1_000_000) for name in "abc"})

    refuse(path, why, limits=limits)
    assert read_zip(path).size == 3_000_000


def test_a_member_that_is_larger_than_it_says_never_gets_out(tmp_path):
    path = make_zip(tmp_path / "a.zip", {"x": bytes(5_000_000)})
    change_directory(path, 24, struct.pack("<L", 1000))

    refuse(path, "'x' is damaged", IntegrityError)


def test_a_member_that_is_smaller_than_it_says_is_damaged(tmp_path):
    path = make_zip(tmp_path / "a.zip", {"x": b"data"}, method=zipfile.ZIP_DEFLATED)
    change_directory(path, 24, struct.pack("<L", 1000))

    refuse(path, "'x' is damaged", IntegrityError)


def change_directory(path: Path, offset: int, value: bytes) -> None:
    """Overwrite a field of the first member in the list of members."""
    data = bytearray(path.read_bytes())
    start = data.index(b"PK\1\2") + offset
    data[start : start + len(value)] = value
    path.write_bytes(data)


def test_changed_bytes_are_found_and_all_is_left_as_it_was(tmp_path):
    path = make_zip(tmp_path / "a.zip", {"x": b"good", "y": b"precious"}, method=0)
    path.write_bytes(path.read_bytes().replace(b"precious", b"poisoned"))

    refuse(path, "'y' is damaged: Bad CRC-32", IntegrityError)


def test_a_name_that_differs_in_its_own_header_is_refused(tmp_path):
    path = make_zip(tmp_path / "a.zip", {"good.txt": b"x"})
    path.write_bytes(path.read_bytes().replace(b"good.txt", b"evil.txt", 1))

    refuse(path, "'good.txt' is damaged", IntegrityError)


def test_members_that_share_their_bytes_are_refused(tmp_path):
    path = make_zip(tmp_path / "a.zip", {"x": bytes(100_000), "y": bytes(100_000)})
    data = bytearray(path.read_bytes())
    second = data.index(b"PK\1\2", data.index(b"PK\1\2") + 1)
    data[second + 42 : second + 46] = bytes(4)  # y starts where x does
    path.write_bytes(data)

    refuse(path, "overlaps another one")


def test_a_list_of_members_without_end_is_not_read(tmp_path):
    path = tmp_path / "a.zip"
    size = 40 << 20
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, size, 0, 0)
    with path.open("wb") as stream:
        stream.truncate(size)
        stream.seek(size)
        stream.write(end)

    refuse(path, "list of members is too long")


@pytest.mark.parametrize("keep", [0, 1, 30, 100, -1, -22, -60])
def test_a_truncated_archive_is_refused(tmp_path, keep):
    path = make_zip(tmp_path / "a.zip", FILES)
    path.write_bytes(path.read_bytes()[:keep])

    refuse(path, "is no sound zip archive")


@pytest.mark.parametrize("data", [b"", b"<html>not here</html>", b"PK\3\4", b"PK\5\6" + bytes(7)])
def test_what_is_no_archive_is_refused(tmp_path, data):
    (tmp_path / "a.zip").write_bytes(data)

    refuse(tmp_path / "a.zip", "is no sound zip archive")


def test_a_large_archive_with_zip64_fields_is_read(tmp_path):
    path = tmp_path / "a.zip"
    with (
        zipfile.ZipFile(path, "w") as archive,
        archive.open("x", "w", force_zip64=True) as stream,
    ):
        stream.write(b"data")

    unpack_zip(path, tmp_path / "into")
    assert tree(tmp_path / "into") == {"x": b"data"}


def lie_in_zip64(path: Path) -> Path:
    """Write an archive whose one member would be 4 EiB large."""
    make_zip(path, {"x": b"data"})
    data = bytearray(path.read_bytes())
    start = data.index(b"PK\1\2")
    extra = struct.pack("<HHQ", 1, 8, 1 << 62)
    data[start + 24 : start + 28] = b"\xff" * 4
    data[start + 30 : start + 32] = struct.pack("<H", len(extra))
    data[start + 47 : start + 47] = extra
    data[-10:-6] = struct.pack("<L", 47 + len(extra))
    path.write_bytes(data)
    return path


def test_a_zip64_size_that_lies_is_refused(tmp_path):
    path = lie_in_zip64(tmp_path / "a.zip")

    refuse(path, "4,611,686,018,427,387,904 bytes, more than")


def test_more_than_the_disk_holds_is_told_before_a_byte_is_written(tmp_path):
    path = lie_in_zip64(tmp_path / "a.zip")
    limits = ZipLimits(size=1 << 63, small=1 << 63)

    with pytest.raises(NoSpaceError, match=r"into: a\.zip needs 4,611,.* not free"):
        unpack_zip(path, tmp_path / "into", limits=limits)
    assert os.listdir(tmp_path) == ["a.zip"]


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch])
def test_what_is_there_already_is_left_alone(tmp_path, make):
    path = make_zip(tmp_path / "a.zip", FILES)
    make(tmp_path / "into")

    with pytest.raises(RefusedError, match="is there already"):
        unpack_zip(path, tmp_path / "into")
    assert sorted(os.listdir(tmp_path)) == ["a.zip", "into"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_the_archive_itself_may_not_be_a_link_or_folder(tmp_path):
    make_zip(tmp_path / "a.zip", FILES)
    (tmp_path / "link.zip").symlink_to("a.zip")

    for name in ("link.zip", "."):
        with pytest.raises(NeurogisterError):
            read_zip(tmp_path / name)


# `zipfile` itself cuts names at a NUL when it writes.
_TEXT = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
_NAMES = st.text("aA é/.\\:~", min_size=1, max_size=8) | st.text(_TEXT, max_size=12)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(members=st.dictionaries(_NAMES, st.binary(max_size=50), max_size=5))
def test_any_archive_is_refused_or_unpacked_to_what_it_holds(tmp_path_factory, members):
    folder = tmp_path_factory.mktemp("zips")
    path = make_zip(folder / "a.zip", members)
    try:
        plan = read_zip(path)
    except InvalidFileError:
        with pytest.raises(InvalidFileError):
            unpack_zip(path, folder / "into")
        assert os.listdir(folder) == ["a.zip"]
        return
    unpack_zip(path, folder / "into")
    expected = {each.path: members[each.path] for each in plan.members}
    assert tree(folder / "into") == expected
    assert set(expected) == {name for name in members if not name.endswith("/")}


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_archive_with_changed_bytes_never_leaves_wrong_ones(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("zips")
    path = make_zip(folder / "a.zip", {"r/a": b"some data" * 9, "r/b": b"other"}, method=8)
    content = bytearray(path.read_bytes())
    changes = st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255))
    for at, value in data.draw(st.lists(changes, min_size=1, max_size=6)):
        content[at] = value
    path.write_bytes(content[: data.draw(st.sampled_from([None, len(content) - 3]))])
    try:
        written = unpack_zip(path, folder / "into")
    except NeurogisterError:
        assert os.listdir(folder) == ["a.zip"]
    else:
        assert all(each.is_relative_to(folder / "into") for each in written)
        assert sorted(os.listdir(folder)) == ["a.zip", "into"]
