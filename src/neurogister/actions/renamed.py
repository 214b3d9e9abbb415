"""Delivering one dataset or package to a place of the caller's choice, not below its own name."""

from __future__ import annotations

from contextlib import closing
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError, collect_errors
from ..files import Destination
from ..progress import SILENT, Progress
from .lockfiles import OnDisk, lock_in_cache
from .pull import bring
from .session import Session
from .work import Work, begin

if TYPE_CHECKING:
    from ..backends.remotes import Remote
    from ..model.names import Target
    from ..model.remote import RemoteConfig
    from ..settings import Settings
    from .workspace import Workspace


class _Preferring(Session):
    """A registry of whose remotes one is preferred, which the project here may describe."""

    preferred: str | None = None
    project: Path | None = None

    @cached_property
    def remotes(self) -> list[Remote]:
        """The preferred remote, if there is one; else all of the registry."""
        if (described := self._described()) is not None:
            from ..backends.remotes import open_remote

            jobs = self.settings.jobs or 16
            return [open_remote(described, timeout=self.settings.timeout, jobs=jobs)]
        known = (self.preferred or "").lower()
        if self.settings.remote is None and known in self.config.remotes:
            return [self.open_remote(self.config.remotes[known])]
        return super().remotes

    def _described(self) -> RemoteConfig | None:
        from ..backends.dvcconfig import read_config

        if self.project is None or self.preferred is None or self.settings.remote is not None:
            return None
        path = self.project / "config"
        data = path.read_bytes() if path.is_file() else None
        return read_config(data, root=self.project.parent).remotes.get(self.preferred.lower())


def pull_as(
    location: str,
    settings: Settings,
    target: Path,
    *,
    remote: str | None = None,
    config: Path | None = None,
    progress: Progress = SILENT,
) -> Path:
    """Bring a dataset or package of a registry to a path.

    Parameters
    ----------
    location : str
        Its path in the registry, as ``store/VENDOR/PACKAGE``; or its name.
    settings : Settings
        What applies; `Settings.registry` is the registry.
    target : Path
        The file or folder that it becomes.
    remote : str, optional
        The remote to be asked, if there is one of that name.
    config : Path, optional
        The ``.dvc`` folder of a project that may describe that remote.
    progress : Progress
        Told about the transfer.

    Returns
    -------
    Path
        `target`.

    Raises
    ------
    NotFoundError
        If the registry has no such thing.
    UsageError
        If it is several things, or a part of one.
    IntegrityError, NetworkError, CredentialsError, OfflineError, RefusedError
        As for `pull`.
    """
    from ..registry.reader import open_reader

    # One process reads the registry, and delivers; the others find it done.
    with lock_in_cache(f"as-{_short(target)}", settings, progress):
        reader = open_reader(
            settings.registry or ".", rev=settings.rev, cache=settings.cache,
            offline=settings.offline, progress=progress,
        )  # fmt: skip
        session = _Preferring(reader, settings)
        session.preferred, session.project = remote, config
        with closing(session):
            found = _one(session, location)
            work = begin(session, found, target.parent, force=False)
            return _deliver(session, work, target, progress)


def _one(session: Session, location: str) -> Target:
    found = session.reader.resolve([location])
    if len(found) != 1:
        raise UsageError(f"{location!r} stands for {len(found)} things, and must for one")
    if found[0].part is not None:
        raise UsageError(
            f"{location!r} is a part of {found[0].item.name}",
            hint="Pull the whole, or the part with `neurogister.fetch`.",
        )
    return found[0]


def pull_locked_as(
    found: OnDisk, name: str, settings: Settings, target: Path, *, progress: Progress = SILENT
) -> Path:
    """Bring what is locked to a path; neither git nor the registry is asked.

    Parameters
    ----------
    found : OnDisk
        The lockfile.
    name : str
        What of it.
    settings : Settings
        What applies.
    target : Path
        The file or folder that it becomes.
    progress : Progress
        Told about the transfer.

    Raises
    ------
    NotFoundError
        If it is not in the lockfile.
    IntegrityError, NetworkError, CredentialsError, OfflineError, RefusedError
        As for `pull_locked`.
    """
    from .locked import open_workspace, plan_choice, refuse_withdrawn

    chosen = found.lockfile.choose([name])
    if len(chosen) != 1:
        raise UsageError(f"{name!r} stands for {len(chosen)} things, and must for one")
    locked = chosen[0].locked
    refuse_withdrawn([locked], force=False, progress=progress)
    work = plan_choice(chosen[0], Destination(target.parent))
    with (
        lock_in_cache(f"as-{_short(target)}", settings, progress),
        closing(open_workspace(found.lockfile, locked.registry, settings)) as workspace,
    ):
        return _deliver(workspace, work, target, progress)


def _deliver(workspace: Workspace, work: Work, target: Path, progress: Progress) -> Path:
    work.relative, work.path = target.name, target
    if work.selection.item.kind == "package" and isinstance(workspace, Session):
        from .outdated import refuse_withdrawn_members

        refuse_withdrawn_members(workspace, work.selection)
    report = bring(workspace, [work], Destination(target.parent), progress=progress)
    if report.errors:
        raise collect_errors(report.errors, 1)
    return target


def _short(path: Path) -> str:
    return blake2b(str(path).encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
