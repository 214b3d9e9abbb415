"""Manifests: CSV in, CSV out, nothing trusted."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurogister.errors import InvalidFileError
from neurogister.model.listing import Entry
from neurogister.model.manifest import PLAIN_COLUMNS, dump_manifest, parse_manifest

M, S = "a" * 32, "b" * 64


def test_a_manifest_is_read_back_in_the_order_of_its_paths():
    entries = [Entry("b, with comma", M, 2, S), Entry("a", M, 1, S)]
    data = dump_manifest(entries)
    assert data == f'size,md5,sha256,path\n1,{M},{S},a\n2,{M},{S},"b, with comma"\n'.encode()
    assert parse_manifest(data, name="m") == sorted(entries, key=lambda entry: entry.path)


def test_the_plain_form_has_no_md5():
    data = dump_manifest([Entry("a", "", 1, S)], columns=PLAIN_COLUMNS)
    assert data == f"size,sha256,path\n1,{S},a\n".encode()
    assert parse_manifest(data, name="m")[0].md5 == ""


@pytest.mark.parametrize(
    "text",
    [
        "", "a,b\n", "size,path\n1,a\n", "size,md5,md5,path\n", "size,md5,path,owner\n",
        f"size,md5,path\n-1,{M},a\n", f"size,md5,path\n1.5,{M},a\n", f"size,md5,path\n１,{M},a\n",
        f"size,md5,path\n1,{M.upper()},a\n", "size,md5,path\n1,../../x,a\n",
        f"size,md5,path\n1,{M},../a\n", f"size,md5,path\n1,{M},a\n1,{M},A\n",
        f"size,md5,path\n1,{M}\n", f'size,md5,path\n1,{M},"a\n', f"size,md5,path\n1,{M},a\x00\n",
    ],
    ids=ascii,
)  # fmt: skip
def test_a_broken_manifest_is_refused_by_name(text):
    with pytest.raises(InvalidFileError, match=r"(m\.csv|listing of m)"):
        parse_manifest(text.encode(), name="m.csv")


@given(st.binary(max_size=300))
def test_nothing_but_our_error_comes_of_any_bytes(data):
    with suppress(InvalidFileError):
        parse_manifest(data, name="m")
