"""Finds datasets by what is said of them: in the search tables, or by looking at each.

The tables tell of the base. What lies over it (another revision, files that are not committed) is
few datasets, which are looked at one by one; so is everything where the tables cannot be had.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..model.facts import DIGESTS, SINGLE, Shared, Value, facts_of
from ..model.query import Condition, Phrase, Query
from .contents import assemble
from .layout import (
    COLLECTION,
    PACKAGE,
    POINTER,
    REGISTRY_FILE,
    RESOURCE,
    STORE,
    VENDOR,
    is_package_place,
    place_of,
)
from .searchtables import can_search, is_fresh, refresh
from .view import complete

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..model.dataset import Collection, Dataset
    from ..progress import Progress
    from .finder import Finder
    from .index import Index
    from .view import View

_MANY = 2_000  # more than that are taken from all that there is
_NOTHING = Shared()
_OF_DATASETS = {POINTER, RESOURCE, PACKAGE}


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    Parameters
    ----------
    items : list of Dataset
        Sorted by name; those that were wanted at most.
    total : int
        How many there are in all.
    """

    items: list[Dataset]
    total: int


@dataclass(frozen=True, slots=True)
class _Hits:
    """What the tables have: the first names and places, how many, and which to look at."""

    found: list[tuple[str, str]]
    total: int
    open: set[str]


def search(
    query: Query, view: View, finder: Finder, *, limit: int | None, progress: Progress
) -> Found:
    """Find what matches a query.

    Parameters
    ----------
    query : Query
        What must hold.
    view : View
        The files that matter.
    finder : Finder
        Makes datasets of them.
    limit : int, optional
        How many are wanted at most.
    progress : Progress
        Told when it takes long.
    """

    def ask(index: Index) -> tuple[dict[str, Shared], _Hits | None]:
        rows = complete(index.rows_of_kind(COLLECTION))
        shared = _shared(assemble(rows, lambda _: {}).collections)
        return shared, _Question(query, shared, index).hits(limit)

    shared, hits = view.search(ask, lambda index: refresh(index, progress))
    if hits is None:
        return _scan(query, finder, shared, limit)
    looked_at = _matching(query, shared, _at(finder, hits.open))
    names = sorted([*hits.found, *((item.name, item.place) for item in looked_at)])
    wanted = [place for _, place in names[:limit]]
    items = {item.place: item for item in _at(finder, wanted)}
    total = hits.total + len(looked_at)
    return Found([items[place] for place in wanted if place in items], total)


def _at(finder: Finder, places: Sequence[str] | set[str]) -> list[Dataset]:
    if len(places) > _MANY:
        finder.everything()  # all at once is quicker
    return finder.at(places)


def _scan(query: Query, finder: Finder, shared: Mapping[str, Shared], limit: int | None) -> Found:
    items = _matching(query, shared, finder.everything())
    items.sort(key=lambda item: (item.name, item.place))
    return Found(items[:limit], len(items))


def _matching(
    query: Query, shared: Mapping[str, Shared], items: Iterable[Dataset]
) -> list[Dataset]:
    return [
        item
        for item in items
        if query.matches(facts_of(item), shared.get(item.collection or "", _NOTHING))
    ]


def read_collections(view: View) -> list[Collection]:
    """Return the collections that have a file.

    Parameters
    ----------
    view : View
        The files that matter.
    """
    return assemble(view.rows_of_kind(COLLECTION), view.read_blobs).collections


def _shared(collections: Iterable[Collection]) -> dict[str, Shared]:
    """Return what each collection adds to its datasets, by its name."""
    return {each.name: Shared.of(each) for each in collections}


class _Question:
    """A query, as SQL."""

    def __init__(self, query: Query, shared: Mapping[str, Shared], index: Index) -> None:
        self._query = query
        self._shared = shared
        self._index = index
        self._values: list[object] = []
        self._lists = 0

    def hits(self, limit: int | None) -> _Hits | None:
        """Return what the tables have; None if they are of no use."""
        if not can_search(self._index):
            return None
        if not is_fresh(self._index):
            raise sqlite3.OperationalError("another process has moved the base")
        laid_over = self._index.changed_paths()
        if any(path == REGISTRY_FILE and there != self._had_file() for path, _, there in laid_over):
            return None  # which files count is another question then
        places = self._open_places(laid_over)
        self._index.execute(
            "CREATE TEMP TABLE IF NOT EXISTS listed"
            " (list INTEGER, value TEXT, PRIMARY KEY (list, value)) WITHOUT ROWID"
        )
        self._index.execute("DELETE FROM temp.listed")
        conditions = [f"place NOT IN {self._list(places)}"] if places else []
        conditions += [self._phrase(each) for each in self._query.phrases]
        conditions += [self._condition(each) for each in self._query.conditions]
        if self._query.digest is not None:
            conditions.append(self._start(DIGESTS, self._query.digest))
        return self._ask(" AND ".join(conditions) or "TRUE", limit, places)

    def _ask(self, condition: str, limit: int | None, places: set[str]) -> _Hits:
        statement = f"FROM item WHERE {condition}"
        if limit is None:
            rows = self._index.execute(f"SELECT name, place {statement}", self._values).fetchall()
            return _Hits(rows, len(rows), places)
        (total,) = self._index.execute(f"SELECT count(*) {statement}", self._values).fetchone()
        rows = self._index.execute(
            f"SELECT name, place {statement} ORDER BY name, place LIMIT {limit:d}", self._values
        ).fetchall()
        return _Hits(rows, total, places)

    def _had_file(self) -> bool:
        return bool(self._index.base_rows([REGISTRY_FILE]))

    def _open_places(self, laid_over: Sequence[tuple[str, str, bool]]) -> set[str]:
        places = {place_of(path) for path, kind, _ in laid_over if kind in _OF_DATASETS}
        if any(kind == VENDOR for _, kind, _ in laid_over):  # packages may have other names
            places |= {
                place_of(path) for path, kind in self._index.paths(STORE) if kind in _OF_DATASETS
            }
            rows = self._index.execute("SELECT place FROM item").fetchall()
            places |= {row[0] for row in rows if is_package_place(row[0])}
        return places

    def _list(self, values: Iterable[str]) -> str:
        """Return what stands for a list of values in SQL."""
        self._lists += 1
        number = self._lists
        rows = ((number, value) for value in values)
        self._index.many("INSERT INTO temp.listed VALUES (?, ?)", rows)
        return f"(SELECT value FROM temp.listed WHERE list = {number})"  # noqa: S608 - a number

    def _phrase(self, phrase: Phrase) -> str:
        words = f'"{" ".join(phrase.words)}"{" *" if phrase.is_start else ""}'
        self._values.append(words)
        parts = ["key IN (SELECT rowid FROM item_words WHERE item_words MATCH ?)"]
        if phrase.start is not None:
            parts.append(self._start(*phrase.start))
        if names := [name for name, it in self._shared.items() if phrase.is_in(it.text)]:
            parts.append(f"collection IN {self._list(names)}")
        licensed = [name for name, it in self._shared.items() if phrase.is_in(it.license_text)]
        if licensed:
            parts.append(f"(license IS NULL AND collection IN {self._list(licensed)})")
        return f"({' OR '.join(parts)})"

    def _condition(self, condition: Condition) -> str:
        if condition.key in SINGLE:
            holds = f"coalesce({self._test(condition, condition.key)}, 0)"
        else:
            self._values.append(condition.key)
            test = self._test(condition, "value")
            holds = f"key IN (SELECT item FROM item_value WHERE name = ? AND {test})"  # noqa: S608
        if condition.key == "license":
            names = [
                name
                for name, it in self._shared.items()
                if it.license is not None and condition.fits(it.license)
            ]
            holds += f" OR (license IS NULL AND coalesce(collection IN {self._list(names)}, 0))"
        return f"NOT ({holds})" if condition.is_negative else f"({holds})"

    def _test(self, condition: Condition, column: str) -> str:
        """Return what says in SQL what `Condition.fits` says."""
        if not condition.sign:
            return f"{column} IS NOT NULL" if column != "value" else "TRUE"
        if condition.sign == "=":
            return self._equals(condition, column)
        if condition.sign == "*":
            name = f"fits_{len(self._values)}"
            self._index.define(name, condition.fits)
            return f"{name}({column})"
        return self._compares(condition, column)

    def _equals(self, condition: Condition, column: str) -> str:
        wanted: list[Value] = [condition.text]
        if condition.value is not None:
            wanted.append(condition.value)
        self._values += wanted
        return f"{column} IN ({', '.join('?' * len(wanted))})"

    def _compares(self, condition: Condition, column: str) -> str:
        parts = []
        if isinstance(condition.value, int | float):
            self._values.append(condition.value)
            parts.append(
                f"(typeof({column}) IN ('integer', 'real') AND {column} {condition.sign} ?)"
            )
        if condition.date is not None:
            self._values.append(condition.date)
            parts.append(
                f"(typeof({column}) = 'text' AND {column} GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]*'"
                f" AND substr({column}, 1, {len(condition.date)}) {condition.sign} ?)"
            )
        return f"({' OR '.join(parts)})"

    def _start(self, names: tuple[str, ...], start: str) -> str:
        """Return what says in SQL that a value of one of some fields starts with a text."""
        self._values += [*names, start, f"{start}\U0010ffff"]
        return (
            f"key IN (SELECT item FROM item_value WHERE name IN ({', '.join('?' * len(names))})"  # noqa: S608
            " AND value >= ? AND value < ?)"
        )
