"""What the datasets of the base can be found by, kept in the index; made when first searched.

A row for each dataset (``item``), its metadata and digests (``item_value``), its words
(``item_words``). They belong to the base: what lies over it is looked at directly. When the base
moves, the index notes which files changed (``unsearched``), and only their datasets are made anew,
under new keys; what stands under old keys is joined with nothing until all is built again.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, NamedTuple

from ..model.facts import SINGLE, Facts, facts_of
from .bulk import no_collection
from .contents import assemble
from .layout import (
    PACKAGE,
    POINTER,
    REGISTRY_FILE,
    RESOURCE,
    STORE,
    VENDOR,
    classify,
    companions,
    is_package_place,
    place_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..model.dataset import Dataset
    from ..progress import Progress
    from .index import Index

_SCHEMA = f"""
DROP TABLE IF EXISTS item;
DROP TABLE IF EXISTS item_value;
DROP TABLE IF EXISTS item_words;
CREATE TABLE item (key INTEGER PRIMARY KEY, place TEXT NOT NULL UNIQUE, {", ".join(SINGLE)});
CREATE TABLE item_value (name TEXT NOT NULL, value, item INTEGER NOT NULL);
CREATE VIRTUAL TABLE item_words USING fts5(
    text, content = '', columnsize = 0, tokenize = 'ascii'
)
"""
_SORT = "CREATE INDEX item_value_sorted ON item_value (name, value, item)"
_BATCH = 1_000
_TALKATIVE = 5_000
_LEAST_WASTE = 20_000  # rows under old keys that are not worth building all again
_OF_DATASETS = {POINTER, RESOURCE, PACKAGE}


def can_search(index: Index) -> bool:
    """Tell whether this SQLite can keep words (FTS5); nearly every one can."""
    try:
        found = index.execute("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").fetchone()
    except sqlite3.OperationalError:
        return False
    return found is not None


def refresh(index: Index, progress: Progress) -> None:
    """Bring the search tables to the base of the index.

    Parameters
    ----------
    index : Index
        Where they are.
    progress : Progress
        Told when it takes long.
    """
    if can_search(index) and not is_fresh(index):
        with index.transaction(write=True), no_collection():
            _Tables(index, progress).refresh()


def is_fresh(index: Index) -> bool:
    """Tell whether the search tables are those of the base."""
    with index.transaction():
        (pending,) = index.execute("SELECT EXISTS (SELECT 1 FROM unsearched)").fetchone()
        return not pending and _searched(index) is not None


class _State(NamedTuple):
    """What the tables are like: the last key, that after all was built, the form of the base."""

    last: int
    built: int
    is_ours: int

    def is_wasteful(self, new: int) -> bool:
        """Tell whether too many rows stand under old keys."""
        return self.last + new > 2 * self.built + _LEAST_WASTE


def _searched(index: Index) -> _State | None:
    row = index.execute("SELECT value FROM meta WHERE name = 'searched'").fetchone()
    return None if row is None else _State(*map(int, row[0].split()))


class _Tables:
    def __init__(self, index: Index, progress: Progress) -> None:
        self._index = index
        self._progress = progress
        self._is_ours = bool(index.base_rows([REGISTRY_FILE]))

    def refresh(self) -> None:
        state = _searched(self._index)
        paths = [row[0] for row in self._index.execute("SELECT path FROM unsearched")]
        if state is None or state.is_ours != self._is_ours or state.is_wasteful(len(paths)):
            built = last = self._build()
        else:
            built, last = state.built, self._update(paths, state.last)
        self._index.execute(
            "INSERT OR REPLACE INTO meta VALUES ('searched', ?)",
            (f"{last} {built} {self._is_ours:d}",),
        )
        self._index.execute("DELETE FROM unsearched")

    def _build(self) -> int:
        for statement in _SCHEMA.split(";"):
            self._index.execute(statement)
        rows = self._index.execute("SELECT path, kind FROM entry ORDER BY path")
        places = [place_of(path) for path, kind in rows if kind in _OF_DATASETS]
        last = self._insert(list(dict.fromkeys(places)), 0)
        self._index.execute(_SORT)
        return last

    def _update(self, paths: Iterable[str], last: int) -> int:
        places = self._places(paths)
        self._index.many("DELETE FROM item WHERE place = ?", ((place,) for place in places))
        return self._insert(sorted(places), last)

    def _places(self, paths: Iterable[str]) -> set[str]:
        """Return whose files have changed; a vendor's file may give packages other names."""
        kinds = {path: classify(path) for path in paths}
        places = {place_of(path) for path, kind in kinds.items() if kind in _OF_DATASETS}
        if VENDOR in kinds.values():
            rows = self._index.execute("SELECT path, kind FROM entry").fetchall()
            places |= {
                place_of(path)
                for path, kind in rows
                if path.startswith(STORE) and kind in _OF_DATASETS
            }
            places |= {
                row[0]
                for row in self._index.execute("SELECT place FROM item")
                if is_package_place(row[0])
            }
        return places

    def _insert(self, places: Sequence[str], last: int) -> int:
        """Add what lies at some places in the base, under keys behind the last one."""
        talk = len(places) >= _TALKATIVE
        if talk:
            self._progress.start("Preparing the search", files=len(places), size=0)
        try:
            for start in range(0, len(places), _BATCH):
                batch = places[start : start + _BATCH]
                facts = [facts_of(item) for item in self._items(batch)]
                self._insert_batch(list(enumerate(facts, last + 1)))
                last += len(facts)
                self._progress.advance(files=len(batch))
        finally:
            if talk:
                self._progress.finish()
        return last

    def _items(self, places: Sequence[str]) -> list[Dataset]:
        needed = {path for place in places for path in companions(place)}
        contents = assemble(self._index.base_rows(sorted(needed)), lambda _: {})
        wanted = set(places)
        items: list[Dataset] = [*contents.datasets, *contents.packages]
        return [item for item in items if item.place in wanted]

    def _insert_batch(self, batch: list[tuple[int, Facts]]) -> None:
        marks = ", ".join("?" * (2 + len(SINGLE)))
        self._index.many(
            f"INSERT INTO item VALUES ({marks})",  # noqa: S608 - question marks
            ((key, each.place, *each.single.values()) for key, each in batch),
        )
        self._index.many("INSERT INTO item_value VALUES (?, ?, ?)", _value_rows(batch))
        self._index.many(
            "INSERT INTO item_words (rowid, text) VALUES (?, ?)",
            ((key, each.text) for key, each in batch),
        )


def _value_rows(batch: list[tuple[int, Facts]]) -> Iterator[tuple[object, ...]]:
    for key, each in batch:
        for name, value in each.several:
            yield name, value, key
