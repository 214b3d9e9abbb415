"""DVC's listings of folders: written byte for byte, read with suspicion."""

import hashlib
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurogister.errors import InvalidFileError
from neurogister.model.listing import (
    Entry,
    dump_listing,
    listing_md5,
    listing_sha256,
    parse_listing,
    size_limit,
)

A, B = "a" * 32, "b" * 32


def listing(*rows):
    return json.dumps(list(rows)).encode()


def test_the_bytes_are_those_of_dvc():
    entries = [Entry("notes/a", A), Entry("notes.d/z", B), Entry("notes-2", A), Entry("é", B)]
    assert dump_listing(entries) == (
        b'[{"md5": "' + A.encode() + b'", "relpath": "notes-2"}, '
        b'{"md5": "' + B.encode() + b'", "relpath": "notes.d/z"}, '
        b'{"md5": "' + A.encode() + b'", "relpath": "notes/a"}, '
        b'{"md5": "' + B.encode() + b'", "relpath": "\\u00e9"}]'
    )


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{}", b"null", b"[1]", b"\xff\xfe", b"[" * 100_000,
        b'[{"md5": "' + A.encode() + b'"}]',
        listing({"md5": A, "relpath": 1}), listing({"md5": A, "relpath": None}),
        listing({"md5": A.upper(), "relpath": "a"}), listing({"md5": A[:-1], "relpath": "a"}),
        listing({"md5": "../" + A[3:], "relpath": "a"}), listing({"md5": A + "\n", "relpath": "a"}),
        listing({"md5": 5, "relpath": "a"}), listing({"md5": A, "relpath": "a", "size": 1}),
        listing({"md5": A, "relpath": "../a"}), listing({"md5": A, "relpath": "/etc/passwd"}),
        listing({"md5": A, "relpath": "a/.git/config"}), listing({"md5": A, "relpath": "a\nb"}),
        listing({"md5": A, "relpath": "a"}, {"md5": B, "relpath": "A"}),
        listing({"md5": A, "relpath": "a"}, {"md5": B, "relpath": "a/b"}),
        listing({"md5": A, "relpath": "\ud800"}), listing({"md5": A, "relpath": ""}),
    ],
    ids=lambda data: ascii(data[:40]),
)  # fmt: skip
def test_a_hostile_listing_is_refused_by_name(data):
    with pytest.raises(InvalidFileError, match="the listing of my/folder"):
        parse_listing(data, name="my/folder")


def test_a_listing_of_another_number_of_files_is_refused():
    with pytest.raises(InvalidFileError, match="its pointer says 2"):
        parse_listing(listing({"md5": A, "relpath": "a"}), name="f", nfiles=2)


def test_a_listing_too_large_for_its_pointer_is_not_even_parsed():
    with pytest.raises(InvalidFileError, match="too many"):
        parse_listing(b"x" * (size_limit(2) + 1), name="f", nfiles=2)


def test_a_million_entries_where_two_are_declared_cost_nothing():
    rows = b",".join([b'{"md5": "' + A.encode() + b'", "relpath": "a"}'] * 200_000)
    with pytest.raises(InvalidFileError, match="too many"):
        parse_listing(b"[" + rows + b"]", name="f", nfiles=2)


names = st.from_regex(r"\A[a-z0-9_]{1,8}\Z")
folders = st.dictionaries(
    st.lists(names, min_size=1, max_size=3).map("/".join), st.binary(max_size=20), max_size=20
)


@given(folders)
def test_what_is_written_is_read_back(content):
    paths = set(content)
    if any(f"{path}/".startswith(f"{other}/") for path in paths for other in paths - {path}):
        return
    entries = [
        Entry(path, hashlib.md5(data).hexdigest(), sha256=hashlib.sha256(data).hexdigest())
        for path, data in content.items()
    ]
    read = parse_listing(dump_listing(entries), name="f", nfiles=len(entries))
    assert {entry.path: entry.md5 for entry in read} == {e.path: e.md5 for e in entries}
    assert listing_md5(read) == listing_md5(entries)
    assert listing_sha256(entries) is not None
    assert listing_sha256(read) is None or not entries


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_nothing_but_our_error_comes_of_any_bytes(data):
    with suppress(InvalidFileError):
        parse_listing(data, name="f")
