"""What a verb works with: the registry, its caches and remotes, each made when first needed."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from hashlib import blake2b
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..backends.cache import Cache, ObjectId
from ..backends.holdings import Holdings, Wanted
from ..backends.state import State
from ..errors import (
    InvalidFileError,
    NetworkError,
    NeurogisterError,
    NotFoundError,
    RefusedError,
)
from ..files import system_errors
from ..links import Linker
from ..model.dataset import Dataset
from ..progress import SILENT, Progress
from ..registry.reader import Reader, open_reader
from ..settings import Settings

if TYPE_CHECKING:
    from ..backends.dvcconfig import DVCConfig
    from ..backends.remotes import Remote
    from ..model.remote import RemoteConfig
    from .selection import Selection


_OWN = ("tmp", "partial", "locks")  # the folders of our own in a cache


class Session:
    """A registry opened for work.

    Parameters
    ----------
    reader : Reader
        Finds and reads.
    settings : Settings
        What applies.
    """

    def __init__(self, reader: Reader, settings: Settings) -> None:
        self.reader = reader
        self.settings = settings
        self._holds_tree = False

    @cached_property
    def state(self) -> State:
        """What we have verified before."""
        return State(self.settings.cache / "state.db")

    @cached_property
    def config(self) -> DVCConfig:
        """The registry's DVC configuration.

        Raises
        ------
        RefusedError
            If the committed part of it asks for what a stranger may not decide.
        """
        from ..backends.dvcconfig import read_config  # listing never needs it

        if self.reader.worktree is not None:
            self._refuse_committed_settings(self.reader.worktree)
        return read_config(self.reader.dvc_config_bytes(), root=self.reader.worktree)

    def _refuse_committed_settings(self, root: Path) -> None:
        """``.dvc/config.local`` is trusted, as the user's own: the registry must not bring one."""
        _refuse_links(root, root / ".dvc")
        path = ".dvc/config.local"
        if not os.path.lexists(root / path):
            return
        reader = self.reader if self.reader.root is not None else self.reader.at(None)
        if any(entry.path == path for entry in reader.list_tree(".dvc")):
            raise RefusedError(
                f"{path} is committed, where it stands for what only its user may decide",
                hint=f"Look at it. If you trust it: `git rm --cached {path}`, and commit.",
            )

    @cached_property
    def user_cache(self) -> Cache:
        """The cache of objects that belong to no checkout."""
        return Cache(self.settings.cache / "objects")

    @cached_property
    def holdings(self) -> Holdings:
        """The caches: a checkout's is DVC's own; where that cannot be written, the user's too."""
        root = self.reader.worktree
        if root is None:
            return Holdings([self.user_cache], self.state)
        folder = self.config.cache_dir
        if folder is None:
            folder = root / ".dvc" / "cache"
            _refuse_links(root, folder)
        if folder.is_relative_to(root):
            _refuse_links_below(folder)
        cache = Cache(folder, shared_group=self.config.shared_group)
        caches = [cache] if cache.is_writable() else [cache, self.user_cache]
        return Holdings(caches, self.state)

    @cached_property
    def remotes(self) -> list[Remote]:
        """The remotes in the order in which they are asked.

        Raises
        ------
        NotFoundError
            If the remote that the user wants is not configured.
        """
        remotes: list[Remote] = []
        problems: list[NeurogisterError] = []
        for config in self._remote_configs():
            try:
                remotes.append(self.open_remote(config))
            except NeurogisterError as error:
                problems.append(error)
        if not remotes and problems:
            raise problems[0]
        return remotes

    def _remote_configs(self) -> list[RemoteConfig]:
        known = self.config.remotes
        if (chosen := self.settings.remote) is not None:
            return [self.config.remote(chosen)]
        default = self.config.default_remote
        return sorted(known.values(), key=lambda config: (config.name != default, config.name))

    def open_remote(self, config: RemoteConfig) -> Remote:
        """Open one remote: a folder that the registry's git holds, or any place outside."""
        if config.in_tree is not None and self.reader.worktree is None:
            from ..registry.intree import InTreeRemote  # registries that carry their bytes

            return InTreeRemote(self.reader, config)
        from ..backends.remotes import open_remote  # the network, only when it is needed

        return open_remote(config, timeout=self.settings.timeout, jobs=self.settings.jobs or 16)

    def writable_remote(self, name: str | None = None) -> Remote:
        """Open the remote that takes what is deposited.

        Parameters
        ----------
        name : str, optional
            Which one; else the one that the settings choose, the default one, or the only one.

        Raises
        ------
        NotFoundError
            If there is none of that name, or none at all.
        RefusedError
            If its configuration says that nothing can be stored there.
        """
        known = self.config.remotes
        wanted = name or self.settings.remote
        if not known and wanted is None:
            raise NotFoundError(
                "the registry has no remote to keep its bytes",
                hint="`dvc remote add -d NAME URL` tells where they go.",
            )
        if wanted is None and self.config.default_remote is None and len(known) == 1:
            wanted = next(iter(known))
        remote = self.open_remote(self.config.remote(wanted))
        if (why := remote.why_not_writable()) is not None:
            others = ", ".join(sorted(known.keys() - {remote.name}))
            choose = f"Choose another one with `--remote NAME` (there are: {others}), or use"
            hint = f"{choose if others else 'Use'} `dvc push -r {remote.name}`, if DVC can."
            raise RefusedError(why, hint=hint)
        return remote

    def fetch(
        self,
        wanted: Sequence[Wanted],
        progress: Progress = SILENT,
        *,
        arrived: Callable[[Sequence[ObjectId]], None] = lambda _: None,
        with_copy: Container[ObjectId] = (),
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

        Returns
        -------
        dict
            What could not be brought, and why.
        """
        from .transfer import Fetcher, worst  # only where something is missing

        if self.settings.offline:
            return {one.oid: worst([], one) for one in wanted}
        remotes = self._some_remotes(wanted[0])
        with self._fetch_locks(wanted, progress) as waited:
            if waited or self._has_some(wanted):
                missing = self.holdings.find(wanted)
                progress.advance(files=len(wanted) - len(missing))
                wanted = missing
            fetcher = Fetcher(
                self.holdings, remotes, with_copy=with_copy, progress=progress, **self._how()
            )
            return fetcher.run(wanted, arrived=arrived)

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
                hint="`dvc remote add -d NAME URL` tells where its bytes are.",
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
                lock = _waiting_lock(
                    folder / f"{number}.lock", "another pull of the same data", progress, mode=mode
                )
                waited |= locks.enter_context(lock)
            yield waited

    @contextmanager
    def tree_lock(self, root: Path, progress: Progress) -> Iterator[None]:
        """Hold DVC's own lock while files of the work tree are put in place.

        Who holds it already, as a deposit that places what it has written, need not wait for it.
        """
        worktree = self.reader.worktree
        if self._holds_tree:
            yield
            return
        if worktree is None or root != worktree or not (worktree / ".dvc").is_dir():
            yield
            return
        folder = worktree / ".dvc" / "tmp"
        _refuse_links(worktree, folder / "lock")
        with system_errors(folder, "make the folder"):
            folder.mkdir(exist_ok=True)
        with _waiting_lock(folder / "lock", "dvc", progress):
            self._holds_tree = True
            try:
                yield
            finally:
                self._holds_tree = False

    def linker(self, destination: Path) -> Linker:
        """Return how files get to a destination: as DVC in the work tree, else as copies.

        Outside the work tree nobody would expect that changing a file changes the cache.
        """
        worktree = self.reader.worktree
        kinds = self.config.cache_types if destination == worktree else ("reflink", "copy")
        linker = Linker(kinds)
        linker.try_kinds(self.holdings.caches[0].work, destination)
        return linker

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
        """Give the digests of a dataset's states that we or git know of."""
        if (root := self.reader.worktree) is not None:
            yield self.state.placed(root).get(f"{root}/{item.place}", (None, ""))[0]
        yield from _states_at(self.reader, item)
        for rev in (None, "HEAD@{1}"):  # the work tree, and where it comes from
            with suppress(NotFoundError), closing(self.reader.at(rev)) as reader:
                yield from _states_at(reader, item)

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
        self.reader.close()


def _states_at(reader: Reader, item: Dataset) -> Iterator[str | None]:
    for each in reader.find_place(item.place):
        yield from (version.md5 for version in each.versions)
        yield from (state.md5 for state in reader.history(each))


def open_session(
    settings: Settings, *, rev: str | None = None, progress: Progress = SILENT
) -> Session:
    """Open the registry that the settings name.

    Parameters
    ----------
    settings : Settings
        `Settings.registry` is a path or git URL; none means the one around the working directory.
    rev : str, optional
        A commit, branch or tag.
    progress : Progress
        Told about the transfer.

    Raises
    ------
    NotFoundError
        If there is no registry, or no such revision.
    NetworkError, CredentialsError, OfflineError
        If a remote registry cannot be read.
    """
    reader = open_reader(
        settings.registry or ".", rev=rev, cache=settings.cache, offline=settings.offline,
        progress=progress,
    )  # fmt: skip
    return Session(reader, settings)


@contextmanager
def _waiting_lock(
    path: Path, whom: str, progress: Progress, *, mode: int = 0o644
) -> Iterator[bool]:
    """Hold a lock that other programs hold too; tell whether we had to wait for it."""
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


def _refuse_links(root: Path, folder: Path) -> None:
    """A link in the place of DVC's folders, perhaps committed, would lead our writes elsewhere."""
    path = root
    for component in folder.relative_to(root).parts:
        path = path / component
        if path.is_symlink():
            raise RefusedError(
                f"{path} is a symbolic link: writing there could change files elsewhere",
                hint="If you made it yourself, say so to DVC instead:"
                f" `dvc cache dir --local {os.path.realpath(path)}`, and remove the link.",
            )


def _refuse_links_below(cache: Path) -> None:
    """A registry may bring a cache with links in it, which would lead our writes elsewhere."""
    for name in ("", "files", "files/md5", "neurogister", *(f"neurogister/{n}" for n in _OWN)):
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(cache / name) as entries:
            for entry in entries:
                if entry.is_symlink():
                    raise RefusedError(
                        f"{entry.path} is a symbolic link: a cache must be made of folders",
                        hint="Remove the link; the cache may be deleted at any time.",
                    )


def _device(path: Path) -> int:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path.stat().st_dev
