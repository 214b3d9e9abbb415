"""What is already here: the layers of cache, and which of their objects are known to be good."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import NeurogisterError, RefusedError
from ..model.digest import Expected, is_digest
from ..model.objects import ObjectId, Wanted
from .cache import Cache, Stat
from .state import State

_CHECKERS = 4


class Holdings:
    """The caches that are looked into, the first writable of which takes what comes.

    Parameters
    ----------
    caches : sequence of Cache
        In the order in which they are asked.
    state : State
        What was verified before.
    """

    def __init__(self, caches: Sequence[Cache], state: State) -> None:
        self.caches = caches
        self.state = state
        self._found: dict[ObjectId, _Held] = {}
        self._target: Cache | None = None
        self.damaged: list[ObjectId] = []
        self.copies: dict[ObjectId, str] = {}  # second copies of objects, to be taken away
        self.origins: dict[ObjectId, str] = {}  # which address each was asked from last

    def target(self) -> Cache:
        """Return the cache that takes new objects.

        Raises
        ------
        RefusedError
            If none can be written.
        """
        if self._target is None:
            cache = self.writable()
            if not cache.is_writable():
                raise RefusedError(
                    f"the cache {self.caches[0].root} cannot be written",
                    hint="Check its permissions, or choose another: NEUROGISTER_CACHE=DIR, or"
                    " `dvc cache dir --local DIR` in a checkout.",
                )
            cache.prepare()
            self._target = cache
        return self._target

    def writable(self) -> Cache:
        """Return the cache that new objects will go to; the first, if none can be written."""
        if self._target is not None:
            return self._target
        return next((cache for cache in self.caches if cache.is_writable()), self.caches[0])

    def find(
        self, wanted: Iterable[Wanted], *, advance: Callable[[int], None] = lambda _: None
    ) -> list[Wanted]:
        """Look up objects, and verify those that were never read before.

        A damaged object is removed, so that it can be fetched again.

        Parameters
        ----------
        wanted : iterable of Wanted
            The objects.
        advance : callable
            Told the number of bytes after each object that had to be read.

        Returns
        -------
        list of Wanted
            Those that are missing, in their order.
        """
        missing = [one for one in wanted if not self._is_good(one)]
        for cache in self.caches:
            missing = self._find_in(cache, missing, advance)
        for one in missing:
            self._found.pop(one.oid, None)  # what was found is not all that is wanted now
        return missing

    def _find_in(
        self, cache: Cache, wanted: Sequence[Wanted], advance: Callable[[int], None]
    ) -> list[Wanted]:
        if not wanted:
            return []
        known = self.state.verified(cache, [one.oid for one in wanted])
        unknown = []
        for one in wanted:
            if (held := known.get(one.oid)) and _fits(one.expected, *held):
                self._found[one.oid] = _Held(cache, *held)
            elif file := cache.has_file(one.oid):
                unknown.append(one)
            elif file is False:
                self._remove_damaged(cache, one.oid)
        if unknown:
            self._verify(cache, unknown, advance)
        return [one for one in wanted if not self._is_good(one)]

    def _is_good(self, wanted: Wanted) -> bool:
        """Tell whether an object was found, and is all that is wanted."""
        held = self._found.get(wanted.oid)
        return held is not None and _fits(wanted.expected, held.size, held.strong)

    def _verify(
        self, cache: Cache, unknown: Sequence[Wanted], advance: Callable[[int], None]
    ) -> None:
        good: list[tuple[ObjectId, Stat, str | None]] = []

        def check(one: Wanted) -> None:
            before = cache.stat(one.oid)
            try:
                size, digests = cache.digests(one.oid, one.expected.algorithms)
            except NeurogisterError:
                return  # cannot be read: as if it were not there
            advance(size)
            if before is None or before != cache.stat(one.oid):
                return
            if digests[one.expected.algorithms[0]] != one.expected.md5:
                self._remove_damaged(cache, one.oid)
                return
            # It is what it is called; whether it is what is wanted, `_is_good` tells.
            strong = strongest(one.expected, digests)
            good.append((one.oid, before, strong))
            self._found[one.oid] = _Held(cache, size, strong)

        from concurrent.futures import ThreadPoolExecutor  # 5 ms, only where bytes are read

        with ThreadPoolExecutor(_CHECKERS) as executor:
            list(executor.map(check, unknown))
        self.state.remember(cache, good)

    def _remove_damaged(self, cache: Cache, oid: ObjectId) -> None:
        self.damaged.append(oid)
        try:
            cache.discard(oid)
        except NeurogisterError:
            return  # a layer that we may not write: the next layer will hold a good one

    def has(self, oid: ObjectId) -> bool:
        """Tell whether an object was found good in this run."""
        return oid in self._found

    def path(self, oid: ObjectId) -> Path:
        """Return where a good object lies; `find` or `took` has told that it does."""
        return self._found[oid].cache.path(oid)

    def sha256(self, oid: ObjectId) -> str | None:
        """Return the sha256 of a good object, if it was computed when it was verified."""
        held = self._found.get(oid)
        return held.strong if held and is_digest("sha256", held.strong) else None

    def text(self, oid: ObjectId) -> str:
        """Return the same as text."""
        return self._found[oid].cache.text(oid)

    def read(self, oid: ObjectId, *, limit: int) -> bytes:
        """Read a good small object whole."""
        return self._found[oid].cache.read(oid, limit=limit)

    def took(self, stored: Iterable[tuple[ObjectId, Stat, str | None]]) -> None:
        """Note objects that were verified and stored in the target just now."""
        rows = list(stored)
        target = self.target()
        for oid, stat, strong in rows:
            self._found[oid] = _Held(target, stat.size, strong)
        self.state.remember(target, rows)


@dataclass(frozen=True, slots=True)
class _Held:
    """Where a good object is, and what is known of it beside its md5."""

    cache: Cache
    size: int
    strong: str | None


def _fits(expected: Expected, size: int, strong: str | None) -> bool:
    if expected.size is not None and expected.size != size:
        return False
    return (expected.sha256 or expected.sha1) in (None, strong)


def strongest(expected: Expected, digests: dict[str, str]) -> str | None:
    """Return the digest that counts beside the md5, if it was computed."""
    name = expected.algorithms[-1]
    return digests.get(name) if name in ("sha256", "sha1") else None
