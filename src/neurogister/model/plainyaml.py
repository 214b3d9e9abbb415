"""The plain form of YAML that pointers and records mostly have, read line by line.

This is more than twice as fast as libyaml, and needs no library. It understands just what cannot be
misunderstood: block mappings and lists, words, numbers, single quotes, short lists in brackets,
``>-`` blocks. Of everything else, and of every error, it says so and leaves it to `document`, which
it must always agree with (a property test sees to that).
"""

from __future__ import annotations

import re
from sys import intern
from typing import Any

from .scalars import NUMERIC, WORDS, resolve

NOT_PLAIN = object()
"""What `parse_plain` returns for text that is not in the plain form."""

# Words and numbers in which nothing can be an indicator; then anything, to be looked at closer.
_SAFE = r"[A-Za-z0-9_/][A-Za-z0-9_./+,()-]*(?:[ :][A-Za-z0-9_./+,()-]+)*"
_LINE = re.compile(rf"( *)(- )?([A-Za-z_][A-Za-z0-9_.-]{{0,200}}):(?: (?:({_SAFE})|([^ ].*)))?\Z")
_ITEM_LINE = re.compile(r"( *)- ([A-Za-z0-9_/(].*)\Z")
_START = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_/(.+")
_SIGNED = re.compile(r"-[A-Za-z0-9.]")
_QUOTED = re.compile(r"'([^']*)'\Z")
_ITEM = r"-?[A-Za-z0-9_/.][A-Za-z0-9_./+-]*"
_BRACKETS = re.compile(rf"\[({_ITEM}(?:, {_ITEM})*)?\]\Z")
_FOLDED = ">-"
_DEEPEST = 12


class _NotPlainError(Exception):
    pass


def parse_plain(text: str) -> Any:
    """Return what plain YAML says, or `NOT_PLAIN`.

    Parameters
    ----------
    text : str
        Without control characters but line ends.
    """
    if "\t" in text or "\r" in text:
        return NOT_PLAIN
    try:
        return _Reader(text.split("\n")).read()
    except (_NotPlainError, ValueError):
        return NOT_PLAIN


class _Reader:
    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._next = 0
        self._root: dict[str, Any] = {}
        # The containers that are open: the indentation of each, and whether it is a mapping.
        self._stack: list[tuple[int, Any, bool]] = [(0, self._root, True)]
        # A key without a value on its line, and the mapping and indentation that it stands in.
        self._pending: tuple[dict[str, Any], str, int] | None = None

    def read(self) -> dict[str, Any]:
        match, lines, count = _LINE.match, self._lines, len(self._lines)
        stack = self._stack
        while self._next < count:
            line = lines[self._next]
            self._next += 1
            found = match(line)
            if found is None:
                self._take_other(line)
                continue
            spaces, dash, key, safe, other = found.groups()
            indent = len(spaces)
            if dash is not None:
                indent += 2
                mapping: dict[str, Any] = {}
                self._container(indent - 2, is_item=True).append(mapping)
                self._open(indent, mapping)
            elif stack[-1][0] == indent and self._pending is None and stack[-1][2]:
                mapping = stack[-1][1]
            else:
                mapping = self._container(indent, is_item=False)
            if key in mapping or key in WORDS:
                raise _NotPlainError
            key = intern(key)  # the same few in 100,000 files
            if safe is not None:
                is_text = safe[0] not in NUMERIC and safe not in WORDS
                mapping[key] = safe if is_text else resolve(safe)
            elif other is None:
                mapping[key] = None
                self._pending = (mapping, key, indent)
            else:
                mapping[key] = self._folded(indent) if other == _FOLDED else _scalar(other)
        if not self._root:
            raise _NotPlainError
        return self._root

    def _take_other(self, line: str) -> None:
        """Take a line without a key: an item of a list, a comment, nothing."""
        found = _ITEM_LINE.match(line)
        if found is not None:
            self._container(len(found[1]), is_item=True).append(_scalar(found[2]))
        elif line and line.lstrip(" ")[:1] != "#":
            raise _NotPlainError

    def _container(self, indent: int, *, is_item: bool) -> Any:
        """Return what a line belongs to, by its indentation."""
        if self._pending is not None:
            mapping, key, outer = self._pending
            self._pending = None
            if indent > outer or (is_item and indent == outer):
                new: Any = [] if is_item else {}
                mapping[key] = new
                self._open(indent, new)
                return new
        stack = self._stack
        while stack:
            depth, container, is_mapping = stack[-1]
            if depth == indent and is_mapping is not is_item:
                return container
            if depth < indent:
                break
            stack.pop()
        raise _NotPlainError

    def _open(self, indent: int, new: Any) -> None:
        self._stack.append((indent, new, type(new) is dict))
        if len(self._stack) > _DEEPEST:
            raise _NotPlainError

    def _folded(self, outer: int) -> str:
        """Read a ``>-`` block: lines of one indentation, joined by spaces."""
        lines, start = self._lines, self._next
        first = lines[start] if start < len(lines) else ""
        indent = len(first) - len(first.lstrip(" "))
        if indent <= outer:
            raise _NotPlainError
        prefix = " " * indent
        words: list[str] = []
        while self._next < len(lines) and lines[self._next].startswith(prefix):
            line = lines[self._next][indent:]
            if not line or line[0] == " " or line[-1] == " ":
                raise _NotPlainError
            words.append(line)
            self._next += 1
        after = lines[self._next] if self._next < len(lines) else ""
        if len(after) - len(after.lstrip(" ")) > outer or (not after and self._has_more()):
            raise _NotPlainError
        return " ".join(words)

    def _has_more(self) -> bool:
        return any(self._lines[self._next :])


def _scalar(text: str) -> Any:
    first = text[0]
    if first == "'":
        if (found := _QUOTED.match(text)) is not None:
            return found[1]
    elif first == "[":
        if (found := _BRACKETS.match(text)) is not None:
            return [resolve(item) for item in found[1].split(", ")] if found[1] else []
    elif (
        (first in _START or _SIGNED.match(text))
        and ": " not in text
        and " #" not in text
        and text[-1] not in " :"
    ):
        return resolve(text)
    raise _NotPlainError
