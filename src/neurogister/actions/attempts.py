"""Many objects in parallel, each tried again as long as there is hope."""

from __future__ import annotations

import itertools
import math
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, Protocol, TypeVar

from ..backends.remotes import Remote
from ..errors import IntegrityError, NetworkError, NeurogisterError, NoSpaceError, RefusedError
from ..model.objects import ObjectId
from ..progress import SILENT, Progress

_INTEGRITY_TRIES = 2
_BATCH_SECONDS = 1.0
_TICK = 0.1  # seconds, after which Ctrl-C is heard at the latest
_PATIENCE = 2.0  # seconds that threads get to end after Ctrl-C
_NEWS = 1 << 16  # bytes that count as progress
_NEWS_SECONDS = 10.0
_LEAST_GIVEN_UP = 3  # objects, before a remote counts as dead
_MOST_GIVEN_UP = 16
_MOST_UNFINISHED = 32 << 20  # bytes
_A_WHILE = 0.002


class Task(Protocol):
    """Something to be done with one object."""

    @property
    def oid(self) -> ObjectId:
        """Its address."""


T = TypeVar("T", bound=Task)
R = TypeVar("R")
Arrived = Callable[[Sequence[ObjectId]], None]
Failures = dict[ObjectId, NeurogisterError]


@dataclass(frozen=True, slots=True)
class Unfinished(Generic[R]):
    """An object that has come, and what is left to do with it.

    Many threads wait for remotes; what computes and writes is done by few, as all of them share
    one interpreter, and would spend their time on taking turns.

    Parameters
    ----------
    remote : str
        Where it came from.
    size : int
        Bytes of memory that it takes meanwhile.
    finish : callable
        Does the rest; raises `IntegrityError` if the object has to come again.
    """

    remote: str
    size: int
    finish: Callable[[], R]


class Attempts(Generic[T, R]):
    """Many objects and some remotes: in parallel, tried again, given up when a remote is dead.

    Parameters
    ----------
    remotes : sequence of Remote
        Those that will be asked.
    jobs : int, optional
        How many objects at once; none lets the first remote choose.
    retries : int
        How often what failed for a passing reason is tried again.
    progress : Progress
        Told about each object and its bytes.
    """

    fatal: tuple[type[NeurogisterError], ...] = (NoSpaceError, RefusedError)
    """Errors of one object that end all the work at once."""

    finishers: int = 0
    """Threads for what is left to do when an object is here."""

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
        self._stop = threading.Event()
        self._fatal: BaseException | None = None
        self._came_wrong: dict[ObjectId, str] = {}

    def run_all(self, tasks: Iterable[T], *, arrived: Arrived = lambda _: None) -> Failures:
        """Do all of them, in their order.

        Parameters
        ----------
        tasks : iterable
            What is to be done.
        arrived : callable
            Told, in this thread and every now and then, which objects are done.

        Returns
        -------
        dict
            What failed, with the reason.

        Raises
        ------
        NeurogisterError
            Of the kinds in `fatal`; what was done before stays.
        """
        run = _Run[T, R](list(tasks))
        if not run.total:
            return {}
        loops = [self._bring] * min(self._jobs, run.total)
        loops += [self._finish_all] * min(self.finishers, run.total)
        threads = [threading.Thread(target=self._work, args=(loop, run)) for loop in loops]
        for thread in threads:
            thread.daemon = True
            thread.start()
        try:
            due = time.monotonic() + _BATCH_SECONDS
            while not run.over.wait(_TICK):
                if time.monotonic() >= due:
                    self._collect(run, arrived)
                    due = time.monotonic() + _BATCH_SECONDS
            run.release(len(threads))
            if self._fatal is not None:
                for thread in threads:
                    thread.join()
            self._collect(run, arrived)
        except BaseException:
            self._stop.set()
            run.release(len(threads))
            until = time.monotonic() + _PATIENCE
            for thread in threads:
                thread.join(max(until - time.monotonic(), 0))
            raise
        if self._fatal is not None:
            raise self._fatal
        return run.failed

    def _collect(self, run: _Run[T, R], arrived: Arrived) -> None:
        """Take in what the threads have done, many at a time: each time costs them time too."""
        batch = list(run.take_done())
        if batch:
            self._keep(batch)
            arrived([task.oid for task, _ in batch])

    def _work(self, loop: Callable[[_Run[T, R]], None], run: _Run[T, R]) -> None:
        try:
            loop(run)
        except BaseException as error:  # noqa: BLE001 - carried over to the calling thread
            self._fatal = self._fatal or error
            self._stop.set()
            run.over.set()

    def _bring(self, run: _Run[T, R]) -> None:
        while (task := run.todo.get()) is not None and not self._stop.is_set():
            try:
                result = self._do(task)
            except self.fatal:
                raise
            except NeurogisterError as error:
                self._settle(run, task, error)
            else:
                if not isinstance(result, Unfinished):
                    self._settle(run, task, result)
                elif self.finishers:
                    self._hand_over(run, task, result)
                else:
                    self._finish(run, task, result)

    def _hand_over(self, run: _Run[T, R], task: T, unfinished: Unfinished[R]) -> None:
        """Leave the rest to other threads, unless so much waits for them that memory fills."""
        most = _MOST_UNFINISHED // max(unfinished.size, 1)
        while run.unfinished.qsize() > most and not self._stop.wait(_A_WHILE):
            pass
        run.unfinished.put((task, unfinished))

    def _finish_all(self, run: _Run[T, R]) -> None:
        while (one := run.unfinished.get()) is not None and not self._stop.is_set():
            self._finish(run, *one)

    def _finish(self, run: _Run[T, R], task: T, unfinished: Unfinished[R]) -> None:
        try:
            result = unfinished.finish()
        except self.fatal:
            raise
        except IntegrityError:
            self._came_wrong[task.oid] = unfinished.remote
            run.todo.put(task)
        except NeurogisterError as error:
            self._settle(run, task, error)
        else:
            self._settle(run, task, result)

    def _settle(self, run: _Run[T, R], task: T, result: R | NeurogisterError) -> None:
        if isinstance(result, NeurogisterError):
            run.failed[task.oid] = result
        else:
            run.done.put((task, result))
        self._progress.advance(files=1)
        run.settled()

    def _keep(self, done: Sequence[tuple[T, R]]) -> None:
        """Note what was done."""

    def _do(self, task: T) -> R | Unfinished[R]:
        """Do all that there is to do about one object, or what has to wait for a remote."""
        raise NotImplementedError

    def _try(self, remote: Remote, task: T, *, careful: bool) -> R | Unfinished[R]:
        """Try it once with a remote; ``careful`` from the second try on."""
        raise NotImplementedError

    def _kept(self, task: T) -> int:
        """Tell how many bytes of an unfinished object need not be transferred again."""
        del task
        return 0

    def _persist(self, remote: Remote, task: T) -> R | Unfinished[R]:
        """Try it with a remote until it works or there is no more hope."""
        health = self._health[remote.name]
        furthest = attempt = 0  # what an earlier run has left counts as progress, once
        mismatches = int(self._came_wrong.get(task.oid) == remote.name)
        while True:
            health.wait(self._stop)
            try:
                result = self._try(remote, task, careful=attempt + mismatches > 0)
            except IntegrityError:
                mismatches += 1
                if mismatches >= _INTEGRITY_TRIES:
                    raise
            except NetworkError as error:
                if (kept := self._kept(task)) > furthest + _NEWS:
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


class _Run(Generic[T, R]):
    """What is to be done and was done of one call.

    Parameters
    ----------
    tasks : list
        In the order in which they are begun.
    """

    def __init__(self, tasks: list[T]) -> None:
        self.total = len(tasks)
        self.todo: SimpleQueue[T | None] = SimpleQueue()
        self.unfinished: SimpleQueue[tuple[T, Unfinished[R]] | None] = SimpleQueue()
        self.done: SimpleQueue[tuple[T, R]] = SimpleQueue()
        self.failed: Failures = {}
        self.over = threading.Event()
        self._settled = itertools.count(1)
        for task in tasks:
            self.todo.put(task)

    def settled(self) -> None:
        """Hear that one more is done, or has failed."""
        if next(self._settled) == self.total:
            self.over.set()

    def release(self, threads: int) -> None:
        """Let so many threads end that wait for more."""
        for _ in range(threads):
            self.todo.put(None)
            self.unfinished.put(None)

    def take_done(self) -> Iterator[tuple[T, R]]:
        """Give what was done since the last time."""
        with suppress(Empty):
            while True:
                yield self.done.get_nowait()


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
