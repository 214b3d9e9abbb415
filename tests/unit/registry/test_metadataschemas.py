"""Schemas of dtypes, as strangers write them: nothing fetched, nothing that takes forever."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurogister.errors import InvalidFileError
from neurogister.model.patterns import PatternError, check_pattern, most_steps
from neurogister.registry.metadataschemas import (
    DIALECT,
    MAX_BYTES,
    check_metadata,
    load_schema,
)

LONGEST = 10.0  # seconds that the worst may take; it takes about two


def check(schema: Any, metadata: Any) -> list[str]:
    started = time.monotonic()
    found = check_metadata(json.dumps(schema).encode(), metadata)
    assert time.monotonic() - started < LONGEST
    return [each.message for each in found]


def refused(schema: Any) -> str:
    data = schema if isinstance(schema, bytes) else json.dumps(schema).encode()
    with pytest.raises(InvalidFileError) as caught:
        load_schema(data, "schemas/dtypes/x.schema.json")
    assert caught.value.message.startswith("schemas/dtypes/x.schema.json")
    assert caught.value.message.isprintable()
    return caught.value.message


AGE = {
    "$schema": DIALECT,
    "type": "object",
    "properties": {"age": {"type": "number"}, "name": {"pattern": "^sub-[0-9]+$"}},
    "patternProperties": {"^x-": {"$ref": "#/$defs/text"}},
    "additionalProperties": False,
    "required": ["age"],
    "$defs": {"text": {"type": "string"}},
}


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"age": 6, "name": "sub-01", "x-a": "b"}, []),
        ({}, ["age is missing"]),
        ({"age": "six"}, ["age must be a number, not the text 'six'"]),
        ({"age": 6, "name": "sub"}, ["name is 'sub', which is not as it must be"]),
        ({"age": 6, "x-a": 1}, ["x-a must be text, not the number 1"]),
        ({"age": 6, "ago": 1}, ["'ago' is no field"]),
        ({"age": 6, "k" * 200: 1}, [f"the key '{'k' * 40}'… has more than 128 characters"]),
    ],
)
def test_metadata(metadata, said):
    assert check(AGE, metadata) == said


def test_a_schema_that_anything_fits():
    assert check_metadata(b"true", {"a": 1}) == []
    assert check({}, {"a": {"b": [1, None, "x"]}}) == []


@pytest.mark.parametrize(
    ("items", "differ"),
    [([1, 1.0], False), ([1, True], True), ([{"a": 1}, {"a": 1}], False), ([[1], [2]], True),
     ([0, False, "0", None], True)],
)  # fmt: skip
def test_entries_that_are_alike(items, differ):
    said = check({"properties": {"a": {"uniqueItems": True}}}, {"a": items})
    assert said == ([] if differ else ["a has an entry twice"])


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (b"{", "is not JSON"),
        (b"\xff", "is not JSON"),
        (b"[" * 5000, "is not JSON"),
        (b'{"a": ' * 40 + b"1" + b"}" * 40, "nested deeper than 32"),
        (b'{"type": "object", "type": "array"}', "has a key twice"),
        (b'{"minimum": NaN}', "NaN"),
        (b'{"x": "' + b"x" * MAX_BYTES + b'"}', "is larger than"),
        ([1], "is not a JSON Schema"),
        ({"type": 5}, "is not a JSON Schema"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "has the dialect"),
        ({"properties": {"a": {"$schema": DIALECT}}}, "$schema below its top"),
        ({"$ref": "http://127.0.0.1:9/x"}, "refers to another schema"),
        ({"$ref": "other.json"}, "refers to another schema"),
        ({"$ref": "file:///etc/passwd"}, "refers to another schema"),
        ({"$dynamicRef": "https://example.org/#x"}, "refers to another schema"),
        ({"$ref": "#/$defs/absent"}, "which it does not have"),
        ({"pattern": "^(a+)+$"}, "could take forever"),
        ({"items": {"pattern": "(a|aa)*$"}}, "could take forever"),
        ({"pattern": "(?:){1000000000}"}, "could take forever"),
        ({"pattern": "(a)\\1"}, "cannot be told"),
        ({"pattern": "("}, "is no regular expression"),
        ({"pattern": "[[a]"}, "is no regular expression"),
        ({"patternProperties": {"(a*)*$": {}}}, "could take forever"),
        ({"$ref": "#/examples/0", "examples": [{"pattern": "(a+)+$"}]}, "could take forever"),
    ],
)
def test_schemas_that_are_refused(schema, said):
    assert said in refused(schema)


def test_a_schema_is_never_fetched(monkeypatch):
    import socket

    def connect(*_: Any) -> None:
        raise AssertionError("something was fetched")

    monkeypatch.setattr(socket.socket, "connect", connect)
    inner = {"$id": "https://example.org/b", "$ref": "#/$defs/q"}
    schema = {"$id": "https://example.org/a", "properties": {"a": inner}, "$defs": {"q": {}}}
    assert check(schema, {"a": 1}) == ["the schema refers to '/$defs/q', which it does not have"]


DOUBLED = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(40)} | {"a40": {}}
MANY = "takes too many steps"


@pytest.mark.parametrize(
    ("schema", "metadata", "said"),
    [
        ({"$ref": "#"}, {}, MANY),
        ({"$ref": "#/$defs/a0", "$defs": DOUBLED}, {"a": 1}, MANY),
        ({"$ref": "#/$defs/a0", "$defs": DOUBLED, "unevaluatedProperties": False}, {"a": 1}, MANY),
        ({"allOf": [{"type": "string"}] * 9000}, {"a": ["x" * 50] * 1000}, MANY),
        ({"properties": {"a": {"pattern": "[a-z]+[0-9]"}}}, {"a": "a" * 60_000}, "60,000"),
        ({"properties": {"a": {"multipleOf": 1e-300}}}, {"a": 10**400}, "too large"),
    ],
    ids=["itself", "doubled", "unevaluated", "many errors", "a long text", "a large number"],
)
def test_what_would_take_forever_ends(schema, metadata, said):
    [message] = check(schema, metadata)
    assert said in message


def test_much_that_is_harmless_is_compared():
    schema = {"properties": {"a": {"uniqueItems": True, "items": {"type": "object"}}}}
    assert check(schema, {"a": [{"x": number} for number in range(10_000)]}) == []


@pytest.mark.parametrize(
    "pattern",
    ["^sub-[0-9]+$", "[a-z]+", "^(foo|bar)?x$", "^[A-Z]{2}(-[a-z]{3}){1,4}$", "", "^.{1,200}$",
     "^[^@]+@[^@]+\\.[a-z]+$", "^[0-9]+(\\.[0-9]+)?$", "^(19|20)[0-9]{2}-[01][0-9]$"],
)  # fmt: skip
def test_harmless_patterns(pattern):
    check_pattern(pattern)


@given(st.text("ab*+?|(){}[]^$.,1", max_size=12), st.text("ab", max_size=60))
def test_a_pattern_that_is_let_pass_ends_soon(pattern, text):
    import re

    try:
        check_pattern(pattern)
    except PatternError:
        return
    started = time.monotonic()
    re.search(pattern, f"{text}!")
    assert time.monotonic() - started < 1


def test_a_longer_text_takes_more_steps():
    assert most_steps("^a*b*$", 10) < most_steps("^a*b*$", 100) < most_steps("a*b*$", 100)
