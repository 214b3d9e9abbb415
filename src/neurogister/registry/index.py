"""What git says about the files that matter, kept in SQLite; deleting it costs time only.

Three layers, so that nothing is parsed twice and nothing is ever stale:

- ``content``: what a blob says, by its id. A blob never changes, so neither does this.
- ``entry``: the files of one commit, the *base*. It moves when the branch does, by git's own diff.
- ``overlay``: what differs from the base in what is looked at now: another commit, files that are
  not committed. It lives in this connection alone.

Several processes may use it at once; each query makes sure that the base is still the one that its
overlay belongs to.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from .lookups import digests_in, identifier_in, start_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

VERSION = 2
_TIMEOUT = 60.0  # seconds: another process may be building

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS content (
    key INTEGER PRIMARY KEY,
    oid TEXT NOT NULL UNIQUE,
    id TEXT,
    document TEXT,
    problem TEXT
);
CREATE INDEX IF NOT EXISTS content_id ON content (id) WHERE id IS NOT NULL;
CREATE TABLE IF NOT EXISTS digest (
    start INTEGER NOT NULL, content INTEGER NOT NULL, PRIMARY KEY (start, content)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entry (
    path TEXT PRIMARY KEY, kind TEXT NOT NULL, mode TEXT NOT NULL, content INTEGER
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entry_content ON entry (content);
CREATE TABLE IF NOT EXISTS unsearched (path TEXT PRIMARY KEY) WITHOUT ROWID;
"""

# those of `searchtables` too, as an index of another form may have them
_TABLES = ("meta", "content", "digest", "entry", "unsearched", "item", "item_value", "item_words")

_OVERLAY = """
CREATE TEMP TABLE IF NOT EXISTS overlay (
    path TEXT PRIMARY KEY, kind TEXT NOT NULL, mode TEXT, content INTEGER
) WITHOUT ROWID;
CREATE TEMP TABLE IF NOT EXISTS asked (value TEXT PRIMARY KEY) WITHOUT ROWID;
"""

_INSERT = """
INSERT OR REPLACE INTO {table} VALUES (?, ?, ?, (SELECT key FROM content WHERE oid = ?))
"""
_ROW = "tree.path, tree.kind, tree.mode, content.oid, content.document, content.problem"
_JOIN = "JOIN content ON content.key = tree.content"
_BOTH = """
SELECT {what} FROM entry AS tree {join} WHERE {condition}
    AND tree.path NOT IN (SELECT path FROM temp.overlay)
UNION ALL
SELECT {what} FROM temp.overlay AS tree {join} WHERE {condition} AND tree.mode IS NOT NULL
"""


class Entry(NamedTuple):
    """A file at what is looked at; `mode` and `oid` are None where it was removed."""

    path: str
    kind: str
    mode: str | None
    oid: str | None


class Problem(NamedTuple):
    """Why a file cannot be read: as `DocumentError` has it."""

    reason: str
    line: int | None
    column: int | None
    hint: str | None


class Content(NamedTuple):
    """What a blob says: a document, or why it cannot be read."""

    oid: str
    document: Any
    problem: Problem | None = None


class Row(NamedTuple):
    """A file with what it says; `oid` is None if the index does not have its content."""

    path: str
    kind: str
    mode: str
    oid: str | None
    document: Any
    problem: Problem | None


class Index:
    """The index of one registry.

    Parameters
    ----------
    path : Path, optional
        The database; None keeps it in memory, as happens too where the folder cannot be written
        or the database is damaged beyond repair.
    """

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.RLock()
        kept = _open(path) if path is not None else None
        self.is_kept = kept is not None
        self._connection = kept if kept is not None else _connect(":memory:")

    def close(self) -> None:
        """Let go of the database."""
        with self._lock:
            self._connection.close()

    def __del__(self) -> None:
        # Python 3.13 warns of connections that nobody closed; a script need not think of that
        with suppress(AttributeError, sqlite3.Error):
            self.close()

    @contextmanager
    def transaction(self, *, write: bool = False) -> Iterator[None]:
        """See (or change) one state of the database, whatever others do meanwhile."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            try:
                yield
            except BaseException:
                with suppress(sqlite3.Error):
                    self.execute("ROLLBACK")
                raise
            self.execute("COMMIT")

    # The base.

    @property
    def base(self) -> str | None:
        """The commit whose files are kept; None if there is none yet."""
        row = self.execute("SELECT value FROM meta WHERE name = 'base'").fetchone()
        return row[0] if row else None

    def replace(self, commit: str, entries: Iterable[Entry]) -> None:
        """Keep the files of a commit instead of those that are kept."""
        with self.transaction(write=True):
            self.execute("DELETE FROM entry")
            self.execute("DELETE FROM meta WHERE name = 'searched'")  # by `searchtables`
            self._insert("entry", entries)
            self._set_base(commit)
            self._prune()

    def advance(self, old: str, new: str, changes: Sequence[Entry]) -> None:
        """Move the base to another commit; nothing happens if another process has moved it."""
        with self.transaction(write=True):
            if self.base != old:
                return
            self.many("DELETE FROM entry WHERE path = ?", ((each.path,) for each in changes))
            self._insert("entry", (each for each in changes if each.mode is not None))
            self._note_unsearched(changes)
            self._set_base(new)
            self._prune()

    def _set_base(self, commit: str) -> None:
        self.execute("INSERT OR REPLACE INTO meta VALUES ('base', ?)", (commit,))

    def _note_unsearched(self, changes: Sequence[Entry]) -> None:
        """Tell the search tables, if there are any, which files of the base have changed."""
        if self.execute("SELECT 1 FROM meta WHERE name = 'searched'").fetchone():
            paths = ((each.path,) for each in changes)
            self.many("INSERT OR IGNORE INTO unsearched VALUES (?)", paths)

    def _prune(self) -> None:
        """Forget contents that are far out of use, so that the index does not grow for ever."""
        contents = self.execute("SELECT count(*) FROM content").fetchone()[0]
        entries = self.execute("SELECT count(*) FROM entry").fetchone()[0]
        if contents > 4 * entries + 20_000:
            self.execute("DELETE FROM content WHERE key NOT IN (SELECT content FROM entry)")
            self.execute("DELETE FROM digest WHERE content NOT IN (SELECT key FROM content)")

    # What blobs say.

    def unknown(self, oids: Iterable[str]) -> list[str]:
        """Tell of which blobs nothing is known, in the order asked for."""
        wanted = list(dict.fromkeys(oids))
        with self.transaction():
            self._ask(wanted)
            known = {
                row[0]
                for row in self.execute(
                    "SELECT oid FROM content WHERE oid IN (SELECT value FROM temp.asked)"
                )
            }
        return [oid for oid in wanted if oid not in known]

    def store(self, contents: Sequence[Content]) -> None:
        """Keep what blobs say."""
        with self.transaction(write=True):
            new = set(self.unknown(each.oid for each in contents))
            first = self.execute("SELECT coalesce(max(key), 0) FROM content").fetchone()[0] + 1
            keyed = list(enumerate({each.oid: each for each in contents}.values(), first))
            keyed = [(key, each) for key, each in keyed if each.oid in new]
            self.many(
                "INSERT INTO content VALUES (?, ?, ?, ?, ?)",
                (
                    (
                        key,
                        each.oid,
                        identifier_in(each.document),
                        None if each.problem else _dump(each.document),
                        _dump(each.problem) if each.problem else None,
                    )
                    for key, each in keyed
                ),
            )
            self.many(
                "INSERT OR IGNORE INTO digest VALUES (?, ?)",
                (
                    (start, key)
                    for key, each in keyed
                    for start in {start_of(value) for value in digests_in(each.document)}
                    if start is not None
                ),
            )

    # What is looked at.

    def overlay(self, changes: Iterable[Entry]) -> None:
        """Say what differs from the base in what is looked at."""
        with self.transaction():
            self.execute("DELETE FROM temp.overlay")
            self._insert("temp.overlay", changes)

    def rows(self, paths: Sequence[str] | None = None) -> list[Row]:
        """Return files with their contents: those at some paths, or all; not sorted."""
        condition = "TRUE"
        with self.transaction():
            if paths is not None:
                self._ask(paths)
                condition = "tree.path IN (SELECT value FROM temp.asked)"
            query = _BOTH.format(what=_ROW, join=f"LEFT {_JOIN}", condition=condition)
            return [_row(values) for values in self.execute(query)]

    def rows_of_kind(self, kind: str) -> list[Row]:
        """Return all files of a kind with their contents; not sorted."""
        with self.transaction():
            query = _BOTH.format(what=_ROW, join=f"LEFT {_JOIN}", condition="tree.kind = ?1")
            return [_row(values) for values in self.execute(query, (kind,))]

    def base_rows(self, paths: Sequence[str] | None = None) -> list[Row]:
        """Return files as the base has them, whatever lies over it; not sorted."""
        query = f"SELECT {_ROW} FROM entry AS tree LEFT {_JOIN}"  # noqa: S608 - constants
        with self.transaction():
            if paths is not None:
                self._ask(paths)
                query += " WHERE tree.path IN (SELECT value FROM temp.asked)"
            return [_row(values) for values in self.execute(query)]

    def changed_paths(self) -> list[tuple[str, str, bool]]:
        """Return what lies over the base: each path with its kind, and whether it is there."""
        rows = self.execute("SELECT path, kind, mode IS NOT NULL FROM temp.overlay")
        return [(path, kind, bool(there)) for path, kind, there in rows]

    def paths(self, folder: str) -> list[tuple[str, str]]:
        """Return the paths of all files below a folder (``store/``), each with its kind."""
        with self.transaction():
            condition = "tree.path >= ?1 AND tree.path < ?2"
            query = _BOTH.format(what="tree.path, tree.kind", join="", condition=condition)
            return self.execute(query, (folder, folder[:-1] + chr(ord("/") + 1))).fetchall()

    def paths_of_id(self, key: str) -> list[str]:
        """Return the files whose record has an identifier, in its case-folded form."""
        with self.transaction():
            query = _BOTH.format(what="tree.path", join=_JOIN, condition="content.id = ?1")
            return [row[0] for row in self.execute(query, (key,))]

    def paths_of_digest(self, value: str) -> list[str]:
        """Return the files that name a digest, for any version."""
        with self.transaction():
            query = _BOTH.format(
                what="tree.path, content.document",
                join=_JOIN,
                condition="content.key IN (SELECT content FROM digest WHERE start = ?1)",
            )
            found = self.execute(query, (start_of(value),)).fetchall()
        return [path for path, document in found if value in digests_in(json.loads(document))]

    # SQLite.

    def execute(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        """Run a statement: for those who keep tables of their own in the index."""
        return self._connection.execute(statement, values)

    def many(self, statement: str, values: Iterable[Sequence[object]]) -> None:
        """Run a statement many times."""
        self._connection.executemany(statement, values)

    def define(self, name: str, function: Callable[[Any], bool]) -> None:
        """Let SQL call a function of one value."""
        self._connection.create_function(name, 1, function, deterministic=True)

    def _insert(self, table: str, entries: Iterable[Entry]) -> None:
        self.many(_INSERT.format(table=table), entries)

    def _ask(self, values: Iterable[str]) -> None:
        self.execute("DELETE FROM temp.asked")
        self.many("INSERT OR IGNORE INTO temp.asked VALUES (?)", ((value,) for value in values))


def _open(path: Path) -> sqlite3.Connection | None:
    """Open a database, made anew if it is damaged; None if that cannot be."""
    for _ in range(2):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return _connect(str(path))
        except (OSError, sqlite3.OperationalError):
            return None  # cannot be written, or cannot be locked there
        except sqlite3.DatabaseError:
            remove_database(path)
    return None


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=_TIMEOUT, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA cache_size = -8000")  # KiB
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != VERSION:
            _make_tables(connection, version)
        connection.executescript(_OVERLAY)
    except BaseException:
        connection.close()
        raise
    return connection


def _make_tables(connection: sqlite3.Connection, version: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    if version:  # made by another neurogister
        for table in _TABLES:
            connection.execute(f"DROP TABLE IF EXISTS {table}")
    for statement in _SCHEMA.split(";"):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def remove_database(path: Path) -> None:
    """Remove a database with its companions, as far as that is possible."""
    for suffix in ("", "-wal", "-shm"):
        with suppress(OSError):
            path.with_name(path.name + suffix).unlink()


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _row(values: tuple[Any, ...]) -> Row:
    path, kind, mode, oid, document, problem = values
    try:
        value = None if document is None else json.loads(document)
        reason = None if problem is None else Problem(*json.loads(problem))
    except (ValueError, TypeError) as error:
        raise sqlite3.DatabaseError(f"the content {oid} is damaged") from error
    return Row(path, kind, mode, oid, value, reason)
