"""What a deposit is made of: the files and folders that are named, and what is said of each."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InvalidFileError, NotFoundError, RefusedError, UsageError
from ..files import system_errors, walk
from ..model.listing import Entry as Listed
from ..model.listing import check_entries
from ..model.table import LIMIT, Said, Table, parse_table


@dataclass(frozen=True, slots=True)
class Source:
    """A file or folder to be deposited.

    Parameters
    ----------
    path : Path
        Absolute.
    typed : str
        As the user named it.
    said : Said
        What is said of it.
    files : tuple of str, optional
        Of a folder: the paths of its files below it, sorted; None for a file.
    size : int
        Bytes, in all.
    called : str, optional
        What its data is to be called; else by its identifier, with the extension of the file.
    """

    path: Path
    typed: str
    said: Said
    files: tuple[str, ...] | None
    size: int
    called: str | None = None

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.files is not None

    @property
    def paths(self) -> list[Path]:
        """The files to be read."""
        if self.files is None:
            return [self.path]
        return [self.path.joinpath(*name.split("/")) for name in self.files]


def find_sources(
    names: Sequence[str | os.PathLike[str]],
    *,
    table: str | os.PathLike[str] | None = None,
    said: Said | None = None,
    cwd: Path | None = None,
) -> list[Source]:
    """Look at what the user names, without reading it.

    Parameters
    ----------
    names : sequence of str or path
        Files and folders; none means all that the table lists.
    table : str or path, optional
        CSV or YAML that says something of each (`parse_table`); its names are relative to it.
    said : Said, optional
        What is said of all of them; it wins over the table.
    cwd : Path, optional
        Where relative names start.

    Raises
    ------
    NotFoundError
        If one is not there.
    RefusedError
        If one is, or has in it, a link that leads elsewhere, or a device.
    UsageError
        If the table lists what is not deposited, or nothing is named.
    InvalidFileError
        If the table is malformed, or a file in a folder has a name that no other system knows.
    """
    start = cwd or Path.cwd()
    typed = [os.fspath(name) for name in names]
    rows, everywhere = _read_table(None if table is None else start / table, typed)
    typed = typed or [os.fspath(name) for name in rows]
    if not typed:
        raise UsageError("nothing is named", hint="Name files or folders to deposit.")
    paths = [Path(os.path.abspath(start / name)) for name in typed]
    _check_twice(paths)
    chosen = _assign_rows(paths, rows)
    mine = said or Said()
    return [
        _look(path, name, mine.over(chosen.get(path, Said()).over(everywhere)))
        for path, name in zip(paths, typed, strict=True)
    ]


def _read_table(path: Path | None, typed: Iterable[str]) -> tuple[dict[Path, Said], Said]:
    if path is None:
        return {}, Said()
    names = {form for name in typed for form in (name, os.path.basename(name.rstrip("/")))}
    if not path.is_file():
        raise NotFoundError(f"there is no file {path}", hint="`--metadata` names a table.")
    with system_errors(path, "read"):
        if path.stat().st_size > LIMIT:
            raise InvalidFileError(f"{path} is larger than {LIMIT:,} bytes")
        table: Table = parse_table(path.read_bytes(), str(path), names=frozenset(names))
    rows = {Path(os.path.abspath(path.parent / name)): row for name, row in table.rows.items()}
    return rows, table.everywhere


def _check_twice(paths: Sequence[Path]) -> None:
    seen: set[Path] = set()
    for path in paths:
        if path in seen:
            raise UsageError(f"{path} is named twice", hint="Nothing was deposited.")
        seen.add(path)


def _assign_rows(paths: Sequence[Path], rows: Mapping[Path, Said]) -> dict[Path, Said]:
    """Find the row of each file: by its path, else by its name if only one file has that."""
    by_name: dict[str, list[Path]] = {}
    for path in paths:
        by_name.setdefault(path.name, []).append(path)
    chosen: dict[Path, Said] = {}
    known = set(paths)
    for place, row in rows.items():
        named = by_name.get(place.name, [])
        if place in known:
            chosen[place] = row
        elif len(named) == 1 and named[0] not in rows:
            chosen[named[0]] = row
        else:
            raise UsageError(
                f"the table has a row for {place}, which is not among the files to deposit",
                hint="Name it too, remove the row, or name no file: then all rows are deposited.",
            )
    return chosen


def _look(path: Path, typed: str, said: Said) -> Source:
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(
            f"there is no file or folder {typed!r}", hint="Nothing was deposited."
        ) from None
    if stat.S_ISLNK(status.st_mode):
        raise _is_link(path)
    if stat.S_ISREG(status.st_mode):
        return Source(path, typed, said, None, status.st_size)
    if not stat.S_ISDIR(status.st_mode):
        raise RefusedError(f"{path} is neither a file nor a folder", hint="Nothing was deposited.")
    return _look_into(path, typed, said)


def _look_into(folder: Path, typed: str, said: Said) -> Source:
    names: list[str] = []
    size = 0
    with system_errors(folder, "read"):
        for relative, entry in walk(folder):
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISLNK(status.st_mode):
                raise _is_link(Path(entry.path))
            if not stat.S_ISREG(status.st_mode):
                raise RefusedError(
                    f"{entry.path} is neither a file nor a folder", hint="Nothing was deposited."
                )
            names.append(relative)
            size += status.st_size
    if not names:
        raise RefusedError(f"the folder {folder} has no files", hint="Nothing was deposited.")
    check_entries([Listed(name, "") for name in names], name=str(folder))
    return Source(folder, typed, said, tuple(sorted(names)), size)


def _is_link(path: Path) -> RefusedError:
    return RefusedError(
        f"{path} is a symbolic link to {os.path.realpath(path)}",
        hint="A link could lead anywhere: name the file itself, or replace the link by a copy"
        " (`cp -L`). Nothing was deposited.",
    )
