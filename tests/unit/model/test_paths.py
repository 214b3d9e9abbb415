"""Which names may come out of a pointer, a listing or an archive."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurogister.model.paths import check_component, check_path, check_together, fold

HARMLESS = [
    "t1.nii.gz", "sub-01", "sub_01+b", "(copy)", "a b", "été.nii", "脳.nii.gz", "data=1,2", "~x",
    "#1", "100%", ".bidsignore", ".hidden", "con1", "comx", "nul-1", "a" * 250, "@eaDir", "git",
]  # fmt: skip

HARMFUL = [
    "", ".", "..", "a/b", "/etc", "a\\b", "C:x", "a*", "a?", 'a"b', "a<b", "a>b", "a|b", "a$b",
    "a;b", "a{b", "a}b", "a`b", "-rf", " a", "a ", "a.", "CON", "nul", "com1", "LPT9.txt",
    "aux.nii", ".git", ".GIT", ".gitattributes", ".gitmodules", ".dvc", ".DVC", "git~1",
    "GIT~2", "a\nb",
    "a\x1b[31m", "a\u202eb", "a\u200bb", "a\ufeffb", "a\x00b", "\ud800", "e\u0301", "a" * 251,
    "é" * 126, ".ｇｉｔ", "a\x7f",
]  # fmt: skip


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_name_may_be_written(name):
    check_component(name)


@pytest.mark.parametrize("name", HARMFUL, ids=ascii)
def test_a_harmful_name_is_refused_with_the_reason(name):
    with pytest.raises(ValueError, match=r"."):
        check_component(name)


@pytest.mark.parametrize("path", ["/a", "a//b", "a/../b", "../a", "a/", "a/./b", "a/.git/config"])
def test_a_path_that_leaves_its_folder_is_refused(path):
    with pytest.raises(ValueError, match=r"."):
        check_path(path)


def test_a_very_deep_path_is_refused():
    with pytest.raises(ValueError, match="deeper"):
        check_path("/".join(["a"] * 65))


@pytest.mark.parametrize(
    "paths",
    [
        ["a", "a"], ["a", "A"], ["a", "a/b"], ["a/b", "A/c"], ["A/b/c", "a/b/d"],
        ["straße", "STRASSE"], ["a/b/c", "a/B"], ["ﬁle", "file"],
    ],
    ids=str,
)  # fmt: skip
def test_paths_that_collide_are_refused(paths):
    with pytest.raises(ValueError, match=r"."):
        check_together(paths)
    with pytest.raises(ValueError, match=r"."):
        check_together(reversed(paths))


def test_paths_that_do_not_collide_may_lie_together():
    check_together(["a/b", "a/c", "ab", "a-b", "b/a/c", "b/a/d", "b/e"])


@given(st.text(max_size=30))
def test_what_passes_is_one_component_that_every_system_keeps(name):
    try:
        check_component(name)
    except ValueError:
        return
    assert "/" not in name
    assert "\\" not in name
    assert name not in ("", ".", "..")
    assert unicodedata.normalize("NFC", name) == name
    assert not any(unicodedata.category(each).startswith("C") for each in name)
    assert fold(name).rstrip(". ") not in (".git", ".dvc")
