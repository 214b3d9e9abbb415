"""The files that matter at one moment: a commit, or the work tree as it is now."""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING

from ..backends.gitvalues import FILE_MODES, LINK_MODE
from ..errors import NeurogisterError, NotFoundError
from ..model.document import DocumentError, parse_document
from .index import Content, Entry, Index, Problem
from .layout import MANIFEST, PATTERNS, YAML_LIMIT, classify, size_limit
from .worktree import LINK, UNREADABLE_MODE, blob_id, read_worktree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import TypeVar

    from ..backends.git import Repository
    from ..backends.gitvalues import Change, TreeEntry
    from ..progress import Progress
    from .index import Row

    Result = TypeVar("Result")

_BATCH = 2_000  # contents that are kept at once: what is interrupted goes on from there
_TALKATIVE = 5_000  # so many files to read are worth a word
_ATTEMPTS = 8


class View:
    """Asks the index, after making sure that it shows just this moment.

    Parameters
    ----------
    repository : Repository
        Where the files are.
    path : Path, optional
        The database of the index.
    commit : str, optional
        What is looked at; None before the first commit.
    root : Path, optional
        The work tree, if what is looked at is its state now, with what is not committed.
    is_main : bool
        Whether the base of the index may move to this commit: it is the branch, not a look back.
    progress : Progress
        Told when it takes long.
    """

    def __init__(
        self,
        repository: Repository,
        *,
        path: Path | None,
        commit: str | None,
        root: Path | None,
        is_main: bool,
        progress: Progress,
    ) -> None:
        self._repository = repository
        self._path = path
        self._commit = commit
        self._target = commit or repository.empty_tree
        self._root = root
        self._is_main = is_main
        self._progress = progress
        self._lock = threading.RLock()
        self._index: Index | None = None
        self._base: str | None = None
        self._uncommitted: list[Entry] | None = None
        self._current: dict[str, bytes] = {}

    def rows(self, paths: Sequence[str] | None = None) -> list[Row]:
        """Return files with their contents: those at some paths, or all."""
        return self._ask(lambda index: complete(index.rows(paths)))

    def rows_of_kind(self, kind: str) -> list[Row]:
        """Return all files of a kind with their contents."""
        return self._ask(lambda index: complete(index.rows_of_kind(kind)))

    def paths(self, folder: str) -> list[tuple[str, str]]:
        """Return the paths of all files below a folder (``store/``), each with its kind."""
        return self._ask(lambda index: index.paths(folder))

    def paths_of_id(self, key: str) -> list[str]:
        """Return the files whose record has an identifier, in its case-folded form."""
        return self._ask(lambda index: index.paths_of_id(key))

    def paths_of_digest(self, value: str) -> list[str]:
        """Return the files that name a digest, for any version."""
        return self._ask(lambda index: index.paths_of_digest(value))

    def read_blobs(self, oids: Sequence[str]) -> dict[str, bytes]:
        """Return contents by their ids, those of files that are not committed too."""
        return dict(self._read(oids))

    def search(
        self, question: Callable[[Index], Result], refresh: Callable[[Index], None]
    ) -> Result:
        """Ask the index a question, after its search tables were brought up to date.

        Parameters
        ----------
        question : callable
            Asks an index.
        refresh : callable
            Brings the search tables of an index to its base.
        """
        return self._ask(question, refresh)

    def close(self) -> None:
        """Let go of the index."""
        with self._lock:
            if self._index is not None:
                self._index.close()
                self._index = None

    # Making sure.

    def _ask(
        self,
        question: Callable[[Index], Result],
        refresh: Callable[[Index], None] = lambda _: None,
    ) -> Result:
        with self._lock:
            for attempt in range(_ATTEMPTS):
                try:
                    index = self._prepared(refresh)
                    refresh(index)
                    with index.transaction():
                        if index.base == self._base:
                            return question(index)
                except (sqlite3.Error, _IncompleteError) as error:
                    self._reopen(error, in_memory=attempt >= 1)
                    continue
                self._base = None  # another process has moved the base
                self._prepare(index, refresh)
            self._reopen(None, in_memory=True)
            index = self._prepared(refresh)
            refresh(index)
            return question(index)

    def _prepared(self, refresh: Callable[[Index], None]) -> Index:
        if self._index is None:
            self._index = Index(self._path)
            self._prepare(self._index, refresh)
        return self._index

    def _reopen(self, error: Exception | None, *, in_memory: bool) -> None:
        """Do without the index as it is: it is damaged, full, locked, or others are too quick."""
        self.close()
        if isinstance(error, _IncompleteError):
            return
        if in_memory:
            self._path = None
        elif self._path is not None and type(error) is sqlite3.DatabaseError:
            from .index import remove_database  # damaged: next to never

            remove_database(self._path)

    def _prepare(self, index: Index, refresh: Callable[[Index], None]) -> None:
        """Bring the index up to date, and lay over it what is different in what is looked at."""
        if self._root is not None and self._uncommitted is None:
            committed = self._look_around(index, refresh)
        else:
            committed = self._update(index)
        changes = {each.path: each for each in (*committed, *(self._uncommitted or ()))}
        self._learn(index, changes.values())
        index.overlay(changes.values())
        self._is_main = False  # from now on, another reader may know better where the branch is

    def _look_around(self, index: Index, refresh: Callable[[Index], None]) -> list[Entry]:
        """Find what is not committed, while the index is brought up to date (see `_update`)."""
        found: list[Change] = []
        failed: list[NeurogisterError] = []

        def look() -> None:
            try:
                found.extend(self._repository.uncommitted(self._commit, PATTERNS))
            except NeurogisterError as error:
                failed.append(error)

        thread = threading.Thread(target=look)
        thread.start()
        try:
            committed = self._update(index)
            refresh(index)  # while git is still looking
        finally:
            thread.join()
        if failed:
            raise failed[0]
        self._uncommitted = [self._as_it_is(change) for change in _that_matter(found)]
        return committed

    def _as_it_is(self, change: Change) -> Entry:
        """Return a changed file with the id of its content, read now if git has not stored it."""
        kind = classify(change.path) or ""
        if change.mode is None or change.oid is not None:
            return Entry(change.path, kind, change.mode, change.oid)
        assert self._root is not None  # noqa: S101 - for mypy
        file = read_worktree(self._root, change.path, limit=YAML_LIMIT)
        if file is None:
            # with a backslash, the name is one that git gave us escaped: it is not UTF-8
            mode = UNREADABLE_MODE if "\\" in change.path else None
            return Entry(change.path, kind, mode, None)
        if file.mode == LINK:
            return Entry(change.path, kind, LINK_MODE, None)
        oid = blob_id(file.data, self._repository.object_format)
        if kind != MANIFEST:
            self._current[oid] = file.data
        return Entry(change.path, kind, file.mode, oid)

    def _update(self, index: Index) -> list[Entry]:
        """Move the base to what is looked at, or return in which files it differs."""
        base = index.base
        changes = None if base is None else self._difference(base)
        self._base = self._target
        if base is None or changes is None:
            self._build(index)
        elif base != self._target and self._is_main:
            self._learn(index, changes)
            index.advance(base, self._target, changes)
        else:
            self._base = base
            return changes
        return []

    def _build(self, index: Index) -> None:
        entries = list(_entries(self._repository.list_tree(self._target)))
        self._learn(index, entries)
        index.replace(self._target, entries)

    def _difference(self, base: str) -> list[Entry] | None:
        """List in which files the base differs; None if git does not know it any more."""
        if base == self._target:
            return []
        try:
            changes = self._repository.diff_trees(base, self._target)
        except NotFoundError:  # it was of another clone, or is forgotten
            return None
        return [
            Entry(each.path, classify(each.path) or "", each.mode, each.oid)
            for each in _that_matter(changes)
        ]

    # Learning what blobs say.

    def _learn(self, index: Index, entries: Iterable[Entry]) -> None:
        """Read and keep the contents that the index does not know yet."""
        limits = {
            entry.oid: size_limit(entry.path)
            for entry in entries
            if entry.oid and entry.kind != MANIFEST and entry.mode in FILE_MODES
        }
        unknown = index.unknown(limits)
        if not unknown:
            return
        talk = len(unknown) >= _TALKATIVE
        if talk:
            self._progress.start("Reading the registry", files=len(unknown), size=0)
        try:
            batch: list[Content] = []
            for oid, data in self._read(unknown):
                batch.append(_content(oid, data, limits[oid]))
                if len(batch) >= _BATCH:
                    index.store(batch)
                    batch = []
                    self._progress.advance(files=_BATCH)
            index.store(batch)
        finally:
            if talk:
                self._progress.finish()

    def _read(self, oids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        here = [oid for oid in oids if oid in self._current]
        yield from ((oid, self._current[oid]) for oid in here)
        there = [oid for oid in oids if oid not in self._current]
        if there:
            yield from self._repository.read_blobs(there, limit=YAML_LIMIT)


class _IncompleteError(Exception):
    """Another process has pruned a content that we just looked up."""


def complete(rows: list[Row]) -> list[Row]:
    """Return files, after making sure that the index has their contents."""
    for row in rows:
        if row.oid is None and row.kind != MANIFEST and row.mode in FILE_MODES:
            raise _IncompleteError
    return rows


def _that_matter(changes: Iterable[Change]) -> list[Change]:
    return [change for change in changes if classify(change.path) is not None]


def _entries(tree: Iterable[TreeEntry]) -> Iterator[Entry]:
    for path, mode, oid in tree:
        kind = classify(path)
        if kind is not None:
            yield Entry(path, kind, mode, oid)


def _content(oid: str, data: bytes, limit: int) -> Content:
    try:
        return Content(oid, parse_document(data, "", limit=limit))
    except DocumentError as error:
        return Content(oid, None, Problem(error.reason, error.line, error.column, error.hint))
