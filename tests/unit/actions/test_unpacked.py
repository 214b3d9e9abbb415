"""The note of what was unpacked: read with no trust in it."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurogister.actions.unpacked import Unpacked
from neurogister.errors import UsageError

MD5 = "a" * 32
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)
_ROWS = st.lists(st.lists(_JSON | st.sampled_from(["x", "a/b", "../x"]), max_size=5), max_size=3)
_NOTES = _JSON | st.fixed_dictionaries({"format": st.just(1), "md5": _JSON, "files": _JSON | _ROWS})


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(note=_NOTES.map(json.dumps) | st.text())
def test_no_note_can_do_harm(tmp_path_factory, note):
    home = tmp_path_factory.mktemp("home")
    (home / ".neurogister").mkdir()
    (home / "x").mkdir()
    (home / ".neurogister/x.json").write_text(note, "utf-8", "surrogatepass")

    assert not Unpacked(home, "x.zip", MD5).is_whole()


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a\0b", "sub/../../secret", 5, None])
def test_a_note_that_leads_elsewhere_counts_for_nothing(tmp_path, path):
    (tmp_path / ".neurogister").mkdir()
    (tmp_path / "x").mkdir()
    secret = tmp_path / "secret"
    secret.write_bytes(b"")
    row = [path, 0, 0, secret.stat().st_mtime_ns]
    note = {"format": 1, "archive": "x.zip", "md5": MD5, "files": [row]}
    (tmp_path / ".neurogister/x.json").write_text(json.dumps(note))

    assert not Unpacked(tmp_path, "x.zip", MD5).is_whole()


@pytest.mark.parametrize(
    "note",
    ["[" * 200_000, '{"format": 1, "md5": "", "files": [["x", Infinity, 0, 0]]}', "\ufeff{}", "1"],
)
def test_a_note_that_makes_no_sense_is_none(tmp_path, note):
    (tmp_path / ".neurogister").mkdir()
    (tmp_path / ".neurogister/x.json").write_text(note, "utf-8")

    assert not Unpacked(tmp_path, "x.zip", MD5).is_whole()


def test_a_note_of_files_that_are_there_is_believed(tmp_path):
    (tmp_path / ".neurogister").mkdir()
    (tmp_path / "x").mkdir()
    (tmp_path / "x/y").write_bytes(b"12")
    row = ["y", 2, 0, (tmp_path / "x/y").stat().st_mtime_ns]
    note = {"format": 1, "archive": "x.zip", "md5": MD5, "files": [row]}
    (tmp_path / ".neurogister/x.json").write_text(json.dumps(note))

    assert Unpacked(tmp_path, "x.zip", MD5).is_whole()
    assert not Unpacked(tmp_path, "x.zip", "b" * 32).is_whole()


@given(name=st.text(max_size=12), md5=st.text(max_size=40))
def test_any_words_are_a_usage_error(name, md5):
    with pytest.raises(UsageError):
        Unpacked(None, name, md5)
