"""The quick test of a schema says what the validator says; where it cannot, it says so."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from neurogister.errors import InvalidFileError
from neurogister.registry.quickcheck import Compiler, UnsureError
from neurogister.registry.schemas import _quick_test, _validator, read_document, schema_files

EXAMPLES = sorted((Path(__file__).parents[2] / "schemas").glob("*/*/*.*"))
SCHEMAS = sorted(set(schema_files()) - {"common"})
UNSURE = {"dtype", "lockfile"}  # keywords that only a validator knows; there are few such files

SCALARS = st.none() | st.booleans() | st.integers(-2, 9) | st.sampled_from([0.5, 1.0, 2e300])
TEXTS = st.sampled_from(["", "a", "1.0.0", "a/b", "x" * 300, "active", "any", "a\n", "2026-01-01"])
VALUES = st.recursive(
    SCALARS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner),
    max_leaves=6,
)  # fmt: skip


def documents(kind: str) -> list[Any]:
    found = []
    for path in EXAMPLES:
        if path.parent.parent.name == kind and path.suffix in (".yaml", ".dvc", ".json"):
            try:
                found.append(read_document(path.name, path.read_bytes()))
            except InvalidFileError:  # an invalid example that is no YAML at all
                continue
    schema = json.loads(schema_files()[kind].read_text("utf-8"))
    return found + schema.get("examples", [])


@st.composite
def spoilt(draw: st.DrawFn, kind: str) -> Any:
    """Take a true document, and put something else at some places of it."""
    document = json.loads(json.dumps(draw(st.sampled_from(documents(kind)))))
    for _ in range(draw(st.integers(0, 3))):
        place = document
        while isinstance(place, dict | list) and place:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = draw(st.sampled_from(keys))
            if not isinstance(place[key], dict | list) or draw(st.booleans()):
                break
            place = place[key]
        if not isinstance(place, dict | list) or not place:
            continue
        change = draw(st.sampled_from(["set", "remove", "add"]))
        if change == "set":
            place[key] = draw(VALUES)
        elif change == "remove":
            del place[key]
        elif isinstance(place, dict):
            place[draw(TEXTS)] = draw(VALUES)
        else:
            place.append(draw(st.sampled_from(place)))
    return document


@pytest.mark.parametrize("kind", sorted(set(SCHEMAS) - UNSURE))
@settings(max_examples=150)
@given(data=st.data())
def test_the_quick_test_agrees_with_the_validator(kind, data):
    document = data.draw(spoilt(kind) if documents(kind) else VALUES)
    test = _quick_test(kind)
    assert test is not None
    try:
        said = test(document)
    except UnsureError:
        return
    assert said == _validator(kind).is_valid(document)


@pytest.mark.parametrize("kind", sorted(UNSURE))
def test_of_what_it_does_not_know_it_says_nothing(kind):
    assert _quick_test(kind) is None


KEYWORDS = [
    {"type": ["integer", "null"]},
    {"const": True},
    {"enum": ["a", None, False]},
    {"oneOf": [{"type": "string"}, {"minLength": 2}]},
    {"anyOf": [{"type": "string"}, {"minimum": 2}]},
    {"not": {"required": ["a"]}},
    {"if": {"type": "string"}, "then": {"pattern": "^a"}, "else": {"exclusiveMaximum": 2}},
    {"if": {"type": "object"}, "else": False},
    {"items": {"type": "string"}, "minItems": 1, "maxItems": 2, "uniqueItems": True},
    {"contains": {"type": "integer"}},
    {"properties": {"a": {"type": "null"}}, "additionalProperties": {"type": "boolean"}},
    {"propertyNames": {"maxLength": 1}},
    {"$ref": "#/$defs/r", "$defs": {"r": {"items": {"$ref": "#/$defs/r"}, "type": "array"}}},
]  # fmt: skip


@pytest.mark.parametrize("schema", KEYWORDS, ids=lambda each: next(iter(each)))
@given(value=VALUES)
def test_each_keyword_means_what_it_means_to_the_validator(schema, value):
    try:
        said = Compiler({"it": schema}).test("it")(value)
    except UnsureError:
        return
    assert said == Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize("schema", [{"patternProperties": {}}, {"const": 1}, {"$ref": "other"}])
def test_an_unknown_keyword_is_left_to_the_validator(schema):
    with pytest.raises(UnsureError):
        Compiler({"it": schema}).test("it")
