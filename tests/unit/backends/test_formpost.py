"""Forms that others have signed: read strictly."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurogister.backends.formpost import Form
from neurogister.errors import InvalidFileError

GOOD = {"url": "https://s3.example.org/b", "fields": {"key": "alice/${filename}", "policy": "x"}}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def test_a_form():
    form = Form.parse(json.dumps(GOOD).encode(), "form")
    assert form.address == "https://s3.example.org/b/alice"
    other = {**GOOD, "address": "https://read.example.org/alice"}
    assert Form.parse(json.dumps(other).encode(), "form").address == other["address"]


@pytest.mark.parametrize(
    "change",
    [
        {"url": "file:///etc"}, {"url": 7}, {"url": "https://"}, {"fields": []}, {"fields": {}},
        {"fields": {"key": "alice/"}}, {"fields": {"key": "${filename}/x"}},
        {"fields": {"key": "${filename}", "a\r\nb": "x"}},
        {"fields": {"key": "${filename}", "a": "x\r\n--"}},
        {"fields": {"key": "${filename}", "a": 1}},
        {"address": "a\nb"}, {"address": 7},
    ],
)  # fmt: skip
def test_forms_that_are_none(change):
    with pytest.raises(InvalidFileError, match="the form"):
        Form.parse(json.dumps({**GOOD, **change}).encode(), "form")


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_anything_else_is_refused_in_our_words(data):
    with pytest.raises(InvalidFileError):
        Form.parse(data, "form")
