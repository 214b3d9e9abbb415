"""Whether a document keeps to a JSON Schema: a quick yes, before a validator looks for problems.

Nearly all files of a registry are valid, and of those nobody needs to know more; a schema is made
into a function that says so, some thirty times faster than a validator. Where it says no, or is not
sure, the validator has the last word. Only the keywords that our own schemas use are known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Test = Callable[[Any], bool]


class UnsureError(Exception):
    """A schema, or a value, is one of which only a validator can tell."""


_TYPES: dict[str, Test] = {
    "string": lambda value: isinstance(value, str),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: _is_number(value),
    "integer": lambda value: _is_number(value) and (isinstance(value, int) or value.is_integer()),
}
_SAY_NOTHING = frozenset(
    {"title", "description", "examples", "default", "$schema", "$id", "$defs", "$comment",
     "then", "else"}
)  # fmt: skip


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class Compiler:
    """Makes tests of schemas that refer to each other.

    Parameters
    ----------
    schemas : mapping of str to dict
        By the names of their files: ``common.schema.json``.
    """

    def __init__(self, schemas: Mapping[str, Any]) -> None:
        self._schemas = schemas
        self._made: dict[str, Test | None] = {}

    def test(self, name: str) -> Test:
        """Return what tells whether a document keeps to a schema.

        Parameters
        ----------
        name : str
            The file of the schema.

        Raises
        ------
        UnsureError
            If the schema has keywords that are not known here; the test raises it too, of values.
        """
        return self._referred(f"{name}#")

    def _referred(self, address: str) -> Test:
        """Return the test at an address; of one that is being made (a ring), a way to it."""
        if address in self._made:
            known = self._made[address]
            return known or (lambda value: (self._made[address] or _unsure)(value))
        self._made[address] = None
        file, _, inside = address.partition("#")
        schema = self._schemas.get(file)
        for key in inside.strip("/").split("/") if inside.strip("/") else ():
            schema = schema.get(key) if isinstance(schema, dict) else None
        if schema is None:
            raise UnsureError(address)
        self._made[address] = made = self._compile(schema, file)
        return made

    def _compile(self, schema: Any, file: str) -> Test:
        if isinstance(schema, bool):
            return lambda _: schema
        tests = [
            self._keyword(key, value, schema, file)
            for key, value in schema.items()
            if key not in _SAY_NOTHING
        ]
        if len(tests) == 1:
            return tests[0]
        return lambda value: all(test(value) for test in tests)

    def _keyword(self, key: str, said: Any, schema: dict[str, Any], file: str) -> Test:
        if key == "$ref":
            address = f"{file}{said}" if said.startswith("#") else said
            return self._referred(address if "#" in address else f"{address}#")
        if key in ("allOf", "anyOf", "oneOf"):
            return _combined(key, [self._compile(each, file) for each in said])
        if key in ("not", "items", "contains", "propertyNames"):
            return _applied(key, self._compile(said, file))
        if key == "if":
            branches = [self._compile(schema.get(name, True), file) for name in ("then", "else")]
            return _conditional(self._compile(said, file), *branches)
        if key == "properties":
            return _properties({name: self._compile(each, file) for name, each in said.items()})
        if key == "additionalProperties":
            if "patternProperties" in schema:
                raise UnsureError(key)
            return _others(frozenset(schema.get("properties", ())), self._compile(said, file))
        return _plain(key, said)


def _unsure(value: Any) -> bool:
    raise UnsureError(value)


def _combined(key: str, tests: list[Test]) -> Test:
    if key == "allOf":
        return lambda value: all(test(value) for test in tests)
    if key == "anyOf":
        return lambda value: any(test(value) for test in tests)
    return lambda value: sum(test(value) for test in tests) == 1


def _applied(key: str, test: Test) -> Test:
    if key == "not":
        return lambda value: not test(value)
    if key == "items":
        return lambda value: not isinstance(value, list) or all(map(test, value))
    if key == "contains":
        return lambda value: not isinstance(value, list) or any(map(test, value))
    return lambda value: not isinstance(value, dict) or all(map(test, value))


def _conditional(condition: Test, then: Test, otherwise: Test) -> Test:
    return lambda value: then(value) if condition(value) else otherwise(value)


def _properties(tests: dict[str, Test]) -> Test:
    def test(value: Any) -> bool:
        return not isinstance(value, dict) or all(
            tests[name](each) for name, each in value.items() if name in tests
        )

    return test


def _others(known: frozenset[str], test: Test) -> Test:
    def others(value: Any) -> bool:
        return not isinstance(value, dict) or all(
            test(each) for name, each in value.items() if name not in known
        )

    return others


def _plain(key: str, said: Any) -> Test:
    """Return the test of a keyword that is about a value by itself."""
    if key == "type":
        kinds = [_TYPES[each] for each in ([said] if isinstance(said, str) else said)]
        return kinds[0] if len(kinds) == 1 else lambda value: any(is_(value) for is_ in kinds)
    if key in ("const", "enum"):
        return _one_of([said] if key == "const" else said)
    if key == "required":
        return lambda value: not isinstance(value, dict) or all(name in value for name in said)
    if key == "pattern":
        search = re.compile(said).search
        return lambda value: not isinstance(value, str) or search(value) is not None
    if key == "uniqueItems":
        return _unique if said else lambda _: True
    bound = _BOUNDS.get(key)
    if bound is None:
        raise UnsureError(key)
    return lambda value: bound(value, said)


def _one_of(said: list[Any]) -> Test:
    if not all(each is None or isinstance(each, str | bool) for each in said):
        raise UnsureError(said)  # 1 and 1.0 are one number to JSON
    return lambda value: any(type(value) is type(each) and value == each for each in said)


def _unique(value: Any) -> bool:
    if not isinstance(value, list):
        return True
    if not all(isinstance(each, str) for each in value):
        raise UnsureError(value)
    return len(set(value)) == len(value)


_BOUNDS: dict[str, Callable[[Any, Any], bool]] = {
    "minLength": lambda value, bound: not isinstance(value, str) or len(value) >= bound,
    "maxLength": lambda value, bound: not isinstance(value, str) or len(value) <= bound,
    "minItems": lambda value, bound: not isinstance(value, list) or len(value) >= bound,
    "maxItems": lambda value, bound: not isinstance(value, list) or len(value) <= bound,
    "minimum": lambda value, bound: not (_is_number(value) and value < bound),
    "exclusiveMaximum": lambda value, bound: not (_is_number(value) and value >= bound),
}
