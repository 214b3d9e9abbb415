"""Putting verified objects at their place, over nothing that a user made."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from ..backends.cache import digests_of
from ..backends.holdings import Holdings
from ..errors import NeurogisterError, RefusedError
from ..files import Destination, Stamp, stamp_of, system_errors, translated, walk
from ..links import Linker, move_copy
from ..model.listing import Entry
from ..model.objects import ObjectId, Wanted
from ..model.paths import check_path
from ..progress import SILENT, Progress

_WORKERS = 4
_ROUNDS = 5  # so often somebody else may be quicker


class Found(Enum):
    """What lies where a file is to go."""

    NOTHING = "nothing"
    SAME = "same"
    KNOWN = "known"  # other content, of which a good copy is in the cache or published
    FOREIGN = "foreign"  # content that exists nowhere else, as far as we know


@dataclass(frozen=True, slots=True)
class Place:
    """One file to be put somewhere.

    Parameters
    ----------
    relative : str
        Where, below the destination; ``/`` between components.
    wanted : Wanted
        The object.
    executable : bool
        Whether it may be run (``isexec`` in the pointer).
    seen : tuple, optional
        What was there before it was looked at (`Destination.stamp`); None for nothing.
    """

    relative: str
    wanted: Wanted
    executable: bool = False
    seen: Stamp | None = None


class _Claims:
    """Which place is whose; costs nothing while there is only one dataset."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._first: Sequence[Place] = places
        self._taken: dict[str, Place] = {}

    def add(self, places: Sequence[Place], destination: Destination) -> None:
        """Refuse that two contents go to one place, as one of them would be lost."""
        if not self._taken:
            self._taken = {place.relative: place for place in self._first}
        for place in places:
            first = self._taken.setdefault(place.relative, place)
            if first.wanted.oid != place.wanted.oid:
                raise RefusedError(
                    f"{first.wanted.label} and {place.wanted.label} would both go to"
                    f" {destination.path(place.relative)}",
                    hint="Nothing was changed. Pull them to different folders: `-o DIR`.",
                )


class Examiner:
    """Looks at what is where files are to go.

    Parameters
    ----------
    destination : Destination
        The folder.
    holdings : Holdings
        Knows the caches: content that is in one may be replaced, as nothing is lost.
    published : collection of str
        The md5 of every other version: such content may be replaced too.
    """

    def __init__(
        self, destination: Destination, holdings: Holdings, published: Collection[str] = ()
    ) -> None:
        self._destination = destination
        self._holdings = holdings
        self._published = published
        self._parents: set[str] = set()
        self._seen: dict[str, Stamp] = {}

    def as_seen(self, place: Place) -> Place:
        """Return a place with what was there before it was looked at: it may have changed since."""
        return replace(place, seen=self._seen.get(place.relative))

    def examine(
        self, places: Sequence[Place], *, advance: Callable[[int], None] = lambda _: None
    ) -> list[Found]:
        """Tell what lies at each place; nothing is changed.

        Raises
        ------
        RefusedError
            If a parent folder is a link or a file, or another thing is to go there.
        """
        for place in places:
            parent = place.relative.rpartition("/")[0]
            if parent not in self._parents:
                self._check_parent(parent, place)
        self._claim(places)
        found = [self._look(place) for place in places]
        to_read = [place for place, known in zip(places, found, strict=True) if known is None]
        read = iter(self._read_all(to_read, advance))
        return [
            self._may_it_run(place, known or next(read))
            for place, known in zip(places, found, strict=True)
        ]

    def _read_all(self, places: Sequence[Place], advance: Callable[[int], None]) -> list[Found]:
        if not places:
            return []
        from concurrent.futures import ThreadPoolExecutor  # 5 ms

        with ThreadPoolExecutor(_WORKERS) as executor:
            return list(executor.map(lambda place: self._read(place, advance), places))

    def _check_parent(self, parent: str, place: Place) -> None:
        self._destination.check_parents(place.relative)
        self._parents.add(parent)
        if parent and not self._destination.path(parent).is_dir():  # it will be made
            try:
                check_path(parent)
            except ValueError as error:
                raise RefusedError(
                    f"{place.wanted.label!a} would go to the folder {parent!a}, which {error}"
                ) from None

    def _claim(self, places: Sequence[Place]) -> None:
        if self._destination.claims is None:
            self._destination.claims = _Claims(places)
        else:
            self._destination.claims.add(places, self._destination)

    def _may_it_run(self, place: Place, found: Found) -> Found:
        """What should be executable and is not must be put anew, though its content is right."""
        if found is Found.SAME and place.executable and os.name != "nt":
            try:
                mode = os.stat(self._destination.path(place.relative)).st_mode
            except FileNotFoundError:
                return Found.NOTHING
            return Found.SAME if mode & 0o111 else Found.KNOWN
        return found

    def is_same(self, place: Place) -> bool:
        """Tell whether a file is what should be there, byte for byte."""
        self._destination.check_parents(place.relative)
        found = self._look(place)
        return (found or self._read(place, lambda _: None)) is Found.SAME

    def _look(self, place: Place) -> Found | None:
        """Answer from what the file system tells; None if the file must be read."""
        path = self._destination.text(place.relative)
        try:
            status = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return Found.NOTHING
        except OSError as error:
            raise translated(error, path, "look at") from error
        self._seen[place.relative] = stamp_of(status)
        if stat.S_ISREG(status.st_mode):
            return Found.SAME if self._is_hardlink(place, status) else None
        if stat.S_ISLNK(status.st_mode):
            return self._look_at_link(place, path)
        return Found.FOREIGN

    def _is_hardlink(self, place: Place, status: os.stat_result) -> bool:
        if status.st_nlink < 2 or not self._holdings.has(place.wanted.oid):
            return False
        return os.path.samestat(status, os.lstat(self._holdings.path(place.wanted.oid)))

    def _look_at_link(self, place: Place, path: str) -> Found:
        """A link into one of our caches is ours; any other is the user's."""
        target = os.path.realpath(path)
        for cache in self._holdings.caches:
            if target == os.path.realpath(cache.path(place.wanted.oid)):
                return Found.SAME if self._holdings.has(place.wanted.oid) else Found.KNOWN
            if Path(target).is_relative_to(os.path.realpath(cache.root)):
                return Found.KNOWN
        return Found.FOREIGN

    def _read(self, place: Place, advance: Callable[[int], None]) -> Found:
        path = self._destination.path(place.relative)
        expected = place.wanted.expected
        try:
            size, digests = digests_of(path, ("md5", *expected.algorithms))
        except NeurogisterError as error:
            if not isinstance(error.__cause__, FileNotFoundError | NotADirectoryError):
                raise
            self._seen.pop(place.relative, None)
            return Found.NOTHING  # another process has taken it away since we looked
        advance(size)
        mine = {name: digests[name] for name in expected.algorithms}
        if expected.difference(size, mine) is None:
            return Found.SAME
        if mine[expected.algorithms[0]] == expected.md5:
            return Found.FOREIGN  # made to have the md5 of something else: that is kept, not this
        if digests["md5"] in self._published:
            return Found.KNOWN
        known = any(self._is_cached(oid, size) for oid in _addresses(digests))
        return Found.KNOWN if known else Found.FOREIGN

    def _is_cached(self, oid: ObjectId, size: int) -> bool:
        """Tell whether a good object with these very bytes is in a cache."""
        from ..model.digest import Expected  # rarely needed

        if not any((s := cache.stat(oid)) and s.size == size for cache in self._holdings.caches):
            return False  # DVC 2 has one md5 for a text, whatever its line ends
        wanted = Wanted(oid, Expected(oid.md5, legacy=oid.legacy), str(oid), size)
        return not self._holdings.find([wanted])


def _addresses(digests: Mapping[str, str]) -> Iterator[ObjectId]:
    """Give the addresses that content has in a cache."""
    yield ObjectId(digests["md5"])
    if "md5-dos2unix" in digests:
        yield ObjectId(digests["md5-dos2unix"], legacy=True)


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
