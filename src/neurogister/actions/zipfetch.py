"""Bringing one zip archive into the cache by its md5, from wherever it may be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import NeurogisterError, NotFoundError
from ..model.digest import Expected
from ..model.locked import Locked, Lockfile
from ..model.objects import ObjectId, Wanted
from ..model.remote import RemoteConfig
from ..progress import SILENT, Progress
from .workspace import Workspace

if TYPE_CHECKING:
    from ..backends.remotes import Remote
    from ..settings import Settings

_MOST = 256 << 30


class PublicPlace(Workspace):
    """One place that has objects in DVC's layout, and no registry that tells of it.

    Parameters
    ----------
    settings : Settings
        What applies.
    name : str
        What it is called in messages.
    url : str
        Its address; ``files/md5/…`` lies below it.
    """

    def __init__(self, settings: Settings, name: str, url: str) -> None:
        super().__init__(settings)
        self._config = RemoteConfig(name, url.rstrip("/"), origin=name)

    @cached_property
    def remotes(self) -> list[Remote]:
        """The one remote."""
        from ..backends.remotes import open_remote  # the network, only when it is needed

        how = {"timeout": self.settings.timeout, "jobs": self.settings.jobs or 16}
        return [open_remote(self._config, **how)]  # type: ignore[arg-type]  # both are numbers


def fetch_archive(
    name: str,
    md5: str,
    settings: Settings,
    *,
    lockfile: Lockfile | None = None,
    public: tuple[str, str] | None = None,
    progress: Progress = SILENT,
) -> Path:
    """Return where an archive is in the cache, after bringing it there if need be.

    Asked are, in this order, the remotes that the lockfile names for it; those of the configured
    registry, if there is one; a public place.

    Parameters
    ----------
    name : str
        The archive, for messages.
    md5 : str
        Of its bytes, all of which are checked.
    settings : Settings
        What applies.
    lockfile : Lockfile, optional
        May have it.
    public : (str, str), optional
        The name of a public place, and its address.
    progress : Progress
        Told about the transfer.

    Returns
    -------
    Path
        The object in the cache: to be read only.

    Raises
    ------
    NotFoundError
        If no place has it.
    IntegrityError, NetworkError, CredentialsError, OfflineError, RefusedError
        As for `pull`.
    """
    locked = None if lockfile is None else find_archive(lockfile, md5, progress=progress)
    if lockfile is not None and locked is not None:
        return _from_lockfile(name, locked, lockfile, settings, progress)
    wanted = _wanted(name, md5)
    problem: NeurogisterError | None = None
    for workspace in _places(settings, public, progress):
        with closing(workspace):
            try:
                return _bring(workspace, wanted, progress)
            except NotFoundError as error:
                problem = error
    raise problem or NotFoundError(
        f"nothing tells where {name} ({md5}) is",
        hint="`neurogister lock add NAME` notes it in the lockfile.",
    )


def _places(
    settings: Settings, public: tuple[str, str] | None, progress: Progress
) -> Iterator[Workspace]:
    if settings.registry is not None:
        from .session import open_session  # registries, which a lockfile does without

        yield open_session(settings, rev=settings.rev, progress=progress)
    if public is not None:
        yield PublicPlace(settings, *public)


def _from_lockfile(
    name: str, locked: Locked, lockfile: Lockfile, settings: Settings, progress: Progress
) -> Path:
    from .locked import open_workspace

    md5, size, sha256 = locked.md5, locked.size, locked.sha256
    with closing(open_workspace(lockfile, locked.registry, settings)) as workspace:
        wanted = _wanted(name, md5, size=size, sha256=sha256, legacy=locked.legacy)
        return _bring(workspace, wanted, progress)


def find_archive(lockfile: Lockfile, md5: str, *, progress: Progress = SILENT) -> Locked | None:
    """Return what a lockfile says of one object, as if it were locked by itself.

    Parameters
    ----------
    lockfile : Lockfile
        May have it, also in several places.
    md5 : str
        Of the object.
    progress : Progress
        Told about it.

    Raises
    ------
    RefusedError
        If any of them was withdrawn.
    """
    from .locked import refuse_withdrawn

    found = [one for each in lockfile.locked if (one := _within(each, md5)) is not None]
    refuse_withdrawn([each for each in found if each.withdrawn], force=False, progress=progress)
    return found[0] if found else None


def _within(locked: Locked, md5: str) -> Locked | None:
    archive = locked.zip if locked.part is None else None
    if archive is not None and archive.md5 == md5:
        return replace(
            locked, md5=md5, size=archive.size, sha256=archive.sha256, files=(), zip=None
        )
    if locked.md5 == md5:
        return locked
    for entry in locked.files:
        if entry.md5 == md5:
            size, sha256 = entry.size, entry.sha256
            return replace(locked, md5=md5, size=size, sha256=sha256, files=(), part=None)
    return None


def _wanted(
    name: str,
    md5: str,
    *,
    size: int | None = None,
    sha256: str | None = None,
    legacy: bool = False,
) -> Wanted:
    expected = Expected(md5, size, sha256, legacy=legacy)
    return Wanted(ObjectId(md5, legacy=legacy), expected, name, size or _MOST)


def _bring(workspace: Workspace, wanted: Wanted, progress: Progress) -> Path:
    holdings = workspace.holdings
    if holdings.find([wanted]):
        for error in workspace.fetch([wanted], progress).values():
            raise error
    return holdings.path(wanted.oid)
