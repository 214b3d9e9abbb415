"""Data that many readers share: brought once into the cache, and not to be changed there."""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import NeurogisterError, SeveralErrors, UsageError, collect_errors
from ..files import Destination, system_errors, walk
from ..progress import SILENT, Progress
from .lockfiles import OnDisk, find_lockfile, lock_in_cache, read_lockfile

if TYPE_CHECKING:
    from ..settings import Settings
    from .pull import PullReport
    from .work import Work
    from .workspace import Workspace

_SUFFIX = ".shared"  # apart from what `neurogister.fetch` delivers, which may be changed


@dataclass(slots=True)
class Usage:
    """What was used.

    Parameters
    ----------
    names : set of str
        What was asked for.
    files, size : int
        Objects that came from a remote, and their bytes.
    """

    names: set[str] = field(default_factory=set)
    files: int = 0
    size: int = 0


class SharedData:
    """Brings data into the user's cache: from a lockfile, if there is one, else from a registry.

    Any number of processes may do so at once: each object is fetched once.

    Parameters
    ----------
    settings : Settings
        What applies.
    start : Path
        The lockfile is looked for in this folder and those above.
    lockfile : Path, optional
        The lockfile itself.
    progress : Progress
        Told about long work.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        start: Path,
        lockfile: Path | None = None,
        progress: Progress = SILENT,
    ) -> None:
        self.usage = Usage()
        self._settings = settings
        self._progress = progress
        self._paths: dict[str, Path] = {}
        path = lockfile or find_lockfile(start)
        self._found = None if path is None else read_lockfile(path)

    def get(self, name: str) -> Path:
        """Return where something is, after bringing it there if need be.

        Parameters
        ----------
        name : str
            ``VENDOR/PACKAGE``, an identifier or a path, with ``@VERSION`` and ``:PART``.

        Returns
        -------
        Path
            The file or folder. Its files may only be read: others read them too.

        Raises
        ------
        NotFoundError
            If there is no such thing (in the lockfile, if there is one).
        OfflineError
            If it is not in the cache, and the network may not be used.
        IntegrityError, NetworkError, CredentialsError, RefusedError
            As for `pull`.
        """
        if name not in self._paths:
            found = self._found
            path = self._from_registry(name) if found is None else self._from_lock(name, found)
            self._paths[name] = path
            self.usage.names.add(name)
        return self._paths[name]

    def _from_lock(self, name: str, found: OnDisk) -> Path:
        from .locked import open_workspace, plan_choice, refuse_withdrawn

        chosen = found.lockfile.choose([name])
        if len(chosen) != 1:
            raise UsageError(f"{name!r} stands for {len(chosen)} things, and must for one")
        locked = chosen[0].locked
        refuse_withdrawn([locked], force=False, progress=self._progress)
        part = chosen[0].part or locked.part
        folder = self._folder(locked.md5, part)
        work = plan_choice(chosen[0], Destination(folder))
        with closing(open_workspace(found.lockfile, locked.registry, self._settings)) as workspace:
            return self._bring(workspace, work, folder)

    def _from_registry(self, name: str) -> Path:
        from .outdated import refuse_withdrawn_members
        from .session import open_session
        from .work import begin  # a registry is opened only where there is no lockfile

        settings = self._settings
        with lock_in_cache("shared-registry", settings, self._progress):
            session = open_session(settings, rev=settings.rev, progress=self._progress)
        with closing(session):
            targets = session.reader.resolve([name])
            if len(targets) != 1:
                raise UsageError(f"{name!r} stands for {len(targets)} things, and must for one")
            work = begin(session, targets[0], settings.cache, force=False)
            refuse_withdrawn_members(session, work.selection)
            folder = self._folder(str(work.selection.oid), work.selection.part)
            work.path = folder.joinpath(*work.relative.split("/"))
            return self._bring(session, work, folder)

    def _folder(self, md5: str, part: str | None) -> Path:
        """Return the folder of this very content; a part has one of its own, with nothing else."""
        of_part = f"-{blake2b(part.encode(), digest_size=6).hexdigest()}" if part else ""
        return self._settings.cache / "content" / f"{md5}{of_part}{_SUFFIX}"

    def _bring(self, workspace: Workspace, work: Work, folder: Path) -> Path:
        from .pull import bring
        from .work import skip_unchanged

        skip_unchanged(work, workspace.state.placed(folder))
        if work.unchanged:
            return work.path
        with lock_in_cache("shared", self._settings, self._progress):
            # By force: what is there is ours, and a test that wrote to it must not spoil the next.
            report = bring(
                workspace, [work], Destination(folder), force=True, progress=self._progress
            )
            if report.errors:
                raise collect_errors(report.errors, 1)
            protect(report.pulled[0].path)
        self._count(report)
        return report.pulled[0].path

    def _count(self, report: PullReport) -> None:
        self.usage.files += report.fetched_files
        self.usage.size += report.fetched_size


def protect(path: Path) -> None:
    """Take the permission to write from a file, or all files of a folder.

    Parameters
    ----------
    path : Path
        The file or folder.
    """
    files = [path / relative for relative, _ in walk(path)] if path.is_dir() else [path]
    for each in files:
        mode = each.lstat().st_mode
        if stat.S_ISREG(mode) and mode & 0o222:
            with system_errors(each, "protect"):
                each.chmod(stat.S_IMODE(mode) & ~0o222)


def copy_for_writing(source: Path, folder: Path) -> Path:
    """Copy a file or folder, so that it may be changed.

    Parameters
    ----------
    source : Path
        What to copy.
    folder : Path
        Where to; it must exist.

    Returns
    -------
    Path
        The copy, by the same name.
    """
    target = folder / source.name
    with system_errors(target, "write"):
        if source.is_dir():
            shutil.copytree(source, target, copy_function=_copy)
        else:
            _copy(os.fspath(source), os.fspath(target))
    return target


def _copy(source: str, target: str) -> str:
    shutil.copyfile(source, target)
    os.chmod(target, stat.S_IMODE(os.stat(source).st_mode) | 0o200)
    return target


def is_offline(error: NeurogisterError) -> bool:
    """Tell whether something failed only because the network may not be used.

    Parameters
    ----------
    error : NeurogisterError
        Of what failed.
    """
    if isinstance(error, SeveralErrors):
        return any(is_offline(each) for each in error.errors)
    return error.code == "offline"
