"""Fetching objects from remotes into the cache: in parallel, verified, resumed, tried again."""

from __future__ import annotations

import math
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Container, Iterable, Sequence
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

from ..backends.cache import ObjectId, Stat
from ..backends.holdings import Holdings, Wanted
from ..backends.remotes import Remote
from ..errors import (
    CredentialsError,
    IntegrityError,
    NetworkError,
    NeurogisterError,
    NoSpaceError,
    NotFoundError,
    OfflineError,
    OnTapeError,
    RefusedError,
)
from ..model.digest import MultiHasher
from ..progress import SILENT, Progress
from .content import NOTHING_KEPT, check_content, wrong_content
from .partial import kept_bytes, stream_into_cache

SMALL = 4 << 20
_INTEGRITY_TRIES = 2
_BATCH_SECONDS = 0.1
_PATIENCE = 2.0  # seconds that threads get to end after Ctrl-C
_NEWS = 1 << 16  # bytes that count as progress
_NEWS_SECONDS = 10.0
_LEAST_GIVEN_UP = 3  # objects, before a remote counts as dead
_MOST_GIVEN_UP = 16

_OF_THE_REMOTE = (IntegrityError, CredentialsError, NetworkError, OnTapeError, NotFoundError)
"""What another remote may not suffer from; in the order in which they matter to the user."""

_Done = tuple[ObjectId, Stat, str | None]
Arrived = Callable[[Sequence[ObjectId]], None]


class Transfers:
    """Many objects from several remotes: in parallel, each remote asked in turn, tried again.

    Parameters
    ----------
    remotes : sequence of Remote
        Asked in this order: the next one, when one lacks an object or fails.
    jobs : int, optional
        How many objects at once; none lets the first remote choose.
    retries : int
        How often a transfer that failed for a passing reason is tried again.
    progress : Progress
        Told about each object and its bytes.
    """

    def __init__(
        self,
        remotes: Sequence[Remote],
        *,
        jobs: int | None = None,
        retries: int = 6,
        progress: Progress = SILENT,
    ) -> None:
        self._remotes = remotes
        self._jobs = jobs or (remotes[0].preferred_jobs if remotes else 1)
        self._retries = retries
        self._progress = progress
        enough = min(max(self._jobs, _LEAST_GIVEN_UP), _MOST_GIVEN_UP)
        self._health = {remote.name: _Health(enough) for remote in remotes}
        self._mentioned: set[str] = set()
        self._stop = threading.Event()
        self._fatal: BaseException | None = None

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
        todo = deque(sorted(wanted, key=lambda one: -(one.expected.size or 0)))
        for remote in self._remotes:
            remote.prefetch([one.oid.key for one in todo])
        done: SimpleQueue[_Done | None] = SimpleQueue()
        failed: dict[ObjectId, NeurogisterError] = {}
        threads = [
            threading.Thread(target=self._work, args=(todo, done, failed), daemon=True)
            for _ in range(min(self._jobs, len(todo)))
        ]
        for thread in threads:
            thread.start()
        try:
            self._collect(done, len(threads), arrived)
        except BaseException:
            self._stop.set()
            until = time.monotonic() + _PATIENCE
            for thread in threads:
                thread.join(max(until - time.monotonic(), 0))
            raise
        if self._fatal is not None:
            raise self._fatal
        return failed

    def _collect(self, done: SimpleQueue[_Done | None], running: int, arrived: Arrived) -> None:
        """Take in what the threads have done, a batch at a time, until all have ended."""
        while running:
            batch: list[_Done] = []
            until = time.monotonic() + _BATCH_SECONDS
            while running and (left := until - time.monotonic()) > 0:
                try:
                    one = done.get(timeout=left)
                except Empty:
                    break
                if one is None:
                    running -= 1
                else:
                    batch.append(one)
            if batch:
                self._keep(batch)
                arrived([oid for oid, _, _ in batch])

    def _work(
        self,
        todo: deque[Wanted],
        done: SimpleQueue[_Done | None],
        failed: dict[ObjectId, NeurogisterError],
    ) -> None:
        try:
            while not self._stop.is_set():
                try:
                    one = todo.popleft()
                except IndexError:
                    break
                try:
                    done.put((one.oid, *self._bring(one)))
                except (NoSpaceError, RefusedError):
                    raise
                except NeurogisterError as error:
                    failed[one.oid] = error
                self._progress.advance(files=1)
        except BaseException as error:  # noqa: BLE001 - carried over to the calling thread
            self._fatal = self._fatal or error
            self._stop.set()
        finally:
            done.put(None)

    def _keep(self, done: Sequence[_Done]) -> None:
        """Note what was transferred."""

    def _try(self, remote: Remote, wanted: Wanted, *, careful: bool) -> tuple[Stat, str | None]:
        """Transfer one object once; ``careful`` from the second try on."""
        raise NotImplementedError

    def _kept(self, wanted: Wanted) -> int:
        """Tell how many bytes of an unfinished object need not be transferred again."""
        del wanted
        return 0

    def _bring(self, wanted: Wanted) -> tuple[Stat, str | None]:
        problems: list[NeurogisterError] = []
        for remote in sorted(self._remotes, key=lambda remote: remote.name != wanted.remote):
            try:
                result = self._bring_from(remote, wanted)
            except _OF_THE_REMOTE as error:
                problems.append(error)
            else:
                self._mention(problems, remote)
                return result
        raise worst(problems, wanted)

    def _mention(self, problems: Sequence[NeurogisterError], remote: Remote) -> None:
        """Tell, once for each kind, what made us turn to another remote."""
        for problem in problems:
            if problem.code not in self._mentioned and not isinstance(problem, NotFoundError):
                self._mentioned.add(problem.code)
                self._progress.warn(f"{problem.message}; '{remote.name}' had it")

    def _bring_from(self, remote: Remote, wanted: Wanted) -> tuple[Stat, str | None]:
        health = self._health[remote.name]
        furthest = self._kept(wanted)
        attempt = mismatches = 0
        while True:
            health.wait(self._stop)
            try:
                result = self._try(remote, wanted, careful=attempt + mismatches > 0)
            except IntegrityError:
                mismatches += 1
                if mismatches >= _INTEGRITY_TRIES:
                    raise
            except NetworkError as error:
                if (kept := self._kept(wanted)) > furthest + _NEWS:
                    furthest, attempt = kept, 0  # it goes on, in spite of all
                if not error.temporary or attempt >= self._retries:
                    health.gave_up(error)
                    raise
                self._pause(remote, attempt, error)
                attempt += 1
            else:
                health.works()
                return result

    def _pause(self, remote: Remote, attempt: int, error: NetworkError) -> None:
        seconds = min(0.2 * 2**attempt, 15.0) * random.uniform(0.6, 1.4)  # noqa: S311
        if error.retry_after:
            self._health[remote.name].leave_alone(error.retry_after)
        longest = max(seconds, error.retry_after or 0.0)
        if (attempt == 2 or longest > 5) and self._health[remote.name].is_news():
            self._progress.say(f"{remote.name}: {error.message}; trying again in {longest:.0f} s")
        if self._stop.wait(seconds):
            raise error

    def _advance(self, remote: Remote, count: int) -> None:
        self._health[remote.name].works()
        self._progress.advance(size=count)


class Fetcher(Transfers):
    """Brings objects into the cache.

    Parameters
    ----------
    holdings : Holdings
        Where they go.
    with_copy : container of ObjectId
        Large objects of which a second copy will be wanted beside the one in the cache.
    remotes, **options
        As `Transfers`.
    """

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

    def _keep(self, done: Sequence[_Done]) -> None:
        self._holdings.took(done)

    def _try(self, remote: Remote, wanted: Wanted, *, careful: bool) -> tuple[Stat, str | None]:
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
            self._holdings.copies[wanted.oid] = copy
        return stat, sha256

    def _kept(self, wanted: Wanted) -> int:
        size = wanted.expected.size
        return kept_bytes(self._cache, wanted) if size is None or size > SMALL else 0

    def _recount(self, count: int) -> None:
        """Count bytes that were here already; or take back what was counted in vain."""
        self._progress.advance(size=count)

    def _read(
        self, remote: Remote, wanted: Wanted, limit: int, *, careful: bool
    ) -> tuple[Stat, str | None]:
        data = remote.read(wanted.oid.key, limit=limit, careful=careful)
        sha256 = check_content(data, wanted, remote)
        stat = self._cache.store(wanted.oid, data)
        self._advance(remote, len(data))
        return stat, sha256


class RemoteChecker(Transfers):
    """Reads objects where they are, and keeps nothing but the verdict."""

    def _try(self, remote: Remote, wanted: Wanted, *, careful: bool) -> tuple[Stat, str | None]:
        del careful
        hasher = MultiHasher(wanted.expected.algorithms)
        size = 0
        with remote.open(wanted.oid.key) as stream:
            for chunk in stream:
                hasher.update(chunk)
                size += len(chunk)
                self._advance(remote, len(chunk))
                if size > wanted.limit:
                    raise wrong_content(wanted, remote, f"it has more than {wanted.limit:,} bytes")
                if self._stop.is_set():
                    raise NetworkError("stopped", temporary=False)
        if (difference := wanted.expected.difference(size, hasher.hexdigests())) is not None:
            raise wrong_content(wanted, remote, difference)
        return Stat(0, 0, size), None


class _Health:
    """Whether a remote answers at all, so that 1,000 objects do not each wait for it in vain.

    Parameters
    ----------
    enough : int
        When so many objects in a row were given up, and nothing came meanwhile, it is dead.
    """

    def __init__(self, enough: int) -> None:
        self._enough = enough
        self._given_up = 0
        self._down: NetworkError | None = None
        self._quiet_until = 0.0
        self._told = -math.inf

    def is_news(self) -> bool:
        """Tell whether the user has heard nothing of its troubles for a while."""
        now = time.monotonic()
        news = now - self._told > _NEWS_SECONDS
        self._told = now if news else self._told
        return news

    def works(self) -> None:
        """Hear that something came."""
        self._given_up = 0

    def gave_up(self, error: NetworkError) -> None:
        """Hear that an object was given up, and why."""
        self._given_up += 1
        if self._given_up >= self._enough and error.temporary:
            self._down = error

    def leave_alone(self, seconds: float) -> None:
        """Hear that the server wants to be asked nothing for a while."""
        self._quiet_until = max(self._quiet_until, time.monotonic() + seconds)

    def wait(self, stop: threading.Event) -> None:
        """Wait as long as the server wants; raise if it need not be asked any more."""
        while (left := self._quiet_until - time.monotonic()) > 0:
            # not all at the very moment
            if stop.wait(left * random.uniform(1.0, 1.1)):  # noqa: S311
                raise NetworkError("stopped", temporary=False)
        if self._down is not None:
            raise NetworkError(f"not asked for any more: {self._down.message}", temporary=True)


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
                return _named(problem, wanted)
    return problems[0]


def _named(problem: NeurogisterError, wanted: Wanted) -> NeurogisterError:
    """Return an error that names the object, and says what to do next."""
    message = problem.message
    if wanted.label not in message:
        message = f"{wanted.label}: {message}"
    if isinstance(problem, NetworkError):
        hint = problem.hint or "Run the same command again later: it goes on where it stopped."
        return NetworkError(message, hint=hint, temporary=problem.temporary)
    wrong = NOTHING_KEPT if isinstance(problem, IntegrityError) else None
    return type(problem)(message, hint=problem.hint or wrong)
