"""The schemas of dtypes, which a registry's own people write: compared with nothing trusted.

Nothing is fetched, nothing outside the file is referred to, and neither a schema nor the metadata
can make a check take forever: steps are counted, and patterns are judged before they run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

from ..errors import InvalidFileError
from ..model.patterns import MOST_STEPS, PatternError, check_pattern, most_steps
from .schemawords import SchemaProblem, problems_of

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_KEY = 128  # characters of a key of metadata, as `patternProperties` has to look at it
MAX_STEPS = 500_000

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_PROPERTIES = ("patternProperties", "additionalProperties", "unevaluatedProperties")
_MATCHES_IN_STEP = 1000
_STEPS_OF_ERROR = 100  # a message may quote all that it is about


class _TooLongError(Exception):
    """A comparison takes more steps than it may."""


def check_metadata(schema: bytes, metadata: Mapping[str, Any]) -> list[SchemaProblem]:
    """Compare metadata with the schema of their dtype.

    Parameters
    ----------
    schema : bytes
        ``schemas/dtypes/DTYPE.schema.json``.
    metadata : mapping
        Free keys and values.

    Returns
    -------
    list of SchemaProblem
        What it does not allow; that it cannot be told is one too.

    Raises
    ------
    InvalidFileError
        If the schema itself is broken, refers elsewhere, or could take forever.
    """
    return load_schema(schema, "the schema of the dtype").problems(metadata)


class MetadataSchema:
    """A schema that has been looked at (`load_schema`)."""

    def __init__(self, schema: Any, key_steps: int) -> None:
        self._schema = schema
        self._key_steps = key_steps

    def problems(self, metadata: Mapping[str, Any]) -> list[SchemaProblem]:
        """Compare metadata with it, as `check_metadata`."""
        from referencing import Registry
        from referencing.exceptions import Unresolvable

        value = dict(metadata)
        if (long := next((key for key in _keys(value) if len(key) > MAX_KEY), None)) is not None:
            message = f"the key {long[:40]!a}… has more than {MAX_KEY} characters"
            return [SchemaProblem((), message, long[:80], "Shorten it")]
        validator = _validator_class()(
            self._schema, registry=Registry(), format_checker=_Counter(self._key_steps)
        )
        try:
            return problems_of(validator.iter_errors(value))
        except (_TooLongError, RecursionError):
            why = "the schema takes too many steps with these metadata, and cannot be followed"
        except PatternError as error:
            why = f"a pattern of the schema {error}"
        except Unresolvable as error:
            why = f"the schema refers to {error.ref[:80]!a}, which it does not have"
        except ArithmeticError:
            why = "a number is too large to be compared"
        return [SchemaProblem((), why)]


def load_schema(data: bytes, path: str) -> MetadataSchema:
    """Read the schema of a dtype, trusting nothing in it.

    Parameters
    ----------
    data : bytes
        The file.
    path : str
        Its name, for messages.

    Raises
    ------
    InvalidFileError
        If it is no JSON Schema, refers to another one, or could take forever.
    """
    if len(data) > MAX_BYTES:
        raise InvalidFileError(f"{path} is larger than {MAX_BYTES:,} bytes")
    return _load(data, path)


@lru_cache(maxsize=64)
def _load(data: bytes, path: str) -> MetadataSchema:
    from jsonschema import Draft202012Validator, SchemaError  # 0.1 s, only for such dtypes

    schema = _without_dialect(read_json(data, path), path)
    key_steps = 0
    for keyword, value in _walk(schema, path):
        _check_keyword(keyword, value, path)
        if keyword == "patternProperties" and isinstance(value, dict):
            key_steps += sum(_pattern_steps(each, MAX_KEY) + 1 for each in value)
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise InvalidFileError(f"{path} is not a JSON Schema: {error.message[:300]}") from None
    except RecursionError:
        raise InvalidFileError(f"{path} is not a JSON Schema: it is nested too deep") from None
    _check_references(schema, path)
    return MetadataSchema(schema, key_steps)


def _without_dialect(schema: Any, path: str) -> Any:
    """Take away what would let jsonschema go on with a validator that counts nothing."""
    if not isinstance(schema, dict):
        return schema
    if schema.get("$schema", DIALECT) != DIALECT:
        raise InvalidFileError(
            f"{path} has the dialect {schema['$schema']!a:.100}", hint=f"It must be {DIALECT}."
        )
    return {key: value for key, value in schema.items() if key != "$schema"}


def read_json(data: bytes, path: str) -> Any:
    """Read JSON; a key twice, NaN and infinity are refused."""
    try:
        return json.loads(data, object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise InvalidFileError(f"{path} is not JSON: {str(error)[:200]}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise ValueError("it has a key twice")
    return mapping


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


def _walk(schema: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Give every key of every mapping in it, whether it is a keyword there or not."""
    left = [(schema, 0)]
    while left:
        value, depth = left.pop()
        if depth > MAX_DEPTH:
            raise InvalidFileError(f"{path} is not JSON to be read: nested deeper than {MAX_DEPTH}")
        if isinstance(value, dict):
            yield from value.items()
            left += [(each, depth + 1) for each in value.values()]
        elif isinstance(value, list):
            left += [(each, depth + 1) for each in value]


def _check_keyword(keyword: str, value: Any, path: str) -> None:
    if keyword in _REFERENCES and isinstance(value, str) and not value.startswith("#"):
        raise InvalidFileError(
            f"{path} refers to another schema, {value[:200]!a}",
            hint="Nothing is fetched for a check: put it into `$defs` of the same file.",
        )
    if keyword == "$schema" and isinstance(value, str):
        raise InvalidFileError(f"{path} has $schema below its top", hint="Once is enough.")
    patterns: list[str] = []
    if keyword == "pattern" and isinstance(value, str):
        patterns = [value]
    elif keyword == "patternProperties" and isinstance(value, dict):
        patterns = [*value, "|".join(value)]  # as jsonschema joins them for the others
    for pattern in patterns:
        try:
            check_pattern(pattern)
        except PatternError as error:
            raise InvalidFileError(
                f"{path} has the pattern {pattern[:80]!a}, which {error}",
                hint="Repeat single characters only, as in `^[a-z-]+$`; no `(a+)+`, no `(?=…)`.",
            ) from None


def _check_references(schema: Any, path: str) -> None:
    """See that each reference leads somewhere in the file."""
    from referencing import Registry, Resource
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    base = "urn:neurogister:dtype"
    resource = Resource.from_contents(schema, default_specification=DRAFT202012)
    name = schema.get("$id", base) if isinstance(schema, dict) else base
    resolver = Registry().with_resource(name, resource).resolver(base_uri=name)
    for keyword, value in _walk(schema, path):
        if keyword in _REFERENCES and isinstance(value, str):
            try:
                resolver.lookup(value)
            except (Unresolvable, ValueError, LookupError, TypeError):
                raise InvalidFileError(
                    f"{path} refers to {value[:200]!a}, which it does not have"
                ) from None


class _Counter:
    """Counts the steps of one comparison; a step is some microseconds.

    It stands where validators keep what checks formats, as that is handed on to each of them.
    """

    def __init__(self, key_steps: int) -> None:
        self.key_steps = key_steps
        self._left = MAX_STEPS

    def take(self, steps: int = 1) -> None:
        self._left -= steps
        if self._left < 0:
            raise _TooLongError

    def check(self, instance: Any, format: str) -> None:  # noqa: A002 - as jsonschema calls it
        """Formats only annotate, as the specification has it."""


@cache
def _validator_class() -> Any:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    known = {**Draft202012Validator.VALIDATORS, "uniqueItems": _unique}
    return extend(Draft202012Validator, {name: _counted(name, it) for name, it in known.items()})


def _counted(name: str, keyword: Callable[..., Any]) -> Callable[..., Any]:
    def counted(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        counter = validator.format_checker
        counter.take(len(value) + 1 if isinstance(value, list | dict) else 1)
        if name == "pattern" and isinstance(instance, str):
            counter.take(_pattern_steps(value, len(instance)))
        elif name in _PROPERTIES and isinstance(instance, dict):
            counter.take(len(instance) * counter.key_steps)
        for error in keyword(validator, value, instance, schema) or ():
            counter.take(_STEPS_OF_ERROR)
            yield error

    return counted


def _pattern_steps(pattern: str, length: int) -> int:
    """Return what a search costs; the length is rounded up, as few of them are computed."""
    steps = most_steps(pattern, 1 << max(length - 1, 0).bit_length())
    if steps > MOST_STEPS:
        raise PatternError(f"cannot be looked for in {length:,} characters")
    return steps // _MATCHES_IN_STEP


def _unique(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if isinstance(instance, list):
        validator.format_checker.take(len(instance))
    yield from unique_items(validator, value, instance, schema)


def unique_items(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
    """Tell whether items differ, in one pass; the original compares each with each."""
    from jsonschema import ValidationError

    del validator, schema
    if value is True and isinstance(instance, list):
        seen = {json.dumps(_canonical(each), sort_keys=True) for each in instance}
        if len(seen) < len(instance):
            yield ValidationError("has an entry twice")


def _canonical(value: Any) -> Any:
    """Make numbers that are equal alike: 1 and 1.0."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_canonical(each) for each in value]
    if isinstance(value, dict):
        return {key: _canonical(each) for key, each in value.items()}
    return value


def _keys(value: Any) -> Iterator[str]:
    """Give the keys of nested mappings; nothing is nested deeper than a document may be."""
    if isinstance(value, dict):
        yield from (str(key) for key in value)
        for each in value.values():
            yield from _keys(each)
    elif isinstance(value, list):
        for each in value:
            yield from _keys(each)
