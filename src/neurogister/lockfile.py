"""The lockfile of a project as scripts see it: the same verbs as on the command line."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from .actions.lockfiles import place_of, read_lockfile
from .errors import UsageError
from .model.names import Names, listed
from .progress import SILENT, Progress
from .settings import Settings, load_settings

if TYPE_CHECKING:
    from .actions.lock import LockReport
    from .actions.lockcheck import CheckReport, LockDifference
    from .actions.pull import PullReport
    from .model.locked import Locked


def open_lockfile(
    path: str | os.PathLike[str] | None = None,
    *,
    registry: str | os.PathLike[str] | None = None,
    rev: str | None = None,
    offline: bool | None = None,
    cache: str | os.PathLike[str] | None = None,
    remote: str | None = None,
    jobs: int | None = None,
    progress: Progress = SILENT,
) -> Lockfile:
    """Open the lockfile of a project; there may be none yet.

    Parameters
    ----------
    path : path, optional
        Which file; None is the ``neurogister.lock`` here, or in the nearest folder above, else a
        new one here.
    registry : str or path, optional
        A folder or git URL: what is added comes from it, and it is asked in place of those that
        the lockfile names. None is the configured one, and those of the lockfile.
    rev : str, optional
        A commit, branch or tag.
    offline : bool, optional
        Never use the network.
    cache : path, optional
        The user's own cache.
    remote : str, optional
        The only remote to be asked, by its name in the lockfile.
    jobs : int, optional
        How many transfers at once.
    progress : Progress
        Told about long work.

    Returns
    -------
    Lockfile
    """
    settings = load_settings(
        registry=None if registry is None else os.fspath(registry), rev=rev, offline=offline,
        cache=None if cache is None else os.fspath(cache), remote=remote, jobs=jobs,
    )  # fmt: skip
    return Lockfile(None if path is None else Path(path), settings, progress=progress)


class Lockfile:
    """The lockfile of a project: what it pins, changed and brought here.

    Made by `neurogister.open_lockfile`. Nothing is kept open, and each method reads the file anew.

    Parameters
    ----------
    path : Path, optional
        The file; None is the one that applies in the working directory, else a new one there.
    settings : Settings
        What applies.
    progress : Progress
        Told about long work.
    """

    def __init__(
        self, path: Path | None, settings: Settings, *, progress: Progress = SILENT
    ) -> None:
        self._given = path
        self._settings = settings
        self._progress = progress

    @property
    def path(self) -> Path:
        """The file; there may be none yet."""
        return place_of(self._given)

    @property
    def locked(self) -> Sequence[Locked]:
        """All that is locked, sorted by name.

        Raises
        ------
        NotFoundError
            If there is no lockfile.
        InvalidFileError
            If it breaks the rules.
        """
        return read_lockfile(self._given).lockfile.locked

    def add(self, names: Names, *, dry_run: bool = False) -> LockReport:
        """Pin datasets, packages and parts of them; without ``@VERSION`` the newest.

        Raises
        ------
        NotFoundError
            If there is no registry, or no such thing, version or part in it.
        RefusedError
            If something was withdrawn, or does not go together with what is locked.
        """
        from .actions.lock import lock_add
        from .actions.session import open_session  # neither is needed to bring what is locked

        settings = self._settings
        with closing(open_session(settings, rev=settings.rev, progress=self._progress)) as session:
            return lock_add(
                session, session.reader.resolve(listed(names), cwd=Path.cwd()), path=self._given,
                dry_run=dry_run, progress=self._progress,
            )  # fmt: skip

    def remove(self, names: Names, *, dry_run: bool = False) -> LockReport:
        """Take things out; what was pulled stays where it is.

        Raises
        ------
        NotFoundError
            If there is no lockfile, or something is not in it.
        """
        from .actions.lock import lock_remove

        return lock_remove(
            _some(names), self._settings, path=self._given, dry_run=dry_run,
            progress=self._progress,
        )  # fmt: skip

    def upgrade(self, names: Names | None = None, *, dry_run: bool = False) -> LockReport:
        """Bring what is locked to the newest version; what cannot be is in the report's errors.

        Raises
        ------
        NotFoundError
            If there is no lockfile, or something is not in it.
        NetworkError, CredentialsError, OfflineError
            If a registry cannot be read.
        """
        from .actions.lock import lock_upgrade

        return lock_upgrade(
            _some(names), self._settings, path=self._given, dry_run=dry_run,
            progress=self._progress,
        )  # fmt: skip

    def check(self, names: Names | None = None, *, dry_run: bool = False) -> CheckReport:
        """Find out whether registries still say the same, and mark what was withdrawn.

        What is not the same any more is in the report's errors.

        Raises
        ------
        NotFoundError
            If there is no lockfile, or something is not in it.
        NetworkError, CredentialsError, OfflineError
            If a registry cannot be read.
        """
        from .actions.lockcheck import lock_check

        return lock_check(
            _some(names), self._settings, path=self._given, dry_run=dry_run,
            progress=self._progress,
        )  # fmt: skip

    def diff(self, names: Names | None = None) -> Sequence[LockDifference]:
        """Find out what `upgrade` would change, in files and bytes.

        Raises
        ------
        NotFoundError, NetworkError, CredentialsError, OfflineError
            As `upgrade` does.
        """
        from .actions.lockcheck import lock_diff

        return lock_diff(_some(names), self._settings, path=self._given, progress=self._progress)

    def sync(
        self,
        names: Names | None = None,
        *,
        into: str | os.PathLike[str] | None = None,
        layout: str | None = None,
        force: bool = False,
        dry_run: bool = False,
        check: bool = False,
    ) -> PullReport:
        """Bring here what is locked, each byte checked; neither git nor a registry is asked.

        Parameters
        ----------
        names : str or iterable of str, optional
            What of it; None is everything.
        into : path, optional
            The folder to deliver to. None is the one that the lockfile names, or its own.
        layout : {'nf-neuro', 'zip'}, optional
            Bring zip archives instead: by their md5 into the cache of nf-neuro's tests, or by name.
        force : bool
            Overwrite files that were changed here, and get what was withdrawn.
        dry_run : bool
            Only find out what would happen.
        check : bool
            Raise if something could not be delivered (all else was).

        Raises
        ------
        NotFoundError
            If there is no lockfile, or a name is not in it.
        RefusedError
            If something was withdrawn.
        """
        from .actions.locked import pull_from
        from .errors import collect_errors

        report = pull_from(
            read_lockfile(self._given), _some(names), self._settings, layout=layout,
            into=None if into is None else Path(into).absolute(), force=force, dry_run=dry_run,
            progress=self._progress,
        )  # fmt: skip
        if check and report.errors:
            raise collect_errors(report.errors, len(report.pulled))
        return report

    def zip_archives(self, names: Names | None = None) -> dict[str, str]:
        """List the zip archives of what is locked with their md5, sorted by name.

        Raises
        ------
        NotFoundError
            If there is no lockfile, or something that is named has none.
        RefusedError
            If one name stands for different bytes, or something was withdrawn.
        """
        from .actions.export import export_locked_zips

        found = export_locked_zips(
            read_lockfile(self._given), _some(names), progress=self._progress
        )
        return {each.name: each.md5 for each in found}


def _some(names: Names | None) -> tuple[str, ...]:
    """Return names, none for everything; a list that happens to be empty is no such wish."""
    if names is None:
        return ()
    if chosen := listed(names):
        return chosen
    raise UsageError("there is no name: None stands for everything")
