"""A table of what is said of many files: one row, or one mapping, for each."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import InvalidFileError, UsageError
from .assignments import assign, merge, parse_value
from .document import parse_document
from .fields import Fields

LIMIT = 64 << 20
FILE_COLUMNS = ("file", "path", "filename")
_TEXTS = ("id", "dtype", "title", "description", "license", "note", "created_by", "created_on")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody says of a file when it is deposited.

    Parameters
    ----------
    id, dtype, title, description, license, note, created_by, created_on : str, optional
        As in its record; the note is that of the version.
    derived_from : tuple of str
        What it was made from.
    metadata : mapping
        Free keys and values.
    """

    id: str | None = None
    dtype: str | None = None
    title: str | None = None
    description: str | None = None
    license: str | None = None
    note: str | None = None
    created_by: str | None = None
    created_on: str | None = None
    derived_from: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_fields(cls, fields: Fields) -> Said:
        """Take what is known from a mapping; the rest is metadata.

        Raises
        ------
        InvalidFileError
            If a field has the wrong type.
        """
        texts = {name: fields.text(name) for name in _TEXTS}
        derived_from = fields.texts("derived_from")
        metadata = fields.mapping("metadata")
        return cls(
            **texts,
            derived_from=derived_from,
            metadata=merge(fields.rest(), metadata),
        )

    def over(self, other: Said) -> Said:
        """Return both; where they differ, this one wins."""
        texts = {name: getattr(self, name) or getattr(other, name) for name in _TEXTS}
        return Said(
            **texts,
            derived_from=self.derived_from or other.derived_from,
            metadata=merge(other.metadata, self.metadata),
        )


@dataclass(frozen=True, slots=True)
class Table:
    """What a file says of others.

    Parameters
    ----------
    rows : mapping of str to Said
        By the name of the file, as it is written there.
    everywhere : Said
        What it says of all.
    """

    rows: Mapping[str, Said] = field(default_factory=dict)
    everywhere: Said = field(default_factory=Said)


def parse_table(data: bytes, path: str, *, names: frozenset[str] = frozenset()) -> Table:
    """Read a table: CSV with a column ``file``, or YAML.

    Parameters
    ----------
    data : bytes
        The file.
    path : str
        Its name, for messages; one that ends with ``.csv`` or ``.tsv`` is a table of rows.
    names : frozenset of str
        The files that are meant: a YAML mapping with one of them as a key says something of each
        file; any other says something of all.

    Raises
    ------
    InvalidFileError
        That names the line.
    """
    lower = path.lower()
    if lower.endswith((".csv", ".tsv")):
        return Table(_parse_rows(data, path, "\t" if lower.endswith(".tsv") else ","))
    document = parse_document(data, path, limit=LIMIT)
    if isinstance(document, list):
        return Table(_parse_list(document, path))
    if not isinstance(document, dict):
        raise InvalidFileError(f"{path} is neither a mapping nor a list")
    if names & document.keys():
        outer = Fields(document, path)
        return Table({name: Said.from_fields(outer.inner(name)) for name in document})
    return Table(everywhere=Said.from_fields(Fields(document, path)))


def _parse_list(document: list[Any], path: str) -> dict[str, Said]:
    rows: dict[str, Said] = {}
    for fields in Fields({"rows": document}, path).mappings("rows"):
        name = next((n for column in FILE_COLUMNS if (n := fields.text(column))), None)
        if name is None:
            raise fields.error("file", "is missing: it says which file a row is about")
        rows[_new(name, rows, f"{path}: {name}")] = Said.from_fields(fields)
    return rows


def _parse_rows(data: bytes, path: str, delimiter: str) -> dict[str, Said]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        hint = "Save it with that encoding."
        raise InvalidFileError(f"{path} is not UTF-8", hint=hint) from error
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: dict[str, Said] = {}
    try:
        columns = [name.strip() for name in next(reader, [])]
        column = _file_column(columns, path)
        for row in reader:
            if any(cell.strip() for cell in row):
                where = f"{path}, line {reader.line_num}"
                if len(row) != len(columns):
                    raise InvalidFileError(
                        f"{where}: has {len(row)} cells, and should have {len(columns)}"
                    )
                name = _new(row[column].strip(), rows, where)
                cells = dict(zip(columns, row, strict=True))
                rows[name] = _parse_row(cells, columns[column], where)
    except csv.Error as error:
        raise InvalidFileError(f"{path}, line {reader.line_num}: {error}") from error
    return rows


def _file_column(columns: list[str], path: str) -> int:
    for name in FILE_COLUMNS:
        if name in columns:
            if len(set(columns)) < len(columns) or "" in columns:
                break
            return columns.index(name)
    raise InvalidFileError(
        f"{path}, line 1: the first line must name each column once, and one of them `file`",
        hint="As in `file,id,title,species`.",
    )


def _new(name: str, rows: Mapping[str, Said], where: str) -> str:
    if not name:
        raise InvalidFileError(f"{where}: does not say which file it is about")
    if name in rows:
        raise InvalidFileError(f"{where}: {name!r} has a row already")
    return name


def _parse_row(cells: dict[str, str], file_column: str, where: str) -> Said:
    """Make what a row says of its cells; empty ones say nothing."""
    known: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    for name, cell in cells.items():
        text = cell.strip()
        if name == file_column or not text:
            continue
        if name in _TEXTS:
            known[name] = text
        elif name == "derived_from":
            known[name] = text.split()
        else:
            try:
                assign(metadata, name.removeprefix("metadata."), parse_value(text))
            except UsageError as error:
                raise InvalidFileError(f"{where}: {error.message}", hint=error.hint) from None
    return Said.from_fields(Fields({**known, "metadata": metadata}, where))
