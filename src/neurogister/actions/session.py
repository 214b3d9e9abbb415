"""What a verb works with: the registry, its caches and remotes, each made when first needed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import (
    NeurogisterError,
    NotFoundError,
    RefusedError,
)
from ..files import system_errors
from ..model.dataset import Dataset
from ..progress import SILENT, Progress
from ..registry.reader import Reader, open_reader
from ..settings import Settings
from .workspace import Workspace, waiting_lock

if TYPE_CHECKING:
    from ..backends.dvcconfig import DVCConfig
    from ..backends.holdings import Holdings
    from ..backends.remotes import Remote
    from ..links import Linker
    from ..model.listing import Entry
    from ..model.remote import RemoteConfig
    from .selection import Selection


_OWN = ("tmp", "partial", "locks")  # the folders of our own in a cache


class Session(Workspace):
    """A registry opened for work.

    Parameters
    ----------
    reader : Reader
        Finds and reads.
    settings : Settings
        What applies.
    """

    def __init__(self, reader: Reader, settings: Settings) -> None:
        super().__init__(settings)
        self.reader = reader
        self._holds_tree = False

    @property
    def worktree(self) -> Path | None:
        """The work tree of the registry, if there is one."""
        return self.reader.worktree

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
    def holdings(self) -> Holdings:
        """The caches: a checkout's is DVC's own; where that cannot be written, the user's too."""
        from ..backends.cache import Cache  # nothing that only looks at what is there needs it
        from ..backends.holdings import Holdings

        root = self.reader.worktree
        if root is None:
            return super().holdings
        folder = self.config.cache_dir
        if folder is None:
            folder = root / ".dvc" / "cache"
            _refuse_links(root, folder)
        if folder.is_relative_to(root):
            _refuse_links_below(folder)
        cache = Cache(folder, shared_group=self.config.shared_group)
        caches = [cache] if cache.is_writable() else [cache, self.user_cache, *self.layers]
        return Holdings(caches, self.state)

    @cached_property
    def sources(self) -> list[Remote]:
        """The layers, for a checkout: DVC knows its own cache only, so that gets what they have."""
        if self.reader.worktree is None or len(self.holdings.caches) > 1:
            return []
        from ..backends.folder import FolderRemote  # only where there are layers
        from ..model.remote import RemoteConfig

        return [
            FolderRemote(RemoteConfig(name="cache layer", url=str(each.root)), jobs=4)
            for each in self.layers
        ]

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
        with waiting_lock(folder / "lock", "dvc", progress):
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
        # what a kill leaves of the trial must not lie among the user's files
        trial = destination / ".dvc" / "tmp" if destination == worktree else destination
        return self._tried(kinds, trial)

    def entries_in_git(self, selection: Selection) -> list[Entry] | None:
        """Return the files of a folder from its manifest in git, if it has one."""
        from .entries import entries_from_manifest  # which single files do not need

        return entries_from_manifest(self.reader, selection)

    def _states(self, item: Dataset) -> Iterator[str | None]:
        """Give the digests of a dataset's states that we or git know of."""
        if (root := self.reader.worktree) is not None:
            yield self.state.placed(root).get(f"{root}/{item.place}", (None, ""))[0]
        yield from _states_at(self.reader, item)
        for rev in (None, "HEAD@{1}"):  # the work tree, and where it comes from
            with suppress(NotFoundError), closing(self.reader.at(rev)) as reader:
                yield from _states_at(reader, item)

    def close(self) -> None:
        """Let go of what was opened."""
        super().close()
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
