"""Files that cannot lie in one folder, and who brought them."""

import pytest

from neurogister.model.clashes import find_clashes


@pytest.mark.parametrize(
    "paths", [[], ["a"], ["a", "b"], ["a/b", "a/c"], ["a/b/c", "a/b/d", "a/e"], ["ab/c", "a"]]
)
def test_what_can_lie_together_is_not_told(paths):
    assert find_clashes((path, f"from {path}") for path in paths) == []


@pytest.mark.parametrize(
    ("paths", "why"),
    [
        (["a", "a"], "both give 'a'"),
        (["a/é", "A/É"], "where case does not count, 'a/é' is also 'A/É'"),
        (["a", "a/b"], "'a' is both a file and a folder"),
        (["a/b", "a"], "'a' is both a file and a folder"),
        (["a/b/c", "A/B"], "'a/b' is both a file and a folder"),
        (["a/x", "A/y"], "the folders 'A' and 'a' differ in case only"),
        (["ﬁle", "file"], "where case does not count, 'ﬁle' is also 'file'"),
    ],
)
def test_what_cannot_is_told_with_its_owners(paths, why):
    found = find_clashes(zip(paths, ["one", "two"], strict=True))

    assert why in [reason for _, _, reason in found]
    assert all({later, earlier} == {"one", "two"} for later, earlier, _ in found)


def test_all_is_told_and_each_once():
    owned = [("a/1", "x"), ("a/2", "x"), ("a/1", "y"), ("A/3", "y"), ("A/4", "y"), ("a", "z")]

    assert find_clashes(owned) == [
        ("y", "x", "the folders 'A' and 'a' differ in case only"),
        ("y", "x", "both give 'a/1'"),
        ("z", "x", "'a' is both a file and a folder"),
    ]
