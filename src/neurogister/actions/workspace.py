"""What moves bytes works with: caches and remotes, each made when first needed; no registry."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import replace
from functools import cached_property
from hashlib import blake2b
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..backends.state import State
from ..errors import InvalidFileError, NetworkError, NeurogisterError, NotFoundError
from ..files import system_errors
from ..model.objects import ObjectId, Wanted
from ..progress import SILENT, Progress

if TYPE_CHECKING:
    from ..backends.cache import Cache
    from ..backends.holdings import Holdings
    from ..backends.remotes import Remote
    from ..links import Linker
    from ..model.dataset import Dataset
    from ..model.listing import Entry
    from ..settings import Settings
    from .selection import Selection


class Workspace:
    """Caches and remotes; what a registry adds to them is in `session.Session`.

    Parameters
    ----------
    settings : Settings
        What applies.
    """

    no_remote_hint = "`dvc remote add -d NAME URL` tells where its bytes are."

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @property
    def worktree(self) -> Path | None:
        """The work tree of the registry, if there is one."""
        return None

    @cached_property
    def state(self) -> State:
        """What we have verified before."""
        return State(self.settings.cache / "state.db")

    @cached_property
    def user_cache(self) -> Cache:
        """The cache of objects that belong to no checkout."""
        from ..backends.cache import Cache  # nothing that only looks at what is there needs it

        return Cache(self.settings.cache / "objects")

    @cached_property
    def holdings(self) -> Holdings:
        """The caches that are looked into."""
        from ..backends.holdings import Holdings

        return Holdings([self.user_cache, *self.layers], self.state)

    @cached_property
    def layers(self) -> list[Cache]:
        """The caches of others, which may only be read: DVC's, or a user's own."""
        from ..backends.cache import Cache

        own = [
            objects if (objects := folder / "objects").is_dir() else folder
            for folder in self.settings.cache_layers
        ]
        return [Cache(folder, read_only=True) for folder in own]

    @property
    def sources(self) -> list[Remote]:
        """What is asked before all remotes, and without network too."""
        return []

    @cached_property
    def remotes(self) -> list[Remote]:
        """The remotes in the order in which they are asked."""
        return []

    def fetch(
        self,
        wanted: Sequence[Wanted],
        progress: Progress = SILENT,
        *,
        arrived: Callable[[Sequence[ObjectId]], None] = lambda _: None,
        with_copy: Container[ObjectId] = (),
        remotes: Sequence[Remote] | None = None,
    ) -> dict[ObjectId, NeurogisterError]:
        """Bring objects into the cache; when others bring the same ones, wait for them.

        Parameters
        ----------
        wanted : sequence of Wanted
            Objects that are not there.
        progress : Progress
            Told about each object and its bytes.
        arrived : callable
            Told every now and then which objects have come.
        with_copy : container of ObjectId
            Objects of which a copy will be placed on the file system of the cache.
        remotes : sequence of Remote, optional
            Where they are; else the registry's own.

        Returns
        -------
        dict
            What could not be brought, and why.
        """
        from .transfer import Fetcher, worst  # only where something is missing

        remotes = self._remotes_for(wanted[0], remotes)
        if not remotes:
            return {one.oid: worst([], one) for one in wanted}
        with self._fetch_locks(wanted, progress) as waited:
            if waited or self._has_some(wanted):
                missing = self.holdings.find(wanted)
                progress.advance(files=len(wanted) - len(missing))
                wanted = missing
            fetcher = Fetcher(
                self.holdings, remotes, with_copy=with_copy, progress=progress, **self._how()
            )
            failed = fetcher.run(wanted, arrived=arrived)
        if self.settings.offline:  # that a layer lacks something is no news of any remote
            return {one.oid: worst([], one) for one in wanted if one.oid in failed}
        return failed

    def _remotes_for(self, wanted: Wanted, remotes: Sequence[Remote] | None) -> list[Remote]:
        if self.settings.offline:
            return self.sources
        if remotes is None and self.sources and not self.remotes:
            return self.sources
        return [*self.sources, *(self._some_remotes(wanted) if remotes is None else remotes)]

    def check_remotes(
        self, wanted: Sequence[Wanted], progress: Progress = SILENT
    ) -> dict[ObjectId, NeurogisterError]:
        """Read objects from the remotes to their end, keeping nothing.

        Returns
        -------
        dict
            What no remote has as the record says, and why.
        """
        from .transfer import RemoteChecker  # only for verify

        if not wanted:
            return {}
        return RemoteChecker(self._some_remotes(wanted[0]), progress=progress, **self._how()).run(
            wanted
        )

    def _has_some(self, wanted: Sequence[Wanted]) -> bool:
        """Tell whether another process has brought some since we looked."""
        cache = self.holdings.target()
        return any(cache.stat(one.oid) is not None for one in wanted)

    def _how(self) -> dict[str, Any]:
        return {"jobs": self.settings.jobs, "retries": self.settings.retries}

    def _some_remotes(self, wanted: Wanted) -> list[Remote]:
        if not self.remotes:
            raise NotFoundError(
                f"{wanted.label} is not in the cache, and the registry has no remote",
                hint=self.no_remote_hint,
            )
        return self.remotes

    @contextmanager
    def _fetch_locks(self, wanted: Sequence[Wanted], progress: Progress) -> Iterator[bool]:
        """Be the only process that fetches of these datasets into this cache.

        Their names are spread over a few locks, always taken in the same order: whoever wants some
        of what another one fetches waits, whatever else it wants.
        """
        cache = self.holdings.target()
        folder = cache.work / "locks"
        with system_errors(folder, "make the folder"):
            folder.mkdir(exist_ok=True)
        if cache.shared_group:
            with suppress(OSError):
                folder.chmod(0o2775)
        mode = 0o664 if cache.shared_group else 0o644
        names = {one.label.partition(":")[0] for one in wanted}
        waited = False
        with ExitStack() as locks:
            for number in sorted({blake2b(name.encode()).hexdigest()[:2] for name in names}):
                lock = waiting_lock(
                    folder / f"{number}.lock", "another pull of the same data", progress, mode=mode
                )
                waited |= locks.enter_context(lock)
            yield waited

    def is_ours(self, folder: Path) -> bool:
        """Tell whether what another version left in a folder is ours to remove."""
        return folder == self.worktree

    def tree_lock(self, root: Path, progress: Progress) -> AbstractContextManager[None]:
        """Keep others from a folder while files are put there; only a work tree needs it."""
        del root, progress
        return nullcontext()

    def linker(self, destination: Path) -> Linker:
        """Return how files get to a destination: as copies, which may be changed."""
        return self._tried(("reflink", "copy"), destination)

    def _tried(self, kinds: Sequence[str], destination: Path) -> Linker:
        from ..links import Linker  # only where something is put

        linker = Linker(kinds)
        linker.try_kinds(self.holdings.caches[0].work, destination)
        return linker

    def entries_in_git(self, selection: Selection) -> list[Entry] | None:
        """Return the files of a folder, if the registry's git knows them."""
        del selection
        return None

    def other_files(self, selection: Selection) -> Iterator[tuple[str, Wanted]]:
        """Give the files of the other versions of a folder whose listing is in the cache."""
        from ..model.listing import parse_listing, size_limit  # only where versions change

        for md5, legacy in product(dict.fromkeys(self._states(selection.item)), (False, True)):
            if md5 is None or not md5.endswith(".dir") or md5 == str(selection.oid):
                continue
            oid = ObjectId(md5.removesuffix(".dir"), listing=True, legacy=legacy)
            other = replace(selection, oid=oid, nfiles=None)
            if not self.holdings.find([other.wanted()]):
                data = self.holdings.read(oid, limit=size_limit(None))
                with suppress(InvalidFileError):
                    for entry in parse_listing(data, name=selection.name):
                        yield entry.path, other.wanted_entry(entry)

    def _states(self, item: Dataset) -> Iterator[str | None]:
        """Give the digests of a dataset's states that are known."""
        del item
        yield from ()

    def published(self, item: Dataset) -> frozenset[str]:
        """Return the md5 of every version of a dataset: nothing is lost when one is replaced."""
        return frozenset(each.md5 for each in item.versions if each.md5 and not each.is_dir)

    @staticmethod
    def same_device(one: Path, other: Path) -> bool:
        """Tell whether two folders, or where they would be made, share their space."""
        return _device(one) == _device(other)

    def close(self) -> None:
        """Let go of what was opened."""
        if "state" in self.__dict__:
            self.state.close()


@contextmanager
def waiting_lock(path: Path, whom: str, progress: Progress, *, mode: int = 0o644) -> Iterator[bool]:
    """Hold a lock that other programs hold too.

    Parameters
    ----------
    path : Path
        The file; its folder must exist.
    whom : str
        Who may hold it, to be told to who waits.
    progress : Progress
        Told if it takes more than two seconds.
    mode : int
        Permissions of the file, if it is made.

    Yields
    ------
    bool
        Whether we had to wait for it.

    Raises
    ------
    NetworkError
        If the file system has no locks.
    """
    from filelock import FileLock, Timeout  # 10 ms that most commands do not need

    lock = FileLock(path, mode=mode)
    waited = False
    for timeout in (0, 2, -1):
        try:
            lock.acquire(timeout=timeout, poll_interval=0.05)
            break
        except Timeout:
            waited = True
            if timeout:
                progress.say(f"waiting for {whom} ({path})")
        except (OSError, NotImplementedError) as error:
            raise NetworkError(
                f"the lock {path} cannot be taken: {error}",
                hint="The file system must support locks; choose a cache on another one.",
                temporary=False,
            ) from error
    try:
        yield waited
    finally:
        lock.release()


def _device(path: Path) -> int:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path.stat().st_dev
