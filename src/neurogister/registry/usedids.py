"""Which identifiers were ever given away: in the work tree, on any branch, at any time.

An identifier is never used again, so it is looked for in git's whole history too. What git has
stored never changes, so each commit is read once; the rest is kept beside the index.
"""

from __future__ import annotations

import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from ..errors import InvalidFileError, NotFoundError
from ..model.document import parse_document
from .layout import MANIFEST, YAML_LIMIT, classify
from .lookups import identifier_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from ..backends.git import Repository

# What could be an identifier, found without reading YAML; `identifier_in` tells whether it is one.
_PERHAPS = re.compile(rb"""\bid["']?\s*:\s*["']?([A-Za-z0-9][A-Za-z0-9_-]{0,254})""")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS tip (oid TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS used (
    key TEXT NOT NULL, oid TEXT NOT NULL, path TEXT NOT NULL, PRIMARY KEY (key, oid, path)
) WITHOUT ROWID;
PRAGMA user_version = 1;
"""
_BATCH = 500
_MANY = 5_000  # blobs that are worth a second process


class UsedIdentifiers:
    """The identifiers in all of a repository's history.

    Parameters
    ----------
    repository : Repository
        Whose.
    path : Path, optional
        The database; without one (or where it cannot be written), memory.
    """

    def __init__(self, repository: Repository, path: Path | None) -> None:
        self._repository = repository
        self._path = path
        self._database: sqlite3.Connection | None = None

    def close(self) -> None:
        """Let go of the database; what came into git since is seen the next time."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def find(self, keys: Iterable[str]) -> dict[str, str]:
        """Find identifiers that were given away.

        Parameters
        ----------
        keys : iterable of str
            In their case-folded form.

        Returns
        -------
        dict
            Of those that were: the file that had (or has) each, from the top of the registry.
        """
        wanted = list(dict.fromkeys(keys))
        if self._database is None:
            self._database = _open(self._path)
            self._learn(self._database)
        found: dict[str, str] = {}
        for start in range(0, len(wanted), _BATCH):
            part = wanted[start : start + _BATCH]
            for key, oid, path in self._database.execute(
                f"SELECT key, oid, path FROM used WHERE key IN ({_marks(part)})",  # noqa: S608
                part,
            ).fetchall():
                if key not in found and self._has(oid, key):
                    found[key] = path
        return found

    def _learn(self, database: sqlite3.Connection) -> None:
        """Read the commits that came since the last time."""
        tips = self._repository.list_tips()
        known = [row[0] for row in database.execute("SELECT oid FROM tip")]
        if set(tips) <= set(known):
            return
        # what git has forgotten since (a branch was removed) cannot be named to it any more
        known = self._repository.existing(known)
        rows = _perhaps_given(self._repository, self._repository.touched(known))
        with suppress(sqlite3.Error), database:  # else it is read again the next time
            database.executemany("INSERT OR IGNORE INTO used VALUES (?, ?, ?)", rows)
            database.execute("DELETE FROM tip")
            database.executemany("INSERT OR IGNORE INTO tip VALUES (?)", ((tip,) for tip in tips))

    def _has(self, oid: str, key: str) -> bool:
        """Tell whether a file really gives an identifier, and does not only look like it."""
        try:
            _, data = next(iter(self._repository.read_blobs([oid], limit=YAML_LIMIT)))
        except NotFoundError:
            return False  # of another clone that was here before, or forgotten by git
        return gives(data, key)


def find_given(repository: Repository, tip: str) -> list[tuple[str, str, str]]:
    """Find what may be identifiers in the whole history of a commit, without reading YAML.

    Parameters
    ----------
    repository : Repository
        Whose.
    tip : str
        The commit.

    Returns
    -------
    list of (str, str, str)
        Identifiers in their case-folded form, each with a blob and its path. `gives` tells
        whether it really is one.
    """
    return _perhaps_given(repository, repository.touched([], tip))


def gives(data: bytes, key: str) -> bool:
    """Tell whether a file really gives an identifier, and does not only look like it."""
    try:
        return identifier_in(parse_document(data, "", limit=YAML_LIMIT)) == key
    except InvalidFileError:
        return True  # broken: better not given away a second time


def is_plain(data: bytes, key: str) -> bool:
    """Tell whether an identifier is written so that it is found without reading YAML."""
    return key.encode() in {found.lower() for found in _PERHAPS.findall(data)}


def _perhaps_given(
    repository: Repository, touched: Sequence[tuple[str, str]]
) -> list[tuple[str, str, str]]:
    paths: dict[str, set[str]] = {}
    for oid, path in touched:
        if classify(path) not in (None, MANIFEST):
            paths.setdefault(oid, set()).add(path)
    return [(key, oid, path) for oid, key in _candidates(repository, paths) for path in paths[oid]]


def _candidates(repository: Repository, oids: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Give each blob with what may be an identifier in it."""
    wanted = list(oids)
    repository.fetch_blobs(wanted)
    if len(wanted) < _MANY:
        yield from _scanned(repository, wanted)
        return
    # git unpacks objects in one thread; two of it do so in half the time
    half = len(wanted) // 2
    with ThreadPoolExecutor(2) as pool:
        parts = [pool.submit(_scanned, repository, part) for part in (wanted[:half], wanted[half:])]
        for part in parts:
            yield from part.result()


def _scanned(repository: Repository, oids: Sequence[str]) -> list[tuple[str, str]]:
    return [
        (oid, found.decode("ascii").lower())
        for oid, data in repository.read_blobs(oids, limit=YAML_LIMIT)
        for found in set(_PERHAPS.findall(data))
    ]


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def _open(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        for _ in range(2):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                return _prepared(sqlite3.connect(path, timeout=20))
            except (OSError, sqlite3.OperationalError):
                break  # cannot be written there
            except sqlite3.DatabaseError:  # damaged
                with suppress(OSError):
                    path.unlink()
    return _prepared(sqlite3.connect(":memory:"))


def _prepared(database: sqlite3.Connection) -> sqlite3.Connection:
    if database.execute("PRAGMA user_version").fetchone()[0] != 1:
        database.executescript(_SCHEMA)
    return database
