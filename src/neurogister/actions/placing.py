"""Putting verified objects at their place, over nothing that a user made."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from ..backends.holdings import Holdings
from ..errors import RefusedError
from ..files import Destination, system_errors, walk
from ..links import Linker, move_copy
from ..model.listing import Entry
from ..model.objects import Wanted
from ..progress import SILENT, Progress
from .examining import Examiner, Found, Place

_ROUNDS = 5  # so often somebody else may be quicker


def refuse_foreign(
    destination: Destination, foreign: Sequence[Place], *, left: str = "Nothing was changed."
) -> RefusedError:
    """Return the error for files that would be overwritten."""
    names = [str(destination.path(place.relative)) for place in foreign[:5]]
    more = f" and {len(foreign) - 5} more" if len(foreign) > 5 else ""
    return RefusedError(
        f"{', '.join(names)}{more}: changed here, and the content is kept nowhere else",
        hint=f"{left} Move it away, pull elsewhere with `-o DIR`, or overwrite it with `--force`.",
    )


def put(
    places: Iterable[Place],
    destination: Destination,
    holdings: Holdings,
    linker: Linker,
    *,
    progress: Progress = SILENT,
) -> int:
    """Put objects at their places.

    Parameters
    ----------
    places : iterable of Place
        Each was examined; what lies there is replaced.
    destination : Destination
        The folder.
    holdings : Holdings
        Holds all of the objects.
    linker : Linker
        How.
    progress : Progress
        Told about each file.

    Returns
    -------
    int
        How many files were put.

    Raises
    ------
    RefusedError
        If a file appeared or changed there since the pull was planned, or while others were put.
    """
    work = list(places)
    count = 0
    for _ in range(_ROUNDS):
        late = []
        for place in _still_to_put(work, destination, holdings, progress):
            if destination.stamp(place.relative) != place.seen and not destination.replaceable:
                late.append(place)  # somebody was at it in this very moment: look again
                continue
            path = destination.make_room(place.relative)
            if (copy := holdings.copies.pop(place.wanted.oid, None)) is not None:
                move_copy(copy, path, executable=place.executable)
            else:
                linker.place(holdings.text(place.wanted.oid), path, executable=place.executable)
            progress.advance(files=1, size=place.wanted.expected.size or 0)
            count += 1
        if not late:
            return count
        work = late
    raise RefusedError(
        f"{destination.path(work[0].relative)} changes all the time",
        hint="Find out what else writes there, then run the same command again.",
    )


def _still_to_put(
    work: Sequence[Place], destination: Destination, holdings: Holdings, progress: Progress
) -> Sequence[Place]:
    """Leave out what another process has put there since we looked.

    Raises
    ------
    RefusedError
        If what came there is something else.
    """
    changed = [place for place in work if destination.stamp(place.relative) != place.seen]
    if not changed:
        return work
    examiner = Examiner(destination, holdings)
    found = dict(zip(changed, examiner.examine(changed), strict=True))
    foreign = [place for place, what in found.items() if what is Found.FOREIGN]
    if foreign and not destination.replaceable:
        raise refuse_foreign(destination, foreign, left="It was left as it is.")
    left = []
    for place in work:
        if found.get(place) is Found.SAME:
            _discard(holdings.copies.pop(place.wanted.oid, None))
            progress.advance(files=1, size=place.wanted.expected.size or 0)
        else:
            left.append(examiner.as_seen(place) if place in found else place)
    return left


def _discard(copy: str | None) -> None:
    if copy is not None:
        with suppress(OSError):
            os.unlink(copy)


def remove_for_force(destination: Destination, places: Iterable[Place]) -> None:
    """Clear what is no file or link from places that are to be overwritten by force.

    Raises
    ------
    RefusedError
        If a folder is in the way: that is more than one file, and stays the user's to remove.
    """
    for place in places:
        path = destination.path(place.relative)
        if path.is_dir() and not path.is_symlink():
            raise RefusedError(
                f"{path} is a folder, where a file should go",
                hint="Move it away; `--force` overwrites files only.",
            )


def find_leftovers(
    folder: str,
    entries: Iterable[Entry],
    others: Callable[[], Iterable[tuple[str, Wanted]]],
    *,
    destination: Destination,
    holdings: Holdings,
) -> list[Place]:
    """Find files that only another version of a folder has, and that nobody would miss.

    Parameters
    ----------
    folder : str
        Where it lies, below the destination.
    entries : iterable of Entry
        The files that belong there.
    others : callable
        Gives the files of other versions; asked only if there are files too many.
    destination : Destination
        Where to look.
    holdings : Holdings
        The caches.

    Returns
    -------
    list of Place
        Files that are, byte for byte, those of another version, and kept by a cache. Any other
        file that does not belong there is the user's, and stays.
    """
    root = destination.path(folder)
    if root.is_symlink() or not root.is_dir():
        return []
    extra = {path for path, _ in walk(root)} - {entry.path for entry in entries}
    known = [(path, wanted) for path, wanted in others() if path in extra] if extra else []
    missing = {wanted.oid for wanted in holdings.find(wanted for _, wanted in known)}
    places = [Place(f"{folder}/{path}", wanted) for path, wanted in known]
    examiner = Examiner(destination, holdings)
    return [
        examiner.as_seen(place)
        for place in dict.fromkeys(places)
        if place.wanted.oid not in missing and examiner.is_same(place)
    ]


def remove_leftovers(folder: str, places: Iterable[Place], destination: Destination) -> None:
    """Remove files that `find_leftovers` found, and the folders that are empty then."""
    top = destination.path(folder)
    for place in places:
        path = destination.path(place.relative)
        if destination.stamp(place.relative) != place.seen:
            continue
        with system_errors(path, "remove"):
            path.unlink(missing_ok=True)
        for parent in path.parents:
            if parent == top or any(parent.iterdir()):
                break
            with suppress(OSError):
                parent.rmdir()
