"""Names that look alike are one to us; names of one script are not mixed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurogister.actions.validation.lookalikes import identifier_skeleton, is_mixed, skeleton


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("аcme", "acme"),
        ("асме", "acme"),
        ("Ａcme", "acme"),
        ("ACME", "acme"),
        ("ϲ", "ϲ"),
        ("ο", "o"),
    ],
)
def test_names_that_look_alike(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(
    ("one", "other"), [("größe", "grosse2"), ("脑", "月"), ("é", "e"), ("a", "b")]
)
def test_names_that_do_not(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


@pytest.mark.parametrize("name", ["аcme", "Βeta.dvc", "sub-01_tеst", "pаth/x"])
def test_mixed(name: str) -> None:
    assert is_mixed(name)


@pytest.mark.parametrize(
    "name",
    ["acme", "мозг.nii.gz", "ψυχή_T1w.dvc", "größe", "脑 brain", "sub-а", "α1-beta", "日本語text"],
)
def test_not_mixed(name: str) -> None:
    assert not is_mixed(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [("a0", "ao"), ("a1", "al"), ("ai", "al"), ("a_b", "a-b"), ("rn", "m"), ("vv", "w")],
)
def test_identifiers_that_look_alike(one: str, other: str) -> None:
    assert identifier_skeleton(one) == identifier_skeleton(other)


@given(st.text("0123456789abcdefghijklmnopqrstuvwxyz_-", min_size=1, max_size=20))
def test_skeleton_of_a_skeleton_is_itself_for_letters_one_by_one(key: str) -> None:
    for character in key:
        once = identifier_skeleton(character)
        assert identifier_skeleton(once) == once


@given(st.text(max_size=30))
def test_skeleton_does_not_depend_on_case(name: str) -> None:
    assert skeleton(name) == skeleton(skeleton(name)) or not name.isascii()
    if name.isascii():
        assert skeleton(name.upper()) == skeleton(name)
