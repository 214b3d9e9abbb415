"""What people type: names with versions and parts, globs, paths."""

import posixpath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurogister.model.dataset import Dataset
from neurogister.model.names import (
    Reading,
    Target,
    glob_matcher,
    is_glob,
    is_version,
    normalize_path,
    readings,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mni-t1", [("mni-t1", None, None)]),
        ("mni-t1@2", [("mni-t1@2", None, None), ("mni-t1", "2", None)]),
        ("v/p@1.2.0", [("v/p@1.2.0", None, None), ("v/p", "1.2.0", None)]),
        ("a@b", [("a@b", None, None)]),
        ("@2", [("@2", None, None)]),
        ("a:b", [("a:b", None, None), ("a", None, "b")]),
        ("a:", [("a:", None, None)]),
        (":b", [(":b", None, None)]),
        ("a@1:b", [("a@1:b", None, None), ("a@1", None, "b"), ("a", "1", "b")]),
        ("a:b@2", [("a:b@2", None, None), ("a:b", "2", None), ("a", None, "b@2")]),
        ("a:b:c", [("a:b:c", None, None), ("a", None, "b:c"), ("a:b", None, "c")]),
        ("a@1@2", [("a@1@2", None, None), ("a@1", "2", None)]),
        ("s/*:*.bval", [("s/*:*.bval", None, None), ("s/*", None, "*.bval")]),
    ],
)
def test_ways_to_read_what_was_typed(text, expected):
    assert list(readings(text)) == [Reading(*each) for each in expected]


@settings(deadline=None)
@given(st.text("ab/@:12.*", max_size=12))
def test_every_reading_is_made_of_what_was_typed(text):
    for reading in readings(text):
        version = f"@{reading.version}" if reading.version else ""
        part = f":{reading.part}" if reading.part else ""
        assert f"{reading.base}{version}{part}" == text


@pytest.mark.parametrize("text", ["1", "42", "1.0.0", "2.1.0-rc.1"])
def test_versions(text):
    assert is_version(text)


@pytest.mark.parametrize("text", ["", "0", "01", "1.0", "v1", "-1", "latest", "１", "1" * 30])
def test_what_is_no_version(text):
    assert not is_version(text)


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("mni152/*", "mni152/t1.nii.gz", True),
        ("mni152/*", "mni152/sub/t1.nii.gz", True),
        ("mni152/*", "mni152", False),
        ("*.nii", "a/b.nii", True),
        ("sub-0[12]", "sub-01", True),
        ("sub-0[!12]", "sub-01", False),
        ("T?", "t1", False),
    ],
)
def test_globs(pattern, name, fits):
    assert is_glob(pattern)
    assert glob_matcher(pattern)(name) is fits


def test_a_hostile_glob_ends_soon():
    assert not glob_matcher("*a" * 40 + "b")("a" * 200)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a/b", "a/b"), ("./a", "a"), ("a//b/", "a/b"), ("a/./b", "a/b"), ("a/x/../b", "a/b"),
        ("", None), (".", None), ("..", None), ("../a", None), ("a/../..", None), ("/a", None),
    ],
)  # fmt: skip
def test_paths_are_made_plain(text, path):
    assert normalize_path(text) == path


@settings(deadline=None)
@given(st.text("a./", max_size=12))
def test_a_plain_path_stays_inside(text):
    path = normalize_path(text)
    if path is not None:
        assert not posixpath.isabs(path)
        assert ".." not in path.split("/")
        assert normalize_path(path) == path


def test_a_target_is_written_as_it_would_be_typed():
    item = Dataset(name="mni152/t1", place="data/mni152/t1")
    assert str(Target(item)) == "mni152/t1"
    assert str(Target(item, "2", "a/b", "typed")) == "mni152/t1@2:a/b"
