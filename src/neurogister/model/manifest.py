"""A manifest: one CSV row for each file of a folder, so that git knows the content.

``NAME.manifest.csv`` in a registry has the columns ``size,md5,sha256,path``; `neurogister manifest`
prints ``size,sha256,path``. Both are read here: columns are known by the header (RFC 4180 CSV,
UTF-8, lines ended by LF).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from ..errors import InvalidFileError
from .digest import is_digest
from .listing import Entry, check_entries
from .paths import check_path

REGISTRY_COLUMNS = ("size", "md5", "sha256", "path")
PLAIN_COLUMNS = ("size", "sha256", "path")


def parse_manifest(data: bytes, *, name: str) -> list[Entry]:
    """Read a manifest, trusting nothing in it.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Its name, for messages.

    Returns
    -------
    list of Entry
        In the order of their paths. `Entry.md5` is empty if the manifest has no such column.

    Raises
    ------
    InvalidFileError
        That names the line, if it is not a manifest or has a path that would leave its folder.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _invalid(name, 1, "is not UTF-8") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    entries: list[Entry] = []
    try:
        columns = next(reader, [])
        _check_columns(columns, name)
        entries.extend(_parse_row(row, columns) for row in reader)
    except csv.Error as error:
        raise _invalid(name, reader.line_num, f"is not CSV: {error}") from error
    except ValueError as error:
        raise _invalid(name, reader.line_num, str(error)) from None
    check_entries(entries, name=name)
    return sorted(entries, key=lambda entry: entry.path)


def read_rows(data: bytes) -> tuple[list[tuple[int, Entry]], list[tuple[int, str]]]:
    """Read a manifest as far as it can be read, for a report of all that is wrong.

    Parameters
    ----------
    data : bytes
        The file.

    Returns
    -------
    list of (int, Entry)
        The rows that are sound, each with its line; paths are not compared with each other.
    list of (int, str)
        What is wrong, as ends of sentences that start with the line.
    """
    rows: list[tuple[int, Entry]] = []
    faults: list[tuple[int, str]] = []
    reader = csv.reader(io.StringIO(data.decode("utf-8", "replace"), newline=""), strict=True)
    try:
        columns = next(reader, [])
        if reason := _fault_in_columns(columns):
            return rows, [(1, reason)]
        for row in reader:
            try:
                entry = _parse_row(row, columns)
                _check_row_path(entry.path)
                rows.append((reader.line_num, entry))
            except ValueError as error:
                faults.append((reader.line_num, str(error)))
    except csv.Error as error:
        faults.append((reader.line_num, f"is not CSV: {error}"))
    return rows, faults


def _check_row_path(path: str) -> None:
    try:
        check_path(path)
    except ValueError as error:
        raise ValueError(f"has the path {path[:80]!a}, which {error}") from None


def _check_columns(columns: Sequence[str], name: str) -> None:
    if reason := _fault_in_columns(columns):
        raise _invalid(name, 1, reason)


def _fault_in_columns(columns: Sequence[str]) -> str | None:
    known = {"size", "md5", "sha1", "sha256", "path"}
    some_digest = {"md5", "sha256"} & set(columns)
    if "path" not in columns or not some_digest or len(set(columns)) < len(columns):
        return f"should start with the columns {','.join(REGISTRY_COLUMNS)}"
    if unknown := set(columns) - known:
        return f"has unknown columns: {', '.join(sorted(unknown))}"
    return None


def _parse_row(row: Sequence[str], columns: Sequence[str]) -> Entry:
    values = dict(zip(columns, row, strict=False))
    if len(row) != len(columns):
        raise ValueError(f"has {len(row)} fields, and should have {len(columns)}")
    size = values.get("size", "")
    if size and not (size.isascii() and size.isdigit() and len(size) < 17):
        raise ValueError(f"has a size that is no number: {size[:40]!r}")
    for algorithm in ("md5", "sha1", "sha256"):
        if (value := values.get(algorithm)) and not is_digest(algorithm, value):
            raise ValueError(f"has a {algorithm} that is none: {value[:80]!r}")
    return Entry(
        path=values["path"],
        md5=values.get("md5", ""),
        size=int(size) if size else None,
        sha256=values.get("sha256") or None,
        sha1=values.get("sha1") or None,
    )


def _invalid(name: str, line: int, reason: str) -> InvalidFileError:
    return InvalidFileError(
        f"{name}, line {line}: {reason}",
        hint="Make it anew with `neurogister manifest DIR`.",
    )


def dump_manifest(entries: Iterable[Entry], *, columns: Sequence[str] = REGISTRY_COLUMNS) -> bytes:
    """Write a manifest.

    Parameters
    ----------
    entries : iterable of Entry
        The files, in any order.
    columns : sequence of str
        Which columns, in their order.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for entry in sorted(entries, key=lambda entry: entry.path):
        writer.writerow("" if (v := getattr(entry, name)) is None else v for name in columns)
    return text.getvalue().encode()
