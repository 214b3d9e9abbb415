"""YAML read strictly: YAML 1.2 values only, bounded in size and depth, nothing clever.

The files of a registry come from strangers, so only the plain core of YAML is read: no anchors,
aliases, tags, merge keys, directives, duplicate keys or second documents. Values are built from the
parser's events with a stack of our own: no depth of nesting can exhaust Python's or C's.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from neurogister.errors import InvalidFileError

from .plainyaml import NOT_PLAIN, parse_plain
from .scalars import NUMERIC, WORDS, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_BYTES = 64 * 1024
MAX_DEPTH = 12

Keys = tuple[str | int, ...]
_NO_KEY = object()


class DocumentError(InvalidFileError):
    """A file breaks the rules of its format, at a known place.

    Parameters
    ----------
    path : str
        The file.
    reason : str
        What is wrong, as a sentence without its end.
    line, column : int, optional
        Where, counted from 1.
    keys : tuple of str or int
        The field that it is about, from the top of the document.
    hint : str, optional
        What to do about it.
    """

    def __init__(
        self,
        path: str,
        reason: str,
        *,
        line: int | None = None,
        column: int | None = None,
        keys: Keys = (),
        hint: str | None = None,
    ) -> None:
        place = [path, *(str(number) for number in (line, column) if number is not None)]
        super().__init__(f"{':'.join(place)}: {reason}", hint=hint)
        self.path = path
        self.reason = reason
        self.line = line
        self.column = column
        self.keys = keys

    def located(self, data: bytes) -> DocumentError:
        """Return the same error with line and column, looked up in the file's content."""
        if self.line is not None or (place := find_place(data, self.keys)) is None:
            return self
        line, column = place
        return DocumentError(
            self.path, self.reason, line=line, column=column, keys=self.keys, hint=self.hint
        )


def parse_document(data: bytes, path: str, *, limit: int = MAX_BYTES) -> Any:
    """Return what a YAML file says, as mappings, lists, text, numbers, booleans and None.

    Parameters
    ----------
    data : bytes
        The content of the file.
    path : str
        The file, for messages.
    limit : int
        The largest number of bytes that are looked at.

    Returns
    -------
    dict, list, str, int, float, bool or None
        The value; None for an empty file.

    Raises
    ------
    InvalidFileError
        If it is too large, not UTF-8, not YAML, or more of YAML than we read.
    """
    if len(data) > limit:
        raise DocumentError(path, f"is larger than {limit:,} bytes")
    value = parse_plain(_decode(data, path))
    return _build(data, path) if value is NOT_PLAIN else value


def parse_mapping(data: bytes, path: str, *, limit: int = MAX_BYTES) -> dict[str, Any]:
    """Return what a YAML file says, if that is a mapping (`parse_document` otherwise)."""
    value = parse_document(data, path, limit=limit)
    if not isinstance(value, dict):
        raise DocumentError(path, "is not a mapping (lines of `key: value`)", line=1)
    return value


def find_place(data: bytes, keys: Sequence[str | int]) -> tuple[int, int] | None:
    """Find the line and column of a field, for messages.

    Parameters
    ----------
    data : bytes
        The content of a YAML file.
    keys : sequence of str or int
        Keys and positions that lead to the field; of a missing one, its parent is found.

    Returns
    -------
    (int, int) or None
        Line and column, counted from 1; None if the content cannot be read.
    """
    places = _places(data)
    parents = (tuple(keys[:length]) for length in range(len(keys), -1, -1))
    return next((places[each] for each in parents if each in places), None)


@lru_cache(maxsize=1)
def _places(data: bytes) -> dict[Keys, tuple[int, int]]:
    """Find all fields of a file at once: one with thousands of faults is walked through once."""
    places: dict[Keys, tuple[int, int]] = {}
    try:
        for where, mark in _walk(data):
            places.setdefault(where, (mark.line + 1, mark.column + 1))
    except _yaml_error():
        pass
    return places


_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def _decode(data: bytes, path: str) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise DocumentError(
            path, "is not UTF-8", line=line, column=column, hint="Save it with that encoding."
        ) from error
    if found := _FORBIDDEN.search(text):
        start = found.start()
        raise DocumentError(
            path,
            f"holds the invisible character U+{ord(found[0]):04X}",
            line=text.count("\n", 0, start) + 1,
            column=start - text.rfind("\n", 0, start),
            hint="Remove it.",
        )
    return text


def _open_loader(data: bytes) -> Any:
    # here, as it costs 20 ms and the index mostly knows the answer already
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)(data)


def _yaml_error() -> type[Exception]:
    import yaml

    return yaml.YAMLError


def _build(data: bytes, path: str) -> Any:
    try:
        return _Builder(path).build(data)
    except _yaml_error() as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        raise DocumentError(
            path,
            f"is not YAML: {getattr(error, 'problem', None) or 'it cannot be read'}",
            line=mark.line + 1 if mark else None,
            column=mark.column + 1 if mark else None,
        ) from error


class _Builder:
    """Makes a value of events; the containers that are still open are on a stack."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._documents = 0

    def build(self, data: bytes) -> Any:
        from yaml import events

        scalar, mapping_start = events.ScalarEvent, events.MappingStartEvent
        starts = (mapping_start, events.SequenceStartEvent)
        ends = (events.MappingEndEvent, events.SequenceEndEvent)
        root: list[Any] = []
        stack: list[Any] = []
        container: Any = root
        key: str | None = None  # of the mapping that is open, if its value comes next
        loader = _open_loader(data)
        next_event = loader.get_event
        try:
            while (event := next_event()) is not None:
                kind = type(event)
                if kind is scalar:
                    value = event.value
                    if event.anchor is not None or event.tag is not None or event.style == '"':
                        self._check_scalar(event)
                    if event.implicit[0] and (value[:1] in NUMERIC or value in WORDS):
                        value = self._resolve(value, event)
                elif kind in starts:
                    self._check_start(event, len(stack))
                    value = {} if kind is mapping_start else []
                elif kind in ends:
                    container, key = stack.pop()
                    continue
                else:
                    self._check_frame(event)
                    continue
                if type(container) is list:
                    container.append(value)
                elif key is not None:
                    container[key] = value
                    key = None
                else:
                    key = self._check_key(value, event, container)
                if kind is not scalar:
                    stack.append((container, key))
                    container, key = value, None
        finally:
            loader.dispose()
        return root[0] if root else None

    def _check_key(self, key: Any, event: Any, container: dict[str, Any]) -> str:
        if type(key) in (dict, list):
            raise self._error(event, "has a mapping or list as a key")
        if type(key) is not str:
            raise self._error(
                event,
                f"has the key {event.value[:40]!a}, which is no text",
                hint="Put it in quotes.",
            )
        if key in container:
            raise self._error(event, f"has the key {key[:40]!a} twice")
        if key == "<<" and event.implicit[0]:
            raise self._error(event, "has a merge key (`<<`), which is not read here")
        return key

    def _check_scalar(self, event: Any) -> None:
        self._refuse_anchor(event)
        if event.style == '"' and (found := _CONTROL.search(event.value)):
            raise self._error(event, f"holds the control character U+{ord(found[0]):04X}")

    def _check_start(self, event: Any, depth: int) -> None:
        self._refuse_anchor(event)
        if depth >= MAX_DEPTH:
            raise self._error(event, f"is nested deeper than {MAX_DEPTH} levels")

    def _refuse_anchor(self, event: Any) -> None:
        if event.anchor is not None:
            raise self._error(event, "has an anchor (`&`), which is not read here")
        if event.tag is not None:
            raise self._error(event, "has a tag (`!`), which is not read here")

    def _check_frame(self, event: Any) -> None:
        """Check what is neither a value nor the end of one."""
        from yaml import events

        if isinstance(event, events.AliasEvent):
            raise self._error(event, "has an alias (`*`), which is not read here")
        if isinstance(event, events.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise self._error(event, "holds more than one YAML document")
            if event.version or event.tags:
                raise self._error(event, "starts with a YAML directive (`%`)", hint="Remove it.")

    def _resolve(self, text: str, event: Any) -> Any:
        try:
            return resolve(text)
        except ValueError as error:
            raise self._error(
                event, f"has a number that {error}", hint="Put it in quotes if it is text."
            ) from error

    def _error(self, event: Any, reason: str, *, hint: str | None = None) -> DocumentError:
        mark = event.start_mark
        return DocumentError(
            self._path, reason, line=mark.line + 1, column=mark.column + 1, hint=hint
        )


def _walk(data: bytes) -> Iterator[tuple[Keys, Any]]:
    """Give the position of every value, with the keys that lead to it."""
    from yaml import events

    stack: list[list[Any]] = []  # [is it a mapping?, the key or position of what comes next]
    loader = _open_loader(data)
    try:
        while (event := loader.get_event()) is not None:
            if isinstance(event, events.CollectionEndEvent):
                stack.pop()
            elif not isinstance(event, events.NodeEvent):
                continue
            elif stack and stack[-1][1] is _NO_KEY:
                if isinstance(event, events.CollectionStartEvent):
                    return  # a mapping or list as a key: nothing behind it has a place
                stack[-1][1] = getattr(event, "value", None)
                continue
            else:
                yield tuple(key for _, key in stack), event.start_mark
                if isinstance(event, events.CollectionStartEvent):
                    is_mapping = isinstance(event, events.MappingStartEvent)
                    stack.append([is_mapping, _NO_KEY if is_mapping else 0])
                    continue
            if stack:
                stack[-1][1] = _NO_KEY if stack[-1][0] else stack[-1][1] + 1
    finally:
        loader.dispose()
