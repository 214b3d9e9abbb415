"""From what people type to datasets and packages."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from ..errors import InvalidFileError, NotFoundError, UsageError
from ..model.names import Reading, Target, glob_matcher, is_glob, normalize_path, readings
from .layout import DATA, STORE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from ..model.dataset import Dataset

_SUGGESTIONS = 3
_MOST_COMPARED = 20_000


class Shelves(Protocol):
    """What is looked up in; `Reader` is one."""

    def find_name(self, name: str) -> list[Dataset]:
        """Return what has exactly this name, or this identifier whatever the case."""

    def find_place(self, path: str) -> list[Dataset]:
        """Return what lies at a path, that of the data, the pointer or the record."""

    def find_above(self, path: str) -> Dataset | None:
        """Return the folder dataset that a path is inside of."""

    def everything(self) -> Sequence[Dataset]:
        """Return all datasets and packages."""


def resolve(
    names: Iterable[str], shelves: Shelves, *, worktree: Path | None, cwd: Path | None
) -> list[Target]:
    """Find what names mean.

    Parameters
    ----------
    names : iterable of str
        As typed.
    shelves : Shelves
        Where to look.
    worktree : Path, optional
        The top of the work tree, for paths.
    cwd : Path, optional
        Where paths start; without it, names are not tried as paths.

    Returns
    -------
    list of Target
        In the order typed, those of a glob sorted by name; each only once. Of what a glob matches,
        broken ones are left out.

    Raises
    ------
    NotFoundError
        If nothing has such a name; with the nearest ones.
    UsageError
        If it can mean several things.
    InvalidFileError
        If the file of what was asked for by name is broken.
    """
    found: dict[tuple[str, str | None, str | None], Target] = {}
    for name in names:
        for target in _Search(name, shelves, worktree, cwd).targets():
            found.setdefault((target.item.place, target.version, target.part), target)
    return list(found.values())


class _Search:
    def __init__(
        self, typed: str, shelves: Shelves, worktree: Path | None, cwd: Path | None
    ) -> None:
        self._typed = typed
        self._text = _slashes(typed)
        self._shelves = shelves
        self._worktree = worktree
        self._cwd = cwd

    def targets(self) -> list[Target]:
        for reading in readings(self._text) if self._text else ():
            if items := self._items(reading.base):
                return [self._target(the_one(items, self._typed), reading)]
        for reading in readings(self._text) if is_glob(self._text) else ():
            if items := self._matching(reading.base):
                whole = [item for item in items if item.error is None]
                return [self._target(item, reading) for item in whole or [the_one(items[:1], "")]]
        for reading in readings(self._text) if self._text else ():
            if (target := self._inside(reading)) is not None:
                return [target]
        raise self._not_found()

    def _items(self, base: str) -> list[Dataset]:
        explicit = base.startswith(("./", "../", "/")) or base in (".", "..")
        if not explicit:
            path = normalize_path(base)
            if path is None:
                return []
            if items := self._shelves.find_name(path) or self._shelves.find_place(path):
                return items
        path = self._from_cwd(base)
        return self._shelves.find_place(path) if path else []

    def _from_cwd(self, base: str) -> str | None:
        """Return a path typed in the working directory as one from the top of the work tree."""
        if self._worktree is None or self._cwd is None:
            return None
        cwd, top = os.path.realpath(self._cwd), os.path.realpath(self._worktree)
        # the last component may be a link that DVC made: it is not followed
        whole = os.path.normpath(os.path.join(cwd, base))
        folder = os.path.realpath(os.path.dirname(whole))
        relative = os.path.relpath(os.path.join(folder, os.path.basename(whole)), top)
        return normalize_path(_slashes(relative))

    def _target(self, item: Dataset, reading: Reading) -> Target:
        return Target(item, reading.version, reading.part, self._typed)

    def _matching(self, base: str) -> list[Dataset]:
        if not is_glob(base):
            return []
        fits = glob_matcher(base.removeprefix("./"))
        return [
            item
            for item in self._shelves.everything()
            if fits(item.name) or fits(item.place) or (item.id is not None and fits(item.id))
        ]

    def _inside(self, reading: Reading) -> Target | None:
        """Find a path inside a folder dataset: ``collection/folder/file`` means ``…:file``."""
        if reading.part is not None or is_glob(reading.base):
            return None
        for path in (normalize_path(reading.base), self._from_cwd(reading.base)):
            for start in ("", DATA) if path else ():
                whole = f"{start}{path}"
                item = self._shelves.find_above(whole)
                if item is not None:
                    part = whole[len(item.place) + 1 :]
                    return Target(the_one([item], self._typed), reading.version, part, self._typed)
        return None

    def _not_found(self) -> NotFoundError:
        if is_glob(self._typed):
            hint = "`neurogister list` shows all names."
            return NotFoundError(f"nothing matches {self._typed!r}", hint=hint)
        everything = self._shelves.everything()
        base = list(readings(self._text))[-1].base if self._text else ""
        folder = (normalize_path(base) or "").removeprefix(DATA).removeprefix(STORE)
        if any(item.name.startswith(f"{folder}/") for item in everything) and folder:
            return NotFoundError(
                f"{self._typed!r} is a folder of datasets",
                hint=f"All that is in it: '{folder}/*' (in quotes).",
            )
        near = nearest(folder or base, everything)
        return NotFoundError(
            f"there is no dataset or package {self._typed!r}",
            hint=f"Perhaps {' or '.join(near)}?" if near else "`neurogister list` shows all names.",
        )


def the_one(items: Sequence[Dataset], typed: str) -> Dataset:
    """Return the only item.

    Raises
    ------
    UsageError
        If there are several; they are listed.
    InvalidFileError
        If its file is broken.
    """
    places = sorted({item.place for item in items})
    if len(places) > 1:
        raise UsageError(f"{typed!r} can mean {', '.join(places)}", hint="Write one of these.")
    item = items[0]
    if item.error is not None:
        raise InvalidFileError(item.error, hint="Until it is mended, it cannot be used.")
    return item


def nearest(name: str, items: Sequence[Dataset]) -> list[str]:
    """Return the names and identifiers that are most like a name."""
    import difflib  # only for the suggestion

    candidates = {text for item in items for text in (item.name, item.id) if text}
    wanted = name.casefold()
    if len(candidates) > _MOST_COMPARED:
        start = wanted[:2]
        candidates = {
            each
            for each in candidates
            if each.casefold().startswith(start)
            or each.rpartition("/")[2].casefold().startswith(wanted.rpartition("/")[2][:4])
        }
    by_key = {each.casefold(): each for each in sorted(candidates)[:_MOST_COMPARED]}
    inside = [each for key, each in by_key.items() if wanted and wanted in key][:_SUGGESTIONS]
    close = difflib.get_close_matches(wanted, by_key, _SUGGESTIONS, 0.6)
    return list(dict.fromkeys([by_key[key] for key in close] + inside))[:_SUGGESTIONS]


def _slashes(text: str) -> str:
    return text.replace("\\", "/") if os.sep == "\\" else text
