"""Metadata as people type it: ``age=6``, ``acquisition.tr=2.5``, ``tags=["a", "b"]``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

from ..errors import UsageError
from .scalars import resolve

MAX_KEY = 128


def parse_assignment(text: str) -> tuple[str, Any]:
    """Read ``KEY=VALUE``.

    Parameters
    ----------
    text : str
        The value may be a number, ``true``, ``false``, ``null``, JSON, or else text; text that
        looks like one of those goes into quotes: ``code="007"``.

    Returns
    -------
    (str, object)
        The key, with ``.`` between the keys of nested mappings, and the value.

    Raises
    ------
    UsageError
        If there is no ``=``, or the key cannot be one.
    """
    try:
        text.encode()
    except UnicodeEncodeError:  # bytes that are not UTF-8, as the system hands them to Python
        raise UsageError(f"{text[:80]!a} is not UTF-8") from None
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"{text[:80]!a} is not KEY=VALUE", hint="As in `-k species=mouse`.")
    check_key(key)
    return key, parse_value(value)


def parse_value(text: str) -> Any:
    """Return the value that text stands for: a number, a boolean, None, JSON, or the text."""
    if text[:1] in ("[", "{", '"'):
        try:
            return json.loads(text, parse_constant=_refuse)
        except (ValueError, RecursionError):
            return text
    if text == "":
        return text
    try:
        return resolve(text)
    except ValueError:
        return text


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def check_key(key: str) -> list[str]:
    """Return the parts of a key.

    Raises
    ------
    UsageError
        If it is empty, too long, or has spaces around it or control characters.
    """
    parts = key.split(".")
    if len(key) > MAX_KEY or not key.isprintable() or any(p.strip() != p or not p for p in parts):
        raise UsageError(
            f"{key[:80]!a} cannot be a key of metadata",
            hint="A key is a word of up to 128 characters; `a.b` is the key b in the mapping a.",
        )
    return parts


def assign(metadata: MutableMapping[str, Any], key: str, value: Any) -> None:
    """Set a key, and make the mappings that it is nested in.

    Raises
    ------
    UsageError
        If one of them is something else already.
    """
    *parents, last = check_key(key)
    inner = metadata
    for parent in parents:
        inner = inner.setdefault(parent, {})
        if not isinstance(inner, MutableMapping):
            raise UsageError(
                f"{key}: the metadata has {parent!r} already, which is no mapping",
                hint=f"Remove it first: `-K {key.partition('.')[0]}`.",
            )
    inner[last] = value


def remove(metadata: MutableMapping[str, Any], key: str) -> bool:
    """Remove a key, and the mappings that are empty then; tell whether it was there."""
    first, _, rest = key.partition(".")
    if key in metadata:  # keys of other programs may have a dot
        del metadata[key]
        return True
    inner = metadata.get(first)
    if not rest or not isinstance(inner, MutableMapping) or not remove(inner, rest):
        return False
    if not inner:
        del metadata[first]
    return True


def parse_assignments(texts: Iterable[str]) -> dict[str, Any]:
    """Read many ``KEY=VALUE`` into one mapping; the last one wins."""
    metadata: dict[str, Any] = {}
    for text in texts:
        assign(metadata, *parse_assignment(text))
    return metadata


def merge(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Return both, nested mappings too; the second one wins."""
    merged = dict(first)
    for key, value in second.items():
        mine = merged.get(key)
        if isinstance(mine, Mapping) and isinstance(value, Mapping):
            value = merge(mine, value)
        merged[key] = value
    return merged
