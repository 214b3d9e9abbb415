"""What a JSON Schema finds, in words for people: which field, what stands there, what is right."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..model.document import Keys
from ..model.fields import kind_of, name_of

MOST_PROBLEMS = 100
_SHOWN = 80
_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
_BOUNDS = {
    "minLength": "has fewer than {} characters",
    "maxLength": "has more than {} characters",
    "minItems": "has fewer than {} entries",
    "maxItems": "has more than {} entries",
    "minProperties": "has fewer than {} keys",
    "maxProperties": "has more than {} keys",
    "minimum": "is less than {}",
    "maximum": "is more than {}",
    "exclusiveMinimum": "is not more than {}",
    "exclusiveMaximum": "is not less than {}",
    "multipleOf": "is no multiple of {}",
}


@dataclass(frozen=True, slots=True)
class SchemaProblem:
    """One thing that a schema does not allow.

    Parameters
    ----------
    keys : tuple of str or int
        What leads to the field from the top of the document; of a missing field too.
    message : str
        What is wrong, as a sentence without its end; it starts with the name of the field.
    offending : str
        What stands there, shortened; empty if something is missing.
    right : str
        What would be right; empty if the schema does not say.
    """

    keys: Keys
    message: str
    offending: str = ""
    right: str = ""


def problems_of(errors: Iterable[Any]) -> list[SchemaProblem]:
    """Say in words what a validator finds.

    Parameters
    ----------
    errors : iterable of jsonschema.ValidationError
        As `iter_errors` gives them; no more are asked for than are told.

    Returns
    -------
    list of SchemaProblem
        One for each field, sorted by their keys.
    """
    found: dict[Keys, SchemaProblem] = {}
    for error in errors:
        for problem in _problems(error):
            found.setdefault(problem.keys, problem)
        if len(found) >= MOST_PROBLEMS:
            break
    return sorted(found.values(), key=lambda each: [_rank(key) for key in each.keys])


def _rank(key: str | int) -> tuple[int, str]:
    return (key, "") if isinstance(key, int) else (-1, key)


def shortened(value: Any) -> str:
    """Return a value as JSON has it, shortened, in characters that do no harm when printed."""
    if isinstance(value, str):
        return f"{value[:_SHOWN]!a}{'…' if len(value) > _SHOWN else ''}"
    if isinstance(value, dict | list):
        return kind_of(value)
    text = json.dumps(value, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _problems(error: Any) -> Iterator[SchemaProblem]:
    keys: Keys = tuple(error.absolute_path)
    kind, schema = error.validator, error.schema
    if kind in ("anyOf", "oneOf"):
        yield _of_branches(error, keys)
    elif kind == "required":
        yield _missing(error, keys)
    elif kind in ("additionalProperties", "unevaluatedProperties"):
        yield from _unknown(error, keys)
    elif kind is None:  # the schema `false`, whose errors do not say which key they are about
        message = f"{_name(keys)} has what is not allowed here: {shortened(error.instance)}"
        yield SchemaProblem(keys, message, shortened(error.instance), "Remove it")
    elif kind == "not" and error.validator_value == {}:
        message = f"{_name(keys)} is not allowed here"
        yield SchemaProblem(keys, message, shortened(error.instance), _right(schema))
    elif "propertyNames" in error.absolute_schema_path and isinstance(error.instance, str):
        message = f"{_name(keys)} has the key {shortened(error.instance)}, which cannot be one"
        yield SchemaProblem((*keys, error.instance), message, error.instance[:_SHOWN],
                            _right(schema))  # fmt: skip
    else:
        message = f"{_name(keys)} {_said(error)}"
        yield SchemaProblem(keys, message, shortened(error.instance), _right(schema, kind))


def _name(keys: Keys) -> str:
    return name_of(keys) if keys else "the file"


def _of_branches(error: Any, keys: Keys) -> SchemaProblem:
    """Tell of one of several schemas of which none fits, or too many."""
    wanted = [each for each in error.context if each.validator == "required"]
    if error.context and len(wanted) == len(error.context):
        names = sorted({name for each in wanted for name in each.validator_value})
        return SchemaProblem(
            keys, f"{_name(keys)} lacks one of {', '.join(names)}", "", "One of them is needed"
        )
    if not error.context:  # more than one of `oneOf`
        required = [each.get("required", []) for each in error.validator_value]
        names = sorted({name for each in required for name in each if name in error.instance})
        return SchemaProblem(
            keys, f"{_name(keys)} may have only one of {', '.join(names)}",
            ", ".join(names), "Remove all but one",
        )  # fmt: skip
    from jsonschema.exceptions import best_match

    best = best_match(iter([error]))
    if best is None or best is error:  # all are as good; one that lists what is right says most
        best = next((each for each in error.context if each.validator in ("enum", "pattern")), None)
    if best is None:
        return SchemaProblem(keys, f"{_name(keys)} fits none of what is allowed",
                             shortened(error.instance), _right(error.schema))  # fmt: skip
    [problem, *_] = _problems(best)
    right = _right(error.schema) if problem.keys == keys else ""
    return SchemaProblem(problem.keys, problem.message, problem.offending, right or problem.right)


def _missing(error: Any, keys: Keys) -> SchemaProblem:
    absent = [name for name in error.validator_value if name not in error.instance]
    name = next((each for each in absent if error.message.startswith(repr(each))), absent[0])
    properties = error.schema.get("properties")
    field = properties.get(name) if isinstance(properties, dict) else None
    return SchemaProblem((*keys, name), f"{_name((*keys, name))} is missing", "", _right(field))


def _unknown(error: Any, keys: Keys) -> Iterator[SchemaProblem]:
    """Tell of each key that is not known; `error` is of all together."""
    properties = error.schema.get("properties")
    known = sorted(properties) if isinstance(properties, dict) else []
    patterns = error.schema.get("patternProperties")
    if isinstance(patterns, dict) and patterns:
        names = [each for each in error.instance if repr(each) in error.message]
    else:
        names = [each for each in error.instance if each not in known]
    for name in names[:MOST_PROBLEMS]:
        near = difflib.get_close_matches(name[:_SHOWN], known, 1, 0.6)
        right = f"Perhaps {near[0]}?" if near else f"Known are {', '.join(known)}" if known else ""
        where = f" of {name_of(keys)}" if keys else ""
        message = f"{shortened(name)} is no field{where}"
        yield SchemaProblem((*keys, name), message, name[:_SHOWN], right)


def _said(error: Any) -> str:
    """Return what is wrong with a value, behind the name of its field."""
    kind, wanted, value = error.validator, error.validator_value, error.instance
    if kind == "type":
        types = wanted if isinstance(wanted, list) else [wanted]
        names = " or ".join(_TYPES.get(str(each), str(each)) for each in types)
        return f"must be {names}, not {kind_of(value)}"
    if kind == "enum":
        return f"must be one of {_listed(wanted)}, not {shortened(value)}"
    if kind == "const":
        return f"must be {_plain(wanted)}, not {shortened(value)}"
    if kind == "pattern":
        title = error.schema.get("title")
        called = f"no {_lower(title)}" if isinstance(title, str) else "not as it must be"
        return f"is {shortened(value)}, which is {called}"
    if kind in _BOUNDS and wanted == 1 and kind.startswith("min") and not value:
        return f"must be 1 or more, not {value}" if isinstance(value, int) else "is empty"
    if kind in _BOUNDS:
        number = f" ({shortened(value)})" if isinstance(value, int | float) else ""
        return _BOUNDS[kind].format(shortened(wanted)) + number
    if kind == "uniqueItems":
        return "has an entry twice"
    if kind == "contains" and isinstance(wanted, dict) and "const" in wanted:
        return f"lacks {_plain(wanted['const'])}"
    return f"is wrong: {error.message[:200]!a}"


def _right(schema: Any, kind: str | None = None) -> str:
    """Return what a schema says of a right value: its description and an example."""
    if not isinstance(schema, dict):
        return ""
    if kind == "enum":
        return f"One of {_listed(schema['enum'])}"
    if kind == "const":
        return _plain(schema["const"])
    parts = []
    if isinstance(said := schema.get("description"), str):
        parts.append(said[:300].rstrip("."))
    examples = schema.get("examples")
    if isinstance(examples, list) and examples and isinstance(examples[0], str | int | float):
        parts.append(f"for example {_plain(examples[0])}")
    return "; ".join(parts)


def _plain(value: Any) -> str:
    text = value if isinstance(value, str) and value.isprintable() else shortened(value)
    return text[:_SHOWN]


def _listed(values: Any) -> str:
    values = values if isinstance(values, list) else [values]
    return ", ".join(_plain(each) for each in values[:20]) + (", …" if len(values) > 20 else "")


def _lower(title: str) -> str:
    return title if title[1:2].isupper() or title[:4] == "SHA-" else title[:1].lower() + title[1:]
