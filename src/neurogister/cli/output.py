"""Results, printed for people on a terminal and for programs in a pipe."""

from __future__ import annotations

import json
import os
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

BROKEN_PIPE = 141
"""The exit status when nobody reads our output any more, as of a program ended by SIGPIPE."""

_ESCAPED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_OBEYED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})  # invisible, or another line
_LEAST = 20  # columns of a text that is shortened


def printable(text: object) -> str:
    """Return text that a terminal shows as it is, and does not obey.

    Control and invisible characters, among them those that change the direction of writing, are
    written as escapes: names and titles come from strangers.
    """
    text = str(text)
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        each if unicodedata.category(each) not in _OBEYED else _escaped(each) for each in text
    )


def _escaped(character: str) -> str:
    code = ord(character)
    return _ESCAPED.get(character) or (f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")


def _dumped(value: Any, indent: int | None = None) -> str:
    # GitHub's runner obeys `##[command]` anywhere in a line; it can only stand in a text here
    return json.dumps(value, indent=indent).replace("##[", "##\\u005b") + "\n"


def human_size(size: int | None) -> str:
    """Return a number of bytes as people read it: ``1.5 MB`` (powers of 1000, as disks)."""
    if size is None:
        return "?"
    if size < 1000:
        return f"{size} B"
    number = float(size)
    for unit in ("kB", "MB", "GB", "TB"):
        number /= 1000
        if number < 999.95:
            return f"{number:.1f} {unit}"
    return f"{number / 1000:.1f} PB"


def counted(number: int, thing: str) -> str:
    """Return ``1 file``, ``2,000 files``."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


class Output:
    """Standard output."""

    def __init__(self) -> None:
        self.is_terminal = sys.stdout.isatty()

    def line(self, text: object = "") -> None:
        """Print one line."""
        self._write(f"{printable(text)}\n")

    def columns(self, *cells: object) -> None:
        """Print one line of cells separated by tabs, also on a terminal: for paths, never cut."""
        self._write("\t".join(map(printable, cells)) + "\n")

    def raw(self, data: bytes) -> None:
        """Write bytes as they are."""
        self.flush()
        try:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            _stop()

    def flush(self) -> None:
        """Bring out what was printed."""
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            _stop()

    def json(self, value: Any) -> None:
        """Print one JSON value; people get it indented."""
        self._write(_dumped(value, indent=2 if self.is_terminal else None))

    def json_lines(self, values: Iterable[Mapping[str, Any]]) -> None:
        """Print one JSON value a line."""
        for value in values:
            self._write(_dumped(value))

    def table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[object]],
        *,
        right: Sequence[str] = (),
        drop: Sequence[str] = (),
        cut: bool = True,
    ) -> None:
        """Print rows: aligned with a header on a terminal, separated by tabs in a pipe.

        Parameters
        ----------
        columns : sequence of str
            The header.
        rows : sequence of sequence
            The cells. Without any, nothing is printed.
        right : sequence of str
            Columns that are aligned to the right.
        drop : sequence of str
            Columns that a narrow terminal goes without, the first one first; empty ones too.
        cut : bool
            Whether cells are shortened to fit the terminal.
        """
        cells = [["" if cell is None else printable(cell) for cell in row] for row in rows]
        if not self.is_terminal or not cells:
            self._write("".join("\t".join(row) + "\n" for row in cells))
            return
        widths = {
            name: max(len(name), *(_width(row[i]) for row in cells))
            for i, name in enumerate(columns)
            if name not in drop or any(row[i] for row in cells)
        }
        if cut:
            widths = _fit(widths, drop, shutil.get_terminal_size().columns)
        for row in [[name.upper() for name in columns], *cells]:
            parts = [
                _pad(cell, widths[name], right=name in right)
                for name, cell in zip(columns, row, strict=True)
                if name in widths
            ]
            self._write("  ".join(parts).rstrip() + "\n")

    def fields(self, pairs: Iterable[tuple[str, object]], *, indent: int = 0) -> None:
        """Print names and values, one a line; what has no value is left out."""
        shown = [
            (f"{printable(name)}:", value)
            for name, value in pairs
            if value not in (None, "", [], (), {})
        ]
        column = indent + max((_width(name) for name, _ in shown), default=0) + 1
        for name, value in shown:
            for number, text in enumerate(self._lines(str(value), column)):
                label = " " * indent + name if number == 0 else ""
                self._write(f"{_pad(label, column, right=False)}{text}\n")

    def _lines(self, text: str, column: int) -> Iterator[str]:
        """Give the lines of a text, wrapped on a terminal to what is right of a column."""
        room = shutil.get_terminal_size().columns - column if self.is_terminal else 0
        for line in text.strip().split("\n"):
            shown = printable(line)
            if room < _LEAST or _width(shown) <= room:
                yield shown
                continue
            import textwrap  # only for long texts on a terminal

            yield from textwrap.wrap(
                shown, room, break_long_words=False, break_on_hyphens=False
            ) or [""]

    @staticmethod
    def _write(text: str) -> None:
        try:
            sys.stdout.write(text)
        except BrokenPipeError:
            _stop()


def _stop() -> NoReturn:
    """Whoever read our output has enough: end, as other programs do, without a word."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())  # what is still to be flushed
    raise SystemExit(BROKEN_PIPE)


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(each) in "WF" for each in text)
    return len(text) + wide - sum(unicodedata.combining(each) > 0 for each in text)


def _fit(widths: dict[str, int], drop: Sequence[str], total: int) -> dict[str, int]:
    """Leave out columns, then shorten the widest, until a row fits the terminal.

    The last column is a text that may be shortened before another column goes.
    """
    widths = dict(widths)
    last = list(widths)[-1]
    for name in drop:
        least = _row_width(widths) - max(widths[last] - _LEAST, 0)
        if least <= total:
            break
        if name != last:
            widths.pop(name, None)
    excess = max(_row_width(widths) - total, 0)
    widths[last] -= min(excess, max(widths[last] - _LEAST, 0))
    while _row_width(widths) > total and max(widths.values()) > 8:
        widths[max(widths, key=lambda name: widths[name])] -= 1
    return widths


def _row_width(widths: Mapping[str, int]) -> int:
    return sum(widths.values()) + 2 * (len(widths) - 1)


def _pad(text: str, width: int, *, right: bool) -> str:
    if _width(text) > width:
        while _width(text) > width - 1:
            text = text[:-1]
        text += "…"
    space = " " * (width - _width(text))
    return space + text if right else text + space
