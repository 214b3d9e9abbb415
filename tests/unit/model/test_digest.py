"""Digests in one pass, and DVC 2's md5 of text."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurogister.model.digest import Expected, LegacyTextMD5, MultiHasher, is_digest


def legacy(data, *, step=None):
    hasher = LegacyTextMD5()
    for start in range(0, len(data), step or max(len(data), 1)):
        hasher.update(data[start : start + (step or len(data))])
    return hasher.hexdigest()


def test_dvc_2_counts_crlf_in_text_as_lf():
    assert legacy(b"a\r\nb\r\n") == hashlib.md5(b"a\nb\n").hexdigest()


def test_dvc_2_leaves_bytes_alone():
    data = b"\x00\r\n\x01\r\n"
    assert legacy(data) == hashlib.md5(data).hexdigest()


def test_dvc_2_of_nothing_is_the_md5_of_nothing():
    assert legacy(b"") == hashlib.md5(b"").hexdigest()


def test_legacy_digests_are_those_of_dvc_itself(tmp_path):
    utils = pytest.importorskip("dvc_data.hashfile.hash")
    for number, data in enumerate(
        [
            b"a\r\nb",
            b"\x00\r\n",
            b"x" * 600 + b"\r\n",
            b"\r\n" * 700_000,
            b"",
            b"\x80" * 10 + b"\r\n",
        ]
    ):
        path = tmp_path / str(number)
        path.write_bytes(data)
        with path.open("rb") as stream:
            assert legacy(data) == utils.fobj_md5(stream, name="md5-dos2unix")


@given(st.binary(max_size=3000), st.integers(1, 700))
def test_the_legacy_digest_does_not_depend_on_how_the_bytes_come(data, step):
    assert legacy(data, step=step) == legacy(data)


@given(st.lists(st.binary(max_size=50)))
def test_all_digests_come_from_one_pass(parts):
    hasher = MultiHasher(["md5", "sha1", "sha256"])
    for part in parts:
        hasher.update(part)
    whole = b"".join(parts)
    assert hasher.hexdigests() == {
        name: hashlib.new(name, whole).hexdigest() for name in ("md5", "sha1", "sha256")
    }


@pytest.mark.parametrize(
    ("value", "fits"),
    [("a" * 32, True), ("a" * 31, False), ("A" * 32, False), ("g" * 32, False),
     ("a" * 32 + "\n", False), (12345, False), (None, False), ("٣" * 32, False)],
)  # fmt: skip
def test_only_lower_case_hexadecimal_of_the_right_length_is_a_digest(value, fits):
    assert is_digest("md5", value) is fits


def test_the_strongest_known_digest_is_checked_beside_the_md5():
    md5, sha256 = hashlib.md5(b"x").hexdigest(), hashlib.sha256(b"x").hexdigest()
    expected = Expected(md5, 1, sha256=sha256)
    assert expected.algorithms == ("md5", "sha256")
    assert expected.difference(1, {"md5": md5, "sha256": sha256}) is None
    assert "sha256" in expected.difference(1, {"md5": md5, "sha256": "0" * 64})
    assert "2 bytes" in expected.difference(2, {"md5": md5, "sha256": sha256})
