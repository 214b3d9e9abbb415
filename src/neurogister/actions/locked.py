"""Bringing here what a lockfile says: without git and without the registry."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import NeurogisterError, NotFoundError, RefusedError, UsageError, collect_errors
from ..files import Destination
from ..model.dataset import Dataset
from ..model.locked import Choice, Locked, LockedRegistry, LockedRemote, Lockfile
from ..model.objects import ObjectId
from ..model.pointer import Pointer
from ..model.remote import RemoteConfig
from ..progress import SILENT, Progress
from .entries import choose_part
from .lockfiles import OnDisk, read_lockfile
from .pull import PullReport, bring
from .selection import Selection
from .work import Work
from .workspace import Workspace

if TYPE_CHECKING:
    from ..backends.remotes import Remote
    from ..registry.reader import Reader
    from ..settings import Settings


class LockedWorkspace(Workspace):
    """The remotes of one registry, as a lockfile names them; no registry is opened.

    Parameters
    ----------
    settings : Settings
        What applies.
    registry : LockedRegistry
        Where the bytes are.
    commits : sequence of str
        The commits at which it was read: for remotes that are folders of the registry's git.
    home : Path, optional
        The folder in which everything has its place by the lockfile, and in one version only.
    """

    no_remote_hint = "The lockfile names none that others can reach: `neurogister lock add` anew."

    def __init__(
        self,
        settings: Settings,
        registry: LockedRegistry,
        commits: Sequence[str] = (),
        *,
        home: Path | None = None,
    ) -> None:
        super().__init__(settings)
        self._home = home
        self._registry = registry
        self._commits = commits
        self._readers: list[Reader] = []

    @cached_property
    def remotes(self) -> list[Remote]:
        """The remotes in the order in which they are asked.

        Raises
        ------
        NotFoundError
            If there is none by the name that the user chose.
        NeurogisterError
            If none of them can be opened.
        """
        opened: list[Remote] = []
        problems: list[NeurogisterError] = []
        chosen = (self.settings.remote or "").lower()
        for remote in self._registry.remotes:
            if chosen not in ("", remote.name.lower()):
                continue
            try:
                opened += self._open(remote)
            except NeurogisterError as error:
                problems.append(error)
        if not opened and problems:
            raise problems[0]
        if not opened and chosen:
            known = ", ".join(remote.name for remote in self._registry.remotes) or "none"
            raise NotFoundError(
                f"the lockfile has no remote '{chosen}' of {self._registry.url}",
                hint=f"It has: {known}.",
            )
        return opened

    def _open(self, remote: LockedRemote) -> list[Remote]:
        if remote.in_tree is not None:
            folder = os.path.join(self._registry.url, *remote.in_tree.split("/"))
            if not os.path.isdir(folder):
                return self._open_in_git(remote)
            return [self._open_config(_config(remote, os.path.abspath(folder)))]
        return [self._open_config(_config(remote, remote.url or ""))]

    def _open_config(self, config: RemoteConfig) -> Remote:
        from ..backends.remotes import open_remote  # the network, only when it is needed

        return open_remote(config, timeout=self.settings.timeout, jobs=self.settings.jobs or 16)

    def _open_in_git(self, remote: LockedRemote) -> list[Remote]:
        """A registry that carries its bytes is the only one that git is needed for."""
        from ..registry.intree import InTreeRemote
        from ..registry.reader import open_reader

        config = replace(_config(remote, remote.in_tree or ""), in_tree=remote.in_tree)
        found: list[Remote] = []
        for rev in self._commits or (None,):
            reader = open_reader(self._registry.url, rev=rev, cache=self.settings.cache)
            self._readers.append(reader)
            found.append(InTreeRemote(reader, config))
        return found

    def is_ours(self, folder: Path) -> bool:
        """Tell whether what another version left in a folder is ours to remove."""
        return folder == self._home

    def _states(self, item: Dataset) -> Iterator[str | None]:
        """Give the digest of what we put there before."""
        if self._home is not None:
            placed = self.state.placed(self._home)
            yield placed.get(f"{self._home}/{item.place}", (None, ""))[0]

    def close(self) -> None:
        """Let go of what was opened."""
        for reader in self._readers:
            reader.close()
        super().close()


def _config(remote: LockedRemote, url: str) -> RemoteConfig:
    """Return what opens a remote; as little trusted as what comes with a registry."""
    committed = frozenset({"url", *remote.options})
    return RemoteConfig(remote.name, url, dict(remote.options), "the lockfile", committed)


def pull_locked(
    names: str | Iterable[str] | None = None,
    *,
    lockfile: str | os.PathLike[str] | None = None,
    into: str | os.PathLike[str] | None = None,
    layout: str | None = None,
    remote: str | None = None,
    jobs: int | None = None,
    force: bool = False,
    dry_run: bool = False,
    check: bool = False,
    offline: bool | None = None,
    cache: str | os.PathLike[str] | None = None,
    progress: Progress = SILENT,
) -> PullReport:
    """Bring here what a lockfile says, each byte checked; neither git nor the registry is asked.

    Parameters
    ----------
    names : str or iterable of str, optional
        What of it; None is everything.
    lockfile : path, optional
        Which file; None is the ``neurogister.lock`` here, or in the nearest folder above.
    into : path, optional
        The folder to deliver to. None is the one that the lockfile names, or its own.
    layout : {'nf-neuro', 'zip'}, optional
        Bring zip archives instead: by their md5 into the cache of nf-neuro's tests, or by name.
    remote : str, optional
        The only remote to be asked, by its name in the lockfile.
    jobs : int, optional
        How many transfers at once.
    force : bool
        Overwrite files that were changed here, and get what was withdrawn.
    dry_run : bool
        Only find out what would happen.
    check : bool
        Raise if something could not be delivered (all else was).
    offline : bool, optional
        Never use the network.
    cache : path, optional
        The user's own cache.
    progress : Progress
        Told about long work.

    Returns
    -------
    PullReport

    Raises
    ------
    NotFoundError
        If there is no lockfile, or a name is not in it.
    RefusedError
        If something was withdrawn.
    InvalidFileError
        If the lockfile breaks the rules.
    """
    from ..settings import load_settings  # the command line has them already

    settings = load_settings(
        offline=offline, cache=None if cache is None else os.fspath(cache), remote=remote, jobs=jobs
    )
    found = read_lockfile(None if lockfile is None else Path(lockfile))
    chosen = [names] if isinstance(names, str) else [*(names or ())]
    if names is not None and not chosen:
        raise UsageError("there is no name: None stands for everything")
    report = pull_from(
        found, chosen, settings, layout=layout,
        into=None if into is None else Path(into).absolute(), force=force, dry_run=dry_run,
        progress=progress,
    )  # fmt: skip
    if check and report.errors:
        raise collect_errors(report.errors, len(report.pulled))
    return report


def pull_from(
    found: OnDisk,
    names: Sequence[str],
    settings: Settings,
    *,
    layout: str | None = None,
    into: Path | None = None,
    force: bool = False,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> PullReport:
    """Bring here what a lockfile says that was read already (see `pull_locked`).

    Parameters
    ----------
    found : OnDisk
        The lockfile.
    names : sequence of str
        What of it; none stand for everything.
    settings : Settings
        What applies.
    layout : {'nf-neuro', 'zip'}, optional
        Bring zip archives instead (`layouts.pull_locked_zips`).
    into : Path, optional
        The folder to deliver to; None is the one that the lockfile names, or its own.
    force, dry_run, progress
        As for `pull_locked`.
    """
    if layout is not None:
        from .layouts import pull_locked_zips  # rarely asked for

        return pull_locked_zips(
            found, names, settings, layout, into=into, force=force, dry_run=dry_run,
            progress=progress,
        )  # fmt: skip
    choices = found.lockfile.choose(names)
    refuse_withdrawn([choice.locked for choice in choices], force=force, progress=progress)
    destination = Destination(into or found.path.parent)
    above = found.lockfile.folder if into is None else None
    report = PullReport()
    done: dict[int, PullReport] = {}
    for url in dict.fromkeys(choice.locked.registry for choice in choices):
        mine = [n for n, choice in enumerate(choices) if choice.locked.registry == url]
        work = [plan_choice(choices[n], destination, above) for n in mine]
        home = None if into is not None else destination.root
        with closing(open_workspace(found.lockfile, url, settings, home=home)) as workspace:
            part = bring(
                workspace, work, destination, force=force, dry_run=dry_run, progress=progress
            )
        report.fetched_files += part.fetched_files
        report.fetched_size += part.fetched_size
        report.size_known &= part.size_known
        done |= {n: PullReport([pulled]) for n, pulled in zip(mine, part.pulled, strict=True)}
    report.pulled = [pulled for n in sorted(done) for pulled in done[n].pulled]
    return report


def open_workspace(
    lockfile: Lockfile, url: str, settings: Settings, *, home: Path | None = None
) -> LockedWorkspace:
    """Open what brings the bytes of one registry.

    Parameters
    ----------
    lockfile : Lockfile
        That names the registry.
    url : str
        Which.
    settings : Settings
        What applies.
    home : Path, optional
        The folder in which everything has its place by the lockfile.
    """
    commits = [each.commit for each in lockfile.locked if each.registry == url and each.commit]
    return LockedWorkspace(
        settings, lockfile.registry(url), tuple(dict.fromkeys(commits)), home=home
    )


def refuse_withdrawn(locked: Sequence[Locked], *, force: bool, progress: Progress) -> None:
    """Refuse what the lockfile marks as withdrawn; by force there is only a warning.

    Parameters
    ----------
    locked : sequence of Locked
        What is wanted.
    force : bool
        Whether it is wanted all the same.
    progress : Progress
        Told about it.

    Raises
    ------
    RefusedError, SeveralErrors
        If something is.
    """
    errors: list[NeurogisterError] = []
    for each in locked:
        if each.withdrawn and force:
            progress.warn(f"{each.label} was withdrawn; forced all the same")
        elif each.withdrawn:
            error = RefusedError(
                f"{each.label} was withdrawn since it was locked",
                hint="`neurogister lock check` tells why; `neurogister lock upgrade` or"
                " `neurogister lock remove` goes on without it.",
            )
            errors.append(error)
    if errors:
        raise collect_errors(errors, len(locked))


def plan_choice(choice: Choice, destination: Destination, above: str | None = None) -> Work:
    """Return the work for something that is locked: nothing about it has to be asked.

    Parameters
    ----------
    choice : Choice
        What is wanted.
    destination : Destination
        The folder to deliver to.
    above : str, optional
        The folder below it, in which each has its name.

    Raises
    ------
    NotFoundError
        If there is no such part.
    """
    locked = choice.locked
    relative = f"{above}/{locked.name}" if above else locked.name
    selection = _select(locked, relative)
    if choice.part is not None:
        selection = replace(selection, part=choice.part)
    work = Work(selection, destination.path(relative), relative)
    if locked.is_folder:
        wanted = choose_part(selection, locked.files) if choice.part else list(locked.files)
        work.entries = wanted
    return work


def _select(locked: Locked, place: str) -> Selection:
    digest = locked.md5.removesuffix(".dir")
    pointer = Pointer(
        path=locked.name.rpartition("/")[2], md5=digest, is_dir=locked.is_folder, size=locked.size,
        legacy=locked.legacy, isexec=locked.executable,
    )  # fmt: skip
    item = Dataset(name=locked.name, kind=locked.kind, place=place, pointer=pointer)
    return Selection(
        item,
        None if locked.version is None else str(locked.version),
        current=True,
        oid=ObjectId(digest, locked.is_folder, locked.legacy),
        size=locked.size,
        nfiles=len(locked.files) if locked.is_folder else None,
        sha256=locked.sha256 if locked.part is None else None,
        part=locked.part,
    )
