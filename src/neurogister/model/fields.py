"""The fields of a mapping that was read from a file, each taken with the type that it must have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .document import DocumentError, Keys

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LARGEST_INTEGER = 2**53 - 1  # what every JSON reader keeps exactly


class Fields:
    """Takes fields out of a mapping; what is left at the end is `rest`.

    A field that is missing or null is None.

    Parameters
    ----------
    mapping : mapping
        What was read.
    path : str
        The file, for messages.
    keys : tuple of str or int
        What leads to the mapping in the file.
    """

    __slots__ = ("_left", "keys", "path")

    def __init__(self, mapping: Mapping[str, Any], path: str, keys: Keys = ()) -> None:
        self._left = dict(mapping)
        self.path = path
        self.keys = keys

    def rest(self) -> dict[str, Any]:
        """Return the fields that were not taken."""
        return dict(self._left)  # anew: a table that was full stays as large as it was

    def take(self, name: str) -> Any:
        """Take a field of any type."""
        return self._left.pop(name, None)

    def peek(self, name: str) -> Any:
        """Look at a field without taking it."""
        return self._left.get(name)

    def text(self, name: str) -> str | None:
        """Take a text."""
        value = self._left.pop(name, None)
        if value is None or type(value) is str:
            return value
        raise self.misfit(name, "text", value)

    def count(self, name: str) -> int | None:
        """Take a whole number that is not negative."""
        value = self._left.pop(name, None)
        if value is None or (type(value) is int and 0 <= value <= LARGEST_INTEGER):
            return value
        raise self.misfit(name, "a whole number that is not negative", value)

    def flag(self, name: str, *, default: bool) -> bool:
        """Take a yes or no."""
        value = self._left.pop(name, None)
        if value is None:
            return default
        if type(value) is bool:
            return value
        raise self.misfit(name, "true or false", value)

    def texts(self, name: str) -> tuple[str, ...]:
        """Take a list of texts; one text counts as a list of it."""
        value = self._left.pop(name, None)
        if value is None:
            return ()
        if type(value) is str:
            return (value,)
        if type(value) is list and all(type(item) is str for item in value):
            return tuple(value)
        raise self.misfit(name, "text or a list of texts", value)

    def items(self, name: str) -> list[Any]:
        """Take a list of anything; a text or mapping counts as a list of it."""
        value = self._left.pop(name, None)
        if value is None:
            return []
        if type(value) in (str, dict):
            return [value]
        if type(value) is list:
            return value
        raise self.misfit(name, "a list", value)

    def mapping(self, name: str) -> dict[str, Any]:
        """Take a mapping; a missing one is empty."""
        value = self._left.pop(name, None)
        if value is None:
            return {}
        if type(value) is dict:
            return value
        raise self.misfit(name, "a mapping", value)

    def inner(self, name: str) -> Fields:
        """Take a mapping, as `Fields`; a missing one is empty."""
        return Fields(self.mapping(name), self.path, (*self.keys, name))

    def named(self, name: str) -> dict[str, Fields]:
        """Take a mapping of names to mappings; a missing or null mapping is empty."""
        outer = self.inner(name)
        return {key: outer.inner(key) for key in list(outer.rest())}

    def choice(self, name: str, choices: Sequence[str]) -> str | None:
        """Take a text that is one of several."""
        value = self.text(name)
        if value is None or value in choices:
            return value
        raise self.error(name, f"must be one of {', '.join(choices)}")

    def mappings(self, name: str) -> list[Fields]:
        """Take a list of mappings, each as `Fields`; a missing one is empty."""
        value = self._left.pop(name, None)
        if value is None:
            return []
        if type(value) is not list:
            raise self.misfit(name, "a list", value)
        return [self._item(name, position, item) for position, item in enumerate(value)]

    def _item(self, name: str, position: int, item: Any) -> Fields:
        if type(item) is not dict:
            raise DocumentError(
                self.path,
                f"{name_of((*self.keys, name, position))} must be a mapping, not {kind_of(item)}",
                keys=(*self.keys, name, position),
            )
        return Fields(item, self.path, (*self.keys, name, position))

    def misfit(self, name: str, wanted: str, value: object) -> DocumentError:
        """Return the error of a field that is not what it must be."""
        quotes = wanted.startswith("text") and type(value) in (int, float, bool)
        return self.error(
            name,
            f"must be {wanted}, not {kind_of(value)}",
            hint="Put it in quotes." if quotes else None,
        )

    def error(self, name: str, reason: str, *, hint: str | None = None) -> DocumentError:
        """Return an error about a field; the reason follows its name."""
        keys = (*self.keys, name)
        return DocumentError(self.path, f"{name_of(keys)} {reason}", keys=keys, hint=hint)


def name_of(keys: Keys) -> str:
    """Return how people write keys: ``meta.neurogister.versions[2].size``."""
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return text


def kind_of(value: object) -> str:
    """Say what a value is, shortly."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        text = str(value)
        return f"the number {text[:30]}{'…' if len(text) > 30 else ''}"
    if isinstance(value, str):
        return f"the text {value[:40]!a}{'…' if len(value) > 40 else ''}"
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else "null"
