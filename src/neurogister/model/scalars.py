"""What unquoted words and numbers mean in YAML 1.2's core schema."""

from __future__ import annotations

import re
from math import isfinite

NUMERIC = frozenset("0123456789+-.")  # what a number can start with

WORDS: dict[str, bool | None] = {"": None, "~": None}
WORDS |= dict.fromkeys(("null", "Null", "NULL"))
WORDS |= dict.fromkeys(("true", "True", "TRUE"), True)
WORDS |= dict.fromkeys(("false", "False", "FALSE"), False)

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_BASED = re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)\Z")
_FLOAT = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\Z")
_SPECIAL = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")
_LONGEST_NUMBER = 400


def resolve(text: str) -> str | int | float | bool | None:
    """Return what a plain scalar means.

    One deviation: numbers with leading zeros stay text, as ``007`` is a name more often than 7.

    Raises
    ------
    ValueError
        If it is a number that is too long, too large or not finite; the reason ends a sentence.
    """
    if text[:1] not in NUMERIC:
        return WORDS.get(text, text)
    if _INTEGER.match(text):
        _check_length(text)
        return int(text)
    if _FLOAT.match(text):
        _check_length(text)
        value = float(text)
        if not isfinite(value):
            raise ValueError("is too large")
        return value
    if _BASED.match(text):
        _check_length(text)
        return int(text, 0)
    if _SPECIAL.match(text):
        raise ValueError("is not finite")
    return text


def _check_length(text: str) -> None:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError("is too long")
