"""Fetching objects from remotes into the cache: in parallel, verified, resumed, tried again."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Container, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from ..backends.cache import Stat
from ..backends.holdings import Holdings
from ..backends.remotes import Remote
from ..errors import (
    CredentialsError,
    IntegrityError,
    NetworkError,
    NeurogisterError,
    NotFoundError,
    OfflineError,
    OnTapeError,
)
from ..model.digest import Buffer, MultiHasher
from ..model.objects import ObjectId, Wanted
from .attempts import Arrived, Attempts, Unfinished
from .content import NOTHING_KEPT, check_content, wrong_content
from .partial import kept_bytes, stream_into_cache

SMALL = 4 << 20
_TINY = 256 << 10  # of larger ones the bytes count, not how often threads take turns

_OF_THE_REMOTE = (IntegrityError, CredentialsError, NetworkError, OnTapeError, NotFoundError)
"""What another remote may not suffer from; in the order in which they matter to the user."""

Arrival = tuple[Stat, str | None]
"""The file that came, and the strongest digest beside its md5 that was checked."""


class Transfers(Attempts[Wanted, Arrival]):
    """Many objects from several remotes: in parallel, each remote asked in turn, tried again.

    Parameters
    ----------
    remotes : sequence of Remote
        Asked in this order: the next one, when one lacks an object or fails.
    **options
        As `Attempts`.
    """

    def __init__(self, remotes: Sequence[Remote], **options: Any) -> None:
        super().__init__(remotes, **options)
        self._mentioned: set[str] = set()

    def run(
        self, wanted: Iterable[Wanted], *, arrived: Arrived = lambda _: None
    ) -> dict[ObjectId, NeurogisterError]:
        """Transfer all of them.

        Parameters
        ----------
        wanted : iterable of Wanted
            The objects.
        arrived : callable
            Told, in this thread and every now and then, which objects are done.

        Returns
        -------
        dict
            What failed, with the reason.

        Raises
        ------
        NoSpaceError, RefusedError
            If what comes cannot be kept; what came before stays.
        """
        todo = sorted(wanted, key=lambda one: -(one.expected.size or 0))
        for remote in self._remotes:
            remote.prefetch([one.oid.key for one in todo])
        return self.run_all(todo, arrived=arrived)

    def _do(self, task: Wanted) -> Arrival | Unfinished[Arrival]:
        problems: list[NeurogisterError] = []
        for remote in sorted(self._remotes, key=lambda remote: remote.name != task.remote):
            try:
                result = self._persist(remote, task)
                if problems and isinstance(result, Unfinished):
                    result = self._finish_now(remote, task, result)
            except _OF_THE_REMOTE as error:
                problems.append(error)
            else:
                self._mention(problems, remote)
                return result
        raise worst(problems, task)

    def _finish_now(
        self, remote: Remote, task: Wanted, unfinished: Unfinished[Arrival]
    ) -> Arrival | Unfinished[Arrival]:
        try:
            return unfinished.finish()
        except IntegrityError:
            self._came_wrong[task.oid] = remote.name
            return self._persist(remote, task)

    def _mention(self, problems: Sequence[NeurogisterError], remote: Remote) -> None:
        """Tell, once for each kind, what made us turn to another remote."""
        for problem in problems:
            if problem.code not in self._mentioned and not isinstance(problem, NotFoundError):
                self._mentioned.add(problem.code)
                self._progress.warn(f"{problem.message}; '{remote.name}' had it")


class Fetcher(Transfers):
    """Brings objects into the cache.

    Parameters
    ----------
    holdings : Holdings
        Where they go.
    with_copy : container of ObjectId
        Objects of which a second copy will be wanted beside the one in the cache.
    remotes, **options
        As `Transfers`.
    """

    finishers = min(os.cpu_count() or 1, 4)

    def __init__(
        self,
        holdings: Holdings,
        remotes: Sequence[Remote],
        *,
        with_copy: Container[ObjectId] = (),
        **options: Any,
    ) -> None:
        super().__init__(remotes, **options)
        self._holdings = holdings
        self._with_copy = with_copy
        self._cache = holdings.target()

    def _keep(self, done: Sequence[tuple[Wanted, Arrival]]) -> None:
        self._holdings.took([(one.oid, *arrival) for one, arrival in done])

    def _try(self, remote: Remote, task: Wanted, *, careful: bool) -> Arrival | Unfinished[Arrival]:
        self._holdings.origins[task.oid] = remote.address
        wanted = task
        size = wanted.expected.size
        if size is not None and size <= SMALL:
            return self._read(remote, wanted, size, careful=careful)
        if size is None and not careful:
            with suppress(IntegrityError):  # perhaps it is only larger than we guessed
                return self._read(remote, wanted, min(wanted.limit, SMALL), careful=False)
        stat, sha256, copy = stream_into_cache(
            remote, self._cache, wanted,
            advance=partial(self._advance, remote), recount=self._recount, stop=self._stop,
            with_copy=wanted.oid in self._with_copy,
        )  # fmt: skip
        if copy is not None:
            self._holdings.copies[wanted.oid] = os.fspath(copy)
        return stat, sha256

    def _kept(self, task: Wanted) -> int:
        size = task.expected.size
        return kept_bytes(self._cache, task) if size is None or size > SMALL else 0

    def _recount(self, count: int) -> None:
        """Count bytes that were here already; or take back what was counted in vain."""
        self._progress.advance(size=count)

    def _read(
        self, remote: Remote, wanted: Wanted, limit: int, *, careful: bool
    ) -> Arrival | Unfinished[Arrival]:
        data = remote.read(wanted.oid.key, limit=limit, careful=careful)
        if careful or len(data) > _TINY:
            return self._store(remote, wanted, data)
        return Unfinished(remote.name, len(data), partial(self._store, remote, wanted, data))

    def _store(self, remote: Remote, wanted: Wanted, data: Buffer) -> Arrival:
        sha256 = check_content(data, wanted, remote)
        stat = self._cache.store(wanted.oid, data)
        if wanted.oid in self._with_copy and (copy := self._cache.store_copy(wanted.oid, data)):
            self._holdings.copies[wanted.oid] = copy
        self._advance(remote, len(data))
        return stat, sha256


class RemoteChecker(Transfers):
    """Reads objects where they are, and keeps nothing but the verdict."""

    def _try(self, remote: Remote, task: Wanted, *, careful: bool) -> Arrival:
        del careful
        size = read_to_end(remote, task, advance=partial(self._advance, remote), stop=self._stop)
        return Stat(0, 0, size), None


def read_to_end(
    remote: Remote, wanted: Wanted, *, advance: Callable[[int], None], stop: threading.Event
) -> int:
    """Read an object where it is, and return its size.

    Parameters
    ----------
    remote : Remote
        That has it.
    wanted : Wanted
        Which one, and what it must be.
    advance : callable
        Told how many more bytes were read.
    stop : Event
        Set when nobody waits for it any more.

    Raises
    ------
    IntegrityError
        If it is not what it must be.
    NotFoundError, CredentialsError, NetworkError
        As for every remote.
    """
    hasher = MultiHasher(wanted.expected.algorithms)
    size = 0
    with remote.open(wanted.oid.key) as stream:
        for chunk in stream:
            hasher.update(chunk)
            size += len(chunk)
            advance(len(chunk))
            if size > wanted.limit:
                raise wrong_content(wanted, remote, f"it has more than {wanted.limit:,} bytes")
            if stop.is_set():
                raise NetworkError("stopped", temporary=False)
    if (difference := wanted.expected.difference(size, hasher.hexdigests())) is not None:
        raise wrong_content(wanted, remote, difference)
    return size


def worst(problems: Sequence[NeurogisterError], wanted: Wanted) -> NeurogisterError:
    """Choose the error that tells the user most, and name the object in it."""
    if not problems:
        return OfflineError(
            f"{wanted.label} is not in the cache, and the network may not be used",
            hint="Run again without `--offline`.",
        )
    for kind in _OF_THE_REMOTE:
        for problem in problems:
            if isinstance(problem, kind):
                return named(problem, wanted.label)
    return problems[0]


def named(problem: NeurogisterError, label: str) -> NeurogisterError:
    """Return an error that names the object, and says what to do next."""
    message = problem.message
    if label not in message:
        message = f"{label}: {message}"
    if isinstance(problem, NetworkError):
        hint = problem.hint or "Run the same command again later: it goes on where it stopped."
        return NetworkError(message, hint=hint, temporary=problem.temporary)
    wrong = NOTHING_KEPT if isinstance(problem, IntegrityError) else None
    return type(problem)(message, hint=problem.hint or wrong)
