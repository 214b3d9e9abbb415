"""What we have verified ourselves: which files had which digest when last read.

A small SQLite file of the user's own, beside no cache (a shared cache's other users cannot vouch
for its content). Deleting it costs time only: everything is then read once more.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..model.objects import ObjectId

if TYPE_CHECKING:
    from .cache import Cache, Stat

_SCHEMA = """
CREATE TABLE IF NOT EXISTS object (
    cache TEXT, oid TEXT, inode INTEGER, mtime INTEGER, size INTEGER, sha256 TEXT,
    PRIMARY KEY (cache, oid)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS placed (
    path TEXT PRIMARY KEY, oid TEXT, signature TEXT, strong TEXT) WITHOUT ROWID;
PRAGMA user_version = 1;
"""

_ROWS = 100  # of one statement; SQLite takes 999 values, before version 3.32

_KNOWN = "SELECT oid, inode, mtime, size, sha256 FROM object WHERE cache = ? AND oid IN ({})"


class State:
    """Remembers verified objects and placed datasets, for many processes at once.

    Parameters
    ----------
    path : Path, optional
        The database; without one (or where it cannot be written), memory.
    """

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.Lock()
        self._database = _open(path)

    def verified(
        self, cache: Cache, oids: Iterable[ObjectId]
    ) -> dict[ObjectId, tuple[int, str | None]]:
        """Tell which objects of a cache are unchanged since they were verified.

        Returns
        -------
        dict
            The unchanged ones, each with its size, and with the strongest digest beside its md5
            that was verified, if one was.
        """
        wanted = list(oids)
        known = self._known(cache, [_name(oid) for oid in wanted])
        unchanged = {}
        for oid in wanted:
            if (row := known.get(_name(oid))) and cache.stat(oid) == row[0]:
                unchanged[oid] = row[0].size, row[1]
        return unchanged

    def _known(self, cache: Cache, names: Sequence[str]) -> dict[str, tuple[Stat, str | None]]:
        rows: list[tuple[str, int, int, int, str | None]] = []
        root = str(cache.root)
        with self._lock, suppress(sqlite3.Error):
            for start in range(0, len(names), 500):
                part = names[start : start + 500]
                marks = ",".join("?" * len(part))
                statement = _KNOWN.format(marks)
                rows += self._database.execute(statement, (root, *part))
        from .cache import Stat  # whoever asks of a cache has it

        return {oid: (Stat(inode, mtime, size), sha) for oid, inode, mtime, size, sha in rows}

    def remember(self, cache: Cache, verified: Iterable[tuple[ObjectId, Stat, str | None]]) -> None:
        """Note objects that were verified: each with its state, and its sha256 if that was too."""
        root = str(cache.root)
        rows = [
            (root, _name(oid), stat.inode, stat.mtime_ns, stat.size, sha256)
            for oid, stat, sha256 in verified
        ]
        self._write("INSERT OR REPLACE INTO object VALUES", rows)

    def forget(self, cache: Cache, oids: Iterable[ObjectId]) -> None:
        """Forget objects, as when they were removed."""
        rows = [(str(cache.root), _name(oid)) for oid in oids]
        self._write("DELETE FROM object WHERE (cache, oid) IN (VALUES", rows, ")")

    def placed(self, root: Path) -> dict[str, tuple[str, str]]:
        """Return what was placed below a folder: by path, the oid and the signature."""
        prefix = f"{root}/"
        with self._lock, suppress(sqlite3.Error):
            return {
                path: (oid, signature)
                for path, oid, signature in self._database.execute(
                    "SELECT path, oid, signature FROM placed WHERE path >= ? AND path < ?",
                    (prefix, f"{root}0"),  # '0' follows '/'
                )
            }
        return {}

    def remember_placed(self, placed: Iterable[tuple[Path, str, str]]) -> None:
        """Note datasets that lie whole at a path: each with its oid and signature."""
        rows = [(str(path), oid, signature) for path, oid, signature in placed]
        self._write("INSERT OR REPLACE INTO placed (path, oid, signature) VALUES", rows)

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]], end: str = "") -> None:
        """Write many rows at a time: at each step other threads take over, and take their time."""
        if not rows:
            return
        marks = f"({','.join('?' * len(rows[0]))})"
        # what cannot be noted is verified again
        with self._lock, suppress(sqlite3.Error), self._database:
            for start in range(0, len(rows), _ROWS):
                part = rows[start : start + _ROWS]
                whole = f"{statement} {','.join([marks] * len(part))}{end}"
                self._database.execute(whole, [value for row in part for value in row])

    def close(self) -> None:
        """Let go of the database."""
        with self._lock:
            self._database.close()


def _name(oid: ObjectId) -> str:
    return oid.key


def _open(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        try:
            return _connect(path)
        except sqlite3.DatabaseError as error:
            if not isinstance(error, sqlite3.OperationalError):
                with suppress(OSError, sqlite3.Error):
                    path.unlink()
                    return _connect(path)
        except OSError:
            pass
    return _prepare(sqlite3.connect(":memory:", check_same_thread=False))


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    return _prepare(sqlite3.connect(path, timeout=20, check_same_thread=False))


def _prepare(database: sqlite3.Connection) -> sqlite3.Connection:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version != 1:
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript(_SCHEMA)
    database.execute("PRAGMA synchronous = OFF")
    return database
