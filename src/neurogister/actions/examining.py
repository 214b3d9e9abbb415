"""What lies where files are to go: the right ones, others that are kept, or a user's own."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from ..backends.cache import digests_of
from ..backends.holdings import Holdings
from ..errors import NeurogisterError, RefusedError
from ..files import Destination, Stamp, stamp_of, translated
from ..model.objects import ObjectId, Wanted
from ..model.paths import check_path

_WORKERS = 4


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
