"""Metadata as people type it."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurogister.errors import UsageError
from neurogister.model.assignments import (
    MAX_KEY,
    assign,
    check_key,
    merge,
    parse_assignment,
    parse_assignments,
    parse_value,
    remove,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("6", 6),
        ("-6", -6),
        ("2.5", 2.5),
        ("1e3", 1000.0),
        ("0x10", 16),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", ""),
        ("mouse", "mouse"),
        ("yes", "yes"),
        ("007", "007"),
        ('"007"', "007"),
        ('"6"', "6"),
        ('"true"', "true"),
        ('""', ""),
        ("a=b", "a=b"),
        ("a b", "a b"),
        (" 6", " 6"),
        ("[1, 2]", [1, 2]),
        ('["a", {"b": null}]', ["a", {"b": None}]),
        ('{"a": {"b": 1}}', {"a": {"b": 1}}),
        ("[1, 2", "[1, 2"),
        ("[M1]", "[M1]"),
        ("{x}", "{x}"),
        ('"half', '"half'),
        ('"a" and "b"', '"a" and "b"'),
        ("[NaN]", "[NaN]"),
        ("[Infinity]", "[Infinity]"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("1e999", "1e999"),
        ("2024-01-01", "2024-01-01"),
        ("12:30", "12:30"),
        ("é", "é"),
        ("<5", "<5"),
    ],
)
def test_what_a_value_means(text, value):
    found = parse_value(text)
    assert (found, type(found)) == (value, type(value))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@given(JSON.filter(lambda value: isinstance(value, dict | list | str)))
def test_json_is_what_it_says(value):
    assert parse_value(json.dumps(value)) == value


@given(st.text())
def test_any_text_is_something(text):
    value = parse_value(text)
    assert not isinstance(value, float) or math.isfinite(value)
    if isinstance(value, str) and not text.startswith('"'):
        assert value == text


@given(st.recursive(st.just("["), lambda inner: inner.map(lambda text: text * 9), max_leaves=6))
def test_deep_json_is_text(text):
    assert parse_value(text) == text


def test_json_deeper_than_python_counts_is_text():
    text = "[" * 100_000
    assert parse_value(text) == text


def test_key_and_value():
    assert parse_assignment("acquisition.tr=2.5") == ("acquisition.tr", 2.5)
    assert parse_assignment("formula=a=b") == ("formula", "a=b")
    assert parse_assignment("empty=") == ("empty", "")


@pytest.mark.parametrize(
    "text",
    ["", "age", "=6", " age=6", "age =6", ".a=1", "a.=1", "a..b=1", "a. b=1", "a\n=1", "a\x00=1",
     "a\u200b=1", "k" * (MAX_KEY + 1) + "=1"],
    ids=ascii,
)  # fmt: skip
def test_what_is_no_assignment(text):
    with pytest.raises(UsageError):
        parse_assignment(text)


@pytest.mark.parametrize(
    "key", ["age", "Age (years)", "a.b.c", "é", "脳", "a-b", "a:b", "#", "<<", "k" * MAX_KEY]
)
def test_what_a_key_can_be(key):
    assert ".".join(check_key(key)) == key


def test_the_last_one_wins():
    assert parse_assignments(["a=1", "b.c=2", "a=3", "b.d=4"]) == {"a": 3, "b": {"c": 2, "d": 4}}


@pytest.mark.parametrize("before", [["a=1", "a.b=2"], ["a=[1]", "a.b=2"], ["a=null", "a.b=2"]])
def test_a_value_does_not_become_a_mapping_by_itself(before):
    with pytest.raises(UsageError, match="no mapping") as caught:
        parse_assignments(before)
    assert "-K a" in (caught.value.hint or "")


def test_a_mapping_may_be_replaced():
    assert parse_assignments(["a.b=2", "a=1"]) == {"a": 1}


def test_remove():
    metadata = {"a": 1, "b": {"c": 2, "d": {"e": 3}}, "x.y": 4}
    assert remove(metadata, "b.d.e")
    assert metadata == {"a": 1, "b": {"c": 2}, "x.y": 4}, "a mapping that is empty goes too"
    assert remove(metadata, "x.y"), "a key with a dot in it"
    assert remove(metadata, "b.c")
    assert metadata == {"a": 1}
    for absent in ("z", "a.b", "b", ""):
        assert not remove(metadata, absent)
    assert metadata == {"a": 1}


KEYS = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(".".join)


@given(st.dictionaries(st.sampled_from("abc"), JSON, max_size=3), KEYS, JSON)
def test_what_is_assigned_is_there_and_can_be_removed(metadata, key, value):
    before = json.loads(json.dumps(metadata))
    try:
        assign(metadata, key, value)
    except UsageError:
        return
    inner = metadata
    for part in key.split("."):
        inner = inner[part]
    assert inner == value
    assert remove(metadata, key)
    assert not remove(metadata, key)
    first = key.partition(".")[0]
    others = [{k: v for k, v in each.items() if k != first} for each in (before, metadata)]
    assert others[0] == others[1]


MAPPINGS = st.recursive(
    st.dictionaries(st.sampled_from("abc"), st.integers(), max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner | st.integers(), max_size=3),
    max_leaves=4,
)


@given(MAPPINGS, MAPPINGS)
def test_merge(first, second):
    before = json.dumps([first, second])
    merged = merge(first, second)
    assert json.dumps([first, second]) == before, "neither is changed"
    assert merge(merged, second) == merged
    assert merge(first, {}) == first
    assert merge({}, second) == second
    assert merged.keys() == first.keys() | second.keys()
    for key, value in second.items():
        assert merged[key] == value or isinstance(value, dict)
